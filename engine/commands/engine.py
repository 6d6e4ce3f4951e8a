"""`ratchet engine`: read the configuration, then run until a signal."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

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

    if sys.stderr.isatty():
        _speak_here(loaded.paths.logs / "engine.log")
    return run_engine(loaded, take_over=arguments.take_over, new_key=arguments.new_key)


def _speak_here(log: Path) -> None:
    """Whoever starts an engine by hand sees what it does; without a terminal the log alone tells it."""
    print(f"ratchet: the engine runs here until Ctrl-C; its log is {log}", file=sys.stderr)
    voice = logging.StreamHandler()
    voice.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    logging.getLogger("ratchet").addHandler(voice)
