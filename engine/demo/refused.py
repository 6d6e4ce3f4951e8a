"""Why a demo cannot be played."""

from __future__ import annotations

from typing import Final

WRONG: Final = 2
NOT_UP: Final = 3


class DemoRefused(Exception):
    """The text says what is wrong and what to do; `code` is the command's exit code."""

    def __init__(self, text: str, code: int = WRONG) -> None:
        super().__init__(text)
        self.code = code
