"""Asking the engine in the background, for a screen that goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode


def send_off(owner: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> None:
    """Do `work` in the background. Only the newest of a group goes on; it ends with its owner."""
    owner.run_worker(work, exclusive=True, group=group, exit_on_error=True)  # type: ignore[arg-type]
