"""Alerts at an engine that dies: every one that was answered is in the journal once, and done once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sqlite3
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from engine.core.events import Commanded, SignalHeard
from engine.journal.chain import read_entry
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget
from tests.kill.process import EngineProcess

MARKETS: Final = {"BTCUSDT": Decimal(95_000), "ETHUSDT": Decimal(1_800)}
TOKEN: Final = "an-alert-token-of-24-chars"
CONFIG: Final = """
[rest]
port = {port}
[webhook]
on = true
token = "env:T_HOOK"
wait_s = 1
tries = 2
ratio = "0.1"
allow_flip = true
approve = {approve}
"""
NAMED: Final = 42
"""How long the name of an alert is, and so the id of its command."""
WORST_MOMENT_S: Final = 1.5
"""Within it an alert has come, was answered as under way or as done, and is journalled."""


class Strategy:
    """Sends alerts to one engine, and kills it; `dice` say which, when and whom."""

    def __init__(self, home: Path, sim: SimulatedBitget, hand: Hand, dice: random.Random, port: int) -> None:
        self.engine = EngineProcess(home, sim)
        self.hand, self.dice = hand, dice
        self.url = f"http://127.0.0.1:{port}/api/webhook"
        self.sent: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        with (home / "config.toml").open("a") as config:
            config.write(CONFIG.format(port=port, approve=str(dice.random() < 0.3).lower()))

    async def begin(self) -> None:
        self.engine.start()
        await self._is_up()

    async def one_kill(self, number: int) -> None:
        """Alerts, a moment, SIGKILL; a new start, and the same alerts once more. Every fourth time they find
        an engine that hangs, and it dies when they are answered.
        """
        alerts = [self._alert(f"{number}-{n}") for n in range(self.dice.randrange(1, 4))]
        answered_first, hangs = number % 4 == 1, self.dice.random() < 0.5
        if answered_first:
            os.kill(self.engine.pid, signal.SIGSTOP)
        sending = [asyncio.create_task(self._send(alert)) for alert in alerts]
        if answered_first:
            await asyncio.gather(*sending)
        else:
            await asyncio.sleep(self.dice.uniform(0, 0.05))
        if hangs and not answered_first:
            os.kill(self.engine.pid, signal.SIGSTOP)
            await asyncio.sleep(self.dice.uniform(0, WORST_MOMENT_S))
        if self.dice.random() < 0.4:
            os.kill(self._doors(), signal.SIGKILL)
            os.kill(self.engine.pid, signal.SIGCONT)
        else:
            self.engine.kill()
            self.engine.start()
        await asyncio.gather(*sending)
        await self._is_up()
        for alert in alerts:
            await self._send(alert)
        if self.dice.random() < 0.5:
            await self._drift()

    async def end(self) -> None:
        """The journal has every alert, and nothing waits."""
        await self._is_up()
        file = self.engine.home / "engine.alerts"
        async with asyncio.timeout(60):
            while file.exists() and file.read_bytes():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert self.engine.kill(signal.SIGTERM) == 0, self.engine.words()

    def must_be_true(self) -> None:
        """Each answered alert stands in the journal, none stands there twice, and none was done twice."""
        signals, commands = self._journal()
        nonces = Counter(signal.nonce for signal in signals)
        assert max(nonces.values()) == 1, nonces.most_common(3)
        told = Counter(signal.label for signal in signals)
        for label, times in self.sent.items():
            assert self.answered[label] <= told[label] <= times, (
                label,
                self.answered[label],
                told[label],
                times,
            )
        done = Counter(command.id for command in commands)
        assert max(done.values()) == 1, done.most_common(3)
        accepted = Counter(signal.id for signal in signals if signal.outcome == "accepted")
        assert accepted == done, (accepted - done, done - accepted)
        ids = Counter(self.engine.client_ids())
        assert not ids or max(ids.values()) == 1, ids.most_common(3)
        assert not [s for s in signals if s.outcome == "under way"]

    def outcomes(self) -> Counter[str]:
        return Counter(f"{s.outcome.value}: {s.text[:24]}" for s in self._journal()[0])

    def _journal(self) -> tuple[list[SignalHeard], list[Commanded]]:
        """What came, and the alerts' commands that were done."""
        with sqlite3.connect(self.engine.home / "state.db") as db:
            rows = [
                read_entry(line)
                for (line,) in db.execute("SELECT CAST(entry AS BLOB) FROM events ORDER BY seq")
            ]
        bodies = [row.event.body for row in rows]
        return (
            [body for body in bodies if isinstance(body, SignalHeard)],
            [body for body in bodies if isinstance(body, Commanded) and len(body.id) == NAMED],
        )

    def _alert(self, label: str) -> dict[str, str]:
        action, sentiment = self.dice.choice(
            [
                ("buy", "long"),
                ("buy", "long"),
                ("sell", "short"),
                ("sell", "flat"),
                ("buy", "flat"),
                ("buy", "short"),
            ]
        )
        symbol = self.dice.choice(sorted(self.engine.sim.market.symbols))
        return {"action": action, "sentiment": sentiment, "ticker": symbol, "id": label, "token": TOKEN}

    async def _send(self, alert: dict[str, str]) -> None:
        self.sent[alert["id"]] += 1
        with suppress(ClientError, OSError, TimeoutError):
            async with (
                ClientSession(timeout=ClientTimeout(60)) as client,
                client.post(self.url, json=alert) as reply,
            ):
                await reply.read()
                self.statuses[reply.status] += 1
                self.answered[alert["id"]] += 1

    async def _is_up(self) -> None:
        await self.engine.shows(lambda now: now.engine.reconciled, "the engine is up")
        async with asyncio.timeout(60):
            while not self._doors():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            while await self._says() != HTTPStatus.METHOD_NOT_ALLOWED:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def _says(self) -> int:
        with suppress(ClientError, OSError, TimeoutError):
            async with ClientSession(timeout=ClientTimeout(2)) as client, client.get(self.url) as reply:
                return reply.status
        return 0

    def _doors(self) -> int:
        """The process id of the doors, 0 when there is none."""
        children = Path(f"/proc/{self.engine.pid}/task/{self.engine.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    async def _drift(self) -> None:
        """The market moves a little: what waits at the touch may be filled."""
        for symbol, price in MARKETS.items():
            moved = price * Decimal(str(self.dice.uniform(0.997, 1.003)))
            await self.hand.mark(symbol, moved.quantize(Decimal("0.1")))


async def play(home: Path, kills: int, seed: int) -> Strategy:
    """So many kills, and what must hold after them."""
    dice = random.Random(seed)
    async with (
        SimulatedBitget(markets=MARKETS, balance=Decimal(10_000), seed=seed) as sim,
        Hand(sim.url, sim.keys[0]) as hand,
    ):
        strategy = Strategy(home, sim, hand, dice, free_port())
        try:
            await strategy.begin()
            for number in range(kills):
                await strategy.one_kill(number)
            await strategy.end()
            strategy.must_be_true()
        finally:
            strategy.engine.end()
    return strategy


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
