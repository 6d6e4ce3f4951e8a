-- What happened and why. `entry` is the JSON of an Entry; `chain` = blake2b(chain before it, seq, entry).
-- `closes` is 1 on the last entry of an append: the belief after it is what the read models show.
CREATE TABLE events (
    seq    INTEGER PRIMARY KEY,
    entry  TEXT    NOT NULL,
    chain  BLOB    NOT NULL,
    closes INTEGER NOT NULL
) STRICT;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only: they are never changed'); END;

CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only: they are never removed'); END;

CREATE TRIGGER events_are_appended BEFORE INSERT ON events
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'events are append-only: seq counts by one'); END;

-- Whose journal it is, and its end: a cut tail is noticed.
CREATE TABLE head (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    account TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    chain   BLOB    NOT NULL
) STRICT;

-- The belief (JSON of a State) after `seq`; `chain` is that of the event, `seal` = blake2b(chain, state).
CREATE TABLE snapshots (
    seq   INTEGER PRIMARY KEY,
    chain BLOB NOT NULL,
    state TEXT NOT NULL,
    seal  BLOB NOT NULL
) STRICT;
