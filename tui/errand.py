"""Asking the engine in the background, for a screen that goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.css.query import NoMatches
from textual.dom import DOMNode


def send_off(owner: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> None:
    """Do `work` in the background. Only the newest of a group goes on; it ends with its owner, and what comes
    back while its owner is being taken away has no place to go.
    """

    async def errand() -> None:
        try:
            await work()
        except NoMatches:
            if _is_there(owner):
                raise

    owner.run_worker(errand, exclusive=True, group=group, exit_on_error=True)  # type: ignore[arg-type]


def _is_there(owner: DOMNode) -> bool:
    return owner.display and owner.is_attached and owner.app.is_running
