"""Start an engine that outlives this terminal, and wait until it answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from engine.api.door import Reply, ask
from engine.commands.speech import NO_ENGINE, complain
from engine.config.paths import Paths, prepare_folders

UP_S: Final = 30.0
LOOK_S: Final = 0.1


def start(paths: Paths, *, read_only: bool) -> int | None:
    """None as soon as the engine answers; otherwise an exit code, after its own last words were told.

    Raises ConfigRefused when its folders cannot be made.
    """
    prepare_folders(paths)
    words = paths.logs / "engine.out"
    home = ["--home", str(paths.home)] if paths.home else []
    command = [sys.executable, "-m", "engine.cli", "engine", *home, *(["--read-only"] if read_only else [])]
    with open(words, "ab", opener=_private) as out:
        begins = out.tell()
        engine = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    end = time.monotonic() + UP_S
    while time.monotonic() < end:
        if isinstance(ask(paths.socket, "GET", "/v1/hello", timeout_s=1), Reply):
            print(f"engine started, process {engine.pid}; its words are in {words}")
            return None
        if (code := engine.poll()) is not None:
            complain(f"the engine ended at once (exit code {code}):\n{_said(words, begins)}")
            return code if code > 0 else NO_ENGINE
        time.sleep(LOOK_S)
    complain(f"process {engine.pid} runs but does not answer after {UP_S:g} s; see {words}")
    return NO_ENGINE


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _said(words: Path, begins: int) -> str:
    with words.open("rb") as out:
        out.seek(begins)
        return out.read()[-4000:].decode(errors="replace").strip()
