"""A trader's hand at the app: opens, adds, closes and moves stops by signed REST, on loopback only."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import aiohttp

from engine.core.instrument import ZERO, Side, floor_to
from engine.simulator.loopback import check_loopback
from engine.simulator.signing import Key, rest_headers

_PRODUCT: Final = {"productType": "USDT-FUTURES", "marginCoin": "USDT"}
_STOP_KINDS: Final = ("pos_loss", "loss_plan")
_TIMEOUT_S: Final = 10.0


class HandError(Exception):
    """What the exchange refused or what could not be asked of it; the text says it in a sentence."""


class NobodyThere(HandError):
    """No exchange answers at the url."""


class Hand:
    """One account's hand. Use it in `async with`; every method raises HandError when the exchange refuses.

    Raises ValueError for a `url` that is not on this machine: this is no way to trade on a real account.
    """

    def __init__(self, url: str, key: Key) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"url {url}: http://127.0.0.1:PORT is expected, as the simulator printed it")
        check_loopback(parts.hostname)
        self._url = url.rstrip("/")
        self._key = key

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def open(
        self,
        symbol: str,
        side: Side,
        leverage: Decimal,
        *,
        margin: Decimal | None = None,
        size: Decimal | None = None,
    ) -> dict[str, Any]:
        """Open at market, isolated: `size` base coin, or as much as `margin` USDT holds at `leverage`."""
        await self.leverage(symbol, leverage, side)
        return await self._enter(symbol, side, await self._sized(symbol, leverage, margin, size))

    async def add(
        self, symbol: str, side: Side | None, *, margin: Decimal | None = None, size: Decimal | None = None
    ) -> dict[str, Any]:
        """Add to the open position at its own leverage."""
        position = await self.position(symbol, side)
        qty = await self._sized(symbol, Decimal(str(position["leverage"])), margin, size)
        return await self._enter(symbol, Side(position["holdSide"]), qty)

    async def close(self, symbol: str, side: Side | None, part: str = "100%") -> dict[str, Any]:
        """Close `part` of the position at market: a share such as 50%, or a size in base coin."""
        position = await self.position(symbol, side)
        total = Decimal(position["total"])
        if part.endswith("%"):
            qty = floor_to(total * Decimal(part[:-1]) / 100, await self._lot(symbol))
        else:
            qty = Decimal(part)
        if not ZERO < qty <= total:
            raise HandError(
                f"{part} of {symbol}: the position has {total}; close a part of that, at least one lot"
            )
        is_long = position["holdSide"] == "long"
        way: dict[str, str] = {"side": "sell" if is_long else "buy", "reduceOnly": "YES"}
        if position["posMode"] == "hedge_mode":
            way = {"side": "buy" if is_long else "sell", "tradeSide": "close"}
        return await self._market_order(symbol, qty, way, str(position["marginMode"]))

    async def move_stop(self, symbol: str, price: Decimal, side: Side | None = None) -> list[dict[str, Any]]:
        """Move every stop of the position to `price`; place one for the whole position when there is none."""
        position = await self.position(symbol, side)
        stops = await self._stops(symbol, position["holdSide"])
        if not stops:
            request = {"symbol": symbol, "planType": "pos_loss", "triggerType": "mark_price", **_PRODUCT}
            request |= {"triggerPrice": str(price), "holdSide": _hold_side(position)}
            return [await self._post("v2/mix/order/place-tpsl-order", request)]
        moved = []
        for stop in stops:
            size = stop["size"] if stop["planType"] == "loss_plan" else ""
            request = {"symbol": symbol, "orderId": stop["orderId"], "triggerPrice": str(price), "size": size}
            request |= {"triggerType": stop.get("triggerType") or "mark_price", **_PRODUCT}
            moved.append(await self._post("v2/mix/order/modify-tpsl-order", request))
        return moved

    async def cancel_stops(self, symbol: str, side: Side | None = None) -> list[str]:
        """Cancel the stops of `symbol` (of one side in hedge mode); returns their order ids."""
        stops = await self._stops(symbol, side.value if side else None)
        for stop in stops:
            cancelled = await self._post(
                "v2/mix/order/cancel-plan-order",
                {
                    "symbol": symbol,
                    "planType": stop["planType"],
                    "orderIdList": [{"orderId": stop["orderId"]}],
                    **_PRODUCT,
                },
            )
            for failure in cancelled.get("failureList") or ():
                raise HandError(f"stop {stop['orderId']} was not cancelled: {failure.get('errorMsg')}")
        return [str(stop["orderId"]) for stop in stops]

    async def leverage(self, symbol: str, leverage: Decimal, side: Side | None = None) -> dict[str, Any]:
        """Set the leverage of `symbol`, isolated; in hedge mode of `side`, or of both."""
        account = await self._account(symbol)
        if account["marginMode"] != "isolated":
            await self._post(
                "v2/mix/account/set-margin-mode", {"symbol": symbol, "marginMode": "isolated", **_PRODUCT}
            )
        request = {"symbol": symbol, "leverage": str(leverage), **_PRODUCT}
        if account["posMode"] != "hedge_mode":
            return await self._post("v2/mix/account/set-leverage", request)
        answer: dict[str, Any] = {}
        for each in (side,) if side else Side:
            answer = await self._post("v2/mix/account/set-leverage", {**request, "holdSide": each.value})
        return answer

    async def margin(self, symbol: str, amount: Decimal, side: Side | None = None) -> None:
        """Add `amount` USDT to the position's margin; a negative amount takes it out."""
        position = await self.position(symbol, side)
        request = {"symbol": symbol, "amount": str(amount), "holdSide": position["holdSide"], **_PRODUCT}
        await self._post("v2/mix/account/set-margin", request)

    async def position(self, symbol: str, side: Side | None = None) -> dict[str, Any]:
        """The open position of `symbol`; `side` chooses when there are two."""
        query = {"symbol": symbol, **_PRODUCT}
        rows = await self._call("GET", "v2/mix/position/single-position", query)
        rows = [row for row in rows if side is None or row["holdSide"] == side.value]
        if not rows:
            raise HandError(f"there is no {side.value + ' ' if side else ''}position in {symbol}")
        if len(rows) > 1:
            raise HandError(
                f"{symbol} has a long and a short position; say which with --side long or --side short"
            )
        return dict(rows[0])

    async def holds(self, symbol: str, side: Side) -> bool:
        """Whether a position of this side is open."""
        rows = await self._call("GET", "v2/mix/position/single-position", {"symbol": symbol, **_PRODUCT})
        return any(row["holdSide"] == side.value for row in rows)

    async def mark(self, symbol: str, price: Decimal) -> dict[str, Any]:
        """Move the simulated market of `symbol` to exactly `price`."""
        return await self._control("POST", "mark", {"symbol": symbol, "price": str(price)})

    async def state(self) -> dict[str, Any]:
        """Everything the simulated exchange knows."""
        return await self._control("GET", "state")

    async def _enter(self, symbol: str, side: Side, qty: Decimal) -> dict[str, Any]:
        account = await self._account(symbol)
        way = {"side": "buy" if side is Side.LONG else "sell"}
        if account["posMode"] == "hedge_mode":
            way["tradeSide"] = "open"
        return await self._market_order(symbol, qty, way, "isolated")

    async def _market_order(
        self, symbol: str, qty: Decimal, way: Mapping[str, str], margin_mode: str
    ) -> dict[str, Any]:
        order = {"symbol": symbol, "size": format(qty, "f"), "orderType": "market", "marginMode": margin_mode}
        placed = await self._post("v2/mix/order/place-order", {**order, **way, **_PRODUCT})
        query = {"symbol": symbol, "orderId": placed["orderId"], "productType": _PRODUCT["productType"]}
        return dict(await self._call("GET", "v2/mix/order/detail", query))

    async def _sized(
        self, symbol: str, leverage: Decimal, margin: Decimal | None, size: Decimal | None
    ) -> Decimal:
        if size is not None:
            return size
        if margin is None:
            raise HandError("say how much: --margin USDT or --size QTY")
        [price] = await self._call("GET", "v2/mix/market/symbol-price", {"symbol": symbol, **_PRODUCT})
        qty = floor_to(margin * leverage / Decimal(price["price"]), await self._lot(symbol))
        if qty <= ZERO:
            raise HandError(f"{margin} USDT at {leverage}x is less than one lot of {symbol}")
        return qty

    async def _lot(self, symbol: str) -> Decimal:
        [contract] = await self._call("GET", "v2/mix/market/contracts", {"symbol": symbol, **_PRODUCT})
        return Decimal(contract["sizeMultiplier"])

    async def _account(self, symbol: str) -> dict[str, Any]:
        return dict(await self._call("GET", "v2/mix/account/account", {"symbol": symbol, **_PRODUCT}))

    async def _stops(self, symbol: str, hold_side: str | None) -> list[dict[str, Any]]:
        query = {"symbol": symbol, "planType": "profit_loss", **_PRODUCT}
        found = await self._call("GET", "v2/mix/order/orders-plan-pending", query)
        return [
            dict(row)
            for row in found["entrustedList"] or ()
            if row["planType"] in _STOP_KINDS
            and (hold_side is None or row.get("posSide") in (hold_side, "net"))
        ]

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self._call("POST", path, body)
        if isinstance(answer, list):
            answer = answer[0] if answer else {}
        return answer if isinstance(answer, dict) else {}

    async def _call(self, method: str, path: str, params: Mapping[str, Any]) -> Any:
        target, body = f"/api/{path}", ""
        if method == "GET":
            target += "?" + urlencode(sorted(params.items()))
        else:
            body = json.dumps(params)
        headers = rest_headers(self._key, int(time.time() * 1000), method, target, body)
        answer = await self._exchange(method, target, body, {**headers, "Content-Type": "application/json"})
        if answer.get("code") != "00000":
            raise HandError(f"refused with {answer.get('code')}: {answer.get('msg')}")
        return answer["data"]

    async def _control(self, method: str, name: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = await self._exchange(method, f"/_sim/{name}", "" if body is None else json.dumps(body), {})
        if "error" in answer:
            raise HandError(str(answer["error"]))
        return answer

    async def _exchange(
        self, method: str, target: str, body: str, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        from yarl import URL

        try:
            url = URL(self._url + target, encoded=True)
            async with self._session.request(method, url, data=body or None, headers=headers) as response:
                answer = json.loads(await response.text())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NobodyThere(
                f"no answer from {self._url} ({type(error).__name__}); is the simulator running?"
            ) from error
        except ValueError as error:
            raise HandError(f"{self._url} answered something that is not JSON") from error
        return dict(answer)


def _hold_side(position: Mapping[str, Any]) -> str:
    """Bitget's holdSide of a stop: the position's side in hedge mode, its opening side in one-way mode."""
    if position["posMode"] == "hedge_mode":
        return str(position["holdSide"])
    return "buy" if position["holdSide"] == "long" else "sell"
