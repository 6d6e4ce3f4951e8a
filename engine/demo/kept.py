"""A `ratchet` command that ends when whoever started it ends, however that happens.

    python -m engine.demo.kept simulator --data recorded

Its standard input is a pipe that its parent holds open: it closes with the parent, even by kill -9.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Final

from engine.cli import main as ratchet

GRACE_S: Final = 5.0


def main() -> int:
    """Run the command while the pipe is open."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    return ratchet(sys.argv[1:])


def _end_with_parent() -> None:
    while os.read(0, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
