"""What the trader chose: the ladder's options and the account's limits, as plain values without defaults
hidden elsewhere.

Fractions are decimal fractions (0.2 = 20 %), money is USDT, times are seconds unless a name says otherwise.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec


class Basis(StrEnum):
    """From where the next trigger is measured."""

    FRONT_LEG = "front_leg"
    FIXED_GRID = "fixed_grid"


class Bank(StrEnum):
    """Which legs a rung takes profit from."""

    FRONT = "front"
    ALL = "all"
    ORIGINAL = "original"


class Sequence(StrEnum):
    """The order of a rung's steps."""

    BANK_FIRST = "bank_first"
    ADD_FIRST = "add_first"


class Add(StrEnum):
    """What sizes the new leg."""

    FIRST_MARGIN = "first_margin"
    PERCENT_OF_EQUITY = "percent_of_equity"


class StopMode(StrEnum):
    """Where the stops lie after the first rung."""

    LEG_ENTRY = "leg_entry"
    LEG_NET = "leg_net"
    CYCLE_BREAKEVEN = "cycle_breakeven"
    PREVIOUS_ENTRY = "previous_entry"


class Rungs(StrEnum):
    """Whether a rung runs by itself or waits for the trader."""

    AUTO = "auto"
    ASK = "ask"


class Adoption(StrEnum):
    """Whether a position that appears is taken under care by itself or after the trader's yes."""

    AUTO = "auto"
    ASK = "ask"


class Ladder(msgspec.Struct, frozen=True):
    """The ladder's options, as docs/ladder.md explains them."""

    basis: Basis = Basis.FRONT_LEG
    roe: Decimal = Decimal(1)
    net: bool = False
    sequence: Sequence = Sequence.BANK_FIRST
    bank: Bank = Bank.FRONT
    bank_fraction: Decimal = Decimal("0.5")
    add: Add = Add.FIRST_MARGIN
    add_fraction: Decimal = Decimal("0.1")
    stops: StopMode = StopMode.LEG_ENTRY
    hard_stop: bool = False
    guard: Decimal = Decimal("0.005")
    rungs: Rungs = Rungs.AUTO
    adoption: Adoption = Adoption.AUTO
    approval_s: int = 60
    approval_band: Decimal = Decimal("0.005")
    max_rungs: int = 20
    max_cycle_margin: Decimal = Decimal("0.5")
    free_margin_buffer: Decimal = Decimal("0.02")


class Window(msgspec.Struct, frozen=True):
    """A span of the week, minutes since Monday 00:00 UTC, in which risk may be added; `start < end`."""

    start: int
    end: int


class Limits(msgspec.Struct, frozen=True):
    """The account's limits. Every one of them holds; none of them can be switched off by leaving it out."""

    daily_loss: Decimal = Decimal("0.2")
    kill_below: Decimal = Decimal("0.5")
    reference_equity: Decimal | None = None
    max_cycles: int = 2
    price_sanity: Decimal = Decimal("0.005")
    order_size: Decimal = Decimal("1.05")
    tick_age_s: Decimal = Decimal(5)
    entry_margin: Decimal = Decimal("0.1")
    windows: tuple[Window, ...] = ()


class Managed(msgspec.Struct, frozen=True):
    """A symbol under care and the leverage that the trader means to use on it."""

    symbol: str
    leverage: Decimal


class Settings(msgspec.Struct, frozen=True):
    """Everything `decide` may know about the trader's wishes."""

    account: str
    managed: tuple[Managed, ...] = (
        Managed("BTCUSDT", Decimal(20)),
        Managed("ETHUSDT", Decimal(40)),
    )
    ladder: Ladder = Ladder()
    limits: Limits = Limits()

    def leverage_of(self, symbol: str) -> Decimal | None:
        """The configured leverage of a managed symbol; None for a symbol outside the list."""
        return next((m.leverage for m in self.managed if m.symbol == symbol), None)
