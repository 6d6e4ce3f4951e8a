"""`ratchet demo`: a simulated Bitget, an engine on it and the desk, in one command and without any key."""

from __future__ import annotations

import argparse


def run(arguments: argparse.Namespace) -> int:
    """Play it until `q`, the end of the time, or a signal; leaves no process and no folder behind.

    Returns 0; 2 for options or data that cannot be (said on stderr); 3 when a part did not come up.
    """
    from engine.demo.performance import perform

    return perform(arguments)
