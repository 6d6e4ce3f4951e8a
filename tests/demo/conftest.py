"""A stage for every demo."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playhouse import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    if not Path("/proc/self/environ").exists():
        pytest.skip("who still lives is read from /proc, which this system does not have")
    folder = Path(tempfile.mkdtemp(prefix="rd-", dir="/tmp"))
    yield Stage(folder)
    shutil.rmtree(folder)
