"""A field with a few words to choose from, changed by space or the arrow keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget


class Toggle(Widget, can_focus=True):
    """One of several words. The chosen one stands between arrows while the field has the focus.

    What was chosen at first may be gone already: it stands until the trader turns to something that is there.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,right,l", "turn(1)", "next", show=False),
        Binding("left,h", "turn(-1)", "previous", show=False),
    ]

    DEFAULT_CSS = """
    Toggle {
        height: 1; width: 1fr; color: $ink-bright; background: $panel;
        &:focus { background: $ink-accent; color: $background; text-style: $ink-badge-style; }
    }
    """

    class Turned(Message):
        """Another word was chosen."""

    def __init__(self, words: Sequence[str], chosen: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.words = tuple(words)
        self.chosen = chosen

    def render(self) -> str:
        return f"‹ {self.chosen} ›" if self.has_focus and len(self.words) > 1 else self.chosen

    def offer(self, words: Sequence[str]) -> None:
        """Other words to choose from; a choice that is gone becomes the first."""
        if tuple(words) == self.words:
            return
        self.words = tuple(words)
        if self.chosen not in self.words:
            self.chosen = self.words[0]
        self.refresh()

    def action_turn(self, by: int) -> None:
        at = self.words.index(self.chosen) + by if self.chosen in self.words else 0
        self.chosen = self.words[at % len(self.words)]
        self.refresh()
        self.post_message(self.Turned())

    def on_click(self) -> None:
        self.action_turn(1)
