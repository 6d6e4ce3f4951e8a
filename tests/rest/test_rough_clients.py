"""Clients that send too much, too slowly, too often, or nothing at all."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress

import pytest
from aiohttp import ClientError, ClientSession, TCPConnector
from front_door import SECRETS, EngineFace, bearer, opened

from engine.api.rest.pace import REMEMBERED, Pace
from engine.api.rest.server import RestServer
from engine.api.rest.tokens import Scope
from engine.protocol import Answer, Request, Verdict

HALT = b'{"id": "h-1", "by": "alex", "command": {"command": "halt"}}'
MEGABYTE = 1_000_000


async def said(server: RestServer, *parts: bytes, pause_s: float = 0.0, within_s: float = 60.0) -> bytes:
    """What the server answers to these bytes, until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(within_s):
            return await reader.read()
    finally:
        writer.close()


def head(length: int, token: Scope = Scope.TRADE) -> bytes:
    return (
        f"POST /api/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRETS[token]}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


async def test_a_megabyte_is_refused_whether_its_length_is_told_or_not(
    face: EngineFace, client: ClientSession
) -> None:
    async def unmeasured() -> object:
        for _ in range(100):
            yield b"x" * (MEGABYTE // 100)

    for body in (b"x" * MEGABYTE, unmeasured()):
        try:
            async with client.post("/api/commands", data=body, headers=bearer(Scope.TRADE)) as reply:
                assert reply.status == 413
                assert "at most 65536 bytes" in (await reply.json())["text"]
        except ClientError:
            pass  # the server hung up while the rest was still being sent
    async with client.get("/api/health") as reply:
        assert reply.status == 200
    assert face.asked == []


async def test_a_megabyte_from_a_stranger_is_not_even_read(server: RestServer) -> None:
    answer = await said(server, head(MEGABYTE).replace(b"deal", b"nope"), b"x" * 10_000)
    assert answer.startswith(b"HTTP/1.1 401")


async def test_a_slow_body_is_cut_off(face: EngineFace) -> None:
    async with opened(face, body_s=0.2) as server:
        answer = await said(server, head(len(HALT)), HALT[:10])
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"did not come within 0.2 s" in answer
    assert face.asked == []


async def test_a_body_that_drips_is_cut_off_too(face: EngineFace) -> None:
    async with opened(face, body_s=0.2) as server:
        drops = [HALT[i : i + 1] for i in range(len(HALT))]
        try:
            answer = await said(server, head(len(HALT)), *drops, pause_s=0.02)
        except ConnectionError:
            answer = b""
        assert b"200 OK" not in answer
    assert face.asked == []


async def test_a_connection_that_says_nothing_loses_its_place(face: EngineFace) -> None:
    async with opened(face, silent_s=0.2) as server:
        watching = asyncio.create_task(server.run())
        assert await said(server) == b""
        assert await said(server, b"GET /api/health HT") == b""
        assert server.gate.guests is not None
        assert server.gate.guests.cut_off == 2
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_one_connection_too_many_is_closed_and_the_others_stay(face: EngineFace) -> None:
    async with opened(face, most=3) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
        await asyncio.sleep(0.02)
        with suppress(ConnectionError):
            assert await said(server) == b""
        reader, writer = held[0]
        writer.write(b"GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        for _, each in held:
            each.close()


async def test_noise_is_no_request(server: RestServer) -> None:
    assert b" 400 " in (await said(server, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")).split(b"\r\n")[0]
    assert b" 400 " in (await said(server, b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n"))[:30]


async def test_ten_thousand_requests_in_bursts_break_nothing(face: EngineFace) -> None:
    async with opened(face, per_minute=6000, wrong_per_minute=1) as server:
        connector = TCPConnector(limit=100)
        async with ClientSession(server.url, connector=connector) as client:

            async def ask(number: int) -> int:
                headers = bearer(Scope.READ) if number % 2 else {"Authorization": "Bearer guess-guess-guess"}
                path = ("/api/crypto/accounts", "/metrics", "/api/crypto/positions")[number % 3]
                async with client.get(path, headers=headers) as reply:
                    await reply.read()
                    return reply.status

            seen: Counter[int] = Counter()
            for burst in range(10):
                seen.update(await asyncio.gather(*(ask(burst * 1000 + n) for n in range(1000))))
            assert set(seen) == {200, 401, 429}
            assert seen.total() == 10_000
            assert seen[200] >= 1000
            assert seen[401] <= 20
            async with client.post("/api/commands", data=HALT, headers=bearer(Scope.KILL)) as reply:
                assert reply.status == 200
        assert server.gate.answered.total() == 10_001
        assert face.now.engine.killed


async def test_who_comes_too_often_does_not_fill_the_log(
    face: EngineFace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ratchet.rest")
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with opened(face, wrong_per_minute=1) as server, ClientSession(server.url) as client:
        for _ in range(100):
            async with client.get("/metrics", headers={"Authorization": "Bearer guess"}) as reply:
                await reply.read()
        async with client.get("/api/health"):
            pass
    lines = [record.getMessage() for record in caplog.records if "GET" in record.getMessage()]
    assert len([line for line in lines if " 401 " in line]) == 1
    assert len([line for line in lines if " 429 " in line]) <= 2 + (loop.time() - began), "one a second"
    assert "more that came too often" in "".join(lines)


async def test_strangers_who_are_only_refused_do_not_fill_the_log_either(
    face: EngineFace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ratchet.rest")
    async with opened(face) as server, ClientSession(server.url) as client:
        for number in range(500):
            async with client.get(f"/nothing/{number}") as reply:
                assert reply.status == 404
        async with client.get("/api/health"):
            pass
    lines = [record.getMessage() for record in caplog.records]
    assert 100 <= len([line for line in lines if " 404 " in line]) < 200
    assert "more that came too often" in "".join(lines)


async def test_a_token_is_told_when_it_may_ask_again(face: EngineFace) -> None:
    async with opened(face, per_minute=1) as server, ClientSession(server.url) as client:
        statuses = []
        for _ in range(12):
            async with client.get("/api/crypto/cot", headers=bearer(Scope.READ)) as reply:
                statuses.append(reply.status)
        assert statuses == [200] * 10 + [429] * 2
        assert 1 <= int(reply.headers["Retry-After"]) <= 60
        async with client.get("/api/crypto/cot", headers=bearer(Scope.TRADE)) as reply:
            assert reply.status == 200


async def test_the_same_command_twice_at_once_is_asked_once() -> None:
    class Thinking(EngineFace):
        async def command(self, request: Request) -> Answer:
            self.asked.append(request)
            await asyncio.sleep(0.1)
            return Answer(request.id, Verdict.DONE, "halted")

    face = Thinking()
    async with opened(face) as server, ClientSession(server.url) as client:

        async def halt() -> str:
            async with client.post("/api/commands", data=HALT, headers=bearer(Scope.KILL)) as reply:
                return str((await reply.json())["text"])

        assert await asyncio.gather(halt(), halt(), halt()) == ["halted"] * 3
    assert len(face.asked) == 1


def test_a_bucket_refills_evenly_and_forgets_the_longest_silent() -> None:
    pace = Pace(per_minute=60, burst=2)
    assert [pace.wait_s("a", 0.0) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert pace.wait_s("a", 0.5) == 0.5
    assert pace.wait_s("a", 1.0) == 0.0
    for number in range(REMEMBERED):
        pace.wait_s(number, 1.0)
    assert repr(pace) == f"<Pace 1 a second, {REMEMBERED} askers>"
    assert pace.wait_s("a", 1.0) == 0.0


async def test_what_is_no_http_fills_no_log(
    server: RestServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    noise = f"GET / HTTP/1.1\r\nHost: x\r\nA: {'a' * 9000}\r\n\r\n".encode()
    for _ in range(40):
        assert (await said(server, noise)).startswith(b"HTTP/1.0 400")
    lines = [record.getMessage() for record in caplog.records if "LineTooLong" in record.getMessage()]
    assert 0 < len(lines) < 30
    assert lines[0].startswith("Error handling request from 127.0.0.1: LineTooLong")
    assert "Traceback" not in caplog.text + "".join(capfd.readouterr())
    assert "aaaa" not in caplog.text
