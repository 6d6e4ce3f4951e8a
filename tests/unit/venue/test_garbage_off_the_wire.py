"""Whatever comes over the wire instead of what was asked for: the engine lives, and believes none of it."""

from __future__ import annotations

import asyncio
import json
import random
from decimal import Decimal as D
from typing import Any, cast

import pytest
import recorded_wire as wire

from engine.core.actions import (
    CancelOrder,
    CancelStop,
    LookUp,
    MoveStop,
    PlaceMarket,
    PlaceStop,
    Read,
    Reading,
    SetLeverage,
)
from engine.core.events import Answered, AnyBody, LookedUp
from engine.core.exchange import OrderKind, Tick
from engine.core.instrument import Side
from engine.venue.orders import Orders
from engine.venue.outcomes import SUCCESS, answer, verdict
from engine.venue.reads import Reads
from engine.venue.rest import Clock, Rest
from engine.venue.tap import AccountTap, PriceTap
from engine.venue.trades import Trades

BTC = "BTCUSDT"
STOP = ("1", "s", BTC)
WORKS = (
    PlaceMarket("a", BTC, Side.LONG, True, D(1)),
    PlaceStop("s", BTC, Side.LONG, D(1), D(2)),
    MoveStop("m", *STOP, Side.LONG, D(1), D(2)),
    CancelStop("c", *STOP, OrderKind.LOSS_PLAN),
    CancelOrder("x", "1", BTC),
    SetLeverage("l", BTC, Side.LONG, D(20)),
    LookUp("find:a", "a", BTC, False, 0),
    LookUp("find:s", "s", BTC, True, 0),
    *(Read(f"read:{what.value}:1:1", (what,), 1) for what in Reading),
)
ROWS = [value for name, value in vars(wire).items() if name.isupper() and isinstance(value, dict)]
ATOMS: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**30, "", "x", "0", "-5", "NaN", "1e999", "long", "buy"),
    *([], {}, [[]], [None], ["x"], [{}], {"a": 1}),
]
LISTS = ("entrustedList", "fillList", "bills", "successList", "failureList")
CHANNELS = ("positions", "account", "orders", "orders-algo", "fill", "ticker", "x", None, 3)


class Garbage(random.Random):
    """What a broken exchange, or what stands between, may say."""

    def spoilt(self, value: Any) -> Any:
        """`value` with parts of it missing, or something else."""
        if self.random() < 0.1:
            return self.choice(ATOMS)
        if isinstance(value, dict):
            return {key: self.spoilt(each) for key, each in value.items() if self.random() > 0.04}
        return value

    def data(self) -> Any:
        row = self.spoilt(self.choice(ROWS))
        rows = self.choice([[row], row, [row, None], None, "x", [1]])
        return self.choice([self.choice(ATOMS), row, rows, {self.choice(LISTS): rows}])

    def frame(self) -> str:
        arg = self.spoilt({"instType": "USDT-FUTURES", "channel": self.choice(CHANNELS), "instId": "default"})
        push = {"action": "snapshot", "arg": arg, "data": self.data(), "ts": self.choice(ATOMS)}
        event = {"event": self.choice(["subscribe", "error", 1]), "arg": arg, "code": self.choice(ATOMS)}
        text = json.dumps(self.choice([push, push, push, event, wire.TICKER, self.data()]))
        return text if self.random() < 0.9 else text[: self.randrange(len(text))]


class Broken:
    """A line to an exchange that answers anything at all."""

    def __init__(self, garbage: Garbage) -> None:
        self._garbage = garbage

    async def get(self, path: str, params: dict[str, str], *, signed: bool = True) -> Any:
        code = self._garbage.choice([SUCCESS, SUCCESS, SUCCESS, "40109", None, 0, [], "xx"])
        text = json.dumps({"code": code, "data": self._garbage.data()}).encode()
        body = answer(self._garbage.choice([200, 400, 500]), text)
        if body["code"] != SUCCESS:
            raise verdict(body)
        return body["data"]

    async def post(self, path: str, body: dict[str, Any], lane: object) -> Any:
        return await self.get(path, {})


class Listener:
    """Hears what was taken for a fact."""

    def tick(self, tick: Tick) -> None:
        assert tick.mark > 0

    def tell(self, body: AnyBody) -> None:
        pass

    def stamp(self) -> int:
        return 0


@pytest.mark.parametrize("seed", range(8))
async def test_every_question_ends_with_an_answer_whatever_comes(seed: int) -> None:
    garbage = Garbage(seed)
    rest = cast(Rest, Broken(garbage))
    trades = Trades(
        lambda _: None, lambda _, order: orders.detail(BTC, order_id=order), lambda: None, lambda: 10**13
    )
    orders = Orders(rest, lambda: garbage.random() < 0.5, trades.own)
    reads = Reads(rest, trades, lambda: 1_000, lambda _: None)
    reads.symbols = (BTC,)
    for _ in range(600):
        work = garbage.choice(WORKS)
        match work:
            case Read():
                answered: object = (await reads.do(work))[-1]
            case LookUp():
                answered = await orders.look_up(work)
            case _:
                answered = await orders.do(work)
        assert isinstance(answered, Answered | LookedUp)


@pytest.mark.parametrize("seed", range(8))
async def test_no_frame_breaks_a_stream(seed: int) -> None:
    garbage, hears = Garbage(seed), Listener()

    async def nobody(symbol: str, order_id: str) -> Any:
        raise AssertionError

    trades = Trades(lambda _: None, nobody, lambda: None, lambda: 0)
    private = AccountTap(
        Clock(),
        lambda _: None,
        sink=hears,
        trades=trades,
        see_mode=lambda _: None,
        childless=lambda _: None,
    )
    public = PriceTap(Clock(), lambda _: None, lambda tick, _: hears.tick(tick))
    for _ in range(1_500):
        text = garbage.frame()
        for tap in (private, public):
            tap.take(text)
            assert not tap.broken.done(), (tap.broken.exception(), text)
    await asyncio.sleep(0)
