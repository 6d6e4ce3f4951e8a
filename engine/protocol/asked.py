"""What a client asks for once, when it wants to see it: previews, the past, the chart, the settings."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from engine.core.instrument import Side
from engine.core.settings import StopMode
from engine.core.words import ending
from engine.protocol.now import LimitView, StopView


class ModeView(msgspec.Struct, frozen=True):
    """A stop mode of one cycle: its stops, nearest first, and the worst case once they rest.

    No stops: the mode holds from the first rung on, until then nothing changes. `at_once` when the
    mark has passed one of them already.
    """

    mode: StopMode
    worst_case: Decimal
    stops: tuple[StopView, ...] = ()
    at_once: bool = False


class ReduceView(msgspec.Struct, frozen=True):
    """Closing `fraction` at the mark: the size that goes and is left, the profit after the fee, the margin
    that comes free, and the worst case of what is left. `refused` says why the exchange would not take it.
    """

    fraction: Decimal
    qty: Decimal
    left: Decimal
    result: Decimal
    freed: Decimal
    liquidation: Decimal
    worst_case: Decimal
    refused: str = ""


class PreviewView(msgspec.Struct, frozen=True):
    """What the trader can choose for one cycle. `reduces` is empty while no mark is known."""

    symbol: str
    side: Side
    cycle: str
    mark: Decimal | None
    mode: StopMode
    worst_case: Decimal
    modes: tuple[ModeView, ...]
    reduces: tuple[ReduceView, ...]


class TicketView(msgspec.Struct, frozen=True):
    """An entry before it is asked for. `fee` is the opening one; `*_after` the position that it makes or
    enlarges; `worst_case` and `worst_before` that position's. `limits` tells where each limit would stand.
    `refused` is the engine's sentence when it would not take the entry.
    """

    symbol: str
    side: Side
    price: Decimal | None = None
    qty: Decimal | None = None
    notional: Decimal | None = None
    margin: Decimal | None = None
    leverage: Decimal | None = None
    fee: Decimal | None = None
    size_after: Decimal | None = None
    entry_after: Decimal | None = None
    liquidation: Decimal | None = None
    distance: Decimal | None = None
    worst_case: Decimal | None = None
    worst_before: Decimal | None = None
    free_after: Decimal | None = None
    limits: tuple[LimitView, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: str = ""
    price_decimals: int = 2
    qty_decimals: int = 4


class CycleView(msgspec.Struct, frozen=True):
    """A cycle of the journal, open (`closed` 0) or over. `net` is realised − fees + funding; `r` is net over
    the margin of the first leg: what it made of what was put at stake. `reason` is the belief's own word for
    why it ended (`stop`, `liquidation`), `ending` the trader's.
    """

    cycle: str
    symbol: str
    side: Side
    status: str
    reason: str
    opened: int
    closed: int
    rungs: int
    first_margin: Decimal
    start_equity: Decimal
    peak_qty: Decimal
    realised: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    r: Decimal | None
    exit_price: Decimal

    @property
    def ending(self) -> str:
        """Empty while it is open."""
        return ending(self.reason) if self.closed else ""


class PastLeg(msgspec.Struct, frozen=True):
    """A leg as the journal has it; `qty` is what is left of `opened_qty`."""

    number: int
    opened: int
    by: str
    opened_qty: Decimal
    qty: Decimal
    entry: Decimal
    leverage: Decimal
    margin: Decimal
    realised: Decimal
    fees: Decimal
    funding: Decimal
    locked: bool


class RungView(msgspec.Struct, frozen=True):
    """A rung that ran: what it banked at which average price and freed, and what it added."""

    number: int
    at: int
    trigger: Decimal
    bank_qty: Decimal
    bank_price: Decimal | None
    bank_profit: Decimal
    freed: Decimal
    add_qty: Decimal
    add_price: Decimal | None
    add_margin: Decimal
    worst_before: Decimal
    reason: str


class TradeView(msgspec.Struct, frozen=True):
    """A fill. `opens` when it made the position larger; `cause` why it happened, in the exchange's words."""

    at: int
    opens: bool
    buy: bool
    qty: Decimal
    price: Decimal
    fee: Decimal
    profit: Decimal
    cause: str
    ours: bool
    order_id: str


class CycleStory(msgspec.Struct, frozen=True):
    """One cycle with everything that happened in it, oldest first."""

    cycle: CycleView
    legs: tuple[PastLeg, ...]
    rungs: tuple[RungView, ...]
    trades: tuple[TradeView, ...]


class SignalView(msgspec.Struct, frozen=True):
    """A signal that came from outside: what it said, its `outcome` with the reason in `text`, and what it
    `became` (empty: nothing). `id` is the name of its command, `label` the sender's own; `times` is more
    than 1 for a flood of the same kind.
    """

    seq: int
    at: int
    source: str
    id: str
    label: str
    symbol: str
    action: str
    sentiment: str
    price: Decimal | None
    stop: Decimal | None
    outcome: str
    text: str
    became: str
    times: int = 1


class RegimeView(msgspec.Struct, frozen=True):
    """What the strategy behind the signals of a symbol last was (`long`, `short`, `flat`), since when, and
    what it was `before` (empty: unknown).
    """

    symbol: str
    sentiment: str
    since: int
    before: str


class SignalsView(msgspec.Struct, frozen=True):
    """The newest signals, newest first, and the regime of each symbol. `sources` are those that this engine
    listens to; none means that nothing is configured.
    """

    signals: tuple[SignalView, ...]
    regimes: tuple[RegimeView, ...] = ()
    sources: tuple[str, ...] = ()


class EquityPoint(msgspec.Struct, frozen=True):
    """The account at one moment."""

    at: int
    equity: Decimal
    deployed: Decimal


class Candle(msgspec.Struct, frozen=True):
    """The marks of one minute that begins at `at` by the exchange's clock."""

    at: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class ChartView(msgspec.Struct, frozen=True):
    """The marks of a symbol, oldest first, and the fills of its open cycles since the first of them."""

    symbol: str
    candles: tuple[Candle, ...]
    trades: tuple[TradeView, ...] = ()


class OptionView(msgspec.Struct, frozen=True):
    """An option as it holds: its value as it would stand in TOML, and the layer and place it comes from."""

    name: str
    value: str
    source: str
    where: str = ""


class SettingsView(msgspec.Struct, frozen=True):
    """The engine's options and the files it works with. Secrets are named in it, never shown."""

    options: tuple[OptionView, ...]
    files: tuple[tuple[str, str], ...] = ()
