"""Order, trade, bill and position ids: long decimal strings that only ever grow."""

from __future__ import annotations

from random import Random

_FIRST = 1_300_000_000_000_000_000


class Ids:
    """Ids in the shape of Bitget's (19 digits, growing), the same sequence for the same `seed`.

    Paging by `idLessThan` relies on the order; strides are uneven so that no client can guess the next one.
    """

    def __init__(self, seed: int) -> None:
        self._strides = Random(seed)  # noqa: S311 - reproducible ids, no secret
        self._last = _FIRST + self._strides.randrange(10**15)

    def next(self) -> str:
        """The next id."""
        self._last += self._strides.randrange(1, 10**9)
        return str(self._last)
