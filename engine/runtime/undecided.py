"""What an engine says while it decides nothing: it has not begun, or its journal cannot be written."""

from __future__ import annotations

from typing import Final

NOT_BEGUN: Final = (
    "The engine is starting and has not heard from Bitget yet: this was not done, and nothing else is "
    "either. What rests on Bitget stays. Ask again in a moment."
)

UNRECORDED: Final = (
    "Nothing is decided or sent: {} What rests on Bitget stays; halt, flatten and reduce work all the same."
)

REFUSED: Final = "{} What rests on Bitget stays."
"""The answer of an engine whose journal cannot be written, and why it sends nothing by itself."""
