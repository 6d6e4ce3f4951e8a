"""A venue at work on a simulated Bitget, and what it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import aiohttp
from msgspec.structs import replace

from engine.core.actions import Read, Reading
from engine.core.events import Answered, AnyBody, FillSeen, LinkChanged, StopSeen
from engine.core.exchange import Fill, Outcome, Tick
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget, Patience
from engine.venue.keys import Keys

Body = TypeVar("Body")

STANDS_S = 30.0
"""As long as any machine may stand still: no answer and no connection is given up for it."""
QUICK = Patience(answer_s=STANDS_S, pong_s=STANDS_S, price_s=STANDS_S, still_s=0.3, again_s=0.1, look_s=0.02)
BRIEF = replace(QUICK, answer_s=1.0)
"""For what is never answered."""
SYMBOLS = ("BTCUSDT", "ETHUSDT")


class Told:
    """A sink that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.ticks: list[Tick] = []
        self.bodies: list[AnyBody] = []
        self._news = asyncio.Event()

    def tick(self, tick: Tick) -> None:
        self.ticks.append(tick)
        self._news.set()

    def tell(self, body: AnyBody) -> None:
        self.bodies.append(body)
        self._news.set()

    def stamp(self) -> int:
        return len(self.bodies) + 1

    def all(self, kind: type[Body]) -> list[Body]:
        return [body for body in self.bodies if isinstance(body, kind)]

    @property
    def fills(self) -> list[Fill]:
        return [body.fill for body in self.all(FillSeen)]

    @property
    def stops(self) -> list[StopSeen]:
        return self.all(StopSeen)

    def links(self, name: str) -> list[bool]:
        return [body.up for body in self.all(LinkChanged) if body.link == name]

    async def until(self, holds: Callable[[], Any], within_s: float = 60.0) -> Any:
        """What `holds` gives as soon as it is true. Raises TimeoutError with what was told instead."""
        try:
            async with asyncio.timeout(within_s):
                while not (result := holds()):
                    self._news.clear()
                    await self._news.wait()
                return result
        except TimeoutError:
            raise TimeoutError(f"waited in vain; told: {self.bodies[-8:]}") from None

    async def one(self, kind: type[Body], holds: Callable[[Body], bool] = lambda _: True) -> Body:
        """The first body of this kind that `holds`, now or later."""
        found: list[Body] = await self.until(lambda: [each for each in self.all(kind) if holds(each)])
        return found[0]


def keys_of(sim: SimulatedBitget) -> Keys:
    return Keys(sim.key, sim.secret, sim.passphrase)


@asynccontextmanager
async def opened(
    sim: SimulatedBitget, symbols: tuple[str, ...] = SYMBOLS, patience: Patience = QUICK
) -> AsyncIterator[tuple[Bitget, Told]]:
    """A venue that passed its preflight; its websockets are not connected."""
    venue, told = Bitget(keys_of(sim), url=sim.url, patience=patience, backoff_s=(0.01, 0.05)), Told()
    try:
        await venue.open(told, symbols)
        yield venue, told
    finally:
        await venue.close()


@asynccontextmanager
async def running(
    sim: SimulatedBitget, symbols: tuple[str, ...] = SYMBOLS, patience: Patience = QUICK
) -> AsyncIterator[tuple[Bitget, Told]]:
    """A venue with both links up. A fault of the engine itself comes out at the end."""
    async with opened(sim, symbols, patience) as (venue, told):
        task = asyncio.create_task(venue.run())
        try:
            await told.until(lambda: told.links("public") and told.links("private"))
            yield venue, told
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def outcome(venue: Bitget, work: Any) -> Outcome:
    """What became of an action that is answered at once."""
    [body] = await venue.do(work)
    assert isinstance(body, Answered), body
    assert body.id == work.id
    return body.outcome


async def read(venue: Bitget, *what: Reading, since: int = 0) -> tuple[list[AnyBody], Outcome]:
    """A reading and its outcome."""
    *bodies, last = await venue.do(Read("read", what, since))
    assert isinstance(last, Answered)
    return bodies, last.outcome


async def asked(sim: SimulatedBitget, path: str) -> list[dict[str, Any]]:
    """The requests to `path` that arrived at the exchange."""
    async with aiohttp.ClientSession() as session, session.get(f"{sim.url}/_sim/state") as answer:
        state: dict[str, Any] = await answer.json()
    return [row for row in state["requests"] if row["path"] == path]


async def move(sim: SimulatedBitget, symbol: str, price: str) -> None:
    """One tick at exactly this price."""
    body = {"symbol": symbol, "price": price}
    async with aiohttp.ClientSession() as session, session.post(f"{sim.url}/_sim/mark", json=body) as answer:
        assert answer.status == 200, await answer.text()
