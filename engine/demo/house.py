"""The two processes behind the desk, a simulated Bitget and an engine on it, and the folder they live in."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from engine.api.client import Engine
from engine.config.paths import Paths, find_paths, prepare_folders
from engine.core.settings import Settings
from engine.demo.kept import ORPHANED
from engine.demo.market import Market
from engine.demo.refused import NOT_UP, DemoRefused
from engine.demo.wish import Wish
from engine.protocol import Snapshot
from engine.simulator.signing import Key

UP_S: Final = 60.0
END_S: Final = 6.0
LOOK_S: Final = 0.05
USUAL_LEVERAGE: Final = Decimal(10)
"""For a symbol that the defaults do not name."""
KEYS: Final = ("BITGET_API_KEY", "BITGET_API_SECRET", "BITGET_API_PASSPHRASE")


class Listening(msgspec.Struct, frozen=True):
    """The line that the simulator prints when it listens."""

    url: str
    key: str
    secret: str
    passphrase: str

    @property
    def signing_key(self) -> Key:
        return Key(self.key, self.secret, self.passphrase)


class House:
    """Both processes, up while the `with` block lasts.

    Entering raises DemoRefused when one of them does not come up, in that process's own words. Leaving
    ends the engine, then the exchange, and removes the folder unless the trader named it.
    """

    paths: Paths
    exchange: Listening
    engine: Engine
    symbols: tuple[str, ...]

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._children: list[tuple[str, subprocess.Popen[bytes], Path]] = []

    def __enter__(self) -> Self:
        named = self._wish.home
        self._home = named or Path(tempfile.mkdtemp(prefix="ratchet-demo-"))
        try:
            self.paths = find_paths(str(self._home))
            prepare_folders(self.paths)
            self.exchange = self._open_exchange()
            self.symbols = tuple(asyncio.run(Market(self.exchange.url).feed()).marks)
            self.paths.config.write_text(_configuration(self.symbols), encoding="utf-8")
            self._start_engine()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def lost(self) -> str:
        """Which process ended by itself, and its last words; empty while both live."""
        for name, process, words in self._children:
            if (code := process.poll()) is not None:
                return f"the {name} ended by itself (exit code {code}): {_said(words) or 'without a word'}"
        return ""

    def _open_exchange(self) -> Listening:
        wish, scenario = self._wish, self._wish.scenario
        data = [os.fspath(file.absolute()) for file in wish.data] or ["recorded"]
        start = ["--start", scenario.start] if scenario.start else []
        command = ["simulator", "--balance", str(wish.balance), *start, "--data", *data]
        process = self._start("simulator", command, dict(os.environ), subprocess.PIPE)
        line = _line(process)
        if not line:
            raise self._not_up("simulator")
        return msgspec.json.decode(line, type=Listening)

    def _start_engine(self) -> None:
        """The engine is up when it knows what the exchange holds."""
        own = {
            name: value for name, value in os.environ.items() if not name.startswith(("RATCHET_", "BITGET_"))
        }
        own["XDG_RUNTIME_DIR"] = str(self._home)
        if self._wish.home is None:
            own[ORPHANED] = str(self._home)
        own |= dict(zip(KEYS, msgspec.structs.astuple(self.exchange)[1:], strict=True))
        command = ["--home", str(self._home), "engine", "--bitget-url", self.exchange.url]
        process = self._start("engine", command, own, None)
        self.engine = Engine(self.paths.socket)
        end = time.monotonic() + UP_S
        while time.monotonic() < end and process.poll() is None:
            seen = self.engine.snapshot()
            if isinstance(seen, Snapshot) and seen.engine.reconciled:
                return
            time.sleep(LOOK_S)
        raise self._not_up("engine")

    def _start(
        self, name: str, command: list[str], environment: dict[str, str], out: int | None
    ) -> subprocess.Popen[bytes]:
        """A session of its own, so that Ctrl-C reaches the demo alone, which then ends both in order."""
        words = self.paths.logs / f"{name}.out"
        with words.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "engine.demo.kept", *command],
                stdin=subprocess.PIPE,
                stdout=file if out is None else out,
                stderr=file,
                env=environment,
                start_new_session=True,
            )
        self._children.append((name, process, words))
        return process

    def _not_up(self, name: str) -> DemoRefused:
        _, process, words = next(each for each in self._children if each[0] == name)
        said, code = _said(words), process.poll()
        if code is None:
            return DemoRefused(f"the {name} does not answer after {UP_S:g} s. {said}".rstrip(), NOT_UP)
        own = said.removeprefix(f"ratchet {name}: ")
        return DemoRefused(own or f"the {name} ended at once (exit code {code})", 2 if code == 2 else NOT_UP)

    def _leave(self) -> None:
        for _, process, _ in reversed(self._children):
            _end(process)
        if self._wish.home is None:
            shutil.rmtree(self._home, ignore_errors=True)


def leverage_of(symbol: str) -> Decimal:
    """What the configuration names for it, in the demo as by default."""
    return Settings(account="demo").leverage_of(symbol) or USUAL_LEVERAGE


def _configuration(symbols: Sequence[str]) -> str:
    """Every symbol of this market is under care."""
    managed = (f"{symbol} = {leverage_of(symbol)}" for symbol in symbols)
    return "\n".join(('account = "demo"', "[managed]", *managed, ""))


def _line(process: subprocess.Popen[bytes]) -> bytes:
    """The first line of its standard output; empty when it ends, or keeps silent for too long."""
    assert process.stdout is not None
    end = time.monotonic() + UP_S
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([process.stdout], [], [], min(left, 1.0))
        if ready:
            line = process.stdout.readline()
            if not line:
                process.wait(END_S)
            return line
    return b""


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _said(words: Path) -> str:
    """The last words of a process that ended."""
    try:
        return words.read_bytes()[-2000:].decode(errors="replace").strip()
    except OSError:
        return ""
