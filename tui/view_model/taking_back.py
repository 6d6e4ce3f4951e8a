"""What can be done about an entry on its way: it is taken back, and what that closes is told before."""

from __future__ import annotations

from engine.protocol import EntryView, Exit
from tui.view_model.asking import Fact
from tui.view_model.choices import Choice
from tui.view_model.ink import printable
from tui.view_model.numbers import fixed
from tui.view_model.scene import Scene


def entry_choices(scene: Scene, entry: EntryView) -> tuple[Choice, ...]:
    """Take it back, with what that closes, and its story; `entry` as it was when the menu was opened."""
    story = Choice("Its story in the journal", "w", opens="story")
    every = scene.snapshot.entries if scene.snapshot else ()
    now = next((each for each in every if each.id == entry.id), None)
    if now is None:
        gone = (("It", "is filled, or has ended: positions and log tell which"),)
        return Choice("On its way no longer", facts=gone), story
    if now.taken_back:
        by = (("By", printable(now.taken_back)), ("Then", "what it has filled is closed"))
        return Choice("Being taken back", facts=by), story
    held = _held(scene, now)
    words = f"Take it back, close the {held} held" if held else "Take it back"
    name = f"take back {printable(now.symbol)} {now.side}"
    return Choice(words, facts=_facts(now, held), command=Exit(now.symbol, now.side), name=name), story


def _held(scene: Scene, entry: EntryView) -> str:
    """What is held of its side, also from before: an exit leaves nothing of it. Empty when nothing is."""
    at = entry.symbol, entry.side
    position = next((p for p in scene.positions if (p.symbol, p.side) == at and p.size), None)
    return fixed(position.size, position.qty_decimals) if position else ""


def _facts(entry: EntryView, held: str) -> tuple[Fact, ...]:
    left = f"{entry.want - entry.filled:f} of {entry.want:f}"
    now = f"all {held} that is held" if held else f"{entry.filled:f}" if entry.filled else ""
    closes = " and ".join(each for each in (now, "what fills until then") if each)
    return (
        ("Cancels", f"{left}, which is not entered"),
        ("Closes", f"{closes}, at market"),
        ("Asked by", printable(entry.by)),
    )
