"""Every alert on its way into the engine's journal: once, whatever dies.

What is known of an alert is on the disk before it is acted on or answered; it leaves the disk when the
journal has it durably; and what is told twice, because somebody died or hung in between, the journal knows by
its nonce. What the process before left under way is told as it is: the engine knows what became of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, Protocol

from msgspec.structs import replace

from engine.core.events import SignalHeard, SignalOutcome
from engine.core.signals import said
from engine.protocol import Answer, NotAnswering, Verdict
from engine.webhook.record import Record
from engine.webhook.spool import Spool

logger = logging.getLogger("ratchet.webhook")

MOST: Final = 200
"""Alerts that wait one by one, with one line for all beyond; and as many may be under way."""

FLUSH_S: Final = 1.0
FAREWELL_S: Final = 1.0
LATE_MS: Final = 5_000
"""What is told later than this after it came says when that was."""


class Journal(Protocol):
    """Who keeps what is told."""

    async def heard(self, signal: SignalHeard) -> Answer:
        """Journal what came, and what became of it; durable when it is answered. Raises NotAnswering."""


class Logbook:
    """Alerts that the journal does not have yet. `run` must be awaited by an owner.

    What is held back of a flood is on the disk within a second, all else when the call returns; on a disk
    that refuses it is in memory alone until that takes it.
    """

    def __init__(self, journal: Journal, clock: Callable[[], int], spool: Spool | None = None) -> None:
        self._journal, self._clock = journal, clock
        self._spool = Spool() if spool is None else spool
        self._under_way: dict[str, SignalHeard] = {}
        self._waiting = {signal.nonce: signal for signal in self._spool.found}
        self._record = Record()
        self._news = asyncio.Event()
        self._pen = asyncio.Lock()
        self._change = self._written = 0

    def __repr__(self) -> str:
        return f"<Logbook {len(self._under_way)} under way, {len(self._waiting)} waiting, {self._record!r}>"

    @property
    def waiting(self) -> tuple[SignalHeard, ...]:
        """What the journal is told next, oldest first."""
        return tuple(self._waiting.values())

    async def begin(self, signal: SignalHeard) -> bool:
        """An alert is under way: should this process end, the next one tells of it. Whether that is sure."""
        if signal.nonce not in self._under_way and len(self._under_way) >= MOST:
            return False
        self._under_way[signal.nonce] = signal
        self._change += 1
        return await self._write()

    async def tell(self, signal: SignalHeard) -> None:
        """What became of an alert, for the journal, as far as there is no flood."""
        began = self._under_way.pop(signal.nonce, None)
        told = self._record.add(signal, self._clock())
        self._change += 1
        self._keep(told)
        if told or began:
            await self._write()

    async def run(self) -> None:
        """Tell the journal what waits, and what was held back long enough. Ends only by cancellation."""
        try:
            while True:
                if await self._hand_over():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(FLUSH_S):
                            await self._news.wait()
                else:
                    await asyncio.sleep(FLUSH_S)
                self._keep(self._record.flush(self._clock()))
                await self._write()
        finally:
            self._keep(self._record.end())
            await self._write()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._hand_over()

    def _keep(self, signals: Iterable[SignalHeard]) -> None:
        """They wait to be told; the log has them at once."""
        for signal in signals:
            level = logging.INFO if signal.outcome is SignalOutcome.ACCEPTED else logging.WARNING
            times = f" {signal.times:,} times" if signal.times > 1 else ""
            outcome = f"{signal.outcome.value}{times}"
            logger.log(level, "%s %s: %s, %s", signal.id or "-", said(signal), outcome, signal.text)
            nonce = signal.nonce
            if len(self._waiting) > MOST:
                nonce, last = next(reversed(self._waiting.items()))
                signal = replace(signal, times=last.times + signal.times, nonce=nonce)  # noqa: PLW2901
            self._waiting[nonce] = signal
            self._change += 1
            self._news.set()

    async def _hand_over(self) -> bool:
        """Tell what waits, one after the other. False when the engine does not answer."""
        self._news.clear()
        try:
            while self._waiting:
                signal = next(iter(self._waiting.values()))
                answer = await self._journal.heard(self._dated(signal))
                if answer.verdict is Verdict.REFUSED:
                    logger.error("%s cannot be journalled: %s", signal.id or "an alert", answer.text)
                del self._waiting[signal.nonce]
                self._change += 1
        except NotAnswering as silent:
            logger.warning("alerts that wait to be journalled: %d, %s", len(self._waiting), silent)
            return False
        return True

    def _dated(self, signal: SignalHeard) -> SignalHeard:
        """What is told late says when it came."""
        if not signal.came or self._clock() - signal.came <= LATE_MS:
            return signal
        came = datetime.fromtimestamp(signal.came // 1000, UTC)
        return replace(signal, text=f"{signal.text} (it came at {came:%Y-%m-%d %H:%M:%S} UTC)")

    async def _write(self) -> bool:
        """What is known now is on the disk, or the disk refuses. Whoever comes while that is being written
        goes with the next one: a crowd costs no more than a few.
        """
        change = self._change
        async with self._pen:
            if self._written < change:
                known = (*self._waiting.values(), *self._under_way.values(), *self._record.held)
                newest = self._change
                if await self._spool.write(known):
                    self._written = newest
        return self._written >= change
