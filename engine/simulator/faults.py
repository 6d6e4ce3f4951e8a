"""Everything that can go wrong on purpose: the list of faults, each with its own fields.

A fault is armed by POST /_sim/faults (a JSON list) or `Faults.add`, and described by its name in the field
`fault`:

    [{"fault": "response_lost", "path": "v2/mix/order/place-order", "symbol": "BTCUSDT"},
     {"fault": "stream_gap", "channel": "orders", "count": 2}]

Request faults wait for a request that matches `method`, `path` (below /api/) and `symbol`; stream faults
for a frame that matches `channel` and `symbol`. What is left out matches everything. `count` is how often
it happens (null: until cleared), `probability` how likely at each match, drawn from the server's seed.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class RequestFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault"):
    """What all request faults have in common."""

    method: str | None = None
    path: str | None = None
    symbol: str | None = None
    count: int | None = 1
    probability: float = 1.0

    def matches(self, method: str, path: str, symbol: str) -> bool:
        """Whether it is meant for this request."""
        wanted = self.path.strip("/").removeprefix("api/") if self.path else None
        return (
            (self.method is None or self.method.upper() == method)
            and (wanted is None or wanted == path)
            and (self.symbol is None or self.symbol.upper() == symbol)
        )


class Lost(RequestFault, frozen=True, tag="lost"):
    """The request never arrives: nothing is executed, nothing is answered."""


class ResponseLost(RequestFault, frozen=True, tag="response_lost"):
    """Executed, then the connection drops; with `hang` it stays open and silent instead."""

    hang: bool = False


class Doubled(RequestFault, frozen=True, tag="doubled"):
    """The network delivers the request twice; the first answer is the one that comes back."""


class Late(RequestFault, frozen=True, tag="late"):
    """`delay_ms` pass between execution and answer; with `before`, between arrival and execution.

    A client that gave up in the meantime does not stop the execution.
    """

    delay_ms: int
    before: bool = False


class Reject(RequestFault, frozen=True, tag="reject"):
    """Refused with a business `code`; nothing is executed."""

    code: str
    msg: str = "rejected by a fault"
    status: int = 400


class TooMany(RequestFault, frozen=True, tag="too_many"):
    """HTTP 429 with code 429; nothing is executed."""


class ServerError(RequestFault, frozen=True, tag="server_error"):
    """HTTP 5xx with a page instead of JSON; executed all the same when `executed`."""

    status: int = 502
    executed: bool = False


class Malformed(RequestFault, frozen=True, tag="malformed"):
    """Executed; the answer is cut in the middle of its JSON."""


class Garbled(RequestFault, frozen=True, tag="garbled"):
    """Executed; each `field` in the answer's data is `value` ("NaN" unless said), or named `renamed_to`."""

    field: str
    value: str | tuple[str, ...] | None = "NaN"
    renamed_to: str | None = None


class PartialFill(RequestFault, frozen=True, tag="partial_fill"):
    """The book holds only `cap` base coin on each side when the request arrives, until the next tick.

    An ideal market has no book, so that nothing can be thin there.
    """

    cap: str


class StreamFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault"):
    """What all stream faults have in common."""

    channel: str | None = None
    symbol: str | None = None
    count: int | None = 1
    probability: float = 1.0

    def matches(self, channel: str, symbol: str) -> bool:
        """Whether it is meant for a frame of this channel and symbol ("" when it is about the account)."""
        return self.channel in (None, channel) and (self.symbol is None or self.symbol.upper() == symbol)


class StreamGap(StreamFault, frozen=True, tag="stream_gap"):
    """`count` frames are not sent."""


class StreamStall(StreamFault, frozen=True, tag="stream_stall"):
    """Frames are swallowed for `ms` (null: until cleared) on a living socket; pongs too without `pong`."""

    ms: int | None = None
    pong: bool = True
    count: int | None = None


class StreamDuplicate(StreamFault, frozen=True, tag="stream_duplicate"):
    """`count` frames are sent twice."""


class StreamReorder(StreamFault, frozen=True, tag="stream_reorder"):
    """A frame is held back until the next one of its channel was sent."""


class StaleSnapshot(StreamFault, frozen=True, tag="stale_snapshot"):
    """The next subscription gets the snapshot of the moment when this fault was armed."""


class MissingClose(StreamFault, frozen=True, tag="missing_close"):
    """A positions frame that no longer has a position it had before is not sent."""


class FillBeforeOrder(StreamFault, frozen=True, tag="fill_before_order"):
    """The fill is told before the order's own change."""


class SubscribeError(StreamFault, frozen=True, tag="subscribe_error"):
    """A subscription is answered with an error event."""

    code: int = 30001
    msg: str = "refused by a fault"


class Disconnect(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="disconnect"
):
    """Every open websocket of `side` (both when left out) is cut now."""

    side: Literal["public", "private"] | None = None


class RefuseSockets(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="fault",
    tag="refuse_sockets",
):
    """New websockets are refused for `ms`, or `count` times, or until cleared."""

    ms: int | None = None
    count: int | None = None


class NetworkDown(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="fault",
    tag="network_down",
):
    """For `ms` every socket is cut and no request arrives."""

    ms: int


class ClockSkew(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="fault", tag="clock_skew"
):
    """The server's clock is `ms` ahead of the wall clock (negative: behind)."""

    ms: int


class UnifiedAccount(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="fault",
    tag="unified_account",
):
    """The account is unified: private v2 calls answer 40085, the v3 probe succeeds."""


class NoTradePermission(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="fault",
    tag="no_trade_permission",
):
    """The keys may read but not trade: order endpoints answer 40014."""


AnyRequestFault = (
    Lost | ResponseLost | Doubled | Late | Reject | TooMany | ServerError | Malformed | Garbled | PartialFill
)
AnyStreamFault = (
    StreamGap
    | StreamStall
    | StreamDuplicate
    | StreamReorder
    | StaleSnapshot
    | MissingClose
    | FillBeforeOrder
    | SubscribeError
)
Condition = Disconnect | RefuseSockets | NetworkDown | ClockSkew | UnifiedAccount | NoTradePermission
Fault = AnyRequestFault | AnyStreamFault | Condition
