-- The API keys under which the journal went on, by the account names made of them: `head.account` began it, the newest
-- of these has it now. Entry `seq` tells of the change; `seal` = blake2b(chain of `seq`, account).
CREATE TABLE keys (
    seq     INTEGER PRIMARY KEY,
    account TEXT    NOT NULL,
    seal    BLOB    NOT NULL
) STRICT;
