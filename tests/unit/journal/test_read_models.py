"""The tables beside the events: what a trader can ask of the file with any SQLite tool."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from journal_day import ADD, BANK, CYCLE, DAY, T0, d, entry, filled, step
from msgspec.structs import replace

from engine.core.events import Timer
from engine.journal.read_models import TABLES
from engine.journal.sqlite import SqliteJournal

Row = dict[str, object]


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        yield db


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with opened(path) as db:
        yield db


def rows(db: sqlite3.Connection, table: str) -> list[Row]:
    return [dict(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]


async def live(journal: SqliteJournal, appends: int = len(DAY)) -> None:
    for entries, state in DAY[:appends]:
        await journal.append(entries, state)


async def test_a_cycle_is_one_row_from_open_to_closed(journal: SqliteJournal, db: sqlite3.Connection) -> None:
    await live(journal, 4)
    (row,) = rows(db, "positions")
    assert (row["cycle"], row["symbol"], row["side"], row["status"]) == (CYCLE, "BTCUSDT", "short", "ACTIVE")
    assert (row["qty"], row["entry"], row["margin"], row["fees"]) == ("0.0020", "100000", "10", "0.12")
    assert (row["liquidation"], row["leverage"], row["net"]) == ("104519.21", "20", "-0.12")
    for entries, state in DAY[4:]:
        await journal.append(entries, state)
    (row,) = rows(db, "positions")
    assert (row["status"], row["reason"], row["closed"]) == ("CLOSED", "trader", T0 + 9_000)
    assert (row["realised"], row["fees"], row["net"], row["exit_price"]) == ("5", "0.2967", "4.7033", "94000")


async def test_legs_keep_their_entry_and_lose_their_size(
    journal: SqliteJournal, db: sqlite3.Connection
) -> None:
    await live(journal, 9)
    first, second = rows(db, "legs")
    assert (first["number"], first["qty"], first["opened_qty"], first["locked"]) == (1, "0.0010", "0.0020", 1)
    assert (second["number"], second["qty"], second["entry"], second["locked"]) == (2, "0.0021", "95000", 0)
    entries, state = DAY[9]
    await journal.append(entries, state)
    assert [leg["qty"] for leg in rows(db, "legs")] == ["0", "0"]


async def test_a_rung_shows_what_its_fills_add_up_to_exactly(
    journal: SqliteJournal, db: sqlite3.Connection
) -> None:
    await live(journal, 5)
    (rung,) = rows(db, "rungs")
    assert (rung["number"], rung["trigger"], rung["state"]) == (1, "95000", "running")
    assert (rung["bank_id"], rung["bank_qty"], rung["bank_filled"]) == (BANK, "0.0010", "0")
    for entries, state in DAY[5:8]:
        await journal.append(entries, state)
    (rung,) = rows(db, "rungs")
    assert rung["state"] == "ended"
    assert d(str(rung["bank_filled"])) == d("0.0010") and d(str(rung["bank_cost"])) == d("95")
    assert (rung["add_id"], d(str(rung["add_filled"])), d(str(rung["add_cost"]))) == (
        ADD,
        d("0.0021"),
        d("199.5"),
    )


async def test_a_fill_seen_twice_is_one_trade(journal: SqliteJournal, db: sqlite3.Connection) -> None:
    await live(journal)
    booked = replace(DAY[-1][1], trades_seen=("t3",))
    await journal.append([entry(9_050, Timer())], booked)
    again = filled("t3", BANK, buy=True, qty="0.0006", price="95000", fee="0.0342", at=5_090)
    await journal.append([entry(9_100, again)], booked)
    trades = rows(db, "trades")
    assert [trade["trade_id"] for trade in trades] == ["t1", "t2", "t3", "t4", "t5"]
    assert [trade["seq"] for trade in trades] == [3, 7, 8, 9, 11]


async def test_a_fill_that_had_to_wait_stands_where_it_was_booked(
    journal: SqliteJournal, db: sqlite3.Connection
) -> None:
    await live(journal)
    waits = filled("t6", "", buy=False, qty="0.0010", price="99000", fee="0.0594", at=9_600)
    await journal.append([entry(9_600, waits)], DAY[-1][1])
    await journal.append([entry(9_700, waits)], replace(DAY[-1][1], trades_seen=("t6",)))
    assert [(row["trade_id"], row["seq"]) for row in rows(db, "trades")][-1] == ("t6", 14)


async def test_every_trade_knows_its_cycle_also_the_one_that_opened_it_by_hand(
    journal: SqliteJournal, db: sqlite3.Connection
) -> None:
    await live(journal, 3)
    assert [trade["cycle"] for trade in rows(db, "trades")] == [""]
    for entries, state in DAY[3:]:
        await journal.append(entries, state)
    assert {trade["cycle"] for trade in rows(db, "trades")} == {CYCLE}


async def test_the_next_position_of_the_symbol_does_not_give_its_fill_to_the_old_cycle(
    journal: SqliteJournal, db: sqlite3.Connection
) -> None:
    await live(journal)
    late = filled("late", "", buy=True, qty="0.0001", price="94000", fee="0", at=8_995)
    new = filled("new", "", buy=False, qty="0.0020", price="94000", fee="0.1", at=8_996)
    after = filled("after", "", buy=True, qty="0.0020", price="94000", fee="0.1", at=9_500)
    await journal.append([entry(9_600, late), entry(9_601, new), entry(9_602, after)], DAY[-1][1])
    of = {trade["trade_id"]: trade["cycle"] for trade in rows(db, "trades")}
    assert (of["late"], of["new"], of["after"]) == (CYCLE, "", "")


async def test_the_equity_curve_has_at_most_one_point_a_minute(
    journal: SqliteJournal, db: sqlite3.Connection
) -> None:
    await live(journal)
    curve = rows(db, "pnl_snapshots")
    assert [(point["at"], point["equity"], point["day_pnl"]) for point in curve] == [
        (T0 + 5_100, "104.9", "4.9"),
        (T0 + 65_000, "109.7", "9.7"),
    ]
    assert [point["deployed"] for point in curve] == ["10", "10"]


async def test_the_account_and_its_bills_are_there(journal: SqliteJournal, db: sqlite3.Connection) -> None:
    await live(journal)
    (account,) = rows(db, "accounts")
    assert (account["account"], account["equity"], account["killed_by"]) == ("acct", "109.7", "")
    (bill,) = rows(db, "bills")
    assert (bill["kind"], bill["amount"], bill["seq"]) == ("contract_settle_fee", "0.0123", 10)


@pytest.mark.parametrize("with_snapshots", [True, False])
async def test_restarts_in_between_give_the_same_rows(path: Path, *, with_snapshots: bool) -> None:
    for entries, state in DAY:
        async with await SqliteJournal.open(path, account="acct") as journal:
            await journal.recover()
            await journal.append(entries, state)
            if with_snapshots:
                await journal.snapshot(state)
    shown = TABLES if with_snapshots else [table for table in TABLES if table != "touches"]
    other = path.with_name("other.db")
    async with await SqliteJournal.open(other, account="acct") as journal:
        await live(journal)
    with opened(path) as restarted, opened(other) as at_once:
        for table in shown:
            assert rows(at_once, table) == rows(restarted, table)


async def test_a_signal_is_a_row_with_what_became_of_it(
    journal: SqliteJournal, db: sqlite3.Connection
) -> None:
    await live(journal)
    assert rows(db, "signals") == [
        {
            "seq": 12,
            "at": T0 + 9_500,
            "source": "TradingView",
            "id": "w-1",
            "label": "Long-1",
            "symbol": "ETHUSDT",
            "action": "buy",
            "sentiment": "long",
            "price": "3000.5",
            "stop": None,
            "outcome": "accepted",
            "text": "entering",
            "became": "long entry",
            "times": 1,
        }
    ]


async def test_rebuilding_gives_the_tables_that_were_there(
    journal: SqliteJournal, db: sqlite3.Connection
) -> None:
    await live(journal)
    before = {table: rows(db, table) for table in TABLES}
    assert all(before.values()), "every table has a row to lose"
    for table in TABLES:
        db.execute(f"DELETE FROM {table}")
    db.commit()
    await journal.rebuild(step)
    assert {table: rows(db, table) for table in TABLES} == before


async def test_a_rebuild_that_fails_leaves_the_tables_alone(
    journal: SqliteJournal, db: sqlite3.Connection
) -> None:
    await live(journal)
    before = {table: rows(db, table) for table in TABLES}

    def forgetful(state: object, event: object) -> object:
        raise LookupError("unknown event")

    with pytest.raises(LookupError):
        await journal.rebuild(forgetful)  # type: ignore[arg-type]
    assert {table: rows(db, table) for table in TABLES} == before


async def test_stops_are_readable_as_json(journal: SqliteJournal, db: sqlite3.Connection) -> None:
    from engine.core.cycle import Rest, Stop, Why

    entries, state = DAY[3]
    (cycle,) = state.cycles.values()
    stop = Stop("s1", 1, d("0.0010"), d("100000"), Why.ENTRY, Rest.RESTING)
    guarded = replace(cycle, stops=(stop, replace(stop, client_id="s2", leg=None, state=Rest.PLACING)))
    await journal.append(entries, replace(state, cycles={"BTCUSDT:short": guarded}))
    (row,) = rows(db, "positions")
    assert row["stops_resting"] == 1
    assert json.loads(str(row["stops"]))[0] == {
        "leg": 1,
        "qty": "0.0010",
        "trigger": "100000",
        "why": "entry",
        "state": "resting",
    }
    (leg,) = rows(db, "legs")
    assert (leg["stop"], leg["stop_why"]) == ("100000", "entry")
