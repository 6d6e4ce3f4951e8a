"""`ratchet`: the desk, on an engine that runs, or on one that the trader wants started."""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from typing import NamedTuple

from engine.api.door import NoEngine, Silent, ask
from engine.commands.speech import NO_ENGINE, WRONG, at_words, complain, failed, wrong
from engine.commands.terminal import can_draw, is_at_terminal, is_unable
from engine.config.paths import Paths, find_paths
from engine.config.refused import ConfigRefused


class Looks(NamedTuple):
    """How the desk shall look: the configuration's [desk], and the command line over it. `problems` are
    sentences that the desk shows, because nobody reads what stands behind it.
    """

    theme: str | None = None
    ascii: bool = False
    mouse: bool = True
    keymap: str | dict[str, str] | None = None
    said_in: dict[str, str] = {}  # noqa: RUF012 - never written to
    themes: dict[str, str] | None = None
    bell: tuple[str, ...] = ("urgent",)
    notices: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def run(arguments: argparse.Namespace) -> int:
    paths = find_paths(arguments.home)
    answer = ask(paths.socket, "GET", "/v1/hello", timeout_s=3)
    if isinstance(answer, Silent):
        return failed(answer)
    if isinstance(answer, NoEngine) and (code := _without_engine(answer, arguments, paths)) is not None:
        return code
    if not can_draw():
        return _nowhere_to_draw()
    looks = looks_of(arguments, paths)
    from tui.alarms import Alarms
    from tui.run import run_desk

    return run_desk(
        paths.socket,
        read_only=arguments.read_only,
        theme=looks.theme,
        themes=looks.themes,
        theme_folders=(paths.config.parent / "themes",),
        keymap=looks.keymap,
        said_in=looks.said_in,
        kept=paths.chosen,
        ascii=looks.ascii,
        mouse=looks.mouse,
        alarms=Alarms(looks.bell, looks.notices),
        problems=looks.problems,
    )


def _nowhere_to_draw() -> int:
    """Say so where it is seen: whoever sends standard error elsewhere still looks at standard output."""
    if is_at_terminal() and is_unable():
        return wrong(
            f"the desk cannot be drawn with TERM={os.environ['TERM']}: set it to what this terminal is, such "
            "as xterm-256color; `ratchet watch --plain` tells the same line by line"
        )
    if sys.stdin.isatty() and sys.stdout.isatty():
        print("ratchet: the desk draws on standard error: open it without `2>`")
        return WRONG
    return wrong("the desk needs a terminal; `ratchet watch --plain` tells the same line by line")


def _without_engine(answer: NoEngine, arguments: argparse.Namespace, paths: Paths) -> int | None:
    """Offer to start an engine. None when one answers now, otherwise the exit code."""
    complain(answer.text)
    home = f"--home {paths.home} " if paths.home else ""
    if not is_at_terminal():
        complain(f"start one with `ratchet {home}engine`, or see it work without a key: `ratchet demo`")
        return NO_ENGINE
    told = "An engine trades by its configuration from the moment it is up (`ratchet config check` shows it)."
    print(at_words(told, sys.stdout))
    if input("Start one in the background now? [y/N] ").strip().lower() not in {"y", "yes"}:
        told = (
            f"Nothing started. `ratchet {home}engine` runs one here, `ratchet demo` shows one without a key."
        )
        print(at_words(told, sys.stdout))
        return NO_ENGINE
    from engine.commands.background import start

    return start(paths, read_only=arguments.read_only)


def looks_of(arguments: argparse.Namespace, paths: Paths) -> Looks:
    """The configuration's wishes, and over them those of the command line."""
    looks = _written(paths) if _speaks_of_desk(paths) else Looks()
    here = {"theme": "command line"} if arguments.theme else {}
    return looks._replace(
        theme=arguments.theme or looks.theme,
        said_in={**looks.said_in, **here},
        ascii=arguments.ascii or looks.ascii,
        mouse=looks.mouse and not arguments.no_mouse,
    )


def _written(paths: Paths) -> Looks:
    """A wrong configuration never keeps the desk shut: the kill key is in there."""
    from engine.config.reading import default_file, read_options

    try:
        options, layers = read_options(default_file(paths), {})
    except ConfigRefused as refused:
        return Looks(problems=(f"The configuration is wrong, so this desk is as by default: {refused}",))
    desk = options.desk
    said = {
        name: layer.where(("desk", name))
        for name in ("theme", "keymap", "keys")
        if (layer := layers.winner(("desk", name)))
    }
    keymap = desk.keys or (desk.keymap if "keymap" in said else None)
    said_in = {"theme": said.get("theme", ""), "keymap": said.get("keys" if desk.keys else "keymap", "")}
    return Looks(
        desk.theme or None, desk.ascii, desk.mouse, keymap, said_in, desk.themes, desk.bell, desk.notices
    )


def _speaks_of_desk(paths: Paths) -> bool:
    """Whether reading the whole configuration is worth its time."""
    if any(name.startswith("RATCHET_DESK__") for name in os.environ):
        return True
    try:
        return "desk" in tomllib.loads(paths.config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
