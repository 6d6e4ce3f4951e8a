"""`ratchet web`: the desk in a browser on this machine."""

from __future__ import annotations

import argparse
import importlib.util
import socket

from engine.commands.desk import looks_of
from engine.commands.reading import engine_of, unread
from engine.commands.speech import DONE, wrong
from engine.config.paths import find_paths
from engine.protocol import Hello


def run(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("textual_serve") is None:
        return wrong("the desk in a browser needs one more package: pip install 'ratchet-desk[web]'")
    if not 1 <= arguments.port <= 65535:
        return wrong(f"--port takes a number from 1 to 65535, got {arguments.port}")
    hello = engine_of(arguments).hello()
    if not isinstance(hello, Hello):
        return unread(hello)
    if taken := _taken(arguments.port):
        return wrong(f"port {arguments.port} cannot be used ({taken}): choose another with --port")
    paths = find_paths(arguments.home)
    looks = looks_of(arguments, paths)
    from tui.web import serve_desk

    options = [*(() if arguments.trade else ("--read-only",)), *(("--ascii",) if looks.ascii else ())]
    if looks.theme:
        options += ["--theme", looks.theme]
    options += ["--themes", str(paths.config.parent / "themes"), "--kept", str(paths.chosen)]
    if isinstance(looks.keymap, str):
        options += ["--keymap", looks.keymap]
    elif looks.keymap:
        options += [word for name, keys in looks.keymap.items() for word in ("--key", f"{name}={keys}")]
    serve_desk(paths.socket, arguments.port, options)
    return DONE


def _taken(port: int) -> str:
    """Why nothing can listen there; empty when it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror or str(error)
    return ""
