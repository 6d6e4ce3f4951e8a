"""The engine in its own process on a simulated Bitget in another: alerts become positions, REST shows
them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
TOKEN = "an-alert-token-of-24-chars"
READ, TRADE = "read-token-for-the-test", "trade-token-for-the-test"
CONFIG = """
[bitget]
url = "{url}"
[managed]
BTCUSDT = 20
[ladder]
approval_s = 600
[rest]
on = true
port = {port}
read_token = "env:T_READ"
trade_token = "env:T_TRADE"
[webhook]
on = true
token = "env:T_HOOK"
wait_s = 2
allow_flip = true
approve = true
"""


@contextmanager
def running(*words: str, env: dict[str, str], out: int | None = None) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "engine.cli", *words]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


class House:
    """A simulated Bitget, an engine on it, and whoever asks over HTTP."""

    def __init__(self, port: int, env: dict[str, str], engine: int = 0) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.env = env
        self.engine = engine

    def ask(self, path: str, token: str = READ, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.root + path, data, {"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(asked, timeout=60) as reply:
                return reply.status, json.loads(reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def ratchet(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "engine.cli", *words]
        return subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=120, check=False
        )

    def until(self, holds: Callable[[], bool], within_s: float = 120.0) -> None:
        end = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.1)

    def has_entered(self, side: str) -> bool:
        """Whether the entry is over: its position may be told before its trade is."""
        story = self.ask("/api/why/BTCUSDT")[1]
        return any(line["text"].startswith(f"BTCUSDT {side}: entered") for line in story)

    def is_well(self) -> bool:
        try:
            return self.ask("/api/health")[0] == 200
        except OSError:
            return False

    def asking(self) -> list[Any]:
        return list(self.ask("/api/approvals")[1])

    def sides(self) -> list[str]:
        return [each["side"] for each in self.ask("/api/crypto/positions")[1]["positions"]]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home, port = tmp_path_factory.mktemp("home"), free_port()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RATCHET", "BITGET", "WEBHOOK"))}
    with ExitStack() as stack:
        options = ("simulator", "--balance", "1000", "--ideal")
        simulator = stack.enter_context(running(*options, env=kept, out=subprocess.PIPE))
        assert simulator.stdout is not None
        told = json.loads(simulator.stdout.readline())
        env = {
            **kept,
            "RATCHET_HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "BITGET_API_KEY": told["key"],
            "BITGET_API_SECRET": told["secret"],
            "BITGET_API_PASSPHRASE": told["passphrase"],
            **{"T_READ": READ, "T_TRADE": TRADE, "T_HOOK": TOKEN},
        }
        (home / "config.toml").write_text(CONFIG.format(url=told["url"], port=port))
        engine = stack.enter_context(running("engine", env=env))
        house = House(port, env, engine.pid)
        house.until(lambda: house.is_well() or engine.poll() is not None, within_s=180)
        assert engine.poll() is None, engine.communicate()[1]
        yield house


def test_an_alert_opens_a_flip_turns_and_a_flat_closes(house: House) -> None:
    assert house.sides() == []
    opened = house.ratchet("webhook", "test", "--action", "buy", "--sentiment", "long")
    assert (opened.returncode, opened.stderr) == (0, "")
    [asks] = house.asking()
    assert (asks["asks"], asks["side"], asks["by"][:17]) == ("entry", "long", "webhook, buy long")
    assert 450 < float(asks["add_margin"]) <= 500
    assert house.sides() == [], "nothing is sent before the yes"
    assert house.ratchet("approve", "BTCUSDT").returncode == 0
    house.until(lambda: house.sides() == ["long"] and house.has_entered("long"))
    account = house.ask("/api/crypto/accounts")[1]["accounts"][0]
    position = house.ask("/api/crypto/positions/main")[1]["positions"][0]
    assert 450 < float(position["margin"]) <= 500
    assert account["positions"] == 1

    story = house.ask("/api/why/BTCUSDT")[1]
    assert any("webhook, buy long, id test-" in line["text"] for line in story)

    turned = house.ratchet(
        "webhook", "test", "--action", "sell", "--sentiment", "short", "--ticker", "BITGET:BTCUSDT.P"
    )
    assert turned.returncode == 0, turned.stderr
    house.until(lambda: [each["side"] for each in house.asking()] == ["short"])
    assert house.sides() == [], "the long is left before the short asks"
    assert house.ratchet("approve", "BTCUSDT").returncode == 0
    house.until(lambda: house.sides() == ["short"] and house.has_entered("short"))

    closed = house.ratchet("webhook", "test", "--action", "buy", "--sentiment", "flat")
    assert closed.returncode == 0, closed.stderr
    house.until(lambda: house.sides() == [])
    house.until(lambda: len(house.ask("/api/crypto/history")[1]["closed"]) == 2)
    assert [each["side"] for each in house.ask("/api/crypto/history")[1]["closed"]] == ["short", "long"]

    heard = house.ask("/api/crypto/signals")[1]
    assert [(each["outcome"], each["became"]) for each in heard["rows"]] == [
        ("accepted", "short exit"),
        ("accepted", "long exit, then short entry if you say yes"),
        ("accepted", "long entry if you say yes"),
    ]
    assert [(each["sentiment"], each["before"]) for each in heard["regimes"]] == [("flat", "short")]
    assert heard["sources"] == ["TradingView"]


def test_a_harmless_test_says_that_the_webhook_works(house: House) -> None:
    tried = house.ratchet("webhook", "test")
    assert (tried.returncode, tried.stderr) == (0, "")
    assert tried.stdout.startswith("The webhook works")


def test_a_test_alert_needs_the_webhooks_token_alone(house: House) -> None:
    here = {name: value for name, value in house.env.items() if name not in ("T_READ", "T_TRADE")}
    tried = House(0, here).ratchet("webhook", "test")
    assert (tried.returncode, tried.stderr) == (0, "")


def test_the_kill_switch_holds_for_alerts_and_the_metrics_tell_it(house: House) -> None:
    halt = {"id": "halt-1", "by": "test", "command": {"command": "halt", "reason": "test"}}
    assert house.ask("/api/commands", READ, halt)[0] == 403
    assert house.ask("/api/commands", TRADE, halt)[0] == 200
    refused = house.ratchet("webhook", "test", "--action", "buy", "--sentiment", "long")
    assert refused.returncode == 4
    assert "Not entered" in refused.stderr
    resume = {"id": "resume-1", "by": "test", "command": {"command": "resume"}}
    assert house.ask("/api/commands", TRADE, resume)[0] == 200
    assert house.ask("/api/crypto/accounts")[1]["accounts"][0]["halted"] == ""


def test_the_log_holds_each_alert_and_no_token(house: House) -> None:
    assert house.ratchet("webhook", "test").returncode == 0
    logs = Path(house.env["RATCHET_HOME"]).rglob("*.log*")
    text = "".join(log.read_text() for log in logs)
    assert "buy short BTCUSDT" in text
    assert "POST /api/webhook 422" in text
    assert not [secret for secret in (TOKEN, READ, TRADE) if secret in text]


def test_an_alert_at_an_engine_that_hangs_is_journalled_when_it_goes_on_and_not_traded(house: House) -> None:
    waiting = Path(house.env["RATCHET_HOME"]) / "engine.alerts"
    before = house.sides()
    alert = {"action": "buy", "sentiment": "long", "ticker": "BTCUSDT", "id": "while-hung", "token": TOKEN}
    os.kill(house.engine, signal.SIGSTOP)
    try:
        status, outcome = house.ask("/api/webhook", body=alert)
        assert (status, outcome["outcome"]) in {(202, "under way"), (503, "refused")}
        assert '"while-hung"' in waiting.read_text(), "it is on the disk when it is answered"
        house.until(lambda: "did not answer" in waiting.read_text())
        assert TOKEN not in waiting.read_text()
    finally:
        os.kill(house.engine, signal.SIGCONT)

    def heard() -> list[Any]:
        rows = house.ask("/api/crypto/signals")[1].get("rows", [])
        return [row for row in rows if row["label"] == "while-hung"]

    house.until(lambda: bool(heard()))
    [row] = heard()
    assert row["outcome"] == "refused"
    assert row["text"].startswith("the engine did not answer within 5 s: nothing was done (it came at 20")
    assert (house.sides(), house.asking()) == (before, [])
    house.until(lambda: waiting.read_text() == "")


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("1234", "too easy to guess: it needs at least 16 characters"),
        ("a" * 24, "too easy to guess: it needs at least 5 different characters"),
        ("", "webhook.token is missing: looked in env:T_HOOK"),
    ],
)
def test_an_engine_with_a_weak_token_does_not_start(house: House, hook: str, words: str) -> None:
    started = subprocess.run(
        [sys.executable, "-m", "engine.cli", "engine"],
        cwd=ROOT,
        env={**house.env, "T_HOOK": hook},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert started.returncode == 2
    assert words in started.stderr
