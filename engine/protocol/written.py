"""A number as it is written, for every door that takes one as text."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def exactly(text: str) -> Decimal:
    """`95000.5`, `-0.2` or `1.2e-5`, in plain digits. Raises ValueError for all else: Decimal itself takes
    `1_000`, the digits of every script, `NaN` and blanks around them, and what nobody meant is no money.
    """
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is not written as a plain number such as 95000.5")
    return Decimal(text)
