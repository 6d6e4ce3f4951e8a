"""What can be done about what is on its way: each choice says before what it cancels, and what becomes of the
rest.
"""

from __future__ import annotations

from engine.protocol import Coming, Deny, EntryView, Exit, FlipView
from tui.view_model.choices import Choice
from tui.view_model.ink import printable
from tui.view_model.numbers import fixed
from tui.view_model.scene import Scene


def coming_choices(scene: Scene, coming: Coming) -> tuple[Choice, ...]:
    """Take it back, and apart from that what closes; `coming` as it was when the menu was opened."""
    story = Choice("Its story in the journal", "w", opens="story")
    every = scene.snapshot.coming if scene.snapshot else ()
    now = next((each for each in every if each.id == coming.id), None)
    if now is None:
        gone = (("It", "is filled, or has ended: positions and log tell which"),)
        return Choice("On its way no longer", facts=gone), story
    if isinstance(now, FlipView):
        return _not_entered(now), story
    return _rest(now), *_all(scene, now), story


def _not_entered(flip: FlipView) -> Choice:
    facts = (
        ("Enters", "nothing"),
        ("Closes", f"the {flip.side.opposite}, all the same"),
        ("Asked by", printable(flip.by)),
    )
    return Choice("Take back the entry", "", facts, Deny(flip.id, 0), _name(flip))


def _rest(entry: EntryView) -> Choice:
    if entry.taken_back:
        then = "is closed" if entry.closes else "stays"
        by = (("By", printable(entry.taken_back)), ("Then", f"what it has filled {then}"))
        return Choice("Being taken back", facts=by)
    kept = f"the {entry.filled:f} filled, and " if entry.filled else ""
    facts = (
        ("Cancels", _cancels(entry)),
        ("Keeps", f"{kept}what fills until then" if entry.opens else "what is still held then"),
        ("Asked by", printable(entry.by)),
    )
    words = "Take back the rest" if entry.filled else "Take it back"
    return Choice(words, f"{entry.left:f}", facts, Deny(entry.id, 0), _name(entry))


def _all(scene: Scene, entry: EntryView) -> tuple[Choice, ...]:
    """Close what it has filled, too: an exit leaves nothing of its side."""
    if not entry.opens or entry.closes:
        return ()
    held = _held(scene, entry)
    now = f"all {held} that is held" if held else f"{entry.filled:f}" if entry.filled else ""
    closes = " and ".join(each for each in (now, "what fills until then") if each)
    facts = (
        ("Cancels", _cancels(entry)),
        ("Closes", f"{closes}, at market"),
        ("Asked by", printable(entry.by)),
    )
    words = f"Take it back, close the {held} held" if held else "Take it back, close what it fills"
    close = Exit(entry.symbol, entry.side)
    return (Choice(words, "", facts, close, f"{_name(entry)} and close"),)


def _cancels(entry: EntryView) -> str:
    return f"{entry.left:f} of {entry.want:f}, which is not {'entered' if entry.opens else 'left'}"


def _held(scene: Scene, entry: EntryView) -> str:
    """What is held of its side, also from before. Empty when nothing is."""
    at = entry.symbol, entry.side
    position = next((p for p in scene.positions if (p.symbol, p.side) == at and p.size), None)
    return fixed(position.size, position.qty_decimals) if position else ""


def _name(of: Coming) -> str:
    return f"take back {printable(of.symbol)} {of.side}"
