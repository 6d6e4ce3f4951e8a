"""One websocket kept alive: dial, log in, subscribe, watch, and dial again with back-off; ccxt never does."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from engine.core.events import LinkChanged
from engine.venue.backoff import Backoff
from engine.venue.client import Client
from engine.venue.frames import Arg
from engine.venue.keys import Keys
from engine.venue.only_bitget import ccxt
from engine.venue.port import Sink
from engine.venue.rest import PRODUCT
from engine.venue.tap import Tap

log = logging.getLogger("ratchet.venue")

IN_ONE_FRAME: Final = 50
"""Subscriptions a frame; with the pause between frames a link stays below ten messages a second."""

PRIVATE_ARGS: Final = (
    Arg(inst_type=PRODUCT, channel="positions", inst_id="default"),
    Arg(inst_type=PRODUCT, channel="account", coin="default"),
    Arg(inst_type=PRODUCT, channel="orders", inst_id="default"),
    Arg(inst_type=PRODUCT, channel="orders-algo", inst_id="default"),
    Arg(inst_type=PRODUCT, channel="fill", inst_id="default"),
)


def price_args(symbols: Sequence[str]) -> tuple[Arg, ...]:
    """The ticker of every symbol."""
    return tuple(Arg(inst_type=PRODUCT, channel="ticker", inst_id=symbol) for symbol in symbols)


class Patience(msgspec.Struct, frozen=True):
    """When silence means that a connection is dead, seconds. Bitget sends prices several times a second."""

    answer_s: float = 5.0
    ping_s: float = 10.0
    pong_s: float = 35.0
    price_s: float = 10.0
    still_s: float = 4.0
    again_s: float = 5.0
    look_s: float = 0.25


class Broken(Exception):
    """The connection is of no use any more; the text says why."""


class Link:
    """One websocket: the public one may not go without data, the private one not without pongs."""

    def __init__(
        self,
        *,
        client: Client,
        keys: Keys,
        url: str,
        make_tap: Callable[[], Tap],
        args: tuple[Arg, ...],
        sink: Sink,
        patience: Patience,
        backoff: Backoff,
    ) -> None:
        self._client = client
        self._keys = keys
        self._url = url
        self._make_tap = make_tap
        self._args = args
        self._sink = sink
        self._patience = patience
        self._backoff = backoff
        self._tap = make_tap()
        self._said = (False, "")
        self._cut_for = ""
        self.heard_at = math.nan
        """When the newest frame or pong was noticed, in the loop's time; NaN before the first."""

    @property
    def name(self) -> str:
        return self._tap.name

    @property
    def is_private(self) -> bool:
        return self.name == "private"

    def stands_still(self) -> None:
        """The silence was asked about: nothing moves."""
        self._tap.heard()

    def cut(self, reason: str) -> None:
        """Give this connection up and dial again."""
        self._cut_for = reason

    def listen(self) -> Callable[[str], bool]:
        """The reader of the connection that is about to be dialled."""
        return self._tap.take

    async def keep(self) -> None:
        """Keep the link up. Ends only by cancellation, or by a fault of the engine itself."""
        while True:
            self._tap, self._cut_for = self._make_tap(), ""
            try:
                await self._live()
            except Broken as broken:
                self._tell(False, str(broken))
            finally:
                await self._drop()
            pause_s = self._backoff.next_s()
            log.info("%s link: dialling again in %.1f s", self.name, pause_s)
            await asyncio.sleep(pause_s)

    async def _live(self) -> None:
        """One connection's life. Raises Broken at its end."""
        socket = await self._dial()
        lost = socket.future("ratchet:lost")
        try:
            if self.is_private:
                await self._log_in()
            await self._subscribe(socket, self._args)
            self._backoff.rest()
            await self._watch(socket, lost)
        finally:
            if lost.done() and not lost.cancelled():
                lost.exception()

    async def _dial(self) -> Any:
        """ccxt's socket, open. Raises Broken."""
        self._client.open()
        socket = self._client.client(self._url)
        socket.connectionTimeout = max(1, round(self._patience.answer_s)) * 1000  # whole seconds to ccxt
        await socket.open(self._client.session)
        if socket.error is not None or socket.closed():
            raise Broken(f"no connection ({type(socket.error).__name__})")
        return socket

    async def _log_in(self) -> None:
        try:
            async with asyncio.timeout(self._patience.answer_s):
                await self._client.authenticate({"url": self._url})
        except TimeoutError:
            raise Broken("no answer to the login") from None
        except ccxt.BaseError as error:
            raise Broken(self._keys.redacted(f"the login failed: {error}")) from None

    async def _subscribe(self, socket: Any, args: Sequence[Arg]) -> None:
        """Ask for `args` and wait for every answer. Raises Broken when one stays away."""
        acks = self._tap.acks
        for arg in args:
            acks.refused.pop(arg.key, None)
        for start in range(0, len(args), IN_ONE_FRAME):
            part = args[start : start + IN_ONE_FRAME]
            if start:
                await asyncio.sleep(0.2)
            await self._send(socket, {"op": "subscribe", "args": [arg.wire() for arg in part]})
        try:
            async with asyncio.timeout(self._patience.answer_s):
                while any(arg.key not in acks.accepted and arg.key not in acks.refused for arg in args):
                    acks.news.clear()
                    self._look(socket)
                    await acks.news.wait()
        except TimeoutError:
            raise Broken("no answer to the subscription") from None
        if acks.refused:
            named = ", ".join(f"{channel} {name}: {why}" for (channel, name), why in acks.refused.items())
            self._tell(False, f"subscription refused ({named})")
        else:
            self._tell(True, "")

    async def _send(self, socket: Any, frame: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._patience.answer_s):
                await socket.send(frame)
        except (OSError, TimeoutError) as error:
            raise Broken(f"the connection broke ({type(error).__name__})") from None

    async def _watch(self, socket: Any, lost: asyncio.Future[Any]) -> None:
        """Look at the connection until it dies; ask again for what was refused. Raises Broken."""
        loop = asyncio.get_running_loop()
        heard, heard_at, asked_at = self._heard(), loop.time(), loop.time()
        seen, self.heard_at = self._tap.data + self._tap.pongs, loop.time()
        while True:
            await asyncio.wait(
                {lost, self._tap.broken}, timeout=self._patience.look_s, return_when="FIRST_COMPLETED"
            )
            self._look(socket)
            if lost.done():
                raise Broken(_why(lost))
            now = loop.time()
            if (frames := self._tap.data + self._tap.pongs) != seen:
                seen, self.heard_at = frames, now
            if self._heard() != heard:
                heard, heard_at = self._heard(), now
            elif now - heard_at > self._silence_s():
                raise Broken(f"silent for {now - heard_at:.0f} s")
            if self._tap.acks.refused and now - asked_at > self._patience.again_s:
                asked_at = now
                await self._subscribe(
                    socket, [arg for arg in self._args if arg.key in self._tap.acks.refused]
                )

    def _look(self, socket: Any) -> None:
        if self._tap.broken.done():
            self._tap.broken.result()
        if self._cut_for or socket.closed():
            raise Broken(self._cut_for or "the connection was closed")

    def _heard(self) -> int:
        return self._tap.pongs if self.is_private else self._tap.data

    def _silence_s(self) -> float:
        return self._patience.pong_s if self.is_private else self._patience.price_s

    async def _drop(self) -> None:
        """Forget the connection; a dead peer is not waited for."""
        socket = self._client.clients.pop(self._url, None)
        if socket is None:
            return
        try:
            async with asyncio.timeout(0.5):
                await socket.close()
        except (TimeoutError, OSError, ccxt.BaseError):
            log.debug("%s link: closed without an answer", self.name)

    def _tell(self, up: bool, reason: str) -> None:
        if self._said == (up, reason):
            return
        self._said = (up, reason)
        log.log(
            logging.INFO if up else logging.WARNING,
            "%s link %s %s",
            self.name,
            "up" if up else "down",
            reason,
        )
        self._sink.tell(LinkChanged(self.name, up, reason))


def _why(lost: asyncio.Future[Any]) -> str:
    """What ended a connection, in ccxt's words."""
    if lost.cancelled():
        return "the connection was closed"
    error = lost.exception()
    return str(error) or type(error).__name__
