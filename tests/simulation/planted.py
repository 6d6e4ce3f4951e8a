"""Bugs from the field, planted one at a time: defects that another bot shipped, or that this one once had. In
brackets is the thread that tells of it, or the seed that found it here.

A plant replaces a function of the engine while scenarios run. The proof is worth what it catches of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import Any, Final
from unittest.mock import patch

from msgspec.structs import replace

from engine.core import (
    closing,
    cover,
    cycle,
    decide,
    doubt,
    fills,
    ledger,
    limits,
    pending,
    positions,
    preconditions,
    resting,
    rung,
    stops,
    turn,
)
from engine.core.actions import CancelStop, PlaceMarket
from engine.core.cycle import Rest, Stage
from engine.core.exchange import Refused, Unknown
from engine.core.instrument import ZERO, Side
from engine.runtime import engine as runtime
from engine.venue import orders as wire_orders
from engine.venue import outcomes, terms

Plant = Callable[[], Iterator[tuple[Any, str, Any]]]
PLANTED: Final[dict[str, Plant]] = {}


def planted(name: str) -> Callable[[Plant], Plant]:
    """Register a bug under its field name. The function yields (owner, attribute, replacement)."""

    def register(plant: Plant) -> Plant:
        PLANTED[name] = plant
        return plant

    return register


@contextmanager
def bug(name: str) -> Iterator[None]:
    """While this lasts the engine has the bug."""
    with ExitStack() as stack:
        for owner, attribute, replacement in PLANTED[name]():
            stack.enter_context(patch.object(owner, attribute, replacement))
        yield


@planted("cancel then place (freqtrade#5451)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = cover._bring

    def bring(t: Any, cycle: Any, wanted: Any) -> Any:
        stop = cover.stop_for(cycle, wanted.leg)
        if stop is not None and stop.state is Rest.RESTING and stop.trigger != wanted.trigger:
            work = CancelStop(f"{stop.client_id}/off", stop.order_id, stop.client_id, cycle.symbol, stop.kind)
            t.send(work, cycle.id)
            return cover.put_stop(cycle, replace(stop, state=Rest.CANCELLING, since=t.at))
        return real(t, cycle, wanted)

    yield cover, "_bring", bring


@planted("a timeout means rejected (nautilus_trader#4152)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = pending.answered

    def answered(t: Any, event: Any) -> None:
        if isinstance(event.outcome, Unknown):
            event = replace(event, outcome=Refused("timeout", "no answer"))
        real(t, event)

    yield pending, "answered", answered
    yield decide, "answered", answered


@planted("random client order ids (kalshi-starter-code-python#135)")
def _() -> Iterator[tuple[Any, str, Any]]:
    count = itertools.count(1)

    def stop_id(cycle: str, made: int) -> str:
        return f"rt-{cycle}-s{made}z{next(count)}"

    def close_id(cycle: str, made: int) -> str:
        return f"rt-{cycle}-x{made}z{next(count)}"

    yield cover, "stop_id", stop_id
    yield closing, "close_id", close_id


@planted("client order ids are used again for the next rung (Lean.Brokerages.InteractiveBrokers#242)")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield rung, "bank_id", lambda cycle, number, attempt=1: f"rt-{cycle}-r1-bank-1"
    yield rung, "add_id", lambda cycle, number, attempt=1: f"rt-{cycle}-r1-add-1"


@planted("journal after send (openlimits#148)")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield runtime.Engine, "_is_armed", lambda self, work: True


@planted("a retry takes a new id (catalyst#317)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = turn.Turn.send

    def send(self: Any, work: Any, cycle: str) -> None:
        if work.id in self.state.pending and isinstance(work, PlaceMarket):
            work = replace(work, id=f"{work.id}b")
        real(self, work, cycle)

    yield turn.Turn, "send", send


@planted("a reject of a repeat counts for the first copy (hummingbot: order not found means it failed)")
def _() -> Iterator[tuple[Any, str, Any]]:
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
def _() -> Iterator[tuple[Any, str, Any]]:
    yield pending, "REQUEST_LIFE_MS", -10_000
    yield pending, "ANSWER_MS", 1


@planted("funding is counted twice after a partial exit (freqtrade#13102)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = ledger.fund

    def fund(cycle: Any, amount: Decimal, **more: Any) -> Any:
        cycle = real(cycle, amount, **more)
        return replace(cycle, funding=cycle.funding + amount) if cycle.realised else cycle

    yield decide, "fund", fund


@planted("funding is not booked at all (freqtrade#13517)")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield decide, "fund", lambda cycle, amount, **more: cycle


@planted("a trade is booked each time it is told (nautilus_trader#3046)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = fills.fill_seen

    def fill_seen(t: Any, fill: Any, **more: Any) -> None:
        t.set(trades_seen=())
        real(t, fill, **more)

    yield fills, "fill_seen", fill_seen
    yield decide, "fill_seen", fill_seen


@planted("hedge side misread: closing a long is taken for opening one (passivbot#1729)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = terms.direction_of

    def direction_of(where: str, **row: Any) -> Any:
        way = real(where, **row)
        return way._replace(buy=row["side"] == "buy") if row["pos_mode"] == terms.HEDGE else way

    from engine.venue import rows, trades

    yield trades, "direction_of", direction_of
    yield rows, "direction_of", direction_of


@planted("hedge side misread when sending (bytex#16)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = wire_orders.Orders._order

    def market(self: Any, deed: Any) -> dict[str, str]:
        body = real(self, deed)
        if "tradeSide" in body and not deed.opens:
            body["side"] = "sell" if body["side"] == "buy" else "buy"
        return body

    yield wire_orders.Orders, "_order", market


@planted("a stop past the liquidation (go-trader#1450)")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield stops, "guard_price", lambda side, liquidation, guard: None


@planted("a close without reduce-only (bytex#26)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = wire_orders.Orders._order

    def market(self: Any, deed: Any) -> dict[str, str]:
        body = real(self, deed)
        return body | {"reduceOnly": "NO"} if "reduceOnly" in body else body

    yield wire_orders.Orders, "_order", market


@planted("the kill switch is forgotten by a restart")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = decide._started

    def started(t: Any, body: Any) -> None:
        t.set(kill=None)
        real(t, body)

    yield decide, "_started", started


@planted("the kill switch does not stop what is under way (hummingbot#2534)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = limits.no_risk_because

    def no_risk_because(t: Any) -> str:
        kept = t.state
        t.state = replace(kept, kill=None)
        try:
            return real(t)
        finally:
            t.state = kept

    yield rung, "no_risk_because", no_risk_because
    yield preconditions, "no_risk_because", no_risk_because
    yield pending, "no_risk_because", no_risk_because


@planted("acting before the state is reconciled (DEXBot#160)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = limits.no_risk_because

    def no_risk_because(t: Any) -> str:
        kept = t.state
        t.state = replace(kept, unread=(), links={"private": True})
        try:
            return real(t)
        finally:
            t.state = kept

    yield rung, "no_risk_because", no_risk_because
    yield preconditions, "no_risk_because", no_risk_because
    yield pending, "no_risk_because", no_risk_because


@planted("a stale price is as good as a fresh one (poly-maker#23)")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield turn.Turn, "fresh_tick", lambda self, symbol: self.event.tick(symbol)


@planted("no stop after a restart (hummingbot-api#243)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = cover.may_cover

    def may_cover(t: Any, cycle: Any) -> bool:
        started = max((p.sent for p in t.state.pending.values()), default=0)
        return (
            real(t, cycle)
            and not (cycle.rung and cycle.rung.at < started - 2000)
            and not _restarted(t, cycle)
        )

    def _restarted(t: Any, cycle: Any) -> bool:
        return bool(
            cycle.rung and cycle.rung.bank.stage is Stage.DONE and t.at - cycle.rung.bank.done_at > 1500
        )

    yield cover, "may_cover", may_cover


@planted("a missing row is a closed position (trading-gpt#103)")
def _() -> Iterator[tuple[Any, str, Any]]:
    def missing(t: Any, cycle: Any, *, rest: bool) -> Any:
        return replace(cycle, held_qty=ZERO, held_margin=ZERO, legs=(), last_cause="unknown", moved=t.at)

    yield positions, "missing", missing


@planted("an old reading is believed (Shioaji#232)")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield positions, "_is_old", lambda cycle, read: False
    yield positions, "_has_ended", lambda state, position, read: False

    def differs(t: Any, cycle: Any, position: Any, read: Any) -> Any:
        return replace(doubt._believe(t, replace(cycle, seen=position)), doubt=None)

    yield positions, "differs", differs


@planted("accepted means filled")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = pending._accepted

    def accepted(t: Any, known: Any, answer: Any) -> None:
        real(t, known, answer)
        cycle = t.cycle(known.cycle)
        plan = cycle.rung if cycle else None
        if plan is not None and known.work.id == plan.add.id:
            add = replace(plan.add, stage=Stage.DONE, filled=plan.add.qty, cost=plan.add.qty * plan.trigger)
            t.put(replace(cycle, rung=replace(plan, add=add)))

    yield pending, "_accepted", accepted


@planted("a rung fires twice for one leg")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = rung._finish

    def finish(t: Any, cycle: Any, plan: Any) -> Any:
        done = real(t, cycle, plan)
        if done.rung is None and done.legs:
            front = replace(done.front, entry=done.front.entry * (1 - done.side.d * Decimal("0.04")))
            return replace(done, legs=(*done.legs[:-1], front))
        return done

    yield rung, "_finish", finish


@planted("the stop is not placed again for a leg that the trader made larger (ib_nope#48)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = cover._bring

    def bring(t: Any, cycle: Any, wanted: Any) -> Any:
        return cycle if cover.stop_for(cycle, wanted.leg) is not None else real(t, cycle, wanted)

    yield cover, "_bring", bring


@planted("stops of a gone leg stay and eat the others (Gunthy#122)")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield cover, "_cancel_spare", lambda t, cycle: cycle


@planted("a partial fill is taken for all of it (anusambath/trading-bot#15)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = fills._enlarge

    def enlarge(cycle: Any, number: int, fill: Any, by: Any) -> Any:
        wanted = cycle.rung.add.qty if cycle.rung is not None else fill.qty
        return real(cycle, number, replace(fill, qty=wanted), by)

    yield fills, "_enlarge", enlarge


@planted("fees of partial exits are lost")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = ledger.reduce

    def reduce(cycle: Any, parts: Any, **more: Any) -> Any:
        done = real(cycle, parts, **more)
        return replace(done, fees=cycle.fees) if done.held_qty else done

    yield fills, "reduce", reduce


@planted("a 5xx means that nothing happened (node-bitvavo-api#14)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = outcomes.unknown

    def unknown(error: Any) -> Any:
        outcome = real(error)
        lost = isinstance(outcome, Unknown) and "HTTP 5" in outcome.cause
        return Refused("502", "bad gateway") if lost else outcome

    yield wire_orders, "unknown", unknown


@planted("the trades since the newest are read only (Lean.Brokerages.InteractiveBrokers#249)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = fills.fill_seen

    def fill_seen(t: Any, fill: Any, **more: Any) -> None:
        real(t, fill, **more)
        t.set(fills_since=max(t.state.fills_since, fill.at))

    yield fills, "fill_seen", fill_seen
    yield decide, "fill_seen", fill_seen


@planted("a stop is believed gone when its cancel is sent (pysystemtrade#1580)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = resting._read_back

    def read_back(t: Any, cycle: Any, stop: Any, order: Any, asked: int) -> Any:
        return cycle if stop.state is Rest.CANCELLING else real(t, cycle, stop, order, asked)

    yield resting, "_read_back", read_back


@planted("both sides of a symbol are one position (hummingbot#2569)")
def _() -> Iterator[tuple[Any, str, Any]]:

    def key_of(symbol: str, side: Side) -> str:
        return cycle.key_of(symbol, Side.LONG)

    yield fills, "key_of", key_of


@planted("what cannot be journalled is sent all the same (freqtrade#4653)")
def _() -> Iterator[tuple[Any, str, Any]]:
    async def mend(self: Any, refused: Exception) -> None:
        while self._outbox:
            for work in self._outbox.popleft()[1]:
                self._carry_out(work)

    yield runtime.Engine, "_mend", mend


@planted("a stop that is refused is sent again for ever (chrisleekr/binance-trading-bot#742)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = pending._not_there
    yield pending, "_not_there", lambda t, known: real(t, replace(known, refused=""))


@planted("a stop that Bitget could not carry out was taken away by the trader")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield resting, "drop_stop", lambda cycle, stop: cover.put_stop(cycle, replace(stop, state=Rest.GONE))


@planted("a lost add is sent again at whatever price (its own seed 6254)")
def _() -> Iterator[tuple[Any, str, Any]]:
    def may(t: Any, p: Any, symbol: str) -> bool:
        return not (t.at - p.first_sent > pending.ADD_AGAIN_MS or limits.no_risk_because(t))

    yield pending, "_may_add_again", may


@planted("a stop is placed on a position that is the next cycle's (its own seed 5147)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = cover.may_cover

    def may(t: Any, c: Any) -> bool:
        return real(t, replace(c, is_untold=False))

    yield cover, "may_cover", may


@planted("trades of earlier care of a position are nobody's (its own seed 6516)")
def _() -> Iterator[tuple[Any, str, Any]]:
    real = fills._of_the_past

    def of_the_past(*args: Any, of: Any = None, **more: Any) -> bool:
        return of is None and real(*args, **more)

    yield fills, "_of_the_past", of_the_past


@planted("a read-only engine waits for ever for a stop that it may not send (its own seed 7156)")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield rung, "_cannot_cover", lambda t, c: False


@planted("what a start decides hangs on the order in which it learnt (its own seed 4996)")
def _() -> Iterator[tuple[Any, str, Any]]:
    yield decide, "in_order", lambda state: state
