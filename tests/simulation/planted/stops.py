"""Bugs in the stops: where they rest, and whether they do."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from engine.core import cover, pending, positions, resting, rung, stops
from engine.core.actions import CancelStop
from engine.core.cycle import Rest, Stage

from .bed import Changes, planted


@planted("cancel then place (freqtrade#5451)")
def _() -> Changes:
    real = cover._bring

    def bring(t: Any, cycle: Any, wanted: Any) -> Any:
        stop = cover.stop_for(cycle, wanted.leg)
        if stop is not None and stop.state is Rest.RESTING and stop.trigger != wanted.trigger:
            work = CancelStop(f"{stop.client_id}/off", stop.order_id, stop.client_id, cycle.symbol, stop.kind)
            t.send(work, cycle.id)
            return cover.put_stop(cycle, replace(stop, state=Rest.CANCELLING, since=t.at))
        return real(t, cycle, wanted)

    yield cover, "_bring", bring


@planted("a stop past the liquidation (go-trader#1450)")
def _() -> Changes:
    yield stops, "guard_price", lambda side, liquidation, guard: None


@planted("no stop after a restart (hummingbot-api#243)")
def _() -> Changes:
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


@planted("the stop is not placed again for a leg that the trader made larger (ib_nope#48)")
def _() -> Changes:
    real = cover._bring

    def bring(t: Any, cycle: Any, wanted: Any) -> Any:
        return cycle if cover.stop_for(cycle, wanted.leg) is not None else real(t, cycle, wanted)

    yield cover, "_bring", bring


@planted("stops of a gone leg stay and eat the others (Gunthy#122)")
def _() -> Changes:
    yield cover, "_cancel_spare", lambda t, cycle: cycle


@planted("a stop is believed gone when its cancel is sent (pysystemtrade#1580)")
def _() -> Changes:
    real = resting._read_back

    def read_back(t: Any, cycle: Any, stop: Any, order: Any, asked: int) -> Any:
        return cycle if stop.state is Rest.CANCELLING else real(t, cycle, stop, order, asked)

    yield resting, "_read_back", read_back


@planted("a stop that is refused is sent again for ever (chrisleekr/binance-trading-bot#742)")
def _() -> Changes:
    real = pending._not_there
    yield pending, "_not_there", lambda t, known: real(t, replace(known, refused=""))


@planted("a stop that Bitget could not carry out was taken away by the trader")
def _() -> Changes:
    yield resting, "drop_stop", lambda cycle, stop: cover.put_stop(cycle, replace(stop, state=Rest.GONE))


@planted("a stop is placed on a position that is the next cycle's (its own seed 5147)")
def _() -> Changes:
    def shield(t: Any, c: Any) -> Any:
        return replace(cover.cover(t, replace(c, is_untold=False)), is_untold=True)

    yield cover, "_shield", shield
    yield cover, "is_of_the_past", lambda c, stop: False


@planted("what shields a position whose trades cannot be read ends with the cycle before it")
def _() -> Changes:
    yield positions, "left_shield", lambda c: ()


@planted("a position whose trades cannot be read has no stop until they can")
def _() -> Changes:
    yield cover, "_shield", lambda t, c: c


@planted("the position's one stop is enough, whosever it is and however far away")
def _() -> Changes:
    real = cover.wanted_now
    yield cover, "wanted_now", lambda t, c: () if stops.position_stop(c) is not None else real(t, c)


@planted("a read-only engine waits for ever for a stop that it may not send (its own seed 7156)")
def _() -> Changes:
    yield rung, "_cannot_cover", lambda t, c: False
