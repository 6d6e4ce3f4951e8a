"""`python -m tui SOCKET`: the desk alone, on an engine that runs already."""

from __future__ import annotations

import argparse
from pathlib import Path

from tui.run import run_desk


def main() -> int:
    """Read the command line and run the desk."""
    parser = argparse.ArgumentParser(prog="python -m tui", description=__doc__)
    parser.add_argument("socket", type=Path, help="the engine's control socket")
    parser.add_argument("--read-only", action="store_true", help="watch, and send nothing")
    parser.add_argument("--theme", help="name of a theme")
    parser.add_argument(
        "--themes", type=Path, action="append", default=[], help="a folder of your own themes"
    )
    parser.add_argument("--keymap", help="default or vim")
    parser.add_argument(
        "--key",
        metavar="NAME=KEYS",
        action="append",
        default=[],
        help="a key of your own, such as halt=ctrl+k",
    )
    parser.add_argument("--kept", type=Path, help="the file in which the desk keeps what is chosen in it")
    parser.add_argument("--ascii", action="store_true", help="nothing beyond ASCII")
    parser.add_argument("--by", default="", help="how the journal names this desk")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    wish = parser.parse_args()
    return run_desk(
        wish.socket,
        read_only=wish.read_only,
        theme=wish.theme,
        theme_folders=wish.themes,
        keymap=dict(key.partition("=")[::2] for key in wish.key) or wish.keymap,
        kept=wish.kept,
        ascii=wish.ascii,
        mouse=not wish.no_mouse,
        by=wish.by,
    )


if __name__ == "__main__":
    raise SystemExit(main())
