"""Where there are several processors, the process at the doors has one, and the engine keeps off it.

Being nice is not enough: Linux lets whoever is on a processor stay there for about 3 ms, also when one that
is far more important waits for it and another processor is about to fall idle.
"""

from __future__ import annotations

import os
from collections.abc import Set
from contextlib import suppress


def set_apart() -> Set[int]:
    """Take this process off one of its processors, and say which; none where it has but one, or may not
    choose. To be called before there are other threads: they follow.
    """
    if hasattr(os, "sched_setaffinity"):
        first, *others = sorted(os.sched_getaffinity(0))
        with suppress(OSError):
            if others:
                os.sched_setaffinity(0, others)
                return frozenset({first})
    return frozenset()


def move_to(processors: Set[int]) -> None:
    """Work on these only; where there are none of them, wherever it may."""
    if processors:
        with suppress(OSError):
            os.sched_setaffinity(0, processors)
