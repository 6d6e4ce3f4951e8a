"""Trades are booked in the order in which they were made, whatever the order in which they are told."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core.actions import PlaceLimit, PlaceMarket, Read, Reading
from engine.core.cycle import Cycle, Unlinked
from engine.core.decide import Decision, decide, first_state
from engine.core.events import (
    Answered,
    AnyBody,
    BalanceRead,
    Commanded,
    Enter,
    Event,
    Exit,
    FillSeen,
    FillsRead,
    Flatten,
    InstrumentsRead,
    LinkChanged,
    OrdersRead,
    PositionsRead,
    Started,
    Timer,
)
from engine.core.exchange import Accepted, Balance, Cause, Fill, Position, Tick
from engine.core.instrument import ZERO, Side
from engine.core.settings import Settings
from engine.core.state import State
from engine.journal.ideal import BTC

D = Decimal
NOON = 1_746_712_860_000
SETTINGS = Settings("test")
READ: tuple[AnyBody, ...] = (
    InstrumentsRead((BTC,)),
    LinkChanged("private", up=True),
    BalanceRead(Balance(D(100), D(100))),
    PositionsRead((), rest=True),
    OrdersRead((), asked=0),
    FillsRead(0),
)
"""All that a start reads of an account that holds nothing."""


class Day:
    """Events, one a second, told to the core."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.state: State = first_state(settings)
        self.at = NOON
        self.mark: Decimal | None = None

    def tell(self, *bodies: AnyBody) -> Decision:
        for body in bodies:
            self.at += 1_000
            decision = decide(self.state, Event(self.at, self.at, body, self.ticks))
            self.state = decision.state
        return decision

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """A fresh price, once there is one."""
        if self.mark is None:
            return ()
        return (Tick("BTCUSDT", self.mark, self.mark, self.at, str(self.mark), str(self.mark)),)

    def begins(self) -> None:
        self.tell(Started(self.settings, "test"), *READ)

    def short_opened(self, qty: str, trade: str = "100") -> Decision:
        opening = self.trade(trade, qty, "100000", buy=False)
        row = Position(
            "BTCUSDT", Side.SHORT, D(qty), D(100_000), D(10), D(20), D(104_000), True, False, False, self.at
        )
        return self.tell(FillSeen(opening, live=True), PositionsRead((row,), rest=False))

    def trade(
        self,
        number: str,
        qty: str,
        price: str,
        *,
        buy: bool,
        profit: str = "0",
        cause: Cause = Cause.ORDER,
        at: int = 0,
    ) -> Fill:
        numbers = D(qty), D(price), D(qty) * D(price) * D("0.0006"), D(profit)
        return Fill(number, f"o{number}", "", "BTCUSDT", buy, None, *numbers, cause, at or self.at)

    @property
    def cycles(self) -> list[Cycle]:
        return [*self.state.closed, *self.state.cycles.values()]

    @property
    def booked(self) -> Decimal:
        return sum((c.realised - c.fees + c.funding for c in self.cycles), ZERO)


def readings(decision: Decision) -> set[Reading]:
    return {what for work in decision.actions if isinstance(work, Read) for what in work.what}


def closed_and_opened_again(day: Day) -> tuple[Fill, Fill, Fill]:
    """Closed whole, opened again smaller, and that closed as well."""
    closed = day.trade("101", "0.002", "99000", buy=True, profit="2", at=day.at + 100)
    again = day.trade("102", "0.001", "99000", buy=False, at=day.at + 200)
    burst = day.trade(
        "103", "0.001", "104000", buy=True, profit="-5", cause=Cause.LIQUIDATION, at=day.at + 300
    )
    return closed, again, burst


def paid(*fills: Fill) -> Decimal:
    return sum((f.profit - f.fee for f in fills), ZERO)


def test_a_trade_after_a_reconnect_waits_for_those_that_the_stream_did_not_tell() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.002")
    opening = day.booked
    day.tell(LinkChanged("private", up=False), LinkChanged("private", up=True))
    closed, again, burst = closed_and_opened_again(day)
    waits = day.tell(FillSeen(burst, live=True))
    assert Reading.FILLS in readings(waits)
    assert burst.trade_id not in day.state.trades_seen
    day.tell(FillSeen(closed), FillSeen(again), FillSeen(burst), FillsRead(0))
    assert [c.closed_reason for c in day.state.closed] == ["trader"]
    assert day.state.closed[0].fees == D("0.12") + closed.fee
    assert day.state.untold == 0
    assert opening == -D("0.12")


def test_a_trade_that_waited_makes_the_next_one_wait_until_a_later_reading() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.003")
    day.tell(LinkChanged("private", up=False), LinkChanged("private", up=True))
    first, second = (day.trade(n, "0.001", "99000", buy=True, profit="1") for n in ("101", "102"))
    asked = day.at
    day.tell(FillSeen(first, live=True), FillsRead(0, asked=asked), FillSeen(second, live=True))
    assert day.cycles[0].held_qty == D("0.003")
    day.tell(FillSeen(first), FillSeen(second), FillsRead(0, asked=day.at))
    assert day.cycles[0].held_qty == D("0.001")


def test_a_fill_of_our_own_order_waits_for_nobody() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.tell(LinkChanged("private", up=False), LinkChanged("private", up=True))
    ours = f"rt-{day.cycles[0].id}-x1"
    fill = day.trade("101", "0.001", "99000", buy=True, profit="1")
    fill = Fill(*(ours if name == "client_id" else getattr(fill, name) for name in Fill.__struct_fields__))
    day.tell(FillSeen(fill, live=True))
    assert day.cycles[0].held_qty == D("0.001")


def test_a_fill_of_an_exit_that_was_asked_for_waits_for_nobody() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.mark = D(99_000)
    leaves = day.tell(Commanded("1", "the desk", Exit("BTCUSDT", Side.SHORT)))
    [order] = [work for work in leaves.actions if isinstance(work, PlaceLimit)]
    day.tell(LinkChanged("private", up=False), LinkChanged("private", up=True))
    fill = day.trade("101", "0.002", "99000", buy=True, profit="2")
    day.tell(FillSeen(replace(fill, client_id=order.id), live=True))
    assert [cycle.closed_reason for cycle in day.state.closed] == ["exit by the desk"]
    assert not day.state.entries


def test_an_entry_waits_for_what_the_stream_did_not_tell() -> None:
    """What it opened may be the next position, or more of the one that is believed to be open."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.mark = D(99_000)
    enters = day.tell(Commanded("1", "the desk", Enter("BTCUSDT", Side.SHORT, qty=D("0.001"))))
    [order] = [work for work in enters.actions if isinstance(work, PlaceMarket)]
    day.tell(LinkChanged("private", up=False), LinkChanged("private", up=True))
    fill = day.trade("101", "0.001", "99000", buy=False)
    day.tell(FillSeen(replace(fill, client_id=order.id), live=True))
    assert day.cycles[0].held_qty == D("0.002")


def test_a_late_close_that_is_larger_than_what_is_left_is_booked_whole() -> None:
    """A frame was lost, and the close of what was opened again came first: not a fee share goes missing."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    before = day.booked
    closed, again, burst = closed_and_opened_again(day)
    day.tell(FillSeen(burst, live=True), FillSeen(closed), FillSeen(again), FillsRead(0))
    assert not day.state.cycles
    assert not (day.state.strays or day.state.unclaimed)
    assert day.booked - before == paid(closed, again, burst)


def test_trades_of_earlier_care_of_the_same_position_are_booked_to_that_care() -> None:
    """An add that was not told, a close of all that was believed, and what is left is adopted anew."""
    day = Day()
    day.begins()
    opened = day.at
    opening = day.trade("100", "0.002", "100000", buy=False)
    held = (D("0.002"), D(100_000), D(10), D(20), D(104_000), True, False, False)
    day.tell(PositionsRead((Position("BTCUSDT", Side.SHORT, *held, opened=opened),), rest=True))
    added = day.trade("101", "0.002", "100000", buy=False, at=day.at + 100)
    closed = day.trade("102", "0.002", "99000", buy=True, profit="2", at=day.at + 200)
    left = Position("BTCUSDT", Side.SHORT, *held, opened=opened, updated=day.at + 200)
    day.tell(FillSeen(closed), PositionsRead((left,), rest=True))
    assert [len(day.state.closed), len(day.state.cycles)] == [1, 1]
    [goes_on] = day.state.cycles.values()
    assert goes_on.given == (day.state.closed[0].id,), "what rests of its stops protects it still"
    day.tell(FillSeen(opening), FillSeen(added), FillsRead(0))
    assert day.booked == paid(opening, added, closed)
    assert day.state.closed[0].fees == opening.fee + added.fee + closed.fee


@pytest.mark.parametrize("auto_margin", [False, True])
def test_a_flatten_goes_on_with_what_is_left_of_the_very_position(auto_margin: bool) -> None:
    """An add that was not told: the flatten closes all that is believed, and the position is not flat. That
    the trader has switched on what pauses the ladder keeps nothing of it open.
    """
    day = Day()
    day.begins()
    opened = day.at
    held = (D("0.002"), D(100_000), D(10), D(20), D(104_000), True, False, False)
    day.tell(PositionsRead((Position("BTCUSDT", Side.SHORT, *held, opened=opened),), rest=True))
    flatten = day.tell(Commanded("1", "the desk", Flatten()))
    [first] = closes(flatten)
    day.tell(Answered(first.id, Accepted("o102")))
    closed = replace(day.trade("102", "0.002", "99000", buy=True, profit="2"), client_id=first.id)
    left = Position("BTCUSDT", Side.SHORT, *held, opened=opened, updated=day.at + 200)
    left = replace(left, auto_margin=auto_margin)
    goes_on = day.tell(FillSeen(closed), PositionsRead((left,), rest=True))
    [cycle] = day.state.cycles.values()
    assert (cycle.closing, len(day.state.closed)) == ("flatten", 1)
    assert [work.qty for work in closes(goes_on)] == [D("0.002")]


def closes(decision: Decision) -> list[PlaceMarket]:
    return [work for work in decision.actions if isinstance(work, PlaceMarket) and not work.opens]


def test_a_part_closed_before_its_position_was_seen_is_booked_when_it_is() -> None:
    """The trades are read before a slow frame tells of the position, as it was before the part was closed."""
    day = Day()
    day.begins()
    opened = day.at
    opening = day.trade("100", "0.002", "100000", buy=False)
    part = day.trade("101", "0.0005", "100010", buy=True, profit="-0.005", cause=Cause.ADL, at=opened + 100)
    day.tell(FillSeen(opening), FillSeen(part), FillsRead(0))
    numbers = (D("0.002"), D(100_000), D(10), D(20), D(104_000), True, False, False)
    row = Position("BTCUSDT", Side.SHORT, *numbers, opened=opened, updated=opened)
    day.tell(PositionsRead((row,), rest=False))
    assert day.cycles[0].held_qty == D("0.0015")
    assert day.booked == paid(opening, part)
    assert not (day.state.strays or day.state.unclaimed)


def test_a_trade_waits_for_earlier_ones_whose_stop_is_asked_for_and_not_for_later_ones() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.003")
    [(key, cycle)] = day.state.cycles.items()
    asked_for = Unlinked("105", day.at, day.at + 500)
    day.state = replace(day.state, cycles={key: replace(cycle, unlinked=(asked_for,))})
    before, after = (
        day.trade(number, "0.001", "99000", buy=True, profit="1", at=day.at + at)
        for number, at in (("103", 100), ("107", 900))
    )
    day.tell(FillSeen(before), FillSeen(after))
    assert before.trade_id in day.state.trades_seen
    assert after.trade_id not in day.state.trades_seen
    assert day.cycles[0].held_qty == D("0.002")


def test_what_opens_the_other_side_waits_for_the_close_that_was_not_told() -> None:
    """Its frame could not be read, and the second half of the flip came first: one fee was booked twice."""
    day = Day()
    day.begins()
    day.short_opened("0.003")
    ends = day.trade("101", "0.003", "99000", buy=True, profit="3", at=day.at + 100)
    opens = day.trade("102", "0.002", "99000", buy=True, at=day.at + 100)
    waits = day.tell(FillSeen(opens, live=True))
    assert (Reading.FILLS in readings(waits), day.cycles[0].held_qty) == (True, D("0.003"))
    day.tell(FillSeen(ends), FillSeen(opens), FillsRead(0))
    [ended] = day.state.closed
    assert (ended.closed_reason, ended.fees, ended.realised) == ("trader", D("0.18") + ends.fee, D(3))
    assert day.state.strays == (opens,)


def test_a_flip_is_shared_between_the_position_that_it_ends_and_the_one_that_it_opens() -> None:
    day = Day()
    day.begins()
    day.short_opened("0.002")
    before = day.booked
    flip = day.trade("101", "0.003", "99000", buy=True, profit="2", at=day.at + 100)
    day.tell(FillSeen(flip))
    assert day.booked - before == D(2) - flip.fee * 2 / 3
    assert [(s.qty, s.fee) for s in day.state.strays] == [(D("0.001"), flip.fee / 3)]


def test_an_add_a_moment_before_a_flip_is_no_part_of_what_the_flip_opened() -> None:
    """The new position was seen before the trades were read. The fee of the add was nobody's."""
    day = Day()
    day.begins()
    day.short_opened("0.002")
    before, added_at = day.booked, day.at + 100
    flipped_at = added_at + 500
    numbers = (D("0.002"), D(99_000), D("9.9"), D(20), D(94_500), True, False, False)
    row = Position("BTCUSDT", Side.LONG, *numbers, opened=flipped_at, updated=flipped_at)
    day.tell(PositionsRead((row,), rest=True))
    add = day.trade("101", "0.001", "99000", buy=False, at=added_at)
    ends = day.trade("102", "0.003", "99000", buy=True, profit="2", at=flipped_at)
    opens = day.trade("103", "0.002", "99000", buy=True, at=flipped_at)
    day.tell(FillSeen(add), FillSeen(ends), FillSeen(opens), FillsRead(0))
    assert [cycle.side for cycle in day.cycles] == [Side.SHORT, Side.LONG]
    assert day.booked - before == paid(add, ends, opens)


def test_a_trade_that_waits_is_read_again_however_long_ago_it_was_made() -> None:
    """The engine was away for two hours; what the stop of then became is not known at the first reading."""
    day = Day()
    day.begins()
    day.short_opened("0.003")
    two_hours = 7_200_000
    waiting = Unlinked("105", day.at + two_hours, day.at + 500)
    [(key, cycle)] = day.state.cycles.items()
    day.state = replace(day.state, cycles={key: replace(cycle, unlinked=(waiting,))})
    day.at += two_hours
    day.tell(FillsRead(0), Answered(f"read:fills:{day.at}:{day.at}", Accepted()))
    reading = day.tell(LinkChanged("private", up=True))
    [since] = [
        work.since for work in reading.actions if isinstance(work, Read) and Reading.FILLS in work.what
    ]
    assert since < waiting.at


def met_at(day: Day, qty: str) -> tuple[Position, tuple[Fill, ...]]:
    """A short of 0.0016; another 0.0002 opened, closed and opened again in one millisecond, and the row that
    came with a size of then.
    """
    opened = day.at
    numbers = (D(qty), D(100_000), D(10), D(20), D(104_000), True, False, False)
    row = Position("BTCUSDT", Side.SHORT, *numbers, opened=opened, updated=opened + 500)
    day.tell(PositionsRead((row,), rest=False))
    more, less, again = (
        day.trade(number, "0.0002", "99000", buy=buy, profit=profit, at=opened + 500)
        for number, buy, profit in (("101", False, "0"), ("102", True, "0.2"), ("103", False, "0"))
    )
    return row, (day.trade("100", "0.0016", "100000", buy=False, at=opened), more, less, again)


@pytest.mark.parametrize(
    ("shown", "trades", "holds"),
    [("0.0018", 3, "0.0016"), ("0.0016", 3, "0.0016"), ("0.0018", 4, "0.0018"), ("0.0016", 4, "0.0018")],
)
def test_the_first_row_holds_the_trades_of_its_moment_up_to_its_size(
    shown: str, trades: int, holds: str
) -> None:
    """Another bot opened and closed within a millisecond, and the row was of between: the close was taken for
    history, and the ledger held more than Bitget.
    """
    day = Day()
    day.begins()
    _, told = met_at(day, shown)
    day.tell(*map(FillSeen, told[:trades]))
    assert day.cycles[0].held_qty == D(holds)


def test_a_trade_of_the_moment_of_a_row_that_was_believed_brings_its_money_only() -> None:
    day = Day()
    day.begins()
    row, (opening, more, less, _) = met_at(day, "0.0018")
    day.tell(FillSeen(opening), FillSeen(more))
    after = replace(row, qty=D("0.0016"))
    notes = [note.text for _ in range(3) for note in day.tell(PositionsRead((after,), rest=True)).notes]
    assert notes == []
    notes = [note.text for body in (FillsRead(0), Timer()) for note in day.tell(body).notes]
    assert [text for text in notes if text.endswith("The ledger follows Bitget.")]
    before = day.booked
    day.tell(FillSeen(less))
    assert (day.cycles[0].held_qty, day.booked - before) == (D("0.0016"), paid(less))
