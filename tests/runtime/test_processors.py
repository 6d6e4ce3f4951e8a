"""Where there are two processors, a crowd at the doors is not where the engine works."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no such word here")

SET_APART = """
import os, sys, threading
from engine.runtime.processors import move_to, set_apart

aside = set_apart()
theirs = []
thread = threading.Thread(target=lambda: theirs.append(os.sched_getaffinity(0)))
thread.start(); thread.join()
engine = os.sched_getaffinity(0)
move_to(aside)
print(sorted(aside), sorted(engine), theirs == [engine], sorted(os.sched_getaffinity(0)))
"""


def told_by_one_that_may_use(processors: set[int]) -> str:
    """Which are set apart, where it works then, whether its threads do, and where it works as the doors."""

    def confined() -> None:
        os.sched_setaffinity(0, processors)

    done = subprocess.run(
        [sys.executable, "-c", SET_APART], preexec_fn=confined, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_doors_have_one_processor_and_the_engine_keeps_off_it() -> None:
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        pytest.skip("there is one processor here")

    assert told_by_one_that_may_use({first, *others}) == f"[{first}] {others} True [{first}]"


def test_one_processor_is_shared() -> None:
    only = max(os.sched_getaffinity(0))

    assert told_by_one_that_may_use({only}) == f"[] [{only}] True [{only}]"
