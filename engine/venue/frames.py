"""Websocket frames as typed values, one struct a channel. Samples: tests/unit/venue/samples.py.

Envelope: `{"action", "arg": {"instType", "channel", "instId" | "coin"}, "data": [...], "ts": ms}`; control
frames are `{"event": "subscribe" | "login" | "error", "arg", "code", "msg"}` and the bare text `pong`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, Literal, TypeVar

import msgspec

from engine.core.exchange import Balance, OrderRow, RestingOrder, Tick
from engine.core.instrument import ZERO
from engine.venue.malformed import Malformed, Row, number
from engine.venue.rows import FeeRow, FillRow, OrderDetail, PlanRow, PositionRow

Shape = TypeVar("Shape")


class TickerArg(msgspec.Struct, frozen=True):
    """The subscription that a price frame belongs to."""

    channel: Literal["ticker"]


class TickerRow(msgspec.Struct, frozen=True):
    """The prices that Ratchet trades by, the touch as text. What else the row holds is not decoded."""

    symbol: str = msgspec.field(name="instId")
    mark: Decimal = msgspec.field(name="markPrice")
    last: Decimal = msgspec.field(name="lastPr")
    bid: str = msgspec.field(name="bidPr", default="")
    ask: str = msgspec.field(name="askPr", default="")


class TickerFrame(msgspec.Struct, frozen=True):
    """A price frame; `ts` is the exchange's clock."""

    arg: TickerArg
    data: tuple[TickerRow, ...]
    ts: int


class Arg(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was subscribed: exactly what is sent and what comes back in `arg`."""

    inst_type: str = ""
    channel: str = ""
    inst_id: str | None = None
    coin: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.channel, self.inst_id or self.coin or ""

    def wire(self) -> dict[str, str]:
        """The arg as it is sent."""
        target = {"instId": self.inst_id} if self.inst_id else {"coin": self.coin or "default"}
        return {"instType": self.inst_type, "channel": self.channel, **target}


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Any frame with its rows left undecoded."""

    event: str = ""
    arg: Arg = Arg()
    code: int | str = ""
    msg: str = ""
    op: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    ts: int = 0


class PositionPush(PositionRow, frozen=True, kw_only=True):
    """A row of `positions`; a push is always the full list."""

    symbol: str = msgspec.field(name="instId")


class AccountPush(Row, frozen=True, kw_only=True):
    """The row of `account`. `maxOpenPosAvailable` is what can be locked as margin now."""

    margin_coin: str = "USDT"
    equity: Decimal
    max_open_pos_available: Decimal

    def balance(self) -> Balance:
        return Balance(self.equity, self.max_open_pos_available)


class OrderPush(OrderDetail, frozen=True, kw_only=True):
    """A row of `orders`. `baseVolume` is the last fill, `accBaseVolume` all of them; ccxt mixes them up."""

    symbol: str = msgspec.field(name="instId")
    acc_base_volume: Decimal
    trade_id: str = ""
    fill_price: str = ""
    fill_time: str = ""
    fill_fee: str = ""
    fill_fee_coin: str = "USDT"
    pnl: str = ""

    def order(self) -> OrderRow:
        """How the order stands after this change."""
        return msgspec.structs.replace(super().order(), filled=self.acc_base_volume)

    def trade(self) -> FillRow | None:
        """The trade that made this change; None when none did, or the row lacks its fee or profit."""
        if not (self.trade_id and self.fill_price and self.fill_fee and self.fill_time and self.pnl):
            return None
        fee = number("orders", "fillFee", self.fill_fee)
        return FillRow(
            trade_id=self.trade_id,
            order_id=self.order_id,
            symbol=self.symbol,
            side=self.side,
            price=number("orders", "fillPrice", self.fill_price),
            base_volume=number("orders", "baseVolume", self.base_volume),
            profit=self.pnl,
            trade_side=self.trade_side,
            pos_mode=self.pos_mode,
            fee_detail=[FeeRow(fee_coin=self.fill_fee_coin, total_fee=fee)],
            c_time=int(number("orders", "fillTime", self.fill_time)),
        )


class PlanPush(PlanRow, frozen=True, kw_only=True):
    """A row of `orders-algo`: short plan types, `status` instead of `planStatus`."""

    symbol: str = msgspec.field(name="instId")
    state: str = msgspec.field(name="status")

    @property
    def status(self) -> str:
        return self.state

    def seen(self) -> tuple[RestingOrder, OrderRow]:
        """How it rests, and how it stands."""
        return self.resting(), self.order()


_TICKER: Final = msgspec.json.Decoder(TickerFrame)
_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_ROWS: Final[dict[type[Any], msgspec.json.Decoder[Any]]] = {
    shape: msgspec.json.Decoder(list[shape], strict=False)  # type: ignore[valid-type]
    for shape in (PositionPush, AccountPush, OrderPush, PlanPush, FillRow)
}


def ticker_frame(text: str) -> TickerFrame | None:
    """The frame when it is a price frame that reads well; None for anything else (then read its envelope)."""
    try:
        return _TICKER.decode(text)
    except msgspec.DecodeError:
        return None


def envelope(where: str, text: str) -> Envelope:
    """Any JSON frame. Raises Malformed when it is none."""
    try:
        return _ENVELOPE.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(where, str(error)) from None


def rows(where: str, data: msgspec.Raw, shape: type[Shape]) -> list[Shape]:
    """The rows of a frame. Raises Malformed naming the channel and the field."""
    try:
        decoded: list[Shape] = _ROWS[shape].decode(data)
    except msgspec.DecodeError as error:
        raise Malformed(where, str(error)) from None
    return decoded


def tickers(data: msgspec.Raw) -> None:
    """Say what is wrong with price rows that `ticker_frame` could not read. Always raises Malformed."""
    try:
        msgspec.json.decode(data, type=tuple[TickerRow, ...])
    except msgspec.DecodeError as error:
        raise Malformed("ticker", str(error)) from None
    raise Malformed("ticker", "the frame has no time stamp")


def tick_of(row: TickerRow, arrived: int) -> Tick:
    """A price as the engine takes it. Raises Malformed unless both prices are finite and positive."""
    mark, last = row.mark, row.last
    if not (mark.is_finite() and last.is_finite() and mark > ZERO and last > ZERO):
        raise Malformed("ticker", f"{row.symbol}: markPrice or lastPr is not a positive number")
    return Tick(row.symbol, mark, last, arrived, row.bid, row.ask)
