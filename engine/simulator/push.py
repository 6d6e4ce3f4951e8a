"""One message of the private websocket, before it is put into an envelope."""

from __future__ import annotations

from typing import Any

import msgspec


class Push(msgspec.Struct, frozen=True):
    """Rows for one channel of one account, in the shape that Bitget's websocket sends.

    `channel` is positions, account, orders, orders-algo, fill or positions-history. `positions` always
    carries the full list of open positions, which is empty when none is left. `symbol` is what the change was
    about; it is empty for `account`.
    """

    account_id: str
    channel: str
    symbol: str
    rows: list[dict[str, Any]]
