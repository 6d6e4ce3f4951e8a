"""A reading repeats what streams have told; only what is news to the belief takes a decision."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.core.decide import Decision, decide
from engine.core.events import AnyBody, BillSeen, Event, FillSeen, FillsRead
from engine.core.state import State
from engine.runtime.told import Told
from tests.runtime.desk import desk


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[AnyBody]]:
    """Everything that was decided on, in its order."""
    bodies: list[AnyBody] = []

    def noted(state: State, event: Event) -> Decision:
        bodies.append(event.body)
        return decide(state, event)

    monkeypatch.setattr("engine.runtime.engine.decide", noted)
    yield bodies


async def test_the_trades_of_a_reading_that_are_booked_are_not_decided_on_again(
    decided: list[AnyBody],
) -> None:
    async with desk() as on:
        await on.opens()
        await on.falls_to(95_000, rungs=1)
        trades = [body.fill for body in decided if isinstance(body, FillSeen)]
        booked = on.engine.state.trades_seen
        assert {fill.trade_id for fill in trades} == set(booked)

        decided.clear()
        await on.reconcile()
        assert [body for body in decided if isinstance(body, FillSeen | BillSeen)] == []
        assert [type(body) for body in decided].count(FillsRead) == 1, "and yet they were all read"
        assert on.engine.state.trades_seen is booked


async def test_news_is_told_from_what_is_booked_by_the_belief_as_it_is(decided: list[AnyBody]) -> None:
    async with desk() as on:
        nothing, told = on.engine.state, Told()
        await on.opens()
        [first] = [body for body in decided if isinstance(body, FillSeen)][:1]
        again = FillSeen(first.fill)
        assert not told.has(again, nothing)
        assert told.has(again, on.engine.state)
        assert not told.has(again, nothing), "an older belief, as after a journal that refused"
        assert not told.has(FillSeen(first.fill, live=True), on.engine.state), "a stream repeats nothing"
