"""An answer that is kept for a moment: however many want it, the engine is asked by one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The newest answer to one question, at most `fresh_s` old."""

    def __init__(self, ask: Callable[[], Awaitable[T]], fresh_s: float) -> None:
        self.fresh_s = fresh_s
        self._ask = ask
        self._asking: asyncio.Task[T] | None = None
        self._asked_at = 0.0

    def __repr__(self) -> str:
        return f"<Kept {'nothing' if self._asking is None else 'an answer'}>"

    async def get(self) -> T:
        """The answer. Raises what asking for it raises; then the next one asks anew."""
        now = asyncio.get_running_loop().time()
        asking = self._asking
        is_old = asking is not None and asking.done() and now - self._asked_at >= self.fresh_s
        if asking is None or is_old or (asking.done() and asking.exception() is not None):
            asking = self._asking = asyncio.ensure_future(self._once())
            self._asked_at = now
        return await asyncio.shield(asking)

    async def _once(self) -> T:
        return await self._ask()

    def forget(self) -> None:
        """Something has changed: what was answered, or is just being answered, is old."""
        self._asking = None
