"""A small day at the desk, as entries and beliefs: a short from 100,000, its first rung, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from engine.core.actions import Level, Note, PlaceMarket, Work
from engine.core.cycle import Cycle, Leg, Order, Rung, key_of
from engine.core.events import (
    Answered,
    AnyBody,
    BalanceRead,
    BillSeen,
    Event,
    FillSeen,
    MarkReached,
    SignalHeard,
    SignalOutcome,
    Started,
    Timer,
)
from engine.core.exchange import Accepted, Balance, Bill, Cause, Fill, Position
from engine.core.ids import add_id, bank_id
from engine.core.instrument import Side
from engine.core.settings import Settings, StopMode
from engine.core.state import Day, State
from engine.journal.port import Entry

ACCOUNT = "acct"
CYCLE = "abcdefgh"
T0 = 1_763_600_000_000
SETTINGS = Settings(account=ACCOUNT)
BLANK = State(settings=SETTINGS, version="1.0")
BANK, ADD = bank_id(CYCLE, 1), add_id(CYCLE, 1)


def d(text: str) -> Decimal:
    return Decimal(text)


def entry(at: int, body: AnyBody, *actions: Work, notes: Sequence[Note] = ()) -> Entry:
    return Entry(Event(T0 + at, T0 + at, body), actions, tuple(notes))


def tick(number: int) -> Entry:
    """The plainest entry there is."""
    return entry(number, Timer())


def filled(trade: str, client_id: str, *, buy: bool, qty: str, price: str, fee: str, at: int) -> FillSeen:
    order = f"order-{client_id or trade}"
    numbers = d(qty), d(price), d(fee), d("0")
    return FillSeen(Fill(trade, order, client_id, "BTCUSDT", buy, None, *numbers, Cause.ORDER, T0 + at))


def position(qty: str, entry_price: str, margin: str, liquidation: str) -> Position:
    return Position(
        symbol="BTCUSDT",
        side=Side.SHORT,
        qty=d(qty),
        entry=d(entry_price),
        margin=d(margin),
        leverage=d("20"),
        liquidation=d(liquidation),
        isolated=True,
        auto_margin=False,
        hedged=False,
        opened=T0 + 1_000,
    )


FIRST = Leg(1, d("0.0020"), d("100000"), d("20"), d("0.0020"), T0 + 1_200)
OPEN = Cycle(
    id=CYCLE,
    symbol="BTCUSDT",
    side=Side.SHORT,
    opened=T0 + 1_200,
    start_equity=d("100"),
    first_margin=d("10"),
    mode=StopMode.LEG_ENTRY,
    legs=(FIRST,),
    held_qty=d("0.0020"),
    held_entry=d("100000"),
    held_margin=d("10"),
    seen=position("0.0020", "100000", "10", "104519.21"),
    fees=d("0.12"),
    peak_qty=d("0.0020"),
)
RUNG = Rung(
    number=1,
    front=1,
    leg=2,
    trigger=d("95000"),
    at=T0 + 5_000,
    steps=(),
    bank=Order(BANK, d("0.0010"), ((1, d("0.0010")),)),
    add=Order(ADD, d("0.0021")),
    add_margin=d("10"),
    worst_before=d("-10.12"),
)


def believing(*cycles: Cycle, closed: Sequence[Cycle] = (), equity: str = "100", at: int = 0) -> State:
    return State(
        settings=SETTINGS,
        version="1.0",
        cycles={key_of(c.symbol, c.side): c for c in cycles},
        closed=tuple(closed),
        balance=Balance(d(equity), d("89.88")),
        balance_at=T0 + at,
        day=Day(day=1, week=1, day_equity=d("100"), week_equity=d("100")),
    )


RUNNING = replace(OPEN, rung=RUNG)
REST = replace(FIRST, qty=d("0.0010"), locked=True)
FRONT = Leg(2, d("0.0021"), d("95000"), d("20"), d("0.0021"), T0 + 5_200)
BANKED = replace(RUNNING, legs=(REST,), realised=d("5"), fees=d("0.177"))
ADDED = replace(BANKED, legs=(REST, FRONT), held_qty=d("0.0031"), rung=None, rungs=1, fees=d("0.2967"))
ENDED = replace(ADDED, closed=T0 + 9_000, closed_reason="trader", held_qty=d("0"), exit_price=d("94000"))

SENT_BANK = PlaceMarket(BANK, "BTCUSDT", Side.SHORT, False, d("0.0010"))
SENT_ADD = PlaceMarket(ADD, "BTCUSDT", Side.SHORT, True, d("0.0021"))


def note(text: str) -> Note:
    return Note("rung", Level.MONEY, text, "BTCUSDT", CYCLE)


OPENED = filled("t1", "", buy=False, qty="0.0020", price="100000", fee="0.12", at=1_000)
BANKED_SOME = filled("t2", BANK, buy=True, qty="0.0004", price="95000", fee="0.0228", at=5_090)
BANKED_REST = filled("t3", BANK, buy=True, qty="0.0006", price="95000", fee="0.0342", at=5_090)
ADDED_ALL = filled("t4", ADD, buy=False, qty="0.0021", price="95000", fee="0.1197", at=5_190)
CLOSED = filled("t5", "", buy=True, qty="0.0031", price="94000", fee="0.17", at=8_990)
FUNDING = BillSeen(Bill("b1", "BTCUSDT", "contract_settle_fee", d("0.0123"), T0 + 6_000))

HEARD = SignalHeard(
    *("TradingView", SignalOutcome.ACCEPTED, "entering", "w-1", "Long-1", "ETHUSDT", "buy", "long"),
    *(d("3000.5"), None, "long entry"),
)

REACHED = entry(5_000, MarkReached("BTCUSDT", d("95000")), SENT_BANK, notes=[note("rung 1 runs")])
BANKING = (
    entry(5_100, BANKED_SOME),
    entry(5_101, BANKED_REST, SENT_ADD, notes=[note("half of leg 1 is banked: +5.00 USDT")]),
)

DAY: tuple[tuple[tuple[Entry, ...], State], ...] = (
    ((entry(0, Started(SETTINGS, "1.0")),), BLANK),
    ((entry(500, BalanceRead(Balance(d("100"), d("89.88")))),), believing(at=500)),
    ((entry(1_001, OPENED),), believing(at=500)),
    ((entry(1_200, Timer(), notes=[note("BTCUSDT short is under care")]),), believing(OPEN, at=500)),
    ((REACHED,), believing(RUNNING, at=500)),
    ((entry(5_050, Answered(BANK, Accepted(f"order-{BANK}"))),), believing(RUNNING, at=500)),
    (BANKING, believing(BANKED, at=5_100, equity="104.9")),
    ((entry(5_200, ADDED_ALL),), believing(ADDED, at=5_100, equity="104.9")),
    ((entry(6_000, FUNDING),), believing(ADDED, at=65_000, equity="109.7")),
    ((entry(9_000, CLOSED),), believing(closed=[ENDED], at=65_000, equity="109.7")),
    ((entry(9_500, HEARD),), believing(closed=[ENDED], at=65_000, equity="109.7")),
)
"""What each append gets: its entries, and the belief after them."""


def step(state: State, event: Event) -> State:
    """A `decide` that knows this one day by heart: the belief after an event of it."""
    number = next(n for n, (entries, _) in enumerate(DAY) if any(e.event == event for e in entries))
    return DAY[number][1]
