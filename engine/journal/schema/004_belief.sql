-- The belief after the newest entry, part by part (JSON): a start reads it back and decides nothing again, so that an
-- engine of another version takes as having happened what happened. `head.belief` = blake2b(chain, digests of the parts).
CREATE TABLE belief (
    part  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

ALTER TABLE head ADD COLUMN belief BLOB;
