"""`python -m engine.simulator simulator …` and `… hand …`, without the rest of Ratchet."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from engine.simulator.cli import add_simulator_parser
from engine.simulator.hand_cli import add_hand_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` and return the exit code. Without a command, the simulator."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words.insert(0, "simulator")
    parser = argparse.ArgumentParser(
        prog="python -m engine.simulator", description="A simulated Bitget, and a hand on it."
    )
    subparsers = parser.add_subparsers(required=True, metavar="command")
    add_simulator_parser(subparsers)
    add_hand_parser(subparsers)
    arguments = parser.parse_args(words)
    return int(arguments.func(arguments))


if __name__ == "__main__":
    sys.exit(main())
