"""`ratchet demo`."""

from __future__ import annotations

import argparse
from importlib import import_module


def run(arguments: argparse.Namespace) -> int:
    """Simulator, engine and desk in one: found only when it is wanted."""
    return int(import_module("engine.demo").run(arguments))
