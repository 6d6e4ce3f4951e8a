"""The client on a real socket: handshake, stream, losing and finding the engine, commands that count once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.protocol import PROTOCOL, Halt, Verdict
from tests.desk import scenes
from tests.desk.conftest import Clocks, desk_on, settled, until, words
from tests.desk.engine_face import EngineFace
from tui.client import EngineClient, EngineUnheard
from tui.link import LinkState

FAST = (0.01,)


@asynccontextmanager
async def following(socket: Path, **clock: Any) -> AsyncIterator[EngineClient]:
    client = EngineClient(socket, pauses=FAST, **clock)
    task = asyncio.create_task(client.watch())
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_newest_snapshot_wins_and_the_older_ones_are_never_decoded(socket: Path) -> None:
    async with EngineFace(socket) as face, following(socket, steady=lambda: 100.0) as client:
        await until(lambda: client.frames == 1)
        for version in range(2, 12):
            await face.tell(replace(scenes.LIVE, version=version))
        await until(lambda: client.frames == 11)
        snapshot, age_ms = client.newest()
        assert snapshot is not None
        assert snapshot.version == 11
        assert age_ms == 0
        assert client.newest()[0] is snapshot


async def test_how_far_away_the_engine_is_is_measured_while_it_is_watched(socket: Path) -> None:
    async with EngineFace(socket) as face, following(socket) as client:
        await until(lambda: client.frames == 1)
        client.link = replace(client.link, latency_ms=None)

        async def told() -> None:
            while client.link.latency_ms is None:
                await face.tell(scenes.LIVE)
                await asyncio.sleep(0.01)

        await asyncio.wait_for(told(), 60)
        assert client.link.is_up


async def test_an_engine_that_starts_later_is_found(socket: Path) -> None:
    async with following(socket) as client:
        await until(lambda: client.link.retries >= 2)
        assert client.link.state is LinkState.SEEKING
        assert client.link.reason == f"no engine at {socket}"
        async with EngineFace(socket):
            await until(lambda: client.link.is_up)
            assert client.link.retries == 0


async def test_a_lost_engine_is_gone_and_the_same_desk_finds_the_next_one(socket: Path) -> None:
    async with following(socket) as client:
        async with EngineFace(socket):
            await until(lambda: client.newest()[0] is not None)
        await until(lambda: client.link.state is LinkState.GONE)
        assert client.newest()[0] == scenes.LIVE, "the last known stays, and grows old"
        await until(lambda: client.link.retries >= 3)
        async with EngineFace(socket, scenes.KILLED):
            await until(lambda: client.newest()[0] == scenes.KILLED)
            assert client.link.is_up


async def test_an_engine_of_another_protocol_is_not_guessed_at(socket: Path) -> None:
    hello = replace(scenes.HELLO, protocol=PROTOCOL + 1, version="9.0")
    async with EngineFace(socket, hello=hello), following(socket) as client:
        await until(lambda: client.link.state is LinkState.FOREIGN)
        assert "version 9.0 and speaks protocol 2; this desk speaks protocol 1" in client.link.reason
        assert client.frames == 0


async def test_the_screen_of_another_protocol_says_what_to_do(socket: Path, clocks: Clocks) -> None:
    hello = replace(scenes.HELLO, protocol=PROTOCOL + 1, version="9.0")
    async with EngineFace(socket, hello=hello):
        desk = desk_on(socket, clocks)
        async with desk.run_test(size=(80, 24)) as pilot:
            await until(lambda: desk.scene.is_foreign, pilot)
            await settled(pilot)
            assert "ANOTHER PROTOCOL" in words(pilot)
            assert "Install the same version on" in words(pilot)


async def test_a_frame_that_cannot_be_read_does_not_make_old_numbers_young(socket: Path) -> None:
    clocks = Clocks()
    async with EngineFace(socket) as face:
        client = EngineClient(socket, steady=lambda: clocks.steady, pauses=FAST)
        task = asyncio.create_task(client.watch())
        await until(lambda: client.newest()[0] is not None)
        clocks.pass_s(5)
        for watcher in face.watchers:
            await watcher.send_str('{"version": "many"}')
        await until(lambda: client.frames == 2)
        assert client.newest() == (scenes.LIVE, 5_000)
        assert client.link.reason.startswith("a snapshot could not be read")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_command_is_answered(socket: Path) -> None:
    async with EngineFace(socket) as face:
        client = EngineClient(socket, by="desk on pts/3")
        answer = await client.send(Halt("by key"))
        assert answer.verdict is Verdict.DONE
        assert [(request.by, request.protocol) for request in face.requests] == [("desk on pts/3", PROTOCOL)]


async def test_a_command_whose_answer_is_lost_is_sent_again_under_the_same_id(socket: Path) -> None:
    async with EngineFace(socket) as face:
        face.drop_next = True
        client = EngineClient(socket)
        answer = await client.send(Halt("by key"))
        assert answer.verdict is Verdict.DONE
        assert len(face.requests) == 2
        assert len({request.id for request in face.requests}) == 1
        assert face.commands == [Halt("by key")]


async def test_two_commands_have_two_ids(socket: Path) -> None:
    async with EngineFace(socket) as face:
        client = EngineClient(socket)
        await client.send(Halt())
        await client.send(Halt())
        assert len(face.commands) == 2


async def test_a_command_without_an_engine_was_not_sent(socket: Path) -> None:
    client = EngineClient(socket)
    with pytest.raises(EngineUnheard, match="NOT SENT"):
        await client.send(Halt())


async def test_a_command_without_an_answer_may_have_been_done(socket: Path) -> None:
    async with EngineFace(socket) as face:
        face.deaf.set()
        client = EngineClient(socket, patience_s=3.0)
        with pytest.raises(EngineUnheard, match="may or may not have been done"):
            await client.send(Halt())
        assert len({request.id for request in face.requests}) == 1
