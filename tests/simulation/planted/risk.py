"""Bugs in what may add risk: the kill switch, what is known, how fresh it is, how often."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from engine.core import decide, limits, pending, preconditions, rung, turn
from engine.venue import prices

from .bed import Changes, planted


def _risk_is_judged_as_if(**so: Any) -> Changes:
    """Whoever asks whether risk may be added is answered for a state in which these were so."""
    real = limits.no_risk_because

    def no_risk_because(t: Any) -> str:
        kept = t.state
        t.state = replace(kept, **so)
        try:
            return real(t)
        finally:
            t.state = kept

    for asking in (preconditions, pending):
        yield asking, "no_risk_because", no_risk_because


@planted("the kill switch is forgotten by a restart (hyperliquid-trading-agent#5)")
def _() -> Changes:
    real = decide._started

    def started(t: Any, body: Any) -> None:
        t.set(kill=None)
        real(t, body)

    yield decide, "_started", started


@planted("the kill switch does not stop what is under way (hummingbot#2534)")
def _() -> Changes:
    yield from _risk_is_judged_as_if(kill=None)


@planted("acting before the state is reconciled (DEXBot#160)")
def _() -> Changes:
    yield from _risk_is_judged_as_if(unread=(), links={"private": True})


@planted("a stale price is as good as a fresh one (poly-maker#23)")
def _() -> Changes:
    yield turn.Turn, "fresh_tick", lambda self, symbol: self.event.tick(symbol)


@planted("prices that lag steadily are as good as fresh ones")
def _() -> Changes:
    yield prices.Prices, "frame", lambda self, tick, stamp: self.put(tick)


@planted("a rung fires twice for one leg (ScavengerBot#27)")
def _() -> Changes:
    real = rung._finish

    def finish(t: Any, cycle: Any, plan: Any) -> Any:
        done = real(t, cycle, plan)
        if done.rung is None and done.legs:
            front = replace(done.front, entry=done.front.entry * (1 - done.side.d * Decimal("0.04")))
            return replace(done, legs=(*done.legs[:-1], front))
        return done

    yield rung, "_finish", finish


@planted("what a start decides hangs on the order in which it learnt (its own seed 4996)")
def _() -> Changes:
    yield decide, "in_order", lambda state: state
