"""A start without the collector: nearly all that a start makes stays, and looking through it again and again
for what does not is a fifth of the time to the first picture.
"""

from __future__ import annotations

import gc


def begin() -> None:
    """Collect nothing from now on."""
    gc.disable()


def end() -> None:
    """What is there now stays and is never looked through again; what comes is collected as ever."""
    if gc.isenabled():
        return
    gc.collect()
    gc.freeze()
    gc.enable()
