"""Where bugs are planted, and how one is made to grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

Changes = Iterator[tuple[Any, str, Any]]
"""What a bug changes in the engine: (owner, attribute, replacement)."""
Plant = Callable[[], Changes]
PLANTED: Final[dict[str, Plant]] = {}


def planted(name: str) -> Callable[[Plant], Plant]:
    """Register a bug under its field name."""

    def register(plant: Plant) -> Plant:
        assert name not in PLANTED, name
        PLANTED[name] = plant
        return plant

    return register


@contextmanager
def bug(name: str) -> Iterator[None]:
    """While this lasts the engine has the bug."""
    with ExitStack() as stack:
        for owner, attribute, replacement in PLANTED[name]():
            stack.enter_context(patch.object(owner, attribute, replacement))
        yield
