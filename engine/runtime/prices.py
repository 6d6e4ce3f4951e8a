"""The newest prices, and the two comparisons that every tick goes through."""

from __future__ import annotations

from decimal import Decimal

from engine.core.arming import NEVER
from engine.core.exchange import Tick
from engine.core.instrument import ZERO


class Prices:
    """Holds the newest tick of each symbol and the armed thresholds. Nothing here is durable."""

    def __init__(self) -> None:
        self._ticks: dict[str, Tick] = {}
        self._then: dict[str, Decimal] = {}
        self._armed: dict[str, tuple[float, float]] = {}

    def crosses(self, tick: Tick) -> bool:
        """Keep the tick; tell whether its mark has to be decided upon. A threshold tells once, until it is
        armed again.
        """
        symbol = tick.symbol
        self._ticks[symbol] = tick
        low, high = self._armed.get(symbol, NEVER)
        if low < float(tick.mark) < high:
            return False
        self._armed[symbol] = NEVER
        return True

    def arm(self, armed: dict[str, tuple[float, float]]) -> None:
        self._armed = dict(armed)

    def newest(self, *, touch: bool = False) -> tuple[Tick, ...]:
        """The newest tick of each symbol; the touch only where something waits at it, for ticks are
        journalled.
        """
        if touch:
            return tuple(self._ticks.values())
        return tuple(Tick(t.symbol, t.mark, t.last, t.arrived) for t in self._ticks.values())

    def note_balance(self) -> None:
        """The equity was just read: remember the marks that it was made with."""
        self._then = {tick.symbol: tick.mark for tick in self._ticks.values()}

    def moved(self, symbol: str) -> Decimal:
        """How far the mark has moved since the equity was read; 0 when either mark is unknown."""
        tick, then = self._ticks.get(symbol), self._then.get(symbol)
        return ZERO if tick is None or then is None else tick.mark - then

    def of(self, symbol: str) -> Tick | None:
        return self._ticks.get(symbol)
