"""Bitget's limits: calls a second to each endpoint, calls a minute to all, and what a socket may do."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Final

CALLS_A_MINUTE: Final = 6_000
USUAL_CALLS: Final = 10
CALLS_A_SECOND: Final[dict[str, int]] = {
    "v2/public/time": 20,
    "v2/mix/market/contracts": 20,
    "v2/mix/market/ticker": 20,
    "v2/mix/market/tickers": 20,
    "v2/mix/market/symbol-price": 20,
    "v2/mix/market/merge-depth": 20,
    "v2/mix/market/candles": 20,
    "v2/mix/market/history-candles": 20,
    "v2/mix/market/history-mark-candles": 20,
    "v2/mix/market/history-index-candles": 20,
    "v2/mix/market/fills": 20,
    "v2/mix/market/fills-history": 10,
    "v2/mix/market/current-fund-rate": 20,
    "v2/mix/market/funding-time": 20,
    "v2/mix/market/history-fund-rate": 20,
    "v2/mix/market/query-position-lever": 10,
    "v2/mix/market/open-interest": 20,
    "v2/mix/market/account-long-short": 1,
    "v2/mix/market/position-long-short": 1,
    "v2/mix/market/long-short": 1,
    "v2/mix/market/taker-buy-sell": 1,
    "v2/mix/account/set-leverage": 5,
    "v2/mix/account/set-margin-mode": 5,
    "v2/mix/account/set-position-mode": 5,
    "v2/mix/account/set-margin": 5,
    "v2/mix/account/set-auto-margin": 5,
    "v2/mix/account/max-open": 20,
    "v2/mix/account/liq-price": 20,
    "v2/mix/position/all-position": 5,
    "v2/mix/position/history-position": 20,
    "v2/mix/order/batch-place-order": 1,
    "v2/mix/order/cancel-all-orders": 1,
    "v2/mix/order/close-positions": 1,
    "v2/mix/order/click-backhand": 1,
}
"""Calls a second and endpoint (WIRE §2); those that are not named have USUAL_CALLS."""

CONNECTS_IN_FIVE_MINUTES: Final = 300
CONNECTIONS: Final = 100
MESSAGES_A_SECOND: Final = 10
SUBSCRIBES_AN_HOUR: Final = 240
CHANNELS: Final = 1_000


class Window:
    """At most `most` events in any `span_s` seconds."""

    def __init__(self, most: int, span_s: float) -> None:
        self._most = most
        self._span_s = span_s
        self._seen: deque[float] = deque()

    def admits(self, now_s: float) -> bool:
        """Count an event at `now_s`; False when it is one too many (then it is not counted)."""
        while self._seen and self._seen[0] <= now_s - self._span_s:
            self._seen.popleft()
        if len(self._seen) >= self._most:
            return False
        self._seen.append(now_s)
        return True


class RateLimits:
    """The limits of REST: each endpoint's own, and one for all of them together."""

    def __init__(self) -> None:
        self._all = Window(CALLS_A_MINUTE, 60.0)
        self._each: dict[tuple[str, str], Window] = {}

    def admits(self, caller: str, path: str, now_s: float) -> bool:
        """Whether `caller` (an account, or an address for public calls) may call `path` now."""
        window = self._each.get((caller, path))
        if window is None:
            window = self._each[caller, path] = Window(CALLS_A_SECOND.get(path, USUAL_CALLS), 1.0)
        return window.admits(now_s) and self._all.admits(now_s)


class SocketLimits:
    """The limits of connecting, for each address."""

    def __init__(self) -> None:
        self._connects: dict[str, Window] = defaultdict(lambda: Window(CONNECTS_IN_FIVE_MINUTES, 300.0))
        self._open: dict[str, int] = defaultdict(int)

    def connect(self, address: str, now_s: float) -> bool:
        """Count a connection; False when it must be refused."""
        if self._open[address] >= CONNECTIONS or not self._connects[address].admits(now_s):
            return False
        self._open[address] += 1
        return True

    def disconnect(self, address: str) -> None:
        self._open[address] -= 1
