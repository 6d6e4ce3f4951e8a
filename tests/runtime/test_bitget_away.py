"""Bitget does not answer: what the engine says of it is true, and what reduces risk waits for nobody's
permission.
"""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest

from engine.core.events import AnyCommand, Breakeven, Commanded, Flatten, Halt, Reduce
from engine.core.instrument import Side
from engine.core.ledger import breakeven
from engine.protocol import LinkView, Mode
from engine.runtime.face import Face
from engine.runtime.snapshot import snapshot_of
from tests.runtime.desk import BTC, Desk, desk


def rest_link(on: Desk) -> LinkView:
    return next(link for link in snapshot_of(on.engine, Mode.SIM).links if link.name == "rest")


async def loses_bitget(on: Desk) -> None:
    """Every request ends at a gateway; the streams stay."""
    on.sim.faults.add({"fault": "server_error", "count": None})
    await on.until(lambda: bool(on.engine.venue.unanswered()), "a request got no answer")


async def say(on: Desk, command: AnyCommand) -> str:
    decision = await on.engine.command(Commanded(f"{on.engine.stamp()}", "cli", command))
    assert not decision.refused
    return decision.answer


async def test_a_failed_request_is_no_answer_and_the_rest_link_is_down_until_one_comes() -> None:
    async with desk() as on:
        assert rest_link(on).up
        assert rest_link(on).latency_ms is not None
        await loses_bitget(on)
        down = rest_link(on)
        assert (down.up, down.latency_ms) == (False, None)
        assert down.reason == "the exchange answered HTTP 502"
        heard = down.age_ms or 0
        await on.until(lambda: (rest_link(on).age_ms or 0) > heard + 300, "what was heard grows old")
        on.sim.faults.clear()
        await on.until(lambda: rest_link(on).up, "an answer came")
        assert rest_link(on).reason == ""


async def test_what_lasts_is_said_once_and_then_seldom(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "ratchet.venue")
    async with desk() as on:
        on.engine.venue._prices._silence_s = 0.1  # type: ignore[attr-defined]
        await loses_bitget(on)
        asked = len(on.sim._rest.log.rows(0))
        await on.until(lambda: len(on.sim._rest.log.rows(0)) > asked + 10, "it was asked ten times more")
    assert sum("silent price" in line for line in caplog.messages) <= 1


async def test_the_story_of_a_managed_symbol_before_its_first_trade_says_that_there_is_none() -> None:
    async with desk() as on:
        face = Face(on.engine, on.journal)
        [line] = await face.why(BTC)
        assert line.text == "BTCUSDT: nothing has happened with it yet"
        assert await face.why("DOGEUSDT") == []


async def test_a_breakeven_is_told_on_the_tick_towards_the_safe_side() -> None:
    async with desk() as on:
        await on.opens()
        [view] = snapshot_of(on.engine, Mode.SIM).positions
        exact = breakeven(on.cycle, on.engine.state.instruments[BTC])
        assert view.breakeven is not None
        assert exact - Decimal("0.1") < view.breakeven <= exact
        assert view.breakeven % Decimal("0.1") == 0


async def test_a_link_that_is_down_says_what_rests() -> None:
    async with desk() as on:
        on.sim.faults.add({"fault": "disconnect", "side": "public"})
        await on.until(lambda: on.told("The public stream is down"), "it is told")
        assert not on.told("rest")
        await on.opens()
        on.sim.faults.add({"fault": "disconnect", "side": "private"})
        await on.until(
            lambda: on.told("No stop rests: liquidation is the stop."), "nothing rests, and says so"
        )


async def test_a_reduce_without_bitget_says_so_and_is_done_when_it_answers() -> None:
    async with desk() as on:
        await on.opens()
        await loses_bitget(on)
        answer = await say(on, Reduce(BTC, Side.SHORT, Decimal("0.5")))
        assert answer.startswith(
            "BTCUSDT short: closing 50.0 % at market. Bitget cannot be reached now (the exchange answered"
        )
        assert answer.endswith("No stop rests: liquidation is the stop.")
        on.sim.faults.clear()
        await on.until(lambda: on.cycle.held_qty == Decimal("0.001"), "half of it is closed")


async def test_what_else_is_asked_for_without_bitget_is_taken_too() -> None:
    async with desk() as on:
        await on.opens()
        await on.falls_to(95_000, rungs=1)
        await loses_bitget(on)
        assert "the stops go there as soon as it answers" in await say(on, Breakeven(BTC, Side.SHORT))
        assert "until nothing is held" in await say(on, Flatten())
        on.sim.faults.clear()
        await on.until(lambda: not on.engine.state.cycles, "nothing is held")


async def test_halted_twice_is_told_once_and_flatten_is_more_than_a_halt() -> None:
    async with desk() as on:
        await on.opens()
        first = await say(on, Halt("news"))
        assert first == "Halted: nothing that adds risk. No stop rests: liquidation is the stop."
        kill = on.engine.state.kill
        again = await say(on, Halt())
        assert again.startswith("Already halted by cli at ")
        assert again.endswith(" UTC: news. Resume ends it.")
        assert on.engine.state.kill is kill
        assert sum(line.text.startswith("Halted") for line in on.engine.log.lines()) == 1
        assert await say(on, Flatten()) == "Halted; closing 1 managed position at market until flat."
        await on.until(lambda: not on.engine.state.cycles, "nothing is held")
