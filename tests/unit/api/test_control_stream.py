"""The stream: conflated, encoded once for all, and closed to whoever stops reading."""

# ruff: noqa: ASYNC110 – the stream counts its watchers, it tells no test when

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, UnixConnector, WSMsgType
from served import NOW, EngineFace, snapshot

from engine.api.server import ControlSocket
from engine.api.stream import WATCHERS, Stream
from engine.protocol import Level, LogLine, Snapshot


@asynccontextmanager
async def streaming(
    path: Path, face: EngineFace, interval_s: float = 0.1, stalled_s: float = 5.0
) -> AsyncIterator[tuple[Stream, ClientSession]]:
    stream = Stream(face, interval_s=interval_s, stalled_s=stalled_s)
    async with ControlSocket(face, path, stream=stream) as control:
        drawing = asyncio.create_task(control.run())
        connector = UnixConnector(str(path), limit=0)
        async with ClientSession("http://engine", connector=connector) as client:
            yield stream, client
        drawing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await drawing


async def frame(socket: ClientWebSocketResponse) -> Snapshot:
    message = await socket.receive(timeout=60)
    assert message.type is WSMsgType.TEXT
    return msgspec.json.decode(message.data, type=Snapshot)


async def test_a_watcher_gets_the_present_at_once_and_then_each_change(tmp_path: Path) -> None:
    face = EngineFace()
    async with (
        streaming(tmp_path / "e", face, 0.01) as (_, client),
        client.ws_connect("/v1/stream") as watcher,
    ):
        assert await frame(watcher) == face.now
        face.change(unknown=())
        assert (await frame(watcher)).version == 2


async def test_a_flood_of_changes_is_at_most_ten_frames_a_second_and_ends_with_the_newest(
    tmp_path: Path,
) -> None:
    face = EngineFace()
    async with (
        streaming(tmp_path / "e", face) as (stream, client),
        client.ws_connect("/v1/stream") as watcher,
    ):
        began, seen = time.monotonic(), [(await frame(watcher)).version]
        for _ in range(40):
            for _ in range(25):
                face.change()
            await asyncio.sleep(0.01)
        while seen[-1] < face.version:
            seen.append((await frame(watcher)).version)
        took = time.monotonic() - began
    assert seen == sorted(set(seen))
    assert seen[-1] == 1001
    assert 3 <= len(seen) <= 10 * took + 3
    assert stream.drawn <= 10 * took + 3


async def test_a_frame_is_encoded_once_for_all_who_watch(tmp_path: Path) -> None:
    face = EngineFace()
    async with streaming(tmp_path / "e", face, 0.02) as (stream, client):
        watchers = [await client.ws_connect("/v1/stream") for _ in range(10)]
        for watcher in watchers:
            await frame(watcher)
        before = face.snapshots_made
        face.change()
        assert {(await frame(watcher)).version for watcher in watchers} == {2}
        assert face.snapshots_made == before + 1
        assert stream.watchers == 10
        for watcher in watchers:
            await watcher.close()


async def test_nothing_is_drawn_while_nobody_watches(tmp_path: Path) -> None:
    face = EngineFace()
    async with streaming(tmp_path / "e", face, 0.005) as (stream, client):
        async with client.ws_connect("/v1/stream") as watcher:
            await frame(watcher)
        while stream.watchers:
            await asyncio.sleep(0.005)
        drawn = stream.drawn
        for _ in range(10):
            face.change()
            await asyncio.sleep(0.005)
        assert stream.drawn == drawn
        async with client.ws_connect("/v1/stream") as watcher:
            assert (await frame(watcher)).version == 11


async def test_a_client_that_never_reads_is_cut_off_and_delays_nobody(tmp_path: Path) -> None:
    long_log = tuple(LogLine(n, NOW, NOW, Level.CHATTER, "BTCUSDT", "x" * 200) for n in range(400))
    face = EngineFace(snapshot(log=long_log))
    path = tmp_path / "e"
    async with streaming(path, face, 0.005, stalled_s=0.3) as (stream, client):
        silent = await _deaf(path)
        async with client.ws_connect("/v1/stream") as reader:
            await frame(reader)
            while not stream.cut_off:
                face.change()
                assert (await frame(reader)).version <= face.version
            assert stream.cut_off == 1
            assert stream.watchers == 1
            face.change()
            while (await frame(reader)).version < face.version:
                pass
        silent.close()


async def _deaf(path: Path) -> socket.socket:
    """A client that shakes hands and then reads nothing."""
    deaf = socket.socket(socket.AF_UNIX)
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, str(path))
    hello = (
        b"GET /v1/stream HTTP/1.1\r\nHost: e\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await loop.sock_sendall(deaf, hello)
    assert b"101" in await loop.sock_recv(deaf, 64)
    return deaf


async def test_one_client_too_many_is_told_so(tmp_path: Path) -> None:
    face = EngineFace()
    async with streaming(tmp_path / "e", face) as (_, client):
        watchers = [await client.ws_connect("/v1/stream") for _ in range(WATCHERS)]
        async with client.get("/v1/stream") as reply:
            assert reply.status == 503
            assert "close one of them" in (await reply.json())["text"]
        for watcher in watchers:
            await watcher.close()


async def test_an_engine_that_ends_says_goodbye(tmp_path: Path) -> None:
    face = EngineFace()
    connector = UnixConnector(str(tmp_path / "e"))
    async with ClientSession("http://engine", connector=connector) as client:
        async with ControlSocket(face, tmp_path / "e"):
            watcher = await client.ws_connect("/v1/stream")
            await frame(watcher)
            listening = asyncio.create_task(watcher.receive(timeout=60))
            await asyncio.sleep(0)
        assert (await listening).type in {WSMsgType.CLOSE, WSMsgType.CLOSED}
        assert watcher.close_code == 1001


async def test_what_a_watcher_says_is_ignored_and_a_long_speech_ends_it(tmp_path: Path) -> None:
    face = EngineFace()
    async with streaming(tmp_path / "e", face, 0.01) as (stream, client):
        async with client.ws_connect("/v1/stream") as watcher:
            await frame(watcher)
            await watcher.send_str("hello")
            await watcher.ping()
            face.change()
            assert (await frame(watcher)).version == 2
            await watcher.send_str("x" * 5000)
            assert (await watcher.receive(timeout=60)).type is WSMsgType.CLOSE
        while stream.watchers:
            await asyncio.sleep(0.005)
