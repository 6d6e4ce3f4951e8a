"""Every route over a real socket: what it answers, to whom, and what it refuses."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession
from front_door import SECRETS, EngineFace, bearer, opened
from msgspec.structs import replace
from served import btc_short, entering, flipping, snapshot

from engine.api.rest.desk import STORIES
from engine.api.rest.server import RestRefused, RestServer
from engine.api.rest.shapes import AccountList, Health, HistoryList, NotRead, PositionList
from engine.api.rest.tokens import Scope
from engine.protocol import Answer, ClosedView, CycleView, LinkView, Side, StoryLine, Verdict

LOOKS = (
    "/api/crypto/accounts",
    "/api/crypto/accounts/main",
    "/api/crypto/positions",
    "/api/crypto/positions/main",
    "/api/crypto/history",
    "/api/crypto/history/main",
    "/api/crypto/cot",
    "/api/crypto/signals",
    "/api/approvals",
    "/api/orders",
    "/api/why/BTCUSDT",
    "/metrics",
)
OPEN = ("/", "/phone.css", "/phone.js", "/api", "/api.js", "/api/openapi.json", "/api/health")
HALT = {"id": "h-1", "by": "alex", "command": {"command": "halt", "reason": "news"}}
REDUCE = (
    b'{"id": "x", "by": "a", "command": {"command": "reduce", "symbol": "BTCUSDT", "side": "long", '
    b'"fraction": %s}}'
)
FLIP = (
    b'{"id": "x", "by": "a", "command": {"command": "flip", "share": "0.5", "within_s": 60, '
    b'"entering": {"command": "enter", "symbol": "BTCUSDT", "side": "long", "price": %s}}}'
)
ENTER = (
    b'{"id": "x", "by": "a", "command": {"command": "enter", "symbol": "BTCUSDT", "side": "long", '
    b'"qty": "1", "price": %s}}'
)
RESUME = {"id": "r-1", "by": "alex", "command": {"command": "resume"}}

WON = ClosedView("c1", "BTCUSDT", Side.LONG, 1, 2, "stopped", 3, *map(Decimal, ("5", "0.4", "-0.1", "95000")))

PAST = CycleView(
    *("c1", "BTCUSDT", Side.LONG, "CLOSED", "stopped", 1, 2, 3),
    *map(Decimal, ("5", "100", "0.0031", "6", "0.4", "-0.1", "5.5", "1.1", "95000")),
)


async def got(client: ClientSession, path: str, shape: Any, scope: Scope = Scope.READ) -> Any:
    async with client.get(path, headers=bearer(scope)) as reply:
        assert reply.status == 200
        assert reply.content_type == "application/json"
        return msgspec.json.decode(await reply.read(), type=shape)


async def asked(client: ClientSession, body: object, scope: Scope | None) -> tuple[int, Answer]:
    headers = bearer(scope) if scope else {}
    async with client.post("/api/commands", json=body, headers=headers) as reply:
        return reply.status, msgspec.json.decode(await reply.read(), type=Answer)


async def test_the_account_and_its_positions_are_the_snapshots_own(
    face: EngineFace, client: ClientSession
) -> None:
    for path in ("/api/crypto/accounts", "/api/crypto/accounts/main"):
        listed = await got(client, path, AccountList)
        assert [account.id for account in listed.accounts] == ["main"]
        assert listed.accounts[0].money == face.now.account
    for path in ("/api/crypto/positions", "/api/crypto/positions/main"):
        assert (await got(client, path, PositionList)).positions == face.now.positions


async def test_what_is_on_its_way_is_listed_with_the_positions(
    face: EngineFace, client: ClientSession
) -> None:
    face.change(entries=(entering(),), flips=(flipping(),))
    listed = await got(client, "/api/crypto/positions", PositionList)
    [coming], [turning] = listed.entries, listed.flips
    assert (turning.flip, turning.text) == (flipping(), "once the short is closed: 50.0 % of what is free")
    assert (coming.entry, coming.text) == (entering(), "entered 0.02 of 0.05, at 2,000.00, try 1 of 4")


async def test_the_history_is_what_ended(face: EngineFace, client: ClientSession) -> None:
    face.past = (replace(PAST, cycle="c2", closed=0), PAST)
    for path in ("/api/crypto/history", "/api/crypto/history/main"):
        assert (await got(client, path, HistoryList)).closed == (PAST,)


async def test_what_is_not_read_is_empty_and_says_so(client: ClientSession) -> None:
    for path, word in (("cot", "COT"), ("signals", "signal")):
        told = await got(client, f"/api/crypto/{path}", NotRead)
        assert told.rows == ()
        assert word in told.text


@pytest.mark.parametrize("path", LOOKS)
async def test_nothing_of_the_account_is_shown_without_a_right_token(
    client: ClientSession, path: str
) -> None:
    headers: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong-wrong-wrong"},
        {"Authorization": f"Basic {SECRETS[Scope.READ]}"},
        {"Authorization": f"Bearer {SECRETS[Scope.READ]}x"},
        {"Authorization": f"Bearer {SECRETS[Scope.READ][:-1]}"},
    )
    for each in headers:
        async with client.get(path, headers=each) as reply:
            assert reply.status == 401
            assert reply.headers["WWW-Authenticate"].startswith("Bearer")
            assert "109.7" not in await reply.text()
    async with client.get(path, headers=bearer(Scope.READ)) as reply:
        assert reply.status == 200


@pytest.mark.parametrize("path", OPEN)
async def test_what_says_nothing_of_the_account_needs_no_token(client: ClientSession, path: str) -> None:
    async with client.get(path) as reply:
        assert reply.status == 200
        assert "109.7" not in await reply.text()
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in reply.headers


async def test_another_origin_gets_no_leave_to_read(client: ClientSession) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    async with client.options("/api/commands", headers=headers) as reply:
        assert reply.status == 405
        assert not [name for name in reply.headers if name.startswith("Access-Control")]


async def test_the_story_of_what_nobody_knows_is_a_404_with_a_sentence(client: ClientSession) -> None:
    async with client.get("/api/why/NOPE", headers=bearer(Scope.READ)) as reply:
        assert reply.status == 404
        answer = msgspec.json.decode(await reply.read(), type=Answer)
    text = "the journal tells nothing of 'NOPE': it has had no symbol, cycle or order of that name"
    assert answer == Answer("", Verdict.REFUSED, text)


async def test_a_read_token_commands_nothing(face: EngineFace, client: ClientSession) -> None:
    status, answer = await asked(client, HALT, Scope.READ)
    assert (status, answer.text) == (403, "this token opens read; kill is needed: use another token")
    assert face.asked == []


async def test_a_kill_token_halts_and_does_nothing_else(face: EngineFace, client: ClientSession) -> None:
    status, answer = await asked(client, RESUME, Scope.KILL)
    assert status == 403
    assert "resume needs trade" in answer.text
    assert (await asked(client, HALT, Scope.KILL))[0] == 200
    assert face.now.engine.killed
    assert [request.by for request in face.asked] == ["rest, kill token from 127.0.0.1, alex"]


async def test_a_trade_token_does_everything_and_sees_it_at_once(
    face: EngineFace, client: ClientSession
) -> None:
    status, answer = await asked(client, RESUME, Scope.TRADE)
    assert (status, answer.verdict, answer.text) == (409, Verdict.REFUSED, "nothing is halted")
    assert (await asked(client, HALT, Scope.TRADE))[0] == 200
    listed = await got(client, "/api/crypto/accounts", AccountList, Scope.TRADE)
    assert "news" in listed.accounts[0].halted


async def test_a_story_is_read_once_for_a_crowd_and_anew_after_a_command(
    face: EngineFace, client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    async def why(name: str) -> list[StoryLine]:
        read.append(name)
        return [StoryLine(len(read), 0, "event", f"{name}, told {len(read)} times")]

    monkeypatch.setattr(face, "why", why)
    monkeypatch.setattr("engine.api.rest.desk.PAST_S", 3600)
    crowd = [got(client, "/api/why/BTCUSDT", tuple[StoryLine, ...]) for _ in range(20)]
    assert {story[0].seq for story in await asyncio.gather(*crowd)} == {1}
    async with client.post("/api/commands", json=HALT, headers=bearer(Scope.KILL)) as reply:
        assert reply.status == 200
    [line] = await got(client, "/api/why/BTCUSDT", tuple[StoryLine, ...])
    assert line.text == "BTCUSDT, told 2 times"
    for number in range(STORIES):
        await got(client, f"/api/why/other-{number}", tuple[StoryLine, ...])
    assert (await got(client, "/api/why/BTCUSDT", tuple[StoryLine, ...]))[0].seq == STORIES + 3


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "not a JSON object"),
        (b"{", "not a JSON object"),
        (b"[" * 60_000, "not a JSON object"),
        (b'{"command": {"a": ' + b"[" * 60_000, "not a JSON object"),
        (b'{"id": "x", "by": "a", "command": {"command": "hallt"}}', "did you mean halt?"),
        (b'{"id": "", "by": "a", "command": {"command": "halt"}}', "id must be 1 to 64"),
        (REDUCE % b'"1E-99999999"', "above 0 and at most 1"),
        (ENTER % b'"sNaN"', "price must be a plain number such as 95000.5"),
        (ENTER % b'"Infinity"', "price must be a plain number such as 95000.5"),
        (ENTER % b'"1E99999"', "price must be a plain number such as 95000.5"),
        (ENTER % (b'"0.' + b"1" * 60_000 + b'"'), "price must be a plain number such as 95000.5"),
        (ENTER % b'"95_000"', "price must be a plain number such as 95000.5, got 95_000"),
        (ENTER % b'" 95000 "', "price must be a plain number such as 95000.5"),
        (ENTER % '"٩٥٠٠٠"'.encode(), "price must be a plain number such as 95000.5, got ٩٥٠٠٠"),
        (REDUCE % b'"0.5_0"', "fraction must be a plain number such as 95000.5, got 0.5_0"),
        (FLIP % b'"95_000"', "price must be a plain number such as 95000.5, got 95_000"),
        (ENTER % b'"5", "tries": 0', "tries must be from 1 to 100"),
        (ENTER % b'"5", "wait_s": 100000000000000000000', "wait_s must be from 1 to 3600"),
        (REDUCE % b"1.5", "above 0 and at most 1"),
        (b'{"id": "x", "by": "\xff", "command": {"command": "halt"}}', "not a JSON object"),
    ],
)
async def test_a_command_that_makes_no_sense_is_told_why(
    face: EngineFace, client: ClientSession, body: bytes, word: str
) -> None:
    async with client.post("/api/commands", data=body, headers=bearer(Scope.TRADE)) as reply:
        assert reply.status == 400
        assert word in (await reply.json())["text"]
    assert face.asked == []


async def test_wrong_paths_accounts_and_methods_are_told(client: ClientSession) -> None:
    async with client.get("/api/zzz") as reply:
        assert reply.status == 404
        assert "/api/openapi.json" in (await reply.json())["text"]
    async with client.get("/api/crypto/positions/other", headers=bearer(Scope.READ)) as reply:
        assert (reply.status, (await reply.json())["text"]) == (
            404,
            "this engine has no account 'other'; it has 'main'",
        )
    async with client.delete("/api/crypto/accounts", headers=bearer(Scope.TRADE)) as reply:
        assert (reply.status, reply.headers["Allow"]) == (405, "GET")


async def test_health_is_a_failure_for_monitors_when_a_connection_is_down(
    face: EngineFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.api.rest.desk.FRESH_S", 60.0)
    async with opened(face) as server, ClientSession(server.url) as client:
        assert (await got(client, "/api/health", Health)).status.value == "ok"
        face.change(links=(LinkView("private", False, None, None, 3, "reset"),))
        async with client.get("/api/health", headers={"Cache-Control": "no-cache"}) as reply:
            assert reply.status == 200, "what is a moment old is good enough, whoever asks"
    async with opened(face) as server, ClientSession(server.url) as client:
        async with client.get("/api/health") as reply:
            told = msgspec.json.decode(await reply.read(), type=Health)
        assert (reply.status, told.text) == (503, "no connection: private")


async def test_health_is_a_failure_while_nothing_can_be_recorded(
    face: EngineFace, client: ClientSession
) -> None:
    face.change(engine=replace(face.now.engine, read_only="the disk is full", unrecorded=True))
    async with client.get("/api/health") as reply:
        told = msgspec.json.decode(await reply.read(), type=Health)
    assert (reply.status, told.text) == (503, "the journal cannot be written: nothing is decided or sent")


async def test_metrics_are_prometheus_text(face: EngineFace, client: ClientSession) -> None:
    busy = replace(face.now.engine, pending=2, unwritten=3)
    face.change(closed=(WON, replace(WON, result=Decimal(-1), rungs=1)), engine=busy)
    async with client.get("/metrics", headers=bearer(Scope.READ)) as reply:
        assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = (await reply.text()).splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    position = '{symbol="BTCUSDT",side="short"}'
    assert samples["ratchet_equity_usdt"] == "109.7033"
    assert samples["ratchet_day_pnl_usdt"] == "9.7033"
    assert samples["ratchet_worst_case_usdt"] == "-4.4975"
    assert samples["ratchet_worst_case_leaves_out"] == "0"
    assert samples["ratchet_win_rate_ratio"] == "0.5"
    assert float(samples["ratchet_rungs_average"]) == pytest.approx((3 + 1 + 1) / 3)
    assert samples["ratchet_liquidation_risk_usdt"] == str(Decimal("5968.84") * Decimal("0.0031"))
    assert samples["ratchet_funding_usdt"] == "-0.22"
    assert samples[f"ratchet_position_unrealized_usdt{position}"] == "4.96837"
    assert samples['ratchet_link_up{link="private"}'] == "1"
    assert samples['ratchet_link_latency_seconds{link="public"}'] == "0.014"
    assert (samples["ratchet_journal_waiting"], samples["ratchet_orders_pending"]) == ("3", "2")
    assert {line.split()[2] for line in lines if line.startswith("# TYPE")} == {
        name.split("{")[0] for name in samples
    }


async def test_what_nobody_knows_is_not_measured_as_zero() -> None:
    first = snapshot()
    blind = EngineFace(replace(first, account=replace(first.account, equity=None, free=None)))
    async with (
        opened(blind) as server,
        ClientSession(server.url) as client,
        client.get("/metrics", headers=bearer(Scope.READ)) as reply,
    ):
        text = await reply.text()
    assert "ratchet_equity_usdt" not in text
    assert "ratchet_win_rate_ratio" not in text
    assert "ratchet_day_pnl_usdt 9.7033" in text


async def test_what_the_worst_case_leaves_out_is_counted_and_the_sum_is_no_measure() -> None:
    stranger = btc_short(key="ETHUSDT:short", symbol="ETHUSDT", managed=False, worst_case=None)
    face = EngineFace(snapshot(positions=(btc_short(), stranger)))
    async with opened(face) as server, ClientSession(server.url, headers=bearer(Scope.READ)) as client:
        async with client.get("/api/crypto/accounts") as reply:
            [account] = (await reply.json())["accounts"]
        async with client.get("/api/crypto/positions") as reply:
            open_now = await reply.json()
        async with client.get("/metrics") as reply:
            told = await reply.text()
    assert (account["worst_case_leaves_out"], account["money"]["worst_case"]) == (1, "-4.4975")
    assert open_now["worst_case_leaves_out"] == 1
    assert "ratchet_worst_case_leaves_out 1" in told
    assert "ratchet_worst_case_usdt" not in told
    assert 'ratchet_position_worst_case_usdt{symbol="BTCUSDT",side="short"} -4.4975' in told


async def test_the_open_page_is_open_at_home_only(face: EngineFace) -> None:
    async with opened(face, open_page=True) as server, ClientSession(server.url) as client:
        for path in ("/api/crypto/accounts", "/api/crypto/positions/main"):
            async with client.get(path) as reply:
                assert reply.status == 200
        for headers in ({"X-Forwarded-For": "10.0.0.9"}, {"Host": "elsewhere.example"}):
            async with client.get("/api/crypto/accounts", headers=headers) as reply:
                assert reply.status == 401
        async with client.get("/api/crypto/history") as reply:
            assert reply.status == 401
        assert (await asked(client, HALT, None))[0] == 401
    assert face.asked == []


async def test_every_call_leaves_a_line_and_no_line_holds_a_token(
    client: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "ratchet.rest"):
        await asked(client, HALT, Scope.KILL)
        async with client.get("/api/why/a%0Aforged", headers=bearer(Scope.READ)):
            pass
        async with client.get("/api/crypto/cot?token=in-the-query", headers={"Authorization": "Bearer no"}):
            pass
    lines = [record.getMessage() for record in caplog.records]
    assert [line.rsplit(" ", 2)[0] for line in lines if "command" not in line.split()[0]] == [
        "127.0.0.1 kill POST /api/commands 200",
        "127.0.0.1 read GET /api/why/a%0Aforged 404",
        "127.0.0.1 nobody GET /api/crypto/cot 401",
    ]
    assert any("h-1" in line and "halted" in line for line in lines)
    assert not [line for line in lines if "\n" in line or any(s in line for s in SECRETS.values())]
    assert "look" not in repr(RestServer)


async def test_a_port_that_is_taken_is_told(server: RestServer) -> None:
    second = RestServer(server.gate, behind=None, port=server.port)
    with pytest.raises(RestRefused, match=f"cannot listen on 127.0.0.1:{server.port}"):
        async with second:
            pass
