"""How the suite shares the machine."""

from __future__ import annotations

import os

import pytest

WAITING: int = 3
"""Tests that wait for sockets, timers and processes, for one that computes."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: more workers than cores, for most of a test's time is waiting."""
    return WAITING * (os.cpu_count() or 1)
