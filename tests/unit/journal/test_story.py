"""`ratchet why`: the story of a symbol, a cycle or an order, line by line."""

from __future__ import annotations

import pytest
from journal_day import ADD, BANK, CYCLE, DAY, T0, d, entry, filled, note
from shelf import Shelf

from engine.core.actions import LookUp, MoveStop, PlaceStop, Read, Reading
from engine.core.events import (
    Answered,
    Commanded,
    Flatten,
    Halt,
    LookedUp,
    OrdersRead,
    PositionsRead,
    SetStopMode,
    StopSeen,
    Timer,
)
from engine.core.exchange import Accepted, OrderKind, OrderRow, OrderState, Refused, RestingOrder, Unknown
from engine.core.instrument import Side
from engine.core.settings import StopMode
from engine.journal.memory import MemoryJournal
from engine.journal.story import story
from engine.protocol import Level, StoryLine

STATE = DAY[7][1]


def told(lines: list[StoryLine]) -> list[str]:
    return [f"{line.what}: {line.text}" for line in lines]


async def test_the_story_of_a_cycle_reads_from_cause_to_fill(shelf: Shelf) -> None:
    journal = await shelf.open()
    for entries, state in DAY:
        await journal.append(entries, state)
    lines = await story(journal, CYCLE)
    assert told(lines) == [
        "event: the check of every second",
        "decided: BTCUSDT short is under care",
        "event: mark of BTCUSDT reached 95,000.0",
        "decided: rung 1 runs",
        f"sent: market buy 0.001 BTCUSDT, reduce-only, closes short, id {BANK}",
        f"answered: accepted as order order-{BANK}: "
        f"market buy 0.001 BTCUSDT, reduce-only, closes short, id {BANK}",
        f"filled: bought 0.0004 BTCUSDT at 95,000.0, fee 0.0228, order {BANK}",
        f"filled: bought 0.0006 BTCUSDT at 95,000.0, fee 0.0342, order {BANK}",
        "decided: half of leg 1 is banked: +5.00 USDT",
        f"sent: market sell 0.0021 BTCUSDT, opens short, id {ADD}",
        f"filled: sold 0.0021 BTCUSDT at 95,000.0, fee 0.1197, order {ADD}",
        "event: contract_settle_fee of BTCUSDT: +0.01 USDT",
        "filled: bought 0.0031 BTCUSDT at 94,000.0, fee 0.17, order order-t5",
    ]
    assert [line.seq for line in lines] == sorted(line.seq for line in lines)
    assert lines[2].at == T0 + 5_000
    assert lines[3].level is Level.MONEY


async def test_the_story_of_a_symbol_begins_before_its_cycle(shelf: Shelf) -> None:
    journal = await shelf.open()
    for entries, state in DAY:
        await journal.append(entries, state)
    lines = await story(journal, "BTCUSDT")
    assert told(lines)[0] == "filled: sold 0.002 BTCUSDT at 100,000.0, fee 0.12, order order-t1"
    assert told(lines)[1:] == told(await story(journal, CYCLE))


@pytest.mark.parametrize("name", [BANK, f"order-{BANK}"])
async def test_the_story_of_an_order_is_the_same_under_both_its_ids(shelf: Shelf, name: str) -> None:
    journal = await shelf.open()
    for entries, state in DAY:
        await journal.append(entries, state)
    lines = told(await story(journal, name))
    assert lines[:2] == ["event: mark of BTCUSDT reached 95,000.0", "decided: rung 1 runs"]
    assert [line.split(":")[0] for line in lines[2:6]] == ["sent", "answered", "filled", "filled"]
    assert not any(ADD in line for line in lines)


async def test_an_unknown_name_has_no_story(shelf: Shelf) -> None:
    journal = await shelf.open()
    await journal.append(*DAY[0])
    assert await story(journal, "DOGEUSDT") == []
    assert await story(journal, "rt-nothing-r1-add-1") == []


async def test_a_quiet_reading_is_told_only_when_something_came_of_it() -> None:
    journal = MemoryJournal("acct")
    (cycle,) = STATE.cycles.values()
    read = PositionsRead((cycle.seen,), rest=True)
    again = Read("read:1", (Reading.ORDERS,))
    await journal.append([entry(1, read), entry(2, OrdersRead((), T0)), entry(3, Timer(), again)], STATE)
    assert await story(journal, "BTCUSDT") == []
    stop = PlaceStop("rt-abcdefgh-s1", "BTCUSDT", Side.SHORT, None, d("99000"))
    await journal.append([entry(4, read, stop)], STATE)
    assert told(await story(journal, "BTCUSDT")) == [
        "event: positions read: BTCUSDT short 0.002 at 100,000.0",
        "sent: stop 99,000.0 for the whole position of BTCUSDT short, id rt-abcdefgh-s1",
    ]


async def test_unknown_and_refused_are_loud_and_say_what_they_answer() -> None:
    journal = MemoryJournal("acct")
    stop = PlaceStop("rt-abcdefgh-s1", "BTCUSDT", Side.SHORT, d("0.0010"), d("99000"))
    look = LookUp("find:rt-abcdefgh-s1", "rt-abcdefgh-s1", "BTCUSDT", True, 250)
    row = OrderRow(
        "77", "rt-abcdefgh-s1", "BTCUSDT", OrderKind.LOSS_PLAN, OrderState.LIVE, d("0.0010"), d("0"), d("0")
    )
    moved = MoveStop(
        "rt-abcdefgh-s1/9", "77", "rt-abcdefgh-s1", "BTCUSDT", Side.SHORT, d("0.0010"), d("98000")
    )
    await journal.append([entry(1, Timer(), stop)], STATE)
    await journal.append([entry(2, Answered(stop.id, Unknown("no answer in 10 s")), look)], STATE)
    await journal.append([entry(3, LookedUp(look.id, stop.id, row), moved)], STATE)
    await journal.append([entry(4, Answered(moved.id, Refused("43025", "Plan order does not exist")))], STATE)
    lines = await story(journal, "77")
    assert told(lines) == [
        "event: the check of every second",
        "sent: stop 99,000.0 for 0.001 of BTCUSDT short, id rt-abcdefgh-s1",
        "answered: UNKNOWN (no answer in 10 s), looking it up: "
        "stop 99,000.0 for 0.001 of BTCUSDT short, id rt-abcdefgh-s1",
        "sent: look up stop rt-abcdefgh-s1 of BTCUSDT",
        "answered: looked up rt-abcdefgh-s1: rt-abcdefgh-s1 of BTCUSDT rests",
        "sent: move stop rt-abcdefgh-s1 to 98,000.0 for 0.001 of BTCUSDT short",
        "answered: REFUSED (43025: Plan order does not exist): "
        "move stop rt-abcdefgh-s1 to 98,000.0 for 0.001 of BTCUSDT short",
    ]
    assert [line.level for line in lines if line.what == "answered"] == [
        Level.WARNING,
        Level.CHATTER,
        Level.WARNING,
    ]


async def test_a_stop_that_triggered_leads_to_the_order_that_it_became() -> None:
    journal = MemoryJournal("acct")
    order = RestingOrder(
        "77", "rt-abcdefgh-s1", "BTCUSDT", OrderKind.LOSS_PLAN, Side.SHORT, True, d("0.001"), d("99000"), None
    )
    row = OrderRow(
        "77",
        "rt-abcdefgh-s1",
        "BTCUSDT",
        OrderKind.LOSS_PLAN,
        OrderState.FILLED,
        d("0.001"),
        d("0.001"),
        d("99001"),
        "88",
    )
    await journal.append([entry(1, StopSeen(order, row)), entry(2, Answered("other", Accepted("99")))], STATE)
    text = "event: stop rt-abcdefgh-s1 (loss_plan for 0.001 of BTCUSDT short at 99,000.0) is filled"
    assert told(await story(journal, "88")) == [text]
    assert told(await story(journal, "rt-abcdefgh-s1")) == [text]


async def test_the_traders_own_words_are_in_the_story() -> None:
    journal = MemoryJournal("acct")
    mode = SetStopMode("BTCUSDT", Side.SHORT, StopMode.CYCLE_BREAKEVEN)
    await journal.append([entry(0, Commanded("c0", "ratchet kill", Halt()))], STATE)
    await journal.append([entry(1, Commanded("c1", "desk on tty2", mode))], STATE)
    close = PlaceStop("rt-abcdefgh-x1", "BTCUSDT", Side.SHORT, None, d("1"))
    foreign = PlaceStop("rt-zzzzzzzz-x1", "ETHUSDT", Side.SHORT, None, d("1"))
    await journal.append([entry(2, Commanded("c2", "telegram", Flatten("news")), close, foreign)], STATE)
    assert told(await story(journal, CYCLE)) == [
        "event: ratchet kill: halt",
        "event: desk on tty2: stops of BTCUSDT short: one stop at the cycle's breakeven",
        "event: telegram: flatten everything (news)",
        "sent: stop 1.0 for the whole position of BTCUSDT short, id rt-abcdefgh-x1",
    ]


async def test_a_trade_that_had_to_wait_is_told_once_where_it_was_booked(shelf: Shelf) -> None:
    journal = await shelf.open()
    for entries, state in DAY[:4]:
        await journal.append(entries, state)
    waits = entry(4_000, filled("t9", "", buy=False, qty="0.0010", price="99000", fee="0.0594", at=4_000))
    booked = entry(4_500, waits.event.body, notes=[note("you added 0.001")])
    await journal.append([waits], STATE)
    await journal.append([booked], STATE)
    lines = [line for line in await story(journal, "BTCUSDT") if "99,000.0" in line.text]
    assert [line.seq for line in lines] == [6]
    assert (await story(journal, "BTCUSDT"))[-1].text == "you added 0.001"
