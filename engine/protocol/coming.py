"""What is on its way: entries, exits, and flips (an exit, and then an entry). Deny takes each back."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from engine.core.instrument import Side
from engine.core.state import Step
from engine.core.words import percent, size, span


class EntryView(msgspec.Struct, frozen=True):
    """An entry, or an exit where it does not `opens`, on its way and not filled whole. Deny takes back what
    is not filled; Exit also closes what is. `by` is who asked for it, `want` its whole size, `filled`
    what it has of that. A `patient` one waits at the touch: `price` is where its order rests, None while none
    is known to; `attempt` of `tries` is as it is `since` (ms UTC). `taken_back` is by whom; it then `closes`
    what it has filled, or leaves it.
    """

    id: str
    symbol: str
    side: Side
    by: str
    want: Decimal
    filled: Decimal
    price: Decimal | None
    since: int
    attempt: int
    tries: int
    step: Step = Step.WORKING
    patient: bool = True
    opens: bool = True
    taken_back: str = ""
    closes: bool = False
    price_decimals: int = 2

    @property
    def left(self) -> Decimal:
        """What it has not filled."""
        return self.want - self.filled

    @property
    def told(self) -> str:
        """`entered 0.02 of 0.05, at 2,000.00, try 1 of 4`."""
        did, does = ("entered", "entering") if self.opens else ("left", "leaving")
        amount = (
            f"{did} {size(self.filled)} of {size(self.want)}" if self.filled else f"{does} {size(self.want)}"
        )
        which = f", try {self.attempt} of {self.tries}" if self.patient and self.attempt else ""
        return f"{amount}, {self._where}{which}"

    @property
    def _where(self) -> str:
        if self.taken_back:
            return "taken back and closed" if self.closes else "being taken back"
        if self.step is Step.CANCELLING:
            return "its order being cancelled"
        if self.price is not None:
            return f"at {self.price:,.{self.price_decimals}f}"
        if self.step is Step.LEVERAGE:
            return "its leverage being set"
        return "being placed" if self.patient else "at market"

    def when(self, now: int) -> str:
        """`for 12 s`."""
        return f"for {span(now - self.since)}"


class FlipView(msgspec.Struct, frozen=True):
    """A symbol whose other side is being left, after which `side` is entered, before `until` (ms UTC), with
    `share` of what is free then; or is asked for, when it `asks`. Deny takes the entry back, and the other
    side is left all the same.
    """

    id: str
    symbol: str
    side: Side
    by: str
    until: int
    share: Decimal
    asks: bool = False

    @property
    def told(self) -> str:
        """`once the short is closed: 50.0 % of what is free`."""
        wants = "asks with " if self.asks else ""
        return f"once the {self.side.opposite.value} is closed: {wants}{percent(self.share)} of what is free"

    def when(self, now: int) -> str:
        """`38 s left`."""
        return f"{span(self.until - now)} left"


Coming = EntryView | FlipView
"""What is on its way."""


def on_its_way(of: Coming, now: int) -> str:
    """`ETHUSDT long entered 0.02 of 0.05, at 2,000.00, try 1 of 4, for 12 s, asked for by webhook`."""
    return f"{of.symbol} {of.side.value} {of.told}, {of.when(now)}, asked for by {of.by}"
