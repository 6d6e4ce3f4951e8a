"""The venue beside plain ccxt.pro, in the same run on the same simulated exchange. Prints ratios.

    python -m bench.venue

Frames lost in bursts of a thousand; CPU from the text of a price frame to the sink, beside ccxt's own
handling of it; an order from the call to its arrival at the exchange, beside ccxt, limiter on and off.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

import ccxt.pro

from engine.core.actions import PlaceMarket
from engine.core.events import Answered, AnyBody
from engine.core.exchange import Accepted, Tick
from engine.core.instrument import Side
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget
from engine.venue.client import addresses
from engine.venue.keys import Keys
from engine.venue.rest import Clock
from engine.venue.tap import PriceTap
from tests.unit.venue.recorded_wire import TICKER

SYMBOL: Final = "BTCUSDT"
BURSTS: Final = 10
FRAMES: Final = 20_000
ORDERS: Final = 30
BATCH: Final = 5
PAUSE_S: Final = 1.2
"""Bitget takes ten orders a second; batches stay within it: only the client's own delay is measured."""


class Count:
    """A sink that counts."""

    def __init__(self) -> None:
        self.ticks = 0
        self.links = 0

    def tick(self, tick: Tick) -> None:
        self.ticks += 1

    def priced(self, tick: Tick, stamp: int) -> None:
        self.ticks += 1

    def tell(self, body: AnyBody) -> None:
        self.links += type(body).__name__ == "LinkChanged"


async def until(holds: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait until it holds, or the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not holds():  # noqa: ASYNC110 - polled on purpose: the bench must not wake the sink
                await asyncio.sleep(0.005)


def plain(sim: SimulatedBitget, **options: Any) -> Any:
    """ccxt.pro as a user would take it."""
    client = ccxt.pro.bitget(
        {
            "apiKey": sim.key,
            "secret": sim.secret,
            "password": sim.passphrase,
            "options": {"defaultType": "swap", "uta": False, "fetchMarkets": {"types": ["swap"]}},
            **options,
        }
    )
    client.urls["api"] = addresses(client.urls["api"], sim.url)
    client.has["fetchCurrencies"] = False
    return client


async def burst(sim: SimulatedBitget, prices: itertools.count[int]) -> None:
    """A thousand frames, ten at a time without a breath between them."""
    for number in range(1000):
        sim.world.pin(SYMBOL, Decimal(next(prices)))
        sim.streams.flush()
        if number % 10 == 9:
            await asyncio.sleep(0)


async def lost_by_us(sim: SimulatedBitget) -> int:
    """Frames that never reached the sink."""
    venue, count = Bitget(Keys(sim.key, sim.secret, sim.passphrase), url=sim.url), Count()
    await venue.open(count, (SYMBOL,))
    task = asyncio.create_task(venue.run())
    await until(lambda: count.links == 2 and count.ticks > 0)
    before, prices = count.ticks, itertools.count(100_001)
    for _ in range(BURSTS):
        await burst(sim, prices)
    await until(lambda: count.ticks - before >= 1000 * BURSTS)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await venue.close()
    return 1000 * BURSTS - (count.ticks - before)


async def lost_by_ccxt(sim: SimulatedBitget) -> int:
    """Frames that `watch_ticker` never returned."""
    client, seen = plain(sim), 0
    await client.load_markets()

    async def watch() -> None:
        nonlocal seen
        while True:
            await client.watch_ticker("BTC/USDT:USDT")
            seen += 1

    task = asyncio.create_task(watch())
    await until(lambda: seen > 0)
    before, prices = seen, itertools.count(200_001)
    for _ in range(BURSTS):
        await burst(sim, prices)
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.close()
    return 1000 * BURSTS - (seen - before)


async def cpu_of_a_frame(sim: SimulatedBitget) -> tuple[float, float]:
    """Microseconds of CPU from the text to the sink, and through ccxt's own handler."""
    text, count = json.dumps(TICKER, separators=(",", ":")), Count()
    tap = PriceTap(Clock(), lambda bad: None, count.priced)
    client = plain(sim)
    await client.load_markets()
    socket = client.client(sim.url)

    def measured(handle: Callable[[str], object]) -> float:
        runs = []
        for _ in range(5):
            started = time.process_time()
            for _ in range(FRAMES // 5):
                handle(text)
            runs.append((time.process_time() - started) / (FRAMES // 5) * 1e6)
        return min(runs)

    ours, theirs = measured(tap.take), measured(socket.handle_text_or_binary_message)
    await client.close()
    return ours, theirs


async def arrival_ms(sim: SimulatedBitget, send: Callable[[int], Awaitable[object]]) -> float:
    """Median milliseconds from the call until the exchange has the order, one order after the other."""
    took = []
    arrived = 0.0
    log = sim._rest.log
    opened = log.open

    def noted(*args: Any) -> Any:
        nonlocal arrived
        arrived = time.perf_counter()
        return opened(*args)

    log.open = noted  # type: ignore[assignment,method-assign]
    for number in range(ORDERS):
        started = time.perf_counter()
        await send(number)
        if number:
            took.append((arrived - started) * 1000)
        await asyncio.sleep(PAUSE_S if number % BATCH == BATCH - 1 else 0)
    log.open = opened  # type: ignore[method-assign]
    return statistics.median(took)


async def orders(sim: SimulatedBitget) -> dict[str, float]:
    """The three ways of sending an order, each to the same exchange."""
    venue = Bitget(Keys(sim.key, sim.secret, sim.passphrase), url=sim.url)
    await venue.open(Count(), (SYMBOL,))

    async def ours(number: int) -> None:
        order = PlaceMarket(f"ours{number}", SYMBOL, Side.LONG, number % 2 == 0, Decimal("0.001"))
        [answer] = await venue.do(order)
        assert isinstance(answer, Answered), answer
        assert isinstance(answer.outcome, Accepted), answer

    def theirs(client: Any) -> Callable[[int], Awaitable[object]]:
        async def send(number: int) -> None:
            params = {"marginMode": "isolated", "reduceOnly": number % 2 == 1}
            side = "buy" if number % 2 == 0 else "sell"
            await client.create_order("BTC/USDT:USDT", "market", side, 0.001, None, params)

        return send

    limited, free = plain(sim), plain(sim, enableRateLimit=False)
    results = {"ratchet": await arrival_ms(sim, ours)}
    for name, client in (("ccxt, limiter off", free), ("ccxt, default limiter", limited)):
        await client.load_markets()
        await asyncio.sleep(1.1)
        results[name] = await arrival_ms(sim, theirs(client))
        await client.close()
    await venue.close()
    return results


async def main() -> None:
    logging.getLogger("ratchet.venue").setLevel(logging.ERROR)
    async with SimulatedBitget(ideal=True, speed=0, push_every_s=0, balance=Decimal(10_000)) as sim:
        lost, ccxt_lost = await lost_by_us(sim), await lost_by_ccxt(sim)
        ours, theirs = await cpu_of_a_frame(sim)
        sent = await orders(sim)
    total = 1000 * BURSTS
    print(f"frames lost in bursts       {lost} of {total} (ccxt watch_ticker: {ccxt_lost} of {total})")
    print(f"frame to sink, CPU          {ours / theirs:.3f} x ccxt's handling ({ours:.2f} / {theirs:.2f} µs)")
    off, default = sent["ccxt, limiter off"], sent["ccxt, default limiter"]
    print(f"order at the exchange, p50  {sent['ratchet'] / off:.2f} x ccxt with its limiter off")
    print(f"                            {default / sent['ratchet']:.0f} x faster than ccxt's default")
    print("".join(f"                            {name}: {ms:.2f} ms\n" for name, ms in sent.items()), end="")


if __name__ == "__main__":
    asyncio.run(main())
