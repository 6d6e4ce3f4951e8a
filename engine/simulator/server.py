"""The simulated Bitget as a server on loopback: REST, websockets and control over one world."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from engine.simulator.armed import Faults
from engine.simulator.candles import CandleError, Recording, read_candles
from engine.simulator.catalogue import recorded_contracts
from engine.simulator.control import Control
from engine.simulator.exchange import Exchange
from engine.simulator.feed import Feed, Speed
from engine.simulator.limits import SocketLimits
from engine.simulator.loopback import check_loopback
from engine.simulator.market import Market
from engine.simulator.rest import Rest
from engine.simulator.signing import Gatekeeper, Key, new_key
from engine.simulator.socket import Side, Socket, SocketRules
from engine.simulator.streams import PUSH_EVERY_S, Streams
from engine.simulator.world import STEPS, World

ACCOUNT: Final = "1"
_SOCKETS: Final[dict[str, Side]] = {"/v2/ws/public": "public", "/v2/ws/private": "private"}


class SimulatedBitget:
    """A Bitget that listens on loopback while the `async with` block lasts.

        async with SimulatedBitget(balance=Decimal(100)) as sim:
            exchange = connect(sim.url, sim.key, sim.secret, sim.passphrase)

    `data`: recordings, or files named SYMBOL-….csv.gz; `markets`: symbol → price of symbols that stand
    still until /_sim/mark moves them (both left out: BTCUSDT, ETHUSDT and SOLUSDT standing still). `keys`:
    the API keys, one or more of an account; each account is opened with `balance` USDT (left out: one random
    key; POST /_sim/key makes another of an account). `speed`:
    market seconds a wall second, "max", or 0 to wait for a command. `start`: market time of the first tick,
    ms UTC. `maintenance` replaces every contract's first-tier rate; `taker` and `maker` the account's fees;
    `like` (symbol → recorded symbol) lists further contracts on the terms of those.
    `wall_ms` is the server's clock and signing is checked against it. Raises ValueError for arguments that
    cannot be, OSError when the port is taken.
    """

    def __init__(
        self,
        *,
        data: Sequence[Recording | Path] = (),
        markets: Mapping[str, Decimal] | None = None,
        balance: Decimal = Decimal(100),
        ideal: bool = False,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        rest_latency_ms: float = 0,
        speed: Speed = 1.0,
        start: int | None = None,
        keys: Sequence[Key] | None = None,
        position_mode: str = "one_way_mode",
        taker: Decimal | None = None,
        maker: Decimal | None = None,
        maintenance: Decimal | None = None,
        like: Mapping[str, str] | None = None,
        steps: int = STEPS,
        push_every_s: float = PUSH_EVERY_S,
        rules: SocketRules | None = None,
        wall_ms: Callable[[], int] | None = None,
    ) -> None:
        check_loopback(host)
        self._host, self._port = host, port
        self._speed = speed
        self._push_every_s = push_every_s
        self._rules = rules or SocketRules()
        self._wall_ms = wall_ms or _wall_ms
        self.keys = tuple(keys) if keys else (new_key(ACCOUNT),)
        self.faults = Faults(seed)
        self.world = World(
            [load(item) for item in data],
            markets,
            start_ms=start,
            seed=seed,
            ideal=ideal,
            steps=steps,
            maintenance=maintenance,
            like=like,
        )
        self._gate = Gatekeeper(self.keys)
        for account_id in self._gate.accounts:
            self.world.exchange.open_account(
                account_id, balance, position_mode=position_mode, taker=taker, maker=maker
            )
        self._rest = Rest(
            self.world,
            self._gate,
            faults=self.faults,
            seed=seed,
            latency_ms=rest_latency_ms,
            clock_ms=self.clock_ms,
            wall_s=lambda: self._wall_ms() / 1000,
        )
        self._socket_limits = SocketLimits()
        self._sockets: set[Socket] = set()
        self._runner: web.ServerRunner | None = None
        self.faults.on_cut(self._cut)

    def __repr__(self) -> str:
        where = self.url if self._runner else "not listening"
        return f"<SimulatedBitget {where}, {', '.join(self.market.symbols)}, {len(self._sockets)} websockets>"

    @property
    def url(self) -> str:
        """http://host:port; the websockets are at the same place under ws://."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def key(self) -> str:
        return self.keys[0].key

    @property
    def secret(self) -> str:
        return self.keys[0].secret

    @property
    def passphrase(self) -> str:
        return self.keys[0].passphrase

    @property
    def market(self) -> Market:
        return self.world.market

    @property
    def exchange(self) -> Exchange:
        return self.world.exchange

    @property
    def sockets(self) -> frozenset[Socket]:
        """The websockets that are open now."""
        return frozenset(self._sockets)

    def clock_ms(self) -> int:
        """The server's clock: wall time and the armed skew."""
        return self._wall_ms() + self.faults.skew_ms

    async def __aenter__(self) -> Self:
        self.feed = Feed(self.world, self._speed)
        self.streams = Streams(self.world, self._gate.accounts, self.faults, self._push_every_s)
        self.feed.on_halt(self.streams.flush)
        self._control = Control(
            self.world,
            self.feed,
            self.faults,
            self.streams,
            self._rest.log,
            self._gate,
            self.keys[0].account_id,
        )
        self._runner = web.ServerRunner(
            web.Server(self._handle, access_log=None), handle_signals=False, shutdown_timeout=0.2
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        self._feeding = asyncio.create_task(self.feed.run(), name="feed")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._feeding.cancel()
        self.streams.close()
        self._cut(None)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        with suppress(asyncio.CancelledError):
            await self._feeding

    async def failed(self) -> None:
        """Wait until the feed breaks and raise what broke it. A sound feed never ends."""
        await asyncio.shield(self._feeding)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/_sim/"):
            return await self._control.handle(request)
        side = _SOCKETS.get(request.path)
        if side is not None:
            return await self._connect(request, side)
        return await self._rest.handle(request)

    async def _connect(self, request: web.BaseRequest, side: Side) -> web.StreamResponse:
        address = str(request.remote)
        if self.faults.network_is_down() or self.faults.refuses_socket():
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        if not self._socket_limits.connect(address, time.monotonic()):
            return web.Response(status=429, text="too many connections")
        socket = Socket(
            side,
            self.world,
            self.streams,
            self._gate,
            faults=self.faults,
            rules=self._rules,
            clock_ms=self.clock_ms,
        )
        self._sockets.add(socket)
        try:
            return await socket.run(request)
        finally:
            self._sockets.discard(socket)
            self._socket_limits.disconnect(address)

    def _cut(self, side: str | None) -> None:
        for socket in list(self._sockets):
            if side in (None, socket.side):
                socket.cut("cut")


def load(item: Recording | Path) -> Recording:
    """A recording; a path is read, and its symbol is what its name begins with (BTCUSDT-….csv.gz).

    Raises CandleError or ValueError with a sentence.
    """
    if isinstance(item, Recording):
        return item
    if not item.is_file():
        raise CandleError(f"{item}: there is no such file")
    symbol = item.name.split("-")[0].split(".")[0].upper()
    [contract] = recorded_contracts([symbol])
    return read_candles(item, symbol, contract.instrument.tick)


def _wall_ms() -> int:
    return int(time.time() * 1000)
