"""Ratchet as a person runs it: its command line, an engine in a process of its own, a Bitget on a thread."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from engine.cli import main
from engine.core.decide import decide, first_state
from engine.core.events import Event, Started
from engine.core.settings import Settings
from engine.journal.port import Entry
from engine.journal.sqlite import SqliteJournal
from engine.simulator.faults import Fault
from engine.simulator.server import SimulatedBitget
from engine.venue.keys import Keys

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


class Street:
    """A simulated Bitget that lives in a thread of its own, so that a test may wait for processes."""

    def __init__(self, **simulated: Any) -> None:
        self._simulated = simulated
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="bitget")

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        async with SimulatedBitget(**({"speed": 0} | self._simulated)) as self.sim:
            self._ready.set()
            await self._over.wait()

    def __enter__(self) -> Street:
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def do(self, deed: Any) -> Any:
        """Run a coroutine or call a function there, and return what came of it."""

        async def there() -> Any:
            return await deed if asyncio.iscoroutine(deed) else deed()

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(PATIENCE_S)

    def fault(self, *faults: Mapping[str, Any] | Fault) -> None:
        self.do(lambda: self.sim.faults.add(list(faults)))

    def account(self) -> dict[str, Any]:
        """What the exchange knows of the account."""
        state = self.do(self.sim.exchange.state)
        return dict(state["accounts"][self.sim.keys[0].account_id])

    def requests(self) -> list[dict[str, Any]]:
        return list(self.do(lambda: self.sim._rest.log.rows(0)))


@dataclass(frozen=True)
class Ended:
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


@contextmanager
def quiet_log() -> Iterator[None]:
    """Close the log file that an engine in this process has opened."""
    logger = logging.getLogger("ratchet")
    before = list(logger.handlers)
    try:
        yield
    finally:
        for handler in set(logger.handlers) - set(before):
            logger.removeHandler(handler)
            handler.close()


class House:
    """One home folder, its keys, and what is done in it from a shell."""

    def __init__(self, folder: Path, street: Street, **environment: str) -> None:
        self.folder = folder
        self.street = street
        sim = street.sim
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("RATCHET", "BITGET", "CREDENTIALS"))}
        self.environment = kept | {
            "BITGET_API_KEY": sim.key,
            "BITGET_API_SECRET": sim.secret,
            "BITGET_API_PASSPHRASE": sim.passphrase,
            "RATCHET_HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONIOENCODING": "utf-8",
            **environment,
        }
        self.engine: subprocess.Popen[str] | None = None

    @property
    def database(self) -> Path:
        return self.folder / "state.db"

    def ratchet(self, *words: str, **environment: str) -> Ended:
        """One command, to its end: the command line itself, in this process, for imports take their time."""
        out, err = io.StringIO(), io.StringIO()
        alarm = threading.Timer(PATIENCE_S, os.kill, (os.getpid(), signal.SIGINT))
        alarm.start()
        try:
            with patch.dict(os.environ, self.environment | environment, clear=True), quiet_log():  # noqa: SIM117
                with redirect_stdout(out), redirect_stderr(err):
                    code = main(words)
        finally:
            alarm.cancel()
        return Ended(code, out.getvalue(), err.getvalue())

    def refused(self, *words: str, **environment: str) -> str:
        """Start an engine that will not run, and return what it says. It is one line and tells no secret."""
        ended = self.ratchet("engine", "--bitget-url", self.street.sim.url, *words, **environment)
        assert ended.returncode == 4, (ended.returncode, ended.stdout, ended.stderr)
        assert ended.stdout == "" and ended.stderr.count("\n") == 1, ended.stderr
        told = ended.stderr + "".join(path.read_text() for path in self.folder.rglob("*.log"))
        for secret in (self.street.sim.secret, self.street.sim.passphrase, *environment.values()):
            assert secret not in told
        return ended.stderr

    def has_lived(self) -> None:
        """Leave a journal here, as an engine leaves it that has seen nothing but its start."""
        sim = self.street.sim
        account = Keys(sim.key, sim.secret, sim.passphrase).account

        async def live() -> None:
            settings = Settings("main")
            event = Event(1, 1, Started(settings, "test"))
            decided = decide(first_state(settings), event)
            async with await SqliteJournal.open(self.database, account=account) as journal:
                await journal.append([Entry(event, decided.actions, decided.notes)], decided.state)

        asyncio.run(live())

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start an engine and wait until it has seen the account, and what it has seen is on the disk."""
        self.engine = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "engine", "--bitget-url", self.street.sim.url, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.until(self.is_up, "the engine is up and reconciled")
        return self.engine

    def is_up(self) -> bool:
        ended = self.engine.poll() if self.engine else None
        assert ended is None, (ended, self.engine.communicate() if self.engine else "")
        status = self.ratchet("status", "--json")
        if status.returncode:
            return False
        engine = json.loads(status.stdout)["engine"]
        return engine["reconciled"] and not engine["unwritten"]

    def kill_9(self) -> None:
        assert self.engine is not None
        self.engine.send_signal(signal.SIGKILL)
        self.engine.communicate()
        self.engine = None

    def end(self) -> int:
        """End the engine with SIGTERM; its exit code."""
        assert self.engine is not None
        self.engine.send_signal(signal.SIGTERM)
        self.engine.communicate(timeout=PATIENCE_S)
        code, self.engine = self.engine.returncode, None
        return int(code)

    def positions(self) -> list[dict[str, Any]]:
        return list(json.loads(self.ratchet("positions", "--json").stdout))

    def until(self, is_so: Any, what: str, within_s: float = PATIENCE_S) -> None:
        give_up = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < give_up, f"it never came to this: {what}"
            time.sleep(0.05)


@contextmanager
def house(folder: Path, **simulated: Any) -> Iterator[House]:
    """A house on a street with a Bitget; whatever was begun in it is ended."""
    home = folder / "h"
    home.mkdir(mode=0o700)
    with Street(**simulated) as street:
        built = House(home, street, XDG_RUNTIME_DIR=str(folder))
        try:
            yield built
        finally:
            if built.engine is not None:
                built.kill_9()
            shutil.rmtree(home, ignore_errors=True)
