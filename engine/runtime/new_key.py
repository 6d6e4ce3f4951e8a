"""`ratchet engine --new-key`: the journal that an older API key began goes on under the new one.

The trader says so, and what is open proves it: a position that Bitget opened at the same millisecond is the
same position, and so the same account. Only then one commit writes what is told and whose the journal is now.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.config.loaded import Loaded
from engine.core.cycle import Cycle
from engine.core.decide import decide
from engine.core.events import Event, Hindered
from engine.core.exchange import Position
from engine.core.settings import Settings
from engine.core.state import State
from engine.core.words import name
from engine.journal import chain
from engine.journal.disk import Append, Disk
from engine.journal.lock import EngineLock, account_lock, lock_beside
from engine.journal.owner import owner
from engine.journal.port import Entry, JournalRefused
from engine.journal.reader import JournalReader
from engine.runtime.clock import Clock
from engine.runtime.recovery import latest, replayed
from engine.venue.keys import Keys
from engine.venue.look import Look

logger = logging.getLogger("ratchet.engine")


async def go_on(loaded: Loaded, keys: Keys) -> None:
    """Let the journal of another key of the same account be `keys`' from now on. The caller holds their
    account's lock.

    Raises JournalRefused when there is no journal, when another engine has it or its account, and when an
    open position says that the account is another one; VenueRefused when the key cannot be checked. Nothing
    is changed then.
    """
    path = loaded.paths.database
    async with await JournalReader.open(path) as reader:
        theirs = await reader.ask(lambda db: owner(db, path))
    if theirs == keys.account:
        logger.info("The journal is this key's already: --new-key was not needed, and can be left out.")
        return
    with account_lock(theirs, loaded.bitget_url), EngineLock(lock_beside(path), theirs):
        async with await JournalReader.open(path, account=theirs) as reader:
            recovered = await reader.recover()
        if recovered.state is None and not recovered.after:
            raise JournalRefused(
                f"The journal {path} has no entry yet: there is nothing to go on with. Move {path.name}* "
                "away, and start without --new-key."
            )
        believed = replayed(recovered, loaded.settings)
        async with Look(keys, url=loaded.bitget_url, demo=loaded.demo) as look:
            ahead_ms = await look.skew_ms()
            await look.may_trade()
            differs = await differences(look, believed, await look.positions())
        if differs:
            raise JournalRefused(
                f"{path} does not go on under these keys: {differs}. So they are keys of another account "
                f"than the journal's ({theirs}). Nothing was changed. Start with keys of that account, or "
                "choose another folder for these with --home DIR."
            )
        told = f"The API key was changed: the journal of account {theirs} goes on as {keys.account}"
        told = f"{told}. {proof(believed)}"
        await asyncio.to_thread(_write, path, theirs, keys.account, told, ahead_ms, loaded.settings)
    logger.info("%s", told)


async def differences(look: Look, believed: State, positions: Sequence[Position]) -> str:
    """What is open by the journal and was never so in the account of these keys; empty when all of it was.
    `positions` are those that are open there now. Raises VenueRefused.
    """
    open_now = {(p.symbol, p.side): p.opened for p in positions}
    found = []
    for cycle in believed.cycles.values():
        opened, there = cycle.seen.opened, open_now.get((cycle.symbol, cycle.side), 0)
        if opened == there or await _has_ended(look, cycle):
            continue
        here = f"{name(cycle)} was opened {_moment(opened)} by the journal"
        found.append(
            f"{here}, and {_moment(there)} in their account"
            if there
            else f"{here}, and is not in their account, neither open nor closed"
        )
    return "; ".join(found)


async def _has_ended(look: Look, cycle: Cycle) -> bool:
    """Whether this very position was closed meanwhile: by its stop, or by hand."""
    is_it = (cycle.symbol, cycle.side, cycle.seen.opened)
    return any((p.symbol, p.hold_side, p.opened) == is_it for p in await look.ended(cycle.symbol))


def proof(believed: State) -> str:
    """Why the account is the same one, for the trader."""
    names = ", ".join(map(name, believed.cycles.values()))
    if not names:
        return (
            "Nothing is open that could prove that the account is the same: for that --new-key alone stands."
        )
    return f"The account is the same: {names} was opened there at the very moment that the journal has."


def _write(path: Path, theirs: str, ours: str, told: str, ahead_ms: int, settings: Settings) -> None:
    """One commit: what is told, and whose it is from there on. `ahead_ms` is how far this machine's clock is
    ahead of the exchange's.
    """
    disk = Disk(path, theirs)
    try:
        state = replayed(disk.recover(), settings)
        at = max(Clock()(), latest(state) + 1)
        event = Event(at, at - ahead_ms, Hindered(state.hindered, warning=told))
        decision = decide(state, event)
        entry = Entry(event, decision.actions, decision.notes)
        disk.write([Append((entry,), (chain.write_entry(entry),), decision.state, ours)])
    finally:
        disk.db.close()


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}"
