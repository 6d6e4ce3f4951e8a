"""The examination that needs no exchange: this machine, its files, the journal, a second engine."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from engine.api.door import NoEngine, ask
from engine.config.paths import Paths
from engine.core.settings import Settings
from engine.core.state import State
from engine.journal.lock import EngineLock, lock_beside
from engine.journal.opening import is_there
from engine.journal.owner import owner
from engine.journal.port import JournalRefused
from engine.journal.reader import JournalReader
from engine.journal.refusal import other_account
from engine.runtime.finding import Finding, fail, ok, warn
from engine.runtime.recovery import replayed
from engine.runtime.watch import MB, REFUSE_BYTES, WARN_BYTES, free_bytes

NEEDED = ("ccxt", "aiohttp", "msgspec", "textual")
NARROW, LOW = 80, 24


def machine(paths: Paths) -> Iterator[Finding]:
    """Versions, terminal, folders, disk and other engines."""
    yield _versions()
    yield _terminal()
    yield from _files(paths)
    yield _disk(paths)
    yield from _other_engine(paths)


def _versions() -> Finding:
    found = [f"python {platform.python_version()}", f"ratchet {_version('ratchet-desk')}"]
    missing = [name for name in NEEDED if not _version(name)]
    found += [f"{name} {_version(name)}" for name in NEEDED if name not in missing]
    if missing:
        return fail("versions", f"{', '.join(missing)} missing", "install Ratchet with its locked packages")
    return ok("versions", ", ".join(found))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _terminal() -> Finding:
    if not sys.stdout.isatty():
        return ok("terminal", "none here: lines instead of the desk")
    width, height = shutil.get_terminal_size()
    kind = os.environ.get("TERM", "")
    text = f"{kind or 'unknown'}, {width} x {height}"
    if kind in ("", "dumb"):
        return warn("terminal", text, "the desk needs a real terminal: set TERM, or use `ratchet watch`")
    if width < NARROW or height < LOW:
        return warn("terminal", text, f"make it at least {NARROW} x {LOW}")
    if "utf-8" not in (sys.stdout.encoding or "").lower():
        return warn("terminal", f"{text}, {sys.stdout.encoding}", "use a UTF-8 locale, or `ratchet --ascii`")
    return ok("terminal", text)


def _files(paths: Paths) -> Iterator[Finding]:
    """What belongs to the trader alone must be open to nobody else."""
    looked = 0
    for path in (*paths.folders, paths.config, paths.database, paths.socket):
        try:
            seen = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            yield fail("files", f"{path}: {error.strerror}", "make it readable for this user")
            continue
        looked += 1
        mode = stat.S_IMODE(seen.st_mode)
        if seen.st_uid != os.geteuid():
            yield fail("files", f"{path} belongs to uid {seen.st_uid}", "start as its owner, or use --home")
        elif mode & 0o022:
            yield fail("files", f"{path} can be written by others (mode {mode:04o})", f"chmod go-w {path}")
        elif mode & 0o044 and path != paths.config:
            yield warn("files", f"{path} can be read by others (mode {mode:04o})", f"chmod go-rwx {path}")
    yield ok("files", f"{looked} looked at: yours alone" if looked else "none yet: the engine makes them")


def _disk(paths: Paths) -> Finding:
    folder = next(each for each in (paths.database.parent, *paths.database.parents) if each.is_dir())
    left = free_bytes(folder)
    if not os.access(folder, os.W_OK, effective_ids=True):
        return fail("disk", f"{folder} cannot be written", "make it writable for this user, or use --home")
    text = f"{left // MB:,} MB free for the journal"
    if left < REFUSE_BYTES:
        return fail("disk", text, f"free space: below {REFUSE_BYTES // MB} MB nothing is added")
    if left < WARN_BYTES:
        return warn("disk", text, f"free space: {WARN_BYTES // MB} MB are the least for comfort")
    return ok("disk", text)


def _other_engine(paths: Paths) -> Iterator[Finding]:
    lock = lock_beside(paths.database)
    held = _is_held(lock)
    answers = not isinstance(ask(paths.socket, "GET", "/v1/hello", timeout_s=2), NoEngine)
    if held and answers:
        yield ok("engine", f"runs here ({_holder(lock)}) and answers on {paths.socket}")
    elif held:
        todo = "wait for its start; if it stays so, end that process"
        yield warn("engine", f"one holds the journal ({_holder(lock)}) and does not answer", todo)
    elif answers:
        yield fail("engine", f"one answers on {paths.socket} without holding this journal", "end it: use one")
    else:
        yield ok("engine", "none runs here: the lock is free")


def _is_held(lock: Path) -> bool:
    try:
        file = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _holder(lock: Path) -> str:
    holder = EngineLock(lock).holder()
    return "by whom is not said" if holder is None else f"pid {holder.pid}"


class JournalSeen(msgspec.Struct, frozen=True):
    """The journal: what was found, what it adds up to, and whether it is another key's."""

    finding: Finding
    believed: State | None = None
    is_anothers: bool = False


async def journal(paths: Paths, account: str | None) -> JournalSeen:
    """The chain, checked from the first entry; and what it adds up to. `account` is whose it must be, where
    that is known.
    """
    path = paths.database
    try:
        if not is_there(path):
            return JournalSeen(ok("journal", f"none yet at {path}: the first start makes it"))
        async with await JournalReader.open(path) as reader:
            entries = await reader.verify()
            recovered = await reader.recover()
            theirs = await reader.ask(lambda db: owner(db, path))
    except JournalRefused as refused:
        todo = "docs/operations.md goes on from there: what to do when …"
        return JournalSeen(fail("journal", str(refused), todo))
    state = replayed(recovered, Settings(account=""))
    if account not in (None, theirs):
        todo = "docs/operations.md goes on from there: keys"
        return JournalSeen(fail("journal", other_account(path, theirs, account), todo), state, True)
    return JournalSeen(ok("journal", f"{entries:,} entries, chain and pages whole, schema known"), state)
