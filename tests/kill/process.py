"""The real `ratchet engine` as a process of its own, on a simulated Bitget in the test's process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.api.client import Engine
from engine.protocol import Snapshot
from engine.simulator.server import SimulatedBitget

ROOT = Path(__file__).parents[2]
UP_S = 60.0
LEVERAGE = {"BTCUSDT": 20, "ETHUSDT": 40}


class EngineProcess:
    """One home folder, and the engine in it: started, killed and started again."""

    def __init__(self, home: Path, sim: SimulatedBitget) -> None:
        self.home = home
        self.sim = sim
        self.socket = Engine(home / "engine.sock")
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        managed = "".join(f"{symbol} = {LEVERAGE.get(symbol, 10)}\n" for symbol in sim.market.symbols)
        (home / "config.toml").write_text(f'account = "main"\n[managed]\n{managed}')

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Begin; whether it is up is another question. It ends with the test, however that ends."""
        own = {k: v for k, v in os.environ.items() if not k.startswith(("RATCHET", "BITGET", "NOTIFY"))}
        keys: Mapping[str, str] = {
            "BITGET_API_KEY": self.sim.key,
            "BITGET_API_SECRET": self.sim.secret,
            "BITGET_API_PASSPHRASE": self.sim.passphrase,
            "XDG_RUNTIME_DIR": str(self.home),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "engine.demo.kept", "--home", str(self.home), "engine"]
        self.starts += 1
        with (self.home / "words").open("ab") as words:
            self._process = subprocess.Popen(
                [*command, "--bitget-url", self.sim.url],
                env={**own, **keys},
                stdin=subprocess.PIPE,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )

    def kill(self, how: int = signal.SIGKILL) -> int:
        """End it with a signal and wait; the exit code."""
        assert self._process is not None
        assert self._process.poll() is None, f"it ended by itself: {self.words()}"
        self._process.send_signal(how)
        return self._wait()

    def end(self) -> None:
        """Whatever became of it, it is gone afterwards."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._wait()

    def _wait(self) -> int:
        assert self._process is not None
        assert self._process.stdin is not None
        code = self._process.wait(60)
        self._process.stdin.close()
        return code

    def words(self) -> str:
        return (self.home / "words").read_text()[-3000:]

    async def snapshot(self) -> Snapshot | None:
        """What it shows; None while it does not answer."""
        seen = await asyncio.to_thread(self.socket.snapshot)
        return seen if isinstance(seen, Snapshot) else None

    async def shows(self, holds: Callable[[Snapshot], object], what: str, within_s: float = UP_S) -> Snapshot:
        """Wait until its snapshot is so, and is on the disk: a kill takes nothing of it away."""
        give_up = time.monotonic() + within_s
        seen = None
        while time.monotonic() < give_up:
            assert self._process is not None
            assert self._process.poll() is None, f"it ended by itself: {self.words()}"
            seen = await self.snapshot()
            if seen is not None and not seen.engine.unwritten and holds(seen):
                return seen
            await asyncio.sleep(0.05)
        raise AssertionError(f"never: {what}\n{seen}\n{self.words()}")

    # -- what the exchange knows -----------------------------------------------------------------------------

    def account(self) -> Any:
        return self.sim.exchange.state()["accounts"][self.sim.keys[0].account_id]

    def held(self) -> dict[tuple[str, str], Decimal]:
        """Symbol and side → size."""
        rows = self.account()["positions"]
        return {(r["symbol"], r["holdSide"]): Decimal(r["total"]) for r in rows if Decimal(r["total"])}

    def stops(self, symbol: str) -> list[tuple[str, Decimal]]:
        """Type and trigger of the plan orders that rest."""
        rows = self.account()["plan_orders"]
        return sorted((r["planType"], Decimal(r["triggerPrice"])) for r in rows if r["symbol"] == symbol)

    def client_ids(self) -> list[str]:
        """The client id of every market order that the exchange has carried out."""
        rows = self.sim._rest.log.rows(0)
        return [
            str(r["params"].get("clientOid"))
            for r in rows
            if r["path"].endswith("place-order") and r["params"].get("clientOid") and r["code"] == "00000"
        ]
