"""Entries and exits that the trader asks the engine for, on the simulated exchange, over the wire."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.actions import CancelOrder, PlaceLimit, PlaceMarket, Work
from engine.core.decide import Decision
from engine.core.entry import entry_id
from engine.core.events import AnyCommand, Commanded, Deny, Enter, Exit, Halt
from engine.core.instrument import Side
from engine.core.settings import Settings
from tests.replay.stage import Stage, stage

TEN = Decimal(10)


async def ask(on: Stage, command: AnyCommand, name: str = "one") -> Decision:
    return await on.engine.command(Commanded(name, "desk on tty2", command))


async def until(true: Callable[[], object], seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "it never happened"
        await asyncio.sleep(0.01)


async def test_an_entry_at_market_becomes_a_cycle_of_the_trader(tmp_path: Path) -> None:
    async with stage(tmp_path, Settings("main"), ideal=True, speed=1) as on:
        said = await ask(on, Enter("BTCUSDT", Side.SHORT, margin=TEN))
        assert "entering 0.002 at 20x at market" in said.answer
        await until(lambda: on.cycles() and not on.engine.state.entries)
        (leg,) = on.cycles()["BTCUSDT"].legs
        assert (leg.qty, leg.entry, leg.leverage, leg.by.value) == (Decimal("0.002"), 100_000, 20, "trader")
        assert on.cycles()["BTCUSDT"].fees == Decimal("0.12")


async def test_the_same_request_enters_once(tmp_path: Path) -> None:
    async with stage(tmp_path, Settings("main"), ideal=True, speed=1) as on:
        await ask(on, Enter("BTCUSDT", Side.LONG, margin=TEN), "same")
        await until(lambda: on.cycles() and not on.engine.state.entries)
        again = await ask(on, Enter("BTCUSDT", Side.LONG, margin=TEN), "same")
        await on.at_rest()
        assert again.answer == "already done"
        assert on.cycles()["BTCUSDT"].held_qty == Decimal("0.002")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (Enter("DOGEUSDT", Side.LONG, margin=TEN), "not a managed symbol"),
        (Enter("BTCUSDT", Side.LONG), "either a margin or a size"),
        (Enter("BTCUSDT", Side.LONG, margin=TEN, qty=TEN), "either a margin or a size"),
        (Enter("BTCUSDT", Side.LONG, margin=Decimal("NaN")), "positive size"),
        (Enter("BTCUSDT", Side.LONG, margin=Decimal("0.1")), "below Bitget's minimum"),
        (Enter("BTCUSDT", Side.LONG, margin=Decimal(99)), "free margin"),
        (Enter("BTCUSDT", Side.LONG, margin=TEN, leverage=Decimal(500)), "leverage must be whole, from 1x"),
        (Enter("BTCUSDT", Side.LONG, margin=TEN, leverage=Decimal("20.5")), "not 20.5"),
        (Enter("BTCUSDT", Side.LONG, margin=TEN, price=Decimal(90_000)), "away from the signal's"),
        (Enter("BTCUSDT", Side.LONG, margin=TEN, stop=Decimal(101_000)), "lies below the price"),
        (Enter("BTCUSDT", Side.SHORT, margin=TEN, stop=Decimal(99_000)), "lies above the price"),
        (Exit("BTCUSDT", Side.LONG), "not a managed position"),
    ],
)
async def test_what_cannot_be_entered_is_refused_with_its_reason(
    tmp_path: Path, command: AnyCommand, why: str
) -> None:
    async with stage(tmp_path, Settings("main"), ideal=True, speed=1) as on:
        said = await ask(on, command)
        assert why in said.refused
        assert not on.engine.state.entries


async def test_nothing_is_entered_while_halted(tmp_path: Path) -> None:
    async with stage(tmp_path, Settings("main"), ideal=True, speed=1) as on:
        await ask(on, Halt(), "halt")
        said = await ask(on, Enter("BTCUSDT", Side.LONG, margin=TEN))
        assert said.refused == "Not entered: the kill switch is on."


async def test_a_stop_asked_for_rests_with_the_entry_and_counts_in_the_worst_case(tmp_path: Path) -> None:
    async with stage(tmp_path, Settings("main"), ideal=True, speed=1) as on:
        await ask(on, Enter("BTCUSDT", Side.LONG, margin=TEN, stop=Decimal(98_000)))
        await until(lambda: on.cycles() and on.cycles()["BTCUSDT"].foreign)
        (rests,) = on.cycles()["BTCUSDT"].foreign
        assert rests.trigger == 98_000


STANDING = {"BTCUSDT": Decimal(100_000), "ETHUSDT": Decimal(3000)}


THIN = {"fault": "partial_fill", "path": "v2/mix/order/place-order", "cap": "0.0005"}


async def runs_away(on: Stage, attempt: int, price: int) -> None:
    """Once this attempt waits, the market leaves it behind."""
    await until(lambda: any(e.attempt == attempt and e.order for e in on.engine.state.entries.values()))
    await until(lambda: not on.engine.state.pending)
    on.sim.world.pin("BTCUSDT", Decimal(price))


async def test_a_patient_entry_is_repriced_and_what_never_fills_is_cancelled(tmp_path: Path) -> None:
    async with stage(tmp_path, Settings("main"), markets=STANDING, speed=1) as on:
        on.sim.feed.pause()
        on.sim.faults.add(THIN | {"count": 2})
        await ask(on, Enter("BTCUSDT", Side.LONG, margin=TEN, patient=True, wait_s=2, tries=2))
        await runs_away(on, 1, 100_300)
        await runs_away(on, 2, 100_600)
        await until(lambda: not on.engine.state.entries, 20)
        await on.at_rest()
        sent = [work async for work in works(on)]
        limits = [work for work in sent if isinstance(work, PlaceLimit)]
        assert [limit.qty for limit in limits] == [Decimal("0.0020"), Decimal("0.0015")]
        assert limits[0].price < limits[1].price, "the second waits where the market went"
        assert len({limit.id for limit in limits}) == 2
        assert len([work for work in sent if isinstance(work, CancelOrder)]) == 2
        assert on.cycles()["BTCUSDT"].held_qty == Decimal("0.0010")
        assert not on.engine.state.working, "nothing of it still waits on the exchange"
        assert any("entered 0.001 of 0.002" in line.text for line in on.engine.log.lines())


async def test_the_rest_of_an_entry_is_taken_back_and_what_it_filled_stays(tmp_path: Path) -> None:
    async with stage(tmp_path, Settings("main"), markets=STANDING, speed=1) as on:
        on.sim.feed.pause()
        on.sim.faults.add(THIN | {"count": 1})
        await ask(on, Enter("BTCUSDT", Side.LONG, margin=TEN, patient=True, wait_s=60), "in")
        await runs_away(on, 1, 100_300)
        await until(lambda: on.cycles() and on.engine.state.working)
        said = await ask(on, Deny(entry_id("in"), 0), "no")
        assert said.answer == "BTCUSDT long: the rest of the entry is taken back; what it has filled stays."
        await until(lambda: not on.engine.state.entries)
        await on.at_rest()
        on.sim.world.pin("BTCUSDT", Decimal(100_000))
        await on.at_rest()
        assert on.cycles()["BTCUSDT"].held_qty == Decimal("0.0005")
        assert not on.engine.state.working, "nothing of it still waits on the exchange"
        assert any("entered 0.0005 of 0.002; taken back by" in line.text for line in on.engine.log.lines())


async def works(on: Stage) -> AsyncIterator[Work]:
    async for recorded in on.engine.journal.read(limit=100_000):
        for work in recorded.entry.actions:
            yield work


async def test_an_exit_leaves_at_the_touch(tmp_path: Path) -> None:
    async with stage(tmp_path, Settings("main"), markets=STANDING, speed=1) as on:
        await ask(on, Enter("BTCUSDT", Side.LONG, margin=TEN), "in")
        await until(lambda: on.cycles() and not on.engine.state.entries)
        await on.at_rest()
        await ask(on, Exit("BTCUSDT", Side.LONG, wait_s=1, tries=1), "out")
        await until(lambda: not on.cycles(), 15)
        await on.at_rest()
        assert not on.engine.state.entries
        assert not on.sim.exchange.account(on.sim.keys[0].account_id).positions


async def test_an_exit_that_does_not_fill_is_ended_at_market(tmp_path: Path) -> None:
    async with stage(tmp_path, Settings("main"), markets=STANDING, speed=1) as on:
        await ask(on, Enter("BTCUSDT", Side.LONG, margin=TEN), "in")
        await until(lambda: on.cycles() and not on.engine.state.entries)
        await on.at_rest()
        opened = on.sim.market.now_ms
        await until(lambda: on.sim.market.now_ms > opened)
        on.sim.feed.pause()
        on.sim.faults.add(THIN)
        await ask(on, Exit("BTCUSDT", Side.LONG, wait_s=2, tries=1), "out")
        await runs_away(on, 1, 99_700)
        await until(lambda: not on.cycles(), 15)
        markets = [w async for w in works(on) if isinstance(w, PlaceMarket) and not w.opens]
        assert [market.qty for market in markets] == [Decimal("0.0015")]
