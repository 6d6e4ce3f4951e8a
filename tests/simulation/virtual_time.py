"""Time that passes when nobody has anything to do, and an event loop that can be abandoned at any step."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from contextvars import Context
from typing import Any, Never

GRAIN_S = 1e-6
"""What one turn of the loop takes: no real clock ever stands still."""


class Crash(SystemExit):
    """The machine goes down at this step. (SystemExit: asyncio lets no other exception out of a callback.)"""


class Standstill(AssertionError):
    """Everybody waits for something that will never come."""


class Timeline:
    """Seconds since the beginning, and what the world is going to do. It outlives the loops on it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._agenda: list[tuple[float, int, Callable[[], None], bool]] = []
        self._made = 0

    def at(self, when: float, act: Callable[[], None], *, mortal: bool = False) -> None:
        """Do `act` at `when`, or now when that is over. What is `mortal` concerns the engine that runs now
        and nobody else: a crash takes it away.
        """
        self._made += 1
        heapq.heappush(self._agenda, (max(when, self.now), self._made, act, mortal))

    def after(self, delay: float, act: Callable[[], None], *, mortal: bool = False) -> None:
        self.at(self.now + delay, act, mortal=mortal)

    def bury(self) -> None:
        """The engine is gone, and what was on the agenda for it alone."""
        self._agenda = self._lasting()

    def planned(self) -> list[Callable[[], None]]:
        """What the world is going to do, in order, whether an engine runs or not."""
        return [act for _, _, act, _ in self._lasting()]

    def _lasting(self) -> list[tuple[float, int, Callable[[], None], bool]]:
        return sorted(entry for entry in self._agenda if not entry[3])

    def __getstate__(self) -> dict[str, Any]:
        """What lasts, numbered anew in its order. Not the moment: while no engine runs nobody asks for it,
        and the next act brings its own.
        """
        lasting = [(when, number, act, False) for number, (when, _, act, _) in enumerate(self._lasting())]
        return {"now": 0.0, "_agenda": lasting, "_made": len(lasting)}

    def advance(self, until: float | None) -> bool:
        """Move on to the next act of the world, and do it, when it is due by `until`; else move on to
        `until`.

        Returns whether anything was done or any time has passed.
        """
        if self._agenda and (until is None or self._agenda[0][0] <= until):
            when, _, act, _ = heapq.heappop(self._agenda)
            self.now = max(self.now, when)
            act()
            return True
        if until is None:
            return False
        moved = until > self.now
        self.now = max(self.now, until)
        return moved

    def run_until(self, until: float) -> None:
        """Let the world go on without an engine."""
        while self._agenda and self._agenda[0][0] <= until:
            self.advance(until)
        self.now = max(self.now, until)


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop whose selector moves a `Timeline` instead of waiting. It has no threads and no sockets.

    `steps` counts callbacks: between two of them lies an await. Just before step `crash_at` it raises Crash;
    `before_step` is called before every one, for as long as a crash is possible.
    """

    def __init__(self, timeline: Timeline, crash_at: int | None = None) -> None:
        super().__init__()
        self.timeline = timeline
        self.steps = 0
        self.crash_at = crash_at
        self.before_step: Callable[[], None] | None = None
        self.is_dead = False
        self.faults: list[str] = []
        self._selector = self
        self._clock_resolution = 1e-9
        self.set_exception_handler(self._note_fault)

    def time(self) -> float:
        return self.timeline.now

    def select(self, timeout: float | None) -> list[Any]:
        """What a selector would do: wait. Here the world moves instead."""
        if self.is_dead:
            return []
        until = None if timeout is None else self.time() + max(timeout, GRAIN_S)
        if not self.timeline.advance(until) and until is None:
            raise Standstill("nobody has anything left to do")
        return []

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        return super().call_soon(self._step, callback, args, context=context)

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> Never:
        raise AssertionError("a thread reached into virtual time")

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Never:
        raise AssertionError("threads have no place in virtual time")

    def spare(self) -> None:
        """The time for crashes is over."""
        self.crash_at = self.before_step = None

    def abandon(self) -> None:
        """After a crash: take every task down. What they do on their way out reaches nothing any more."""
        self.is_dead = True
        self.spare()
        tasks = asyncio.all_tasks(self)
        for task in tasks:
            task.cancel()
        if tasks:
            gone = asyncio.gather(*tasks, return_exceptions=True)
            self.run_until_complete(gone)
        self.close()

    def _step(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.steps += 1
        if self.before_step is not None:
            self.before_step()
        if self.steps == self.crash_at:
            super().call_soon(callback, *args)  # abandoning wakes every task once more
            raise Crash(f"crash before step {self.steps}")
        callback(*args)

    def _note_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.faults.append(f"{context.get('message')}: {error!r}" if error else str(context.get("message")))

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody waits in a real selector."""
