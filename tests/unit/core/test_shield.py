"""Closed and opened again unheard, and its trades cannot be read: what Bitget shows is protected."""

from __future__ import annotations

from decimal import Decimal
from itertools import count

from msgspec.structs import replace
from test_trades_in_order import Day

from engine.core.actions import CancelStop, MoveStop, PlaceMarket, PlaceStop
from engine.core.cycle import Cycle, Order, Part, Rest, Rung, Stage
from engine.core.decide import Decision
from engine.core.events import (
    Answered,
    AnyBody,
    Commanded,
    FillSeen,
    FillsRead,
    OrdersRead,
    PositionsRead,
    Release,
    StopSeen,
    Timer,
)
from engine.core.exchange import Accepted, Cause, Fill, OrderKind, OrderRow, OrderState, RestingOrder
from engine.core.instrument import Side
from engine.core.settings import Ladder, Settings
from engine.core.shield import UNTOLD_MS, untold_because

D = Decimal
HARD = Settings("test", ladder=Ladder(hard_stop=True))
PLAIN = Settings("test")
LIQUIDATION = D(104_500)
GUARD = D("103977.5")
"""Half a percent of the liquidation before it."""


class Night(Day):
    """A short of 0.002 that was closed and opened again with 0.001 while nobody heard."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.notes: list[str] = []
        self.rest: list[RestingOrder] = []
        self.numbers = count(1)
        self.cancelled: list[str] = []
        self.begins()
        self.mark = D(100_000)
        self.placed(self.short_opened("0.002"))
        self.first = self.cycle.seen

    def tell(self, *bodies: AnyBody) -> Decision:
        for body in bodies:
            decision = super().tell(body)
            self.notes += [note.text for note in decision.notes]
            self.cancelled += [w.client_id for w in decision.actions if isinstance(w, CancelStop)]
        return decision

    def placed(self, decision: Decision, *, answers: bool = True) -> list[PlaceStop]:
        """Bitget takes what is to be placed, and shows it."""
        stops = [work for work in decision.actions if isinstance(work, PlaceStop)]
        for stop in stops:
            number = f"p{next(self.numbers)}"
            kind = OrderKind.POS_LOSS if stop.qty is None else OrderKind.LOSS_PLAN
            about = (number, stop.id, stop.symbol, kind, stop.side, True, stop.qty, stop.trigger, None)
            self.rest.append(RestingOrder(*about))
            if answers:
                self.tell(Answered(stop.id, Accepted(number)))
        return stops

    def reads_orders(self) -> Decision:
        return self.tell(OrdersRead(tuple(self.rest), asked=self.at))

    def reads_positions(self, **more: object) -> Decision:
        numbers = {
            "qty": D("0.001"),
            "margin": D(5),
            "liquidation": LIQUIDATION,
            "opened": self.again,
            **more,
        }
        return self.tell(PositionsRead((replace(self.first, **numbers),), rest=True, asked=self.at))

    def reborn(self) -> Decision:
        self.again = self.at + 500
        self.rest.clear()
        self.reads_positions()
        return self.reads_orders()

    def waits(self) -> Decision:
        """The trades do not come."""
        self.at += UNTOLD_MS
        return self.tell(Timer())

    def trades(self) -> tuple[Fill, Fill]:
        closed = self.trade("101", "0.002", "99000", buy=True, profit="2", at=self.again - 200)
        return closed, self.trade("102", "0.001", "100000", buy=False, at=self.again)

    def shielded(self) -> str:
        """Until the stop for everything rests."""
        self.reborn()
        [stop] = self.placed(self.waits())
        self.reads_orders()
        return stop.id

    @property
    def cycle(self) -> Cycle:
        [cycle] = self.state.cycles.values()
        return cycle

    def has_an_add_on_its_way(self, stage: Stage = Stage.SENT) -> None:
        """A rung has banked and sent its add, which opened the position again."""
        [(key, cycle)] = self.state.cycles.items()
        bank = Order("bank", D("0.001"), stage=Stage.DONE, filled=D("0.001"))
        add = Order(f"rt-{cycle.id}-r1-add-1", D("0.001"), stage=stage, sent=self.at)
        steps = (Part.ADD, Part.FINAL)
        rung = Rung(1, 1, D(95_000), self.at, steps, bank, add, D(5), D(0), leg=2)
        self.state = replace(self.state, cycles={key: replace(cycle, rung=rung, armed=None, fired=1)})


def sent(decision: Decision) -> list[object]:
    return [w for w in decision.actions if isinstance(w, PlaceStop | MoveStop | CancelStop | PlaceMarket)]


def test_a_hard_stop_is_put_before_what_bitget_shows_when_the_trades_do_not_come() -> None:
    night = Night(HARD)
    assert not sent(night.reborn()), "they come within a moment, as a rule"
    [stop] = night.placed(night.waits())
    assert (stop.qty, stop.trigger) == (None, GUARD)
    assert night.notes[-1] == (
        "BTCUSDT short: it was closed and opened again on Bitget, and its trades since 14:01:11 UTC cannot "
        "be read. What Bitget shows, 0.001 @ 100,000.0, has a stop for everything at 103,977.5 until they "
        "are."
    )
    assert untold_because(night.cycle) == (
        "its trades since 14:01:11 UTC are not read yet; what Bitget shows is protected"
    )
    assert not sent(night.waits()), "one stop, told once"


def test_no_stop_where_the_ladder_has_none_and_the_trader_hears_what_protects() -> None:
    night = Night(PLAIN)
    night.reborn()
    assert not sent(night.waits())
    assert night.notes[-1].endswith("0.001 @ 100,000.0, has liquidation at 104,500.0 until they are.")


def test_the_next_cycle_takes_the_stop_over_when_the_trades_come_at_last() -> None:
    """Never a moment without it, and never two of them: Bitget refuses a second one (43031)."""
    night = Night(HARD)
    shield = night.shielded()
    closed, again = night.trades()
    comes = night.tell(FillSeen(closed))
    assert [cycle.closed_reason for cycle in night.state.closed] == ["trader"]
    night.tell(FillSeen(again), FillsRead(0, asked=night.at))
    kept = night.reads_orders()
    adopts = night.reads_positions()
    later = night.reads_orders()
    assert not [*sent(comes), *sent(kept), *sent(adopts), *sent(later)]
    [stop] = night.cycle.stops
    assert (stop.client_id, stop.state, stop.confirmed) == (shield, Rest.RESTING, True)
    assert night.cycle.held_qty == D("0.001")
    assert not night.cycle.foreign


def test_a_position_that_may_not_be_taken_under_care_keeps_the_stop_until_it_may() -> None:
    night = Night(HARD)
    shield = night.shielded()
    night.tell(*map(FillSeen, night.trades()), FillsRead(0, asked=night.at))
    night.reads_positions(auto_margin=True)
    assert night.notes[-1].startswith("BTCUSDT short 0.001 is not managed: auto-add-margin is on")
    assert not sent(night.reads_orders())
    adopts = night.reads_positions(auto_margin=False)
    assert not [*sent(adopts), *sent(night.reads_orders())]
    assert [stop.client_id for stop in night.cycle.stops] == [shield]


def test_a_stop_that_was_taken_over_stays_when_the_position_is_released() -> None:
    night = Night(HARD)
    night.shielded()
    night.tell(*map(FillSeen, night.trades()), FillsRead(0, asked=night.at))
    night.reads_positions()
    night.reads_orders()
    night.tell(Commanded("1", "the desk", Release("BTCUSDT", Side.SHORT)))
    assert not sent(night.reads_orders())


def test_the_stop_of_a_position_that_our_add_opened_is_refined_when_its_fill_is_read() -> None:
    night = Night(PLAIN)
    night.has_an_add_on_its_way()
    shield = night.shielded()
    closed, again = night.trades()
    add = night.cycle.rung.add.id if night.cycle.rung else ""
    night.tell(FillSeen(closed), FillSeen(replace(again, client_id=add)))
    [leg] = night.placed(night.tell(FillsRead(0, asked=night.at)))
    assert (leg.qty, leg.trigger) == (D("0.001"), GUARD)
    night.tell(Timer())
    night.reads_orders()
    assert night.cancelled == [shield]


def test_a_position_that_turns_out_to_be_new_has_no_stop_without_the_option() -> None:
    """Our add might have opened it, and did not: before the first rung liquidation is the stop, by design."""
    night = Night(PLAIN)
    night.has_an_add_on_its_way()
    shield = night.shielded()
    night.has_an_add_on_its_way(stage=Stage.REFUSED)
    night.tell(*map(FillSeen, night.trades()), FillsRead(0, asked=night.at))
    night.reads_positions()
    assert night.cancelled == [shield]


def test_a_stop_that_still_rests_is_enough() -> None:
    """The row has another time of opening, and the stop of the position did not die."""
    night = Night(HARD)
    rests = list(night.rest)
    night.reborn()
    night.rest = rests
    night.reads_orders()
    assert not sent(night.waits())


def test_a_shield_that_the_trader_takes_away_is_put_back_once() -> None:
    night = Night(HARD)
    for is_put_back in (True, False):
        shield = night.shielded() if is_put_back else night.cycle.shield
        [order] = [each for each in night.rest if each.client_id == shield]
        about = (order.order_id, shield, "BTCUSDT", OrderKind.POS_LOSS, OrderState.CANCELLED)
        night.rest.clear()
        night.tell(StopSeen(order, OrderRow(*about, None, D(0), D(0))))
        night.tell(Timer())
        answer = night.reads_positions()
        assert bool(night.placed(answer)) is is_put_back
        night.reads_orders()
    assert night.cycle.paused == "trader moved the stop"


def test_nothing_is_closed_where_the_market_has_passed_its_place() -> None:
    """Half a percent before the liquidation, of a position that nobody here knows."""
    night = Night(HARD)
    night.reborn()
    night.mark = D(104_100)
    assert not sent(night.waits())
    assert night.notes[-1].endswith("has liquidation at 104,500.0 until they are.")
    night.mark = D(103_900)
    assert night.placed(night.waits())


def test_a_stop_that_ended_the_old_position_closes_nothing_of_the_new_one() -> None:
    night = Night(HARD)
    [old] = night.rest
    night.reborn()
    about = (old.order_id, old.client_id, "BTCUSDT", OrderKind.POS_LOSS, OrderState.FILLED)
    night.tell(StopSeen(old, OrderRow(*about, None, D("0.002"), D(104_000), child="c1")))
    later = night.waits()
    assert [type(work) for work in sent(later)] == [PlaceStop]
    night.placed(later)
    closed, _ = night.trades()
    night.tell(FillSeen(replace(closed, order_id="c1", cause=Cause.STOP)))
    assert [cycle.closed_reason for cycle in night.state.closed] == ["stop"]
