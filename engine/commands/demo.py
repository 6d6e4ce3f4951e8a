"""`ratchet demo`."""

from __future__ import annotations

import argparse
from importlib import import_module


def run(arguments: argparse.Namespace) -> int:
    """The demo is a program of its own around simulator, engine and desk; it is found only when it is wanted."""
    return int(import_module("engine.demo").run(arguments))
