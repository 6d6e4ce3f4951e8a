"""The little HTML that Telegram understands, and nothing unescaped in it."""

from __future__ import annotations

import html
import re
from typing import Final

LONGEST: Final = 4096
"""The most characters of one message, after entities are parsed."""


def escaped(text: str) -> str:
    return html.escape(text, quote=False)


def bold(text: str) -> str:
    return f"<b>{escaped(text)}</b>"


def fixed(text: str) -> str:
    """In fixed width: columns stay columns."""
    return f"<pre>{escaped(text)}</pre>"


def plain(marked: str) -> str:
    """The same text without any markup."""
    return html.unescape(re.sub(r"</?(b|i|pre|code)>", "", marked))


def cut(blocks: list[str], longest: int = LONGEST, *, apart: str = "\n\n") -> str:
    """As many whole blocks as fit into one message, `apart` from each other, and how many did not."""
    text, left = "", len(blocks)
    for block in blocks:
        longer = f"{text}{apart}{block}" if text else block
        if len(plain(longer)) > longest - 40:
            break
        text, left = longer, left - 1
    if left == len(blocks) and blocks:
        text, left = escaped(plain(blocks[0])[: longest - 60]) + "…", left - 1
    return f"{text}\n\n… and {left} more; the desk has them." if left else text
