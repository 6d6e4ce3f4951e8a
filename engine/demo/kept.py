"""A `ratchet` command that ends when whoever started it ends, however that happens.

    python -m engine.demo.kept simulator --data recorded

Its standard input is a pipe that its parent holds open: it closes with the parent, even by kill -9. The
folder that RATCHET_DEMO_ORPHANED names goes with it then, because nobody else is left to remove it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from typing import Final

from engine.cli import main as ratchet

GRACE_S: Final = 5.0
ORPHANED: Final = "RATCHET_DEMO_ORPHANED"


def main() -> int:
    """Run the command while the pipe is open."""
    orphaned = threading.Event()
    threading.Thread(target=_end_with_parent, args=(orphaned,), name="parent", daemon=True).start()
    code = ratchet(sys.argv[1:])
    if orphaned.is_set() and (folder := os.environ.get(ORPHANED)):
        shutil.rmtree(folder, ignore_errors=True)
    return code


def _end_with_parent(orphaned: threading.Event) -> None:
    while os.read(0, 1):
        continue
    orphaned.set()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
