"""The desk's own HTTP and WebSocket: every shape that a frame can have, and whatever may listen at the
engine's socket instead of an engine.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket as sockets
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from tests.desk.conftest import Answer, listening
from tui.wire import MAGIC, HungUp, Unreached, ask, watching


async def shaken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The handshake as RFC 6455 wants it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    key = next(line.split(": ")[1] for line in head if line.startswith("Sec-WebSocket-Key")).encode()
    proof = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " + proof + b"\r\n\r\n")


async def seen(socket: Path, answer: Answer, *, silence_s: float = 5.0) -> list[bytes]:
    async with listening(socket, answer), watching(socket, "/v1/stream", silence_s=silence_s) as stream:
        return [frame async for frame in stream.frames()]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 3_000_000])
async def test_a_frame_of_every_length_of_a_real_server_arrives_whole(socket: Path, size: int) -> None:
    async def stream(request: web.Request) -> web.WebSocketResponse:
        watcher = web.WebSocketResponse(compress=False)
        await watcher.prepare(request)
        await watcher.send_str("x" * size)
        await watcher.send_bytes(b"y" * size)
        await watcher.close()
        return watcher

    app = web.Application()
    app.router.add_get("/v1/stream", stream)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    try:
        async with watching(socket, "/v1/stream", silence_s=5) as watched:
            assert [frame async for frame in watched.frames()] == [b"x" * size, b"y" * size]
    finally:
        await runner.cleanup()


async def test_a_message_in_pieces_with_a_ping_between_them_is_one_message_and_the_ping_is_answered(
    socket: Path,
) -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shaken(reader, writer)
        writer.write(b"\x01\x03one" + b"\x89\x02hi" + b"\x00\x03two" + b"\x80\x05three")
        pong = await reader.readexactly(8)
        heard.append(bytes(byte ^ pong[2 + k % 4] for k, byte in enumerate(pong[6:])))
        assert pong[:2] == b"\x8a\x82", "a client's frames are masked"
        writer.write(b"\x88\x02\x03\xe9")

    assert await seen(socket, answer) == [b"onetwothree"]
    assert heard == [b"hi"]


async def test_a_silent_engine_is_asked_whether_it_lives_and_given_up_when_it_does_not_say(
    socket: Path,
) -> None:
    pings: list[bytes] = []

    async def lives(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shaken(reader, writer)
        pings.append(await reader.readexactly(12))
        writer.write(b"\x8a\x06alive?" + b"\x81\x02ok" + b"\x88\x00")

    assert await seen(socket, lives, silence_s=1.0) == [b"ok"]
    assert pings[0][:2] == b"\x89\x86"

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shaken(reader, writer)
        await reader.read()

    with pytest.raises(TimeoutError):
        await seen(socket, hangs, silence_s=0.05)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (b"\x81\x82mask12", "a masked frame"),
        (b"\x82\x7f" + (1 << 40).to_bytes(8, "big"), "a frame of 1,099,511,627,776 bytes"),
        (b"\x81\x05no", "the engine hung up"),
        (b"", "the engine hung up"),
    ],
    ids=["masked", "too large", "cut off", "nothing"],
)
async def test_a_broken_stream_is_told_in_words(socket: Path, frame: bytes, told: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shaken(reader, writer)
        writer.write(frame)

    with pytest.raises(HungUp, match=told):
        await seen(socket, answer)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: none\r\n\r\n", "is no engine"),
        (b"HTTP/1.1 503 Full\r\nContent-Length: 7\r\n\r\n32 here", r"lets nobody watch \(503\): 32 here"),
        (b"", "hung up"),
    ],
    ids=["another protocol", "no proof", "no room", "nothing"],
)
async def test_who_is_no_engine_is_not_watched(socket: Path, said: bytes, told: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)

    with pytest.raises(HungUp, match=told):
        await seen(socket, answer)


@pytest.mark.parametrize(
    "said",
    [b"HTTP/1.1 200 OK\r\n\r\nhow long?", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", b"\n"],
)
async def test_half_an_answer_is_no_answer(socket: Path, said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)

    async with listening(socket, answer):
        with pytest.raises(HungUp):
            await ask(socket, "GET", "/v1/hello")


async def test_nobody_at_the_socket_means_that_nothing_was_sent(socket: Path) -> None:
    with pytest.raises(Unreached) as missing:
        await ask(socket, "POST", "/v1/commands", b"{}")
    assert isinstance(missing.value.__cause__, FileNotFoundError)


async def test_what_is_asked_for_cannot_smuggle_a_second_request(socket: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(socket, answer):
        with pytest.raises(ValueError, match="is no path"):
            await ask(socket, "GET", "/v1/why/a HTTP/1.1\r\nX: y")


async def test_where_the_queue_is_full_a_question_waits_for_its_place(socket: Path) -> None:
    """asyncio takes a full queue for a connection, and the question fails as if the engine had hung up."""
    queue = sockets.socket(sockets.AF_UNIX)
    queue.setblocking(False)
    queue.bind(str(socket))
    queue.listen(0)
    with queue, closing(sockets.socket(sockets.AF_UNIX)) as first:
        first.connect(str(socket))
        asked = asyncio.create_task(ask(socket, "GET", "/v1/hello"))
        await asyncio.sleep(0.1)
        assert not asked.done()
        loop = asyncio.get_running_loop()
        (await loop.sock_accept(queue))[0].close()
        engine, _ = await loop.sock_accept(queue)
        with engine:
            assert (await loop.sock_recv(engine, 4096)).startswith(b"GET /v1/hello ")
            await loop.sock_sendall(engine, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            assert (await asked).body == b"{}"


async def test_who_gives_up_waiting_for_a_place_leaves_nothing_open(socket: Path) -> None:
    with sockets.socket(sockets.AF_UNIX) as queue, sockets.socket(sockets.AF_UNIX) as first:
        queue.bind(str(socket))
        queue.listen(0)
        first.connect(str(socket))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await ask(socket, "GET", "/v1/hello")
        queue.accept()[0].close()
        queue.setblocking(False)
        with pytest.raises(BlockingIOError):
            queue.accept()
