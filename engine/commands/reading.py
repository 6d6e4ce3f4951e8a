"""What every looking command begins with: the engine's snapshot, or a told failure."""

from __future__ import annotations

import argparse

from engine.api.client import Engine, Failure, Misread
from engine.commands.speech import failed, refused
from engine.config.paths import find_paths


def engine_of(arguments: argparse.Namespace) -> Engine:
    return Engine(find_paths(arguments.home).socket)


def unread(failure: Failure) -> int:
    """Tell why nothing could be read, and return the exit code."""
    return refused(failure.text) if isinstance(failure, Misread) else failed(failure)
