"""`ratchet --version`."""

from __future__ import annotations

import argparse
from importlib.metadata import PackageNotFoundError, version


def run(_: argparse.Namespace) -> int:
    try:
        print(f"ratchet {version('ratchet-desk')}")
    except PackageNotFoundError:
        print("ratchet, not installed: run from its source")
    return 0
