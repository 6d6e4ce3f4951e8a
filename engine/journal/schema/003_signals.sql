-- Signals from outside, each once, and what became of them. A flood is one row with its number of `times`.
CREATE TABLE signals (
    seq       INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    source    TEXT    NOT NULL,
    id        TEXT    NOT NULL,
    label     TEXT    NOT NULL,
    symbol    TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    sentiment TEXT    NOT NULL,
    price     TEXT,
    stop      TEXT,
    outcome   TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    became    TEXT    NOT NULL,
    times     INTEGER NOT NULL
) STRICT;
