"""A refusal of the simulated exchange, as Bitget words it."""

from __future__ import annotations


class BitgetError(Exception):
    """A business answer other than success.

    `code` is Bitget's code as a string, `msg` its text, `status` the HTTP status that carries it.
    """

    def __init__(self, code: str, msg: str, status: int = 400) -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg
        self.status = status
