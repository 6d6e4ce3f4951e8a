-- Everything here is derived from the events and can be built again from them.
-- Money, prices and sizes are decimal text, exactly as they were computed; times are milliseconds UTC.

-- Which entries touch a name (a symbol, a cycle, a client id, an order id): `name` is the first 8 bytes of its blake2b.
CREATE TABLE touches (
    name INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (name, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    account          TEXT    PRIMARY KEY,
    version          TEXT    NOT NULL,
    equity           TEXT,
    free             TEXT,
    balance_at       INTEGER NOT NULL,
    reference_equity TEXT    NOT NULL,
    day              INTEGER NOT NULL,
    day_equity       TEXT    NOT NULL,
    day_transfers    TEXT    NOT NULL,
    week             INTEGER NOT NULL,
    week_equity      TEXT    NOT NULL,
    week_transfers   TEXT    NOT NULL,
    limit_hit        INTEGER NOT NULL,
    killed_at        INTEGER,
    killed_by        TEXT    NOT NULL,
    kill_reason      TEXT    NOT NULL,
    flattening       INTEGER NOT NULL,
    read_only        TEXT    NOT NULL
) STRICT;

-- One row a cycle, open or closed.
CREATE TABLE positions (
    cycle         TEXT    PRIMARY KEY,
    account       TEXT    NOT NULL,
    symbol        TEXT    NOT NULL,
    side          TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    opened        INTEGER NOT NULL,
    closed        INTEGER NOT NULL,
    start_equity  TEXT    NOT NULL,
    first_margin  TEXT    NOT NULL,
    stop_mode     TEXT    NOT NULL,
    qty           TEXT    NOT NULL,
    entry         TEXT    NOT NULL,
    margin        TEXT    NOT NULL,
    leverage      TEXT    NOT NULL,
    liquidation   TEXT    NOT NULL,
    isolated      INTEGER NOT NULL,
    peak_qty      TEXT    NOT NULL,
    realised      TEXT    NOT NULL,
    own_realised  TEXT    NOT NULL,
    fees          TEXT    NOT NULL,
    funding       TEXT    NOT NULL,
    net           TEXT    NOT NULL,
    rungs         INTEGER NOT NULL,
    next_rung     INTEGER,
    next_trigger  TEXT,
    blocked       TEXT    NOT NULL,
    waits_until   INTEGER,
    stops         TEXT    NOT NULL,
    stops_resting INTEGER NOT NULL,
    foreign_orders INTEGER NOT NULL,
    doubt_since   INTEGER,
    exit_price    TEXT    NOT NULL
) STRICT;
CREATE INDEX positions_by_symbol ON positions (symbol, opened);

CREATE TABLE legs (
    cycle      TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    qty        TEXT    NOT NULL,
    entry      TEXT    NOT NULL,
    leverage   TEXT    NOT NULL,
    margin     TEXT    NOT NULL,
    opened_qty TEXT    NOT NULL,
    opened     INTEGER NOT NULL,
    opened_by  TEXT    NOT NULL,
    locked     INTEGER NOT NULL,
    stop       TEXT,
    stop_why   TEXT    NOT NULL,
    fees       TEXT    NOT NULL,
    funding    TEXT    NOT NULL,
    realised   TEXT    NOT NULL,
    PRIMARY KEY (cycle, number)
) STRICT, WITHOUT ROWID;

-- `bank_profit` is what the bank realised at the exchange's average, `bank_margin` what it released, `bank_freed` the cash: both, less its fee.
CREATE TABLE rungs (
    cycle        TEXT    NOT NULL,
    number       INTEGER NOT NULL,
    front        INTEGER NOT NULL,
    trigger      TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('running', 'ended')),
    bank_id      TEXT    NOT NULL,
    bank_qty     TEXT    NOT NULL,
    bank_filled  TEXT    NOT NULL,
    bank_cost    TEXT    NOT NULL,
    bank_profit  TEXT    NOT NULL,
    bank_margin  TEXT    NOT NULL,
    bank_freed   TEXT    NOT NULL,
    add_id       TEXT    NOT NULL,
    add_qty      TEXT    NOT NULL,
    add_filled   TEXT    NOT NULL,
    add_cost     TEXT    NOT NULL,
    add_margin   TEXT    NOT NULL,
    worst_before TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    PRIMARY KEY (cycle, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX rungs_by_bank ON rungs (bank_id);
CREATE INDEX rungs_by_add ON rungs (add_id);

-- Each fill once. `side` is the position's; empty where the exchange does not tell it (one-way mode).
CREATE TABLE trades (
    trade_id  TEXT    PRIMARY KEY,
    seq       INTEGER NOT NULL,
    cycle     TEXT    NOT NULL,
    order_id  TEXT    NOT NULL,
    client_id TEXT    NOT NULL,
    symbol    TEXT    NOT NULL,
    side      TEXT    NOT NULL,
    buy       INTEGER NOT NULL,
    qty       TEXT    NOT NULL,
    price     TEXT    NOT NULL,
    fee       TEXT    NOT NULL,
    profit    TEXT    NOT NULL,
    cause     TEXT    NOT NULL,
    at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX trades_by_client ON trades (client_id);
CREATE INDEX trades_by_cycle ON trades (cycle, at);
CREATE INDEX trades_of_no_cycle ON trades (symbol, at) WHERE cycle = '';

-- Each movement of the balance that is no trade, once.
CREATE TABLE bills (
    bill_id TEXT    PRIMARY KEY,
    seq     INTEGER NOT NULL,
    symbol  TEXT    NOT NULL,
    kind    TEXT    NOT NULL,
    amount  TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The equity curve: the newest balance of each minute (`minute` = milliseconds / 60,000).
CREATE TABLE pnl_snapshots (
    account  TEXT    NOT NULL,
    minute   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    equity   TEXT    NOT NULL,
    free     TEXT    NOT NULL,
    deployed TEXT    NOT NULL,
    day_pnl  TEXT    NOT NULL,
    PRIMARY KEY (account, minute)
) STRICT, WITHOUT ROWID;
