"""Bitget keeps one stop for the whole position. Where it is the trader's, or an entry's, Ratchet's own for
everything rests beside it with a size.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_shield import GUARD, Night, sent
from test_spare_stops import filled
from test_trades_in_order import READ

from engine.core.actions import CancelStop, MoveStop, PlaceStop
from engine.core.cycle import Status
from engine.core.decide import Decision
from engine.core.events import (
    Answered,
    Breakeven,
    Commanded,
    FillSeen,
    FillsRead,
    MarkReached,
    PositionsRead,
    SetStopMode,
    Started,
    Timer,
)
from engine.core.exchange import Accepted, OrderKind, Refused, RestingOrder
from engine.core.instrument import Side
from engine.core.settings import Ladder, Settings, StopMode

D = Decimal
PLAIN = Settings("test")
HARD = Settings("test", ladder=Ladder(hard_stop=True))
BREAKEVEN = D("98071.2")
"""Of example A after its first rung: 0.0031 short."""
TAKEN = Refused("43031", "Stop loss order already existed")
ONE = "BTCUSDT", Side.SHORT


class Evening(Night):
    """Example A, with a stop for the whole position that is not Ratchet's."""

    def trader_sets(self, trigger: str, *, told: bool = True) -> None:
        self.trader_takes_it_off(told=False)
        about = ("own", "71", "BTCUSDT", OrderKind.POS_LOSS, Side.SHORT, True, None, D(trigger), None)
        self.rest.append(RestingOrder(*about))
        if told:
            self.reads_orders()

    def trader_takes_it_off(self, *, told: bool = True) -> Decision | None:
        self.rest = [order for order in self.rest if order.order_id != "own"]
        return self.reads_orders() if told else None

    def climbs(self) -> None:
        """The first rung; all its stops rest."""
        self.mark = D(95_000)
        self.placed(filled(self, self.tell(MarkReached("BTCUSDT", self.mark)), "95000", profit="5"))
        assert self.cycle.rung is not None
        add = self.cycle.rung.add
        fill = self.trade("r1-add-1", str(add.qty), "95000", buy=False)
        self.placed(self.tell(FillSeen(replace(fill, client_id=add.id))))
        self.reads_back()
        assert (self.cycle.rungs, self.cycle.rung, len(self.cycle.stops)) == (1, None, 2)

    def reads_back(self) -> Decision:
        """A moment later: a reading counts for what was answered before it. What was cancelled is gone."""
        self.tell(Timer())
        read = self.reads_orders()
        self.rest = [order for order in self.rest if order.client_id not in self.cancelled]
        return read

    def says(self, mode: StopMode = StopMode.CYCLE_BREAKEVEN) -> Decision:
        said = Breakeven(*ONE) if mode is StopMode.CYCLE_BREAKEVEN else SetStopMode(*ONE, mode)
        return self.tell(Commanded(f"c{self.at}", "the desk", said))

    @property
    def believed(self) -> list[tuple[OrderKind, Decimal | None, Decimal]]:
        return [(stop.kind, stop.qty, stop.trigger) for stop in self.cycle.stops]


def beside(theirs: str) -> Evening:
    """After `breakeven`, beside a position stop of the trader."""
    night = Evening(PLAIN)
    night.trader_sets(theirs)
    night.climbs()
    night.placed(night.says())
    night.reads_back()
    return night


ALL_OF_IT = (OrderKind.LOSS_PLAN, D("0.0031"), BREAKEVEN)


@pytest.mark.parametrize("theirs", ["102000", "98071.2", "96000"], ids=["farther", "equal", "nearer"])
def test_breakeven_rests_beside_the_position_stop_of_the_trader(theirs: str) -> None:
    night = Evening(PLAIN)
    night.trader_sets(theirs)
    night.climbs()
    said = night.says()
    left = f" The position stop that is set on Bitget at {D(theirs):,.1f} is left alone."
    assert said.answer == f"BTCUSDT short: stops from now on: one stop at the cycle's breakeven.{left}"
    [stop] = sent(said)
    assert isinstance(stop, PlaceStop)
    assert (stop.qty, stop.trigger) == (D("0.0031"), BREAKEVEN)
    assert night.notes[-1] == f"BTCUSDT short: stop for everything, 0.0031, at 98,071.2 (cycle).{left}"
    night.placed(said)
    off = night.reads_back()
    assert len(night.cancelled) == 2, "the legs' stops go when it rests"
    assert all(isinstance(work, CancelStop) and work.client_id != "71" for work in sent(off))
    assert night.believed[-1] == ALL_OF_IT
    assert (night.cycle.error, night.cycle.foreign[0].trigger) == ("", D(theirs))


def test_a_position_stop_that_no_reading_has_told_of_is_met_by_the_refusal() -> None:
    """The trader sets it in the moment in which ours is on its way."""
    night = Evening(PLAIN)
    night.climbs()
    [everything] = sent(night.says())
    assert isinstance(everything, PlaceStop)
    assert everything.qty is None
    night.trader_sets("102000", told=False)
    again = night.tell(Answered(everything.id, TAKEN))
    [sized] = [work for work in again.actions if isinstance(work, PlaceStop)]
    assert (sized.qty, sized.trigger, sized.id != everything.id) == (D("0.0031"), BREAKEVEN, True)
    assert not night.cancelled
    night.placed(again)
    night.reads_back()
    assert len(night.cancelled) == 2
    assert night.cycle.status is Status.BREAKEVEN
    told = "(cycle). The position stop that is set on Bitget is left alone."
    assert [note for note in night.notes if note.endswith(told)]
    assert not [note for note in night.notes if "refused" in note]


def test_it_is_one_stop_also_when_the_engine_dies_before_it_is_answered() -> None:
    night = Evening(PLAIN)
    night.trader_sets("102000")
    night.climbs()
    night.placed(night.says(), answers=False)
    back = [night.tell(body) for body in (Started(PLAIN, "test"), *READ[:3])]
    row = replace(night.first, qty=D("0.0031"), entry=night.cycle.held_entry)
    back += [night.tell(PositionsRead((row,), rest=True, asked=night.at)), night.reads_back()]
    back += [night.tell(FillsRead(0, asked=night.at)), night.reads_back()]
    assert not [work for decision in back for work in sent(decision) if not isinstance(work, CancelStop)]
    assert len(night.cancelled) == 2
    assert night.believed[-1] == ALL_OF_IT


def test_it_grows_and_shrinks_with_the_position_and_stays_sized() -> None:
    night = beside("102000")
    more = night.tell(FillSeen(night.trade("200", "0.001", "95000", buy=False), live=True))
    [move] = sent(more)
    assert isinstance(move, MoveStop)
    assert (move.qty, move.client_id) == (D("0.0041"), night.cycle.stops[-1].client_id)
    night.tell(Answered(move.id, Accepted()))
    night.trader_takes_it_off()
    less = night.tell(FillSeen(night.trade("201", "0.001", "95000", buy=True, profit="1"), live=True))
    assert [work.qty for work in sent(less) if isinstance(work, MoveStop)] == [D("0.0031")]


def test_taking_ones_own_stop_off_changes_nothing_of_ours() -> None:
    night = beside("96000")
    off = night.trader_takes_it_off()
    assert off is not None
    assert not sent(off)
    assert not night.cycle.foreign


def test_another_mode_takes_away_ours_and_not_the_traders() -> None:
    night = beside("102000")
    [everything] = [stop.client_id for stop in night.cycle.stops if stop.leg is None]
    for stop in night.cancelled:
        night.tell(Answered(f"{stop}/off", Accepted()))
    night.cancelled.clear()
    night.placed(night.says(StopMode.LEG_ENTRY))
    night.reads_back()
    assert night.cancelled == [everything]
    assert {stop.leg for stop in night.cycle.stops if stop.client_id not in night.cancelled} == {1, 2}


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not told"])
def test_a_shield_rests_beside_it_with_the_size_that_bitget_shows(*, is_told: bool) -> None:
    """It was set on the position that came again unheard, of which the trades are missing."""
    night = Evening(HARD)
    night.reborn()
    night.trader_sets("101000", told=is_told)
    [shield] = night.placed(night.waits(), answers=False)
    if not is_told:
        assert shield.qty is None
        night.rest.pop()
        [shield] = night.placed(night.tell(Answered(shield.id, TAKEN)))
    assert (shield.qty, shield.trigger) == (D("0.001"), GUARD)
    assert night.cycle.shield == shield.id
    assert not sent(night.reads_back())
    assert not night.cycle.error


def test_before_the_first_rung_the_trader_hears_which_stop_holds() -> None:
    night = Evening(PLAIN)
    bare = night.says(StopMode.PREVIOUS_ENTRY).answer
    assert bare.endswith(
        "from the first rung on: one stop at the previous entry; until then liquidation is the stop."
    )
    night.trader_sets("102000")
    assert night.says().answer.endswith("until then the stop at 102,000.0 is the stop.")
