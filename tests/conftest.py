"""How the suite shares the machine."""

from __future__ import annotations

import gc
import os
import signal
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

WAITING: Final = 3
"""Tests that wait for sockets, timers and processes, for one that computes."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
"""A suite that a shell began in the background ignores Ctrl-C, and so would every process that it starts."""

settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")
"""How long an example takes says more of the machine than of the code."""

COLLECT_AFTER: Final = 20_000
"""New objects before the young ones are looked through: stories and markets make them by the million."""


def pytest_collectstart() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """What collecting made stays to the end: nobody looks for garbage in it, then or later."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: more workers than cores, for most of a test's time is waiting."""
    return WAITING * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones, one on each worker: a long one that begins last is waited for by all."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    rest = [item for item in items if not item.get_closest_marker("long")]
    share = -(-len(items) // workers)
    items[:] = []
    for worker in range(workers):
        first = long[worker::workers]
        items += first + rest[: share - len(first)]
        del rest[: share - len(first)]
    items += rest
