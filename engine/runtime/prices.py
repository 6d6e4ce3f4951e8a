"""The newest prices, and the two comparisons that every tick goes through."""

from __future__ import annotations

from engine.core.arming import NEVER
from engine.core.exchange import Tick


class Prices:
    """Holds the newest tick of each symbol and the armed thresholds. Nothing here is durable."""

    def __init__(self) -> None:
        self._ticks: dict[str, Tick] = {}
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

    def of(self, symbol: str) -> Tick | None:
        return self._ticks.get(symbol)
