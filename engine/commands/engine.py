"""`ratchet engine`: read the configuration, then run until a signal."""

from __future__ import annotations

import argparse

from engine.config import find_paths, load


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigRefused, which is told and becomes exit code 2."""
    paths = find_paths(arguments.home)
    loaded = load(
        paths,
        bitget_url=arguments.bitget_url,
        demo=arguments.demo or None,
        read_only=arguments.read_only or None,
    )
    from engine.runtime.main import run_engine

    return run_engine(loaded, take_over=arguments.take_over)
