"""An engine in memory that trades, a hook on it, and TradingView as it sends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from aiohttp import ClientSession
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "api"))

from served import EngineFace, behind, btc_short, snapshot

from engine.api.rest.gate import Gate
from engine.api.rest.server import RestServer
from engine.api.rest.tokens import Tokens
from engine.core.events import ALREADY_DONE, SignalHeard
from engine.protocol import (
    Answer,
    Deny,
    Enter,
    Exit,
    Flip,
    NotAnswering,
    PositionView,
    Request,
    Side,
    Snapshot,
    Verdict,
)
from engine.runtime.doorman import webhook_route
from engine.webhook.carrying import Terms
from engine.webhook.hook import Hook
from engine.webhook.logbook import Logbook
from engine.webhook.spool import Spool

TOKEN = "a-token-that-is-long"
NOW = 1_746_712_860_000
"""2025-05-08 14:01:00 UTC."""


class Trader(EngineFace):
    """Enters and leaves at once, remembers which commands it has done, and refuses what it is told to."""

    def __init__(self, *positions: PositionView) -> None:
        super().__init__(snapshot(positions=positions))
        self.refuses = ""
        self.thinks_s = 0.0
        self.is_away = False

    def snapshot(self) -> Snapshot:
        self._be_there()
        return super().snapshot()

    async def heard(self, signal: SignalHeard) -> None:
        self._be_there()
        await super().heard(signal)

    def _be_there(self) -> None:
        if self.is_away:
            raise NotAnswering("the engine is starting, and records nothing yet")

    async def command(self, request: Request) -> Answer:
        self.asked.append(request)
        await asyncio.sleep(self.thinks_s)
        if self.refuses:
            return Answer(request.id, Verdict.REFUSED, self.refuses)
        if request.id in self.done:
            return Answer(request.id, Verdict.DONE, ALREADY_DONE)
        self.done.add(request.id)
        match request.command:
            case Enter(symbol=symbol, side=side):
                self._hold(*self.now.positions, held(symbol, side))
            case Deny(cycle=id):
                self.change(approvals=tuple(a for a in self.now.approvals if a.cycle != id))
            case Exit(symbol=symbol, side=side):
                self._leave(symbol, side)
            case Flip(entering=Enter(symbol=symbol, side=side)):
                self._leave(symbol, side.opposite)
                self._hold(*self.now.positions, held(symbol, side))
            case _:
                raise AssertionError("an alert only enters, leaves, flips and takes back")
        return Answer(request.id, Verdict.DONE, "on its way")

    def told(self) -> list[tuple[str, str]]:
        """What the journal has of the alerts: outcome and reason."""
        return [(signal.outcome.value, signal.text) for signal in self.journal]

    def _leave(self, symbol: str, side: Side) -> None:
        left = [p for p in self.now.positions if (p.symbol, p.side) != (symbol, side)]
        account = replace(self.now.account, free=(self.now.account.free or Decimal(0)) + 10)
        self.change(positions=tuple(left), account=account)

    def _hold(self, *positions: PositionView) -> None:
        self.change(positions=positions)

    @property
    def commands(self) -> list[Enter | Exit | Flip | Deny]:
        return [request.command for request in self.asked]  # type: ignore[misc]


def held(symbol: str, side: Side) -> PositionView:
    return btc_short(key=f"{symbol}:{side.value}", symbol=symbol, side=side)


class Clock:
    """Milliseconds UTC that stand still until they are moved."""

    now = NOW

    def __call__(self) -> int:
        return self.now


class TradingView:
    """Sends alerts, and reads the answer and what the journal has of it, as soon as it has it."""

    def __init__(self, client: ClientSession, logbook: Logbook, trader: Trader) -> None:
        self.client = client
        self.logbook = logbook
        self.trader = trader

    async def is_journalled(self) -> None:
        async with asyncio.timeout(60):
            while self.logbook.waiting and not self.trader.is_away:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def send(self, **fields: object) -> tuple[int, str]:
        alert = {"action": "buy", "sentiment": "long", "ticker": "BTCUSDT", "token": TOKEN, **fields}
        async with self.client.post("/api/webhook", json=alert) as reply:
            answer = reply.status, (await reply.json())["text"]
        await self.is_journalled()
        return answer

    async def say(self, text: str | bytes) -> tuple[int, str]:
        body = text.encode() if isinstance(text, str) else text
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        async with self.client.post("/api/webhook", data=body, headers=headers) as reply:
            answer = reply.status, (await reply.json())["text"]
        await self.is_journalled()
        return answer

    async def hurl(self, begins: str, length: int) -> tuple[int, str]:
        """The beginning of a body of this length, and then nothing more."""
        async with self._begun(begins, length) as reader, asyncio.timeout(60):
            answer = (await reader.read()).decode()
        await self.is_journalled()
        return int(answer.split()[1]), answer.rpartition("\r\n")[2]

    async def hang_up_after(self, begins: str, length: int) -> None:
        """The beginning of a body of this length, and then the connection is gone; the journal knows."""
        async with self._begun(begins, length):
            pass
        async with asyncio.timeout(60):
            while not self.trader.journal:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    @asynccontextmanager
    async def _begun(self, begins: str, length: int) -> AsyncIterator[asyncio.StreamReader]:
        host, port = self.client._base_url.host, self.client._base_url.port  # type: ignore[union-attr]
        reader, writer = await asyncio.open_connection(host, port)
        head = f"POST /api/webhook HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{begins}"
        writer.write(head.encode())
        try:
            yield reader
        finally:
            writer.close()


@asynccontextmanager
async def listening(
    trader: Trader,
    clock: Clock | None = None,
    addresses: tuple[str, ...] = (),
    body_s: float = 10.0,
    answer_s: float = 30.0,
    spool: Path | None = None,
    **terms: object,
) -> AsyncIterator[TradingView]:
    """The hook on a real socket, alone: REST is off. It waits long for a decision on a busy machine."""
    async with behind(trader) as engine:
        hook = Hook(
            engine,
            Terms(**terms),  # type: ignore[arg-type]
            TOKEN,
            addresses=addresses,
            clock=clock or Clock(),
            answer_s=answer_s,
            spool=Spool(spool),
        )
        gate = Gate(Tokens({}), per_minute=60, open_page=False, body_s=body_s)
        async with RestServer(gate, behind=None, port=0, routes=(webhook_route(hook),)) as server:
            running = asyncio.create_task(hook.run())
            await asyncio.sleep(0)
            async with ClientSession(server.url) as client:
                yield TradingView(client, hook.logbook, trader)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
