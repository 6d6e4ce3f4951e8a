"""`ratchet engine`: the parts put together, in one process, until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import Set
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from engine.api.address import SocketRefused
from engine.api.rest.server import RestRefused
from engine.api.server import ControlSocket
from engine.config.loaded import Loaded
from engine.config.paths import prepare_folders
from engine.core.cycle import Rest
from engine.journal.history import History
from engine.journal.lock import account_lock
from engine.journal.port import JournalRefused
from engine.journal.sqlite import SqliteJournal
from engine.loop import run
from engine.runtime.doors import Doors
from engine.runtime.engine import Engine
from engine.runtime.logfile import logging_to
from engine.runtime.new_key import go_on
from engine.runtime.processors import set_apart
from engine.runtime.settings import keys_of, settings_of
from engine.runtime.supervisor import Supervisor
from engine.runtime.telling import TellingFace, TellingJournal, Voices
from engine.runtime.watch import Watch
from engine.venue.bitget import Bitget
from engine.venue.port import VenueRefused

logger = logging.getLogger("ratchet.engine")

SWITCH_S: Final = 0.0002
"""How long a thread (the journal's, a story's) may keep the interpreter while a price waits; Python's own
measure is 5 ms.
"""

LAST_WRITE_S: Final = 2.0
"""How long an engine that was told to end waits for the disk to take what it has decided."""


def run_engine(loaded: Loaded, *, take_over: bool = False, new_key: bool = False) -> int:
    """Run until SIGINT or SIGTERM. Returns 0 after a clean end, 4 when the engine may not run as it is (the
    reason is on stderr).
    """
    prepare_folders(loaded.paths)
    sys.setswitchinterval(SWITCH_S)
    aside = set_apart() if loaded.rest is not None else frozenset[int]()
    try:
        with logging_to(loaded.paths.logs / "engine.log"):
            return run(_serve(loaded, aside, take_over=take_over, new_key=new_key))
    except* (VenueRefused, JournalRefused, SocketRefused, RestRefused) as refused:
        for error in _leaves(refused):
            print(f"ratchet engine: {error}", file=sys.stderr)
    return 4


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


async def _serve(loaded: Loaded, aside: Set[int], *, take_over: bool, new_key: bool) -> int:
    keys = keys_of(loaded)
    venue = Bitget(keys, url=loaded.bitget_url, demo=loaded.demo)
    with account_lock(venue.account, loaded.bitget_url):
        if new_key:
            await go_on(loaded, keys)
        book = await SqliteJournal.open(loaded.paths.database, account=venue.account)
        journal = TellingJournal(book)
        try:
            engine = Engine(
                loaded.settings,
                venue,
                journal,
                version=installed_version(),
                take_over=take_over,
                read_only="started with --read-only" if loaded.read_only else "",
            )
            face = TellingFace(engine, journal, past=History(book.reader), settings=settings_of(loaded))
            async with Voices(loaded.telling, journal, face, loaded.paths.database.parent) as voices:
                watch = Watch(
                    engine,
                    loaded.paths.database.parent,
                    supervisor=Supervisor.of_environment(),
                    heartbeat_url=loaded.heartbeat_url,
                )
                doors = Doors(
                    loaded.rest,
                    loaded.webhook,
                    paths=loaded.paths,
                    version=engine.version,
                    processors=aside,
                    warn=watch.warn,
                )
                await _until_signal(engine, face, voices, doors, watch, loaded.paths.socket)
        finally:
            await venue.close()
            await journal.close()
    return 0


async def _until_signal(
    engine: Engine, face: TellingFace, voices: Voices, doors: Doors, watch: Watch, socket: Path
) -> None:
    """Work until SIGINT or SIGTERM; a part that breaks takes the others down, so that a restart begins
    clean.
    """
    stop, ready = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with ControlSocket(face, socket) as control, doors, asyncio.TaskGroup() as group:
        parts = [
            group.create_task(engine.run(ready), name="engine"),
            group.create_task(_settle(ready), name="settling"),
            group.create_task(control.run(), name="control socket"),
            group.create_task(voices.run(), name="voices"),
            group.create_task(doors.run(), name="doors"),
            group.create_task(watch.run(), name="watch"),
        ]
        await stop.wait()
        logger.info("%s", farewell(engine))
        watch.stop()
        await voices.farewell()
        with contextlib.suppress(JournalRefused, TimeoutError):
            async with asyncio.timeout(LAST_WRITE_S):
                await engine.durable()
        for part in parts:
            part.cancel()


async def _settle(ready: asyncio.Event) -> None:
    """What the start has made stays, and is never searched for garbage again: that stops everything for tens
    of milliseconds.
    """
    await ready.wait()
    gc.freeze()


def farewell(engine: Engine) -> str:
    """What the log says when a signal ends the engine."""
    cycles = engine.state.cycles.values()
    stops = sum(stop.state in (Rest.RESTING, Rest.MOVING) for cycle in cycles for stop in cycle.stops)
    if not cycles:
        return "Ended by a signal. No position is under care."
    return (
        f"Ended by a signal. Positions under care: {len(cycles)}; stops that stay on Bitget: {stops}. "
        "Nothing moves them and no rung runs until an engine runs again."
    )


def installed_version() -> str:
    try:
        return version("ratchet-desk")
    except PackageNotFoundError:
        return "0"
