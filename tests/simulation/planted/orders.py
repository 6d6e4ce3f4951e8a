"""Bugs in what is sent and what is made of the answer."""

from __future__ import annotations

import itertools
from typing import Any

from msgspec.structs import replace

from engine.core import closing, commands, cover, decide, limits, pending, rung, turn
from engine.core.actions import PlaceMarket
from engine.core.arming import bank_order
from engine.core.cycle import Stage
from engine.core.events import Exit
from engine.core.exchange import Refused, Unknown
from engine.core.state import State
from engine.runtime import engine as runtime
from engine.venue import orders as wire_orders
from engine.venue import outcomes

from .bed import Changes, planted


@planted("a timeout means rejected (nautilus_trader#4152)")
def _() -> Changes:
    real = pending.answered

    def answered(t: Any, event: Any) -> None:
        if isinstance(event.outcome, Unknown):
            event = replace(event, outcome=Refused("timeout", "no answer"))
        real(t, event)

    yield pending, "answered", answered
    yield decide, "answered", answered


@planted("random client order ids (kalshi-starter-code-python#135)")
def _() -> Changes:
    count = itertools.count(1)

    def stop_id(cycle: str, made: int) -> str:
        return f"rt-{cycle}-s{made}z{next(count)}"

    def close_id(cycle: str, made: int) -> str:
        return f"rt-{cycle}-x{made}z{next(count)}"

    yield cover, "stop_id", stop_id
    yield closing, "close_id", close_id


@planted("client order ids are used again for the next rung (Lean.Brokerages.InteractiveBrokers#242)")
def _() -> Changes:
    yield rung, "bank_id", lambda cycle, number, attempt=1: f"rt-{cycle}-r1-bank-1"
    yield rung, "add_id", lambda cycle, number, attempt=1: f"rt-{cycle}-r1-add-1"


@planted("journal after send (openlimits#148)")
def _() -> Changes:
    yield runtime.Engine, "_is_armed", lambda self, work: True


@planted("a retry takes a new id (catalyst#317)")
def _() -> Changes:
    real = turn.Turn.send

    def send(self: Any, work: Any, cycle: str) -> None:
        if work.id in self.state.pending and isinstance(work, PlaceMarket):
            work = replace(work, id=f"{work.id}b")
        real(self, work, cycle)

    yield turn.Turn, "send", send


@planted("a reject of a repeat counts for the first copy (nautilus_trader#4215)")
def _() -> Changes:
    real = pending.answered

    def answered(t: Any, event: Any) -> None:
        known = t.state.pending.get(event.id)
        if known is not None and isinstance(event.outcome, Refused):
            t.set(pending={**t.state.pending, event.id: replace(known, sends=1)})
        real(t, event)

    yield pending, "answered", answered
    yield decide, "answered", answered
    yield pending, "DUPLICATE", frozenset()


@planted("absent at the first look means absent for good (freqtrade#12681)")
def _() -> Changes:
    yield pending, "REQUEST_LIFE_MS", -10_000
    yield pending, "ANSWER_MS", 1


@planted("hedge side misread when sending (bytex#16)")
def _() -> Changes:
    real = wire_orders.Orders._order

    def market(self: Any, deed: Any) -> dict[str, str]:
        body = real(self, deed)
        if "tradeSide" in body and not deed.opens:
            body["side"] = "sell" if body["side"] == "buy" else "buy"
        return body

    yield wire_orders.Orders, "_order", market


@planted("a close without reduce-only (bytex#26)")
def _() -> Changes:
    real = wire_orders.Orders._order

    def market(self: Any, deed: Any) -> dict[str, str]:
        body = real(self, deed)
        return body | {"reduceOnly": "NO"} if "reduceOnly" in body else body

    yield wire_orders.Orders, "_order", market


@planted("accepted means filled (IgorGanapolsky/trading#634)")
def _() -> Changes:
    real = pending._accepted

    def accepted(t: Any, known: Any, answer: Any) -> None:
        real(t, known, answer)
        cycle = t.cycle(known.cycle)
        plan = cycle.rung if cycle else None
        if plan is not None and known.work.id == plan.add.id:
            add = replace(plan.add, stage=Stage.DONE, filled=plan.add.qty, cost=plan.add.qty * plan.trigger)
            t.put(replace(cycle, rung=replace(plan, add=add)))

    yield pending, "_accepted", accepted


@planted("a 5xx means that nothing happened (node-bitvavo-api#14)")
def _() -> Changes:
    real = outcomes.unknown

    def unknown(error: Any) -> Any:
        outcome = real(error)
        lost = isinstance(outcome, Unknown) and "HTTP 5" in outcome.cause
        return Refused("502", "bad gateway") if lost else outcome

    yield wire_orders, "unknown", unknown


@planted("what cannot be journalled is sent all the same (freqtrade#4653)")
def _() -> Changes:
    async def mend(self: Any, refused: Exception) -> None:
        while self._outbox:
            for work in self._outbox.popleft()[1]:
                self._carry_out(work)

    yield runtime.Engine, "_mend", mend


@planted("a lost add is sent again at whatever price (its own seed 6254)")
def _() -> Changes:
    def may(t: Any, p: Any, symbol: str) -> bool:
        return not (t.at - p.first_sent > pending.ADD_AGAIN_MS or limits.no_risk_because(t))

    yield pending, "_may_add_again", may


@planted("a lost order of an entry that was taken back is sent again")
def _() -> Changes:
    real = pending._is_wanted
    yield pending, "_is_wanted", lambda t, p: real(t, replace(p, cycle=""))


@planted("taking back the rest of an entry closes the position")
def _() -> Changes:
    def take_back_all(t: Any, entry: Any, by: str) -> str:
        return commands.leave(t, Exit(entry.symbol, entry.side), entry.id, by)

    yield commands, "take_back_rest", take_back_all


@planted("half of one lot lies ready")
def _() -> Changes:
    def first_orders(state: State) -> tuple[PlaceMarket, ...]:
        armed = ((cycle, cycle.armed) for cycle in state.cycles.values())
        return tuple(bank_order(cycle, a.bank_id, a.bank) for cycle, a in armed if a is not None)

    yield runtime, "first_orders", first_orders
