"""Telegram's HTML as Telegram reads it: a few tags, closed in order, and entities counted in UTF-16."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser
from typing import Any, Final

TAGS: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "s": "strikethrough",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}


class MarkupRefused(Exception):
    """What Telegram says about it, after `can't parse entities: `."""


def read_markup(text: str) -> tuple[str, list[dict[str, Any]]]:
    """The plain text and its entities. Raises MarkupRefused."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if reader.open:
        raise MarkupRefused(f"Can't find end tag corresponding to start tag {reader.open[-1][0]}")
    return reader.text, reader.entities


def _units(text: str) -> int:
    """The length as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.text = ""
        self.open: list[tuple[str, int]] = []
        self.entities: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            raise MarkupRefused(f'Unsupported start tag "{tag}" at byte offset {_units(self.text)}')
        self.open.append((tag, _units(self.text)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            raise MarkupRefused(f'Unmatched end tag at byte offset {_units(self.text)}, found "</{tag}>"')
        _, begins = self.open.pop()
        length = _units(self.text) - begins
        if length:
            self.entities.append({"type": TAGS[tag], "offset": begins, "length": length})

    def handle_data(self, data: str) -> None:
        if "<" in data:
            raise MarkupRefused(f"Unsupported start tag at byte offset {_units(self.text)}")
        self.text += data

    def handle_entityref(self, name: str) -> None:
        self.text += unescape(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.text += unescape(f"&#{name};")
