"""The control socket over real unix sockets: what it answers, what it refuses, who may open it."""

# ruff: noqa: ASYNC240 – one look at a temporary folder

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, UnixConnector
from served import EngineFace

from engine.api.address import SocketRefused
from engine.api.server import ControlSocket
from engine.protocol import Answer, Flatten, Halt, Hello, OrderView, Reduce, Snapshot, StoryLine, Verdict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "e.sock"


@pytest.fixture
async def face(path: Path) -> AsyncIterator[EngineFace]:
    face = EngineFace()
    async with ControlSocket(face, path):
        yield face


@pytest.fixture
async def client(face: EngineFace, path: Path) -> AsyncIterator[ClientSession]:
    async with ClientSession("http://engine", connector=UnixConnector(str(path))) as session:
        yield session


async def post(client: ClientSession, body: bytes) -> tuple[int, Answer]:
    async with client.post("/v1/commands", data=body) as reply:
        return reply.status, msgspec.json.decode(await reply.read(), type=Answer)


def request(command: dict[str, Any], id: str = "one", **more: object) -> bytes:
    return msgspec.json.encode({"id": id, "by": "test", "command": command, **more})


async def test_hello_and_snapshot_arrive_as_they_were_given(face: EngineFace, client: ClientSession) -> None:
    async with client.get("/v1/hello") as reply:
        assert msgspec.json.decode(await reply.read(), type=Hello) == face.hello()
    async with client.get("/v1/snapshot") as reply:
        assert msgspec.json.decode(await reply.read(), type=Snapshot) == face.now
    async with client.get("/v1/snapshot/brief") as reply:
        brief = msgspec.json.decode(await reply.read(), type=Snapshot)
    assert face.now.log and brief == msgspec.structs.replace(face.now, log=())


async def test_orders_and_stories_are_read(face: EngineFace, client: ClientSession) -> None:
    async with client.get("/v1/orders") as reply:
        assert msgspec.json.decode(await reply.read(), type=tuple[OrderView, ...]) == face.orders()
    async with client.get("/v1/why/BTCUSDT%3Ashort") as reply:
        told = msgspec.json.decode(await reply.read(), type=list[StoryLine])
    assert [line.text for line in told] == ["mark 95,000.0 reached rung 1"]


async def test_a_halt_is_done_and_answered(face: EngineFace, client: ClientSession) -> None:
    status, answer = await post(client, request({"command": "halt", "reason": "news"}))
    assert (status, answer.id, answer.verdict) == (200, "one", Verdict.DONE)
    assert face.now.engine.killed == "test: news"


async def test_a_refusal_of_the_engine_is_an_answer_with_its_reason(client: ClientSession) -> None:
    status, answer = await post(client, request({"command": "resume"}))
    assert (status, answer.verdict, answer.text) == (200, Verdict.REFUSED, "nothing is halted")


async def test_the_id_and_the_asker_reach_the_engine_unchanged(
    face: EngineFace, client: ClientSession
) -> None:
    body = request({"command": "reduce", "symbol": "BTCUSDT", "side": "short", "fraction": "0.5"}, id="x-9")
    first, second = await post(client, body), await post(client, body)
    assert first == second
    assert [(asked.id, asked.by) for asked in face.asked] == [("x-9", "test")] * 2
    assert isinstance(face.asked[0].command, Reduce)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "not a JSON object"),
        (b"{", 400, "not a JSON object"),
        (b"[1]", 400, "not a JSON object"),
        (b"\xff\xfe", 400, "not a JSON object"),
        (request({"command": "hault"}), 400, "unknown command 'hault': did you mean halt?"),
        (request({"command": "zzz"}), 400, "unknown command 'zzz': the commands are halt"),
        (request({"command": 7}), 400, "does not fit the protocol"),
        (b'{"id":"a","by":"b"}', 400, "does not fit the protocol"),
        (request({"command": "pause", "symbol": "BTCUSDT", "side": "up"}), 400, "does not fit the protocol"),
        (request({"command": "halt"}, id=""), 400, "id must be 1 to 64 characters"),
        (request({"command": "halt"}, id="x" * 65), 400, "id must be 1 to 64 characters"),
        (request({"command": "resume"}, protocol=2), 409, "speaks protocol 1, the client 2"),
        (request({"command": "resume"}, protocol=2), 409, "`ratchet kill` halts it as it is"),
        (request({"command": "a command of tomorrow"}, protocol=2), 409, "speaks protocol 1"),
    ],
)
async def test_an_unfit_request_never_reaches_the_engine(
    face: EngineFace, client: ClientSession, body: bytes, status: int, sentence: str
) -> None:
    got, answer = await post(client, body)
    assert got == status
    assert answer.verdict is Verdict.REFUSED
    assert sentence in answer.text
    assert face.asked == []


@pytest.mark.parametrize("fraction", ["0", "-0.5", "1.01", "NaN", "Infinity"])
async def test_a_reduce_takes_a_part_and_nothing_else(
    face: EngineFace, client: ClientSession, fraction: str
) -> None:
    body = request({"command": "reduce", "symbol": "BTCUSDT", "side": "short", "fraction": fraction})
    status, answer = await post(client, body)
    assert (status, face.asked) == (400, [])
    assert "above 0 and at most 1" in answer.text


async def test_a_body_over_64_kib_is_refused(face: EngineFace, client: ClientSession) -> None:
    status, answer = await post(client, request({"command": "halt", "reason": "x" * 70_000}))
    assert (status, face.asked) == (413, [])
    assert "at most 65536 bytes" in answer.text


async def test_a_wrong_path_or_method_is_told_what_there_is(client: ClientSession) -> None:
    async with client.get("/v1/nothing") as reply:
        assert reply.status == 404
        assert "try /v1/hello" in (await reply.json())["text"]
    async with client.get("/v1/commands") as reply:
        assert reply.status == 405
        assert "takes POST, not GET" in (await reply.json())["text"]


async def test_a_client_of_another_protocol_reads_hello_and_nothing_else(client: ClientSession) -> None:
    headers = {"Ratchet-Protocol": "99"}
    async with client.get("/v1/hello", headers=headers) as reply:
        assert (await reply.json())["protocol"] == 1
    for path in ("/v1/snapshot", "/v1/stream", "/v1/orders"):
        async with client.get(path, headers=headers) as reply:
            assert reply.status == 409
            assert "speaks protocol 1, the client 99" in (await reply.json())["text"]


@pytest.mark.parametrize(
    ("more", "headers"),
    [
        ({"protocol": 2}, {}),
        ({"protocol": 2}, {"Ratchet-Protocol": "2"}),
        ({}, {"Ratchet-Protocol": "2"}),
        ({"protocol": 0, "token": [1], "by": {"desk": "tty2"}}, {}),
        ({"protocol": 2, "id": ""}, {}),
        ({"protocol": 2, "id": "x" * 65, "by": "y" * 121}, {}),
    ],
)
@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ({"command": "halt", "reason": "news"}, Halt("news")),
        ({"command": "flatten", "reason": "news", "symbols": ["BTCUSDT"]}, Flatten("news")),
        ({"command": "halt", "reason": {"code": 7}}, Halt()),
    ],
)
async def test_halt_and_flatten_are_taken_from_a_client_of_any_protocol(
    face: EngineFace,
    client: ClientSession,
    more: dict[str, object],
    headers: dict[str, str],
    command: dict[str, object],
    meant: Halt | Flatten,
) -> None:
    body = request(command, **more)  # type: ignore[arg-type]
    async with client.post("/v1/commands", data=body, headers=headers) as reply:
        answer = msgspec.json.decode(await reply.read(), type=Answer)
    assert (reply.status, answer.verdict) == (200, Verdict.DONE)
    assert face.now.engine.killed
    [asked] = face.asked
    assert asked.command == meant
    assert 1 <= len(asked.id) <= 64
    assert len(asked.by) <= 120


async def test_a_header_of_another_protocol_lets_nothing_through_that_adds_risk(
    face: EngineFace, client: ClientSession
) -> None:
    body = request({"command": "unpause", "symbol": "BTCUSDT", "side": "short"})
    async with client.post("/v1/commands", data=body, headers={"Ratchet-Protocol": "2"}) as reply:
        assert reply.status == 409
    assert face.asked == []


async def test_a_command_is_finished_when_its_client_hangs_up(path: Path) -> None:
    class Slow(EngineFace):
        async def command(self, request: Any) -> Answer:
            await asyncio.sleep(0.05)
            return await super().command(request)

    face = Slow()
    async with ControlSocket(face, path):
        _, writer = await asyncio.open_unix_connection(str(path))
        body = request({"command": "halt"})
        head = b"POST /v1/commands HTTP/1.1\r\nHost: e\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + body)
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.close()
        for _ in range(3000):
            if face.now.engine.killed:
                break
            await asyncio.sleep(0.01)
    assert face.now.engine.killed


async def test_only_the_owner_may_open_the_socket_and_it_is_gone_afterwards(path: Path) -> None:
    async with ControlSocket(EngineFace(), path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_the_socket_of_a_crashed_engine_is_replaced(path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.listen()
    dead.close()
    assert path.exists()
    async with (
        ControlSocket(EngineFace(), path),
        ClientSession(connector=UnixConnector(str(path))) as client,
        client.get("http://engine/v1/hello") as reply,
    ):
        assert reply.status == 200


async def test_the_socket_of_a_living_engine_is_left_alone(face: EngineFace, path: Path) -> None:
    inode = path.stat().st_ino
    with pytest.raises(SocketRefused, match=r"an engine already answers on .*stop it first"):
        async with ControlSocket(EngineFace(), path):
            pass
    assert path.stat().st_ino == inode


async def test_an_engine_that_ends_leaves_the_socket_of_its_successor(path: Path) -> None:
    async with ControlSocket(EngineFace(), path):
        path.unlink()
        successor = socket.socket(socket.AF_UNIX)
        successor.bind(str(path))
    assert path.exists()
    successor.close()


async def test_a_file_in_the_place_of_the_socket_is_not_removed(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(SocketRefused, match="is not a socket"):
        async with ControlSocket(EngineFace(), path):
            pass
    assert path.read_text() == "precious"


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(SocketRefused, match="cannot be made"):
        async with ControlSocket(EngineFace(), tmp_path / "absent" / "e.sock"):
            pass


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"price": "sNaN"}, "price must be a plain number such as 95000.5, got sNaN"),
        ({"stop": "1E+999999"}, "stop must be a plain number such as 95000.5, got 1E+999999"),
        ({"times": 0}, "times must be at least 1, got 0"),
        ({"outcome": "great"}, "this is no signal as the journal has it: Invalid enum value 'great'"),
    ],
)
async def test_a_signal_that_nobody_can_mean_is_not_journalled(
    face: EngineFace, client: ClientSession, said: dict[str, object], why: str
) -> None:
    signal = {"type": "signal_heard", "source": "TradingView", "outcome": "accepted", "text": "done"}
    async with client.post("/v1/signals", data=msgspec.json.encode(signal | said)) as reply:
        answer = msgspec.json.decode(await reply.read(), type=Answer)
    assert (reply.status, answer.text.startswith(why)) == (400, True), answer.text
    assert face.journal == []
    async with client.post("/v1/signals", data=msgspec.json.encode(signal | {"price": "95000.5"})) as reply:
        assert reply.status == 200
    assert len(face.journal) == 1
