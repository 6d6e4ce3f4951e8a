"""One websocket, public or private: login, subscriptions, ping, limits, and its bounded queue."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any, Final, Literal

import msgspec
from aiohttp import WSMsgType, web

from engine.simulator import faults as fault
from engine.simulator.armed import Faults
from engine.simulator.errors import BitgetError
from engine.simulator.limits import CHANNELS, MESSAGES_A_SECOND, SUBSCRIBES_AN_HOUR, Window
from engine.simulator.public import PRODUCT
from engine.simulator.signing import Gatekeeper, Key
from engine.simulator.streams import PRIVATE_CHANNELS, PUBLIC_CHANNELS, Streams, Topic
from engine.simulator.world import World

Side = Literal["public", "private"]
QUEUE: Final = 1_000
UNSENT_BYTES: Final = 128 * 1024


class SocketRules(msgspec.Struct, frozen=True):
    """When a connection ends by itself: so long without a ping, so long at all, so many frames unread."""

    ping_timeout_s: float = 120.0
    session_s: float = 86_400.0
    queue: int = QUEUE


class Refusal(Exception):
    """A message that is answered with an error event; `closes` ends the connection after it."""

    def __init__(
        self, code: int, msg: str, arg: dict[str, Any] | None = None, *, closes: bool = False
    ) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.arg = arg or {}
        self.closes = closes


class Socket:
    """A connection. `run` lives as long as it does; `tell` takes a frame and never waits.

    A reader that lets more than `rules.queue` frames pile up is cut off, as Bitget does: the feed waits for
    nobody.
    """

    def __init__(
        self,
        side: Side,
        world: World,
        streams: Streams,
        gate: Gatekeeper,
        *,
        faults: Faults,
        rules: SocketRules,
        clock_ms: Callable[[], int],
    ) -> None:
        self.side = side
        self._world = world
        self._streams = streams
        self._gate = gate
        self._faults = faults
        self._rules = rules
        self._clock_ms = clock_ms
        self._key: Key | None = None
        self._topics: list[Topic] = []
        self._outbox: asyncio.Queue[str] = asyncio.Queue(rules.queue)
        self._held: dict[str, list[tuple[Topic, str, str]]] = defaultdict(list)
        self._messages = Window(MESSAGES_A_SECOND, 1.0)
        self._subscribes = Window(SUBSCRIBES_AN_HOUR, 3600.0)
        self._transport: asyncio.Transport | None = None
        self.cut_for = ""

    async def run(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve the connection until it ends."""
        ws = web.WebSocketResponse(compress=False, max_msg_size=1 << 20, timeout=0.5)
        await ws.prepare(request)
        self._transport = request.transport
        self._keep_little_unsent()
        writer = asyncio.create_task(self._write(ws))
        try:
            await self._read(ws)
        finally:
            for topic in list(self._topics):
                self._streams.leave(topic, self)
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer
            if not ws.closed:
                await ws.close()
        return ws

    def _keep_little_unsent(self) -> None:
        """Keep megabytes of old market out of the kernel: a reader that falls behind is noticed early."""
        transport = self._transport
        connection = None if transport is None else transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(SOL_SOCKET, SO_SNDBUF, UNSENT_BYTES)

    def cut(self, why: str) -> None:
        """Drop the connection without a word."""
        self.cut_for = self.cut_for or why
        if self._transport is not None:
            self._transport.abort()

    def tell(self, topic: Topic, symbol: str, frame: str) -> None:
        """Queue a frame of `topic`, or what the armed faults make of it."""
        for due in self._disturbed(topic, symbol, frame):
            self._put(due)

    def _put(self, frame: str) -> None:
        try:
            self._outbox.put_nowait(frame)
        except asyncio.QueueFull:
            self.cut("slow reader")

    def _disturbed(self, topic: Topic, symbol: str, frame: str) -> Iterator[str]:
        strike, channel = self._faults.strike_stream, topic.channel
        if strike(fault.StreamStall, channel, symbol) or strike(fault.StreamGap, channel, symbol):
            return
        if strike(fault.StreamReorder, channel, symbol):
            self._held[channel].append((topic, symbol, frame))
            return
        hears_fills = any(other.channel == "fill" for other in self._topics)
        if (
            channel == "orders"
            and hears_fills
            and _is_filled(frame)
            and strike(fault.FillBeforeOrder, channel, symbol)
        ):
            self._held["fill"].append((topic, symbol, frame))
            return
        yield frame
        if strike(fault.StreamDuplicate, channel, symbol):
            yield frame
        for _, _, held in self._held.pop(channel, []):
            yield held

    async def _write(self, ws: web.WebSocketResponse) -> None:
        while True:
            await ws.send_str(await self._outbox.get())
            self._outbox.task_done()

    async def _read(self, ws: web.WebSocketResponse) -> None:
        born = pinged = time.monotonic()
        while not ws.closed:
            until = min(pinged + self._rules.ping_timeout_s, born + self._rules.session_s)
            try:
                message = await ws.receive(timeout=max(0.001, until - time.monotonic()))
            except TimeoutError:
                self.cut("no ping" if until < born + self._rules.session_s else "24 hours")
                return
            if message.type is not WSMsgType.TEXT:
                return
            if not self._messages.admits(time.monotonic()):
                self._refuse(Refusal(30006, "request too many", closes=True), "")
            elif message.data == "ping":
                pinged = time.monotonic()
                self._pong()
            else:
                self._handle(message.data)
            if self.cut_for:
                await self._last_words(ws)
                return

    async def _last_words(self, ws: web.WebSocketResponse) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await self._outbox.join()
        await ws.close()

    def _pong(self) -> None:
        stall = self._faults.stall()
        if stall is None or stall.pong:
            self._put("pong")

    def _handle(self, text: str) -> None:
        op = ""
        try:
            message = _decoded(text)
            op = str(message.get("op", ""))
            args = message.get("args")
            if not isinstance(args, list) or not all(isinstance(arg, dict) for arg in args):
                raise Refusal(30016, "Param error: args must be a list of objects")
            match op:
                case "login":
                    self._log_in(args[0] if args else {})
                case "subscribe" | "unsubscribe":
                    for arg in args:
                        self._each(op, arg)
                case _:
                    raise Refusal(30003, f"Invalid op: {op}")
        except Refusal as refusal:
            self._refuse(refusal, op)

    def _each(self, op: str, arg: dict[str, Any]) -> None:
        try:
            if op == "subscribe":
                self._subscribe(arg)
            else:
                self._unsubscribe(arg)
        except Refusal as refusal:
            self._refuse(refusal, op)

    def _log_in(self, arg: dict[str, Any]) -> None:
        try:
            self._key = self._gate.log_in(arg, self._clock_ms())
        except BitgetError as error:
            raise Refusal(int(error.code), error.msg) from error
        self._put(_event("login", code=0, msg=""))

    def _subscribe(self, arg: dict[str, Any]) -> None:
        topic = self._topic(arg)
        symbol = topic.about if not topic.account_id else ""
        refusal = self._faults.strike_stream(fault.SubscribeError, topic.channel, symbol)
        if refusal is not None:
            raise Refusal(refusal.code, refusal.msg, arg)
        if not self._subscribes.admits(time.monotonic()) or len(self._topics) >= CHANNELS:
            raise Refusal(30007, "request over limit, connection close", arg, closes=True)
        self._put(_event("subscribe", arg=arg))
        if topic in self._topics:
            return
        self._topics.append(topic)
        self._streams.join(topic, self)

    def _unsubscribe(self, arg: dict[str, Any]) -> None:
        topic = self._topic(arg)
        if topic in self._topics:
            self._topics.remove(topic)
            self._streams.leave(topic, self)
        self._put(_event("unsubscribe", arg=arg))

    def _topic(self, arg: dict[str, Any]) -> Topic:
        channel = str(arg.get("channel", ""))
        about = str(arg.get("instId") or arg.get("coin") or "")
        product = str(arg.get("instType", "")).upper()
        if self.side == "private" and channel in PRIVATE_CHANNELS:
            if self._key is None:
                raise Refusal(30004, "User needs to log in", arg)
            if product == PRODUCT and (about in ("default", "USDT") or about in self._world.market):
                return Topic(channel, about, self._key.account_id)
        is_listed = product == PRODUCT and about in self._world.market
        if self.side == "public" and channel in PUBLIC_CHANNELS and is_listed:
            return Topic(channel, about)
        raise Refusal(30001, f"instType:{product},channel:{channel},instId:{about} doesn't exist", arg)

    def _refuse(self, refusal: Refusal, op: str) -> None:
        self._put(_event("error", arg=refusal.arg, code=refusal.code, msg=refusal.msg, op=op))
        if refusal.closes:
            self.cut_for = refusal.msg


def _decoded(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text)
    except ValueError:
        raise Refusal(30002, "Illegal request: not JSON") from None
    if not isinstance(message, dict):
        raise Refusal(30002, "Illegal request: an object is expected")
    return message


def _event(event: str, **fields: Any) -> str:
    return json.dumps({"event": event, **fields}, separators=(",", ":"))


def _is_filled(frame: str) -> bool:
    return '"status":"filled"' in frame or '"status":"partially_filled"' in frame
