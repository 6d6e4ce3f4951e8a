"""What the trader may type, and what is answered. It knows nothing of Telegram's wire.

What reads is answered. `/kill` and `/pause` act at once. Everything else that touches money answers with its
effect and a button; only the button acts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from engine.core.words import count
from engine.notify.layout import clock
from engine.notify.outbox import Outbox
from engine.notify.port import Desk
from engine.notify.telegram import views
from engine.notify.telegram.buttons import Deed, Do, Drop, Explain
from engine.notify.telegram.effects import PRESS_WITHIN, cannot, effect
from engine.notify.telegram.lateness import ADDING_MS, REDUCING_MS, late_word, span, too_late
from engine.notify.telegram.markup import bold, cut, escaped
from engine.protocol import (
    Adopt,
    AnyCommand,
    Breakeven,
    Coming,
    Deny,
    EntryView,
    Exit,
    Flatten,
    Halt,
    Pause,
    PositionView,
    PreviewView,
    Reduce,
    Release,
    Request,
    Resume,
    Snapshot,
    Unpause,
    Verdict,
    exactly,
)

MENU: Final = {
    "status": "account, positions and limits in short",
    "pos": "every position with legs, stops and worst case",
    "why": "SYMBOL: the story, from the journal",
    "pnl": "results of the day, the week and the last cycles",
    "limits": "the limits and how much of them is used",
    "health": "the engine and its connections",
    "pause": "[SYMBOL]: no more rungs; stops stay",
    "resume": "[SYMBOL]: scale it again; without a symbol, end the halt",
    "be": "SYMBOL: one stop at breakeven",
    "reduce": "SYMBOL PART: close a part, such as 50%",
    "close": "SYMBOL: close all of it, with an entry on its way",
    "deny": "SYMBOL: take back what is on its way; what is filled stays",
    "adopt": "SYMBOL: take a position under care",
    "release": "SYMBOL: let it go; its stops stay and are yours",
    "kill": "halt at once; /kill flatten also closes everything",
    "mute": "[2h | 30m | off]: everything but alarms without a sound",
    "help": "this list",
}
MUTED: Final = "muted until"
MUTE_MS: Final = 3_600_000
LONGEST_MUTE_MS: Final = 7 * 86_400_000


class Unclear(Exception):
    """What was typed names no one thing. The text says what there is."""


class Reply(msgspec.Struct, frozen=True):
    """What is answered: marked text, and buttons that are good until `expires` (ms UTC)."""

    text: str
    buttons: tuple[tuple[str, Deed], ...] = ()
    expires: int = 0


class Obey:
    """Carries out what the one trader types or presses."""

    def __init__(self, desk: Desk, outbox: Outbox, by: str, clock: Callable[[], int]) -> None:
        self._desk = desk
        self._outbox = outbox
        self._by = by
        self._clock = clock

    async def typed(self, text: str, *, at: int, id: str) -> Reply:
        """Answer a message that was sent `at` (ms UTC); the same `id` acts once."""
        word, *given = text.split()
        name = word.removeprefix("/").partition("@")[0].lower()
        try:
            return await self._answer(name if word.startswith("/") else "", given, at, id)
        except Unclear as unclear:
            return Reply(escaped(str(unclear)))

    async def do(self, command: AnyCommand, id: str, *, late: str = "") -> Reply:
        """Carry a command out; the engine's own words are the answer."""
        answer = await self._desk.command(Request(id, self._by, command))
        return Reply(escaped(f"{late if answer.verdict is Verdict.DONE else 'Refused: '}{answer.text}"))

    async def pressed(self, command: AnyCommand, about: str, id: str) -> Reply:
        """Carry out what a card offered, as long as the position or entry is there that it was `about`."""
        snapshot = self._desk.snapshot()
        there = {*map(_identity, snapshot.positions), *map(_identity, snapshot.coming)}
        if about and about not in there:
            gone = "Nothing was done: the position on this card has ended, or its care began anew."
            if isinstance(command, Exit | Deny):
                gone = "Nothing was done: what this card is about is over, and /pos shows what became of it."
            return Reply(escaped(f"{gone} Ask again."))
        return await self.do(command, id)

    async def why(self, name: str) -> Reply:
        """The story of a symbol, a cycle or an order."""
        of = next((each for each in self._desk.snapshot().positions if each.cycle == name), None)
        title = f"{of.symbol} {of.side.value}" if of is not None and name else name
        return Reply(cut(views.story(title, await self._desk.why(name)), apart="\n"))

    async def _answer(self, name: str, given: list[str], at: int, id: str) -> Reply:
        match name:
            case "kill":
                return await self._kill(given, at, id)
            case "pause":
                return await self._pause(given, at, id)
            case "resume" | "be" | "reduce" | "close" | "deny" | "adopt" | "release":
                return self._ask(name, given, at)
            case "mute":
                return await self._mute(given)
            case "why":
                return await self.why(self._named(given))
            case _:
                return self._show(name)

    def _show(self, name: str) -> Reply:
        snapshot = self._desk.snapshot()
        match name:
            case "status":
                return Reply(views.status(snapshot))
            case "pos":
                return Reply(cut(views.positions(snapshot)))
            case "pnl":
                return Reply(cut(views.results(snapshot)))
            case "limits":
                return Reply(views.limits(snapshot))
            case "health":
                return Reply(views.health(snapshot))
            case "help" | "start":
                lines = [escaped(f"/{each} {meaning}") for each, meaning in MENU.items()]
                return Reply("\n".join((bold("Ratchet"), *lines)))
            case _:
                raise Unclear("I do not know that. /help lists what I do; nothing was done.")

    async def _kill(self, given: list[str], at: int, id: str) -> Reply:
        flatten = [word.lower() for word in given] == ["flatten"]
        if given and not flatten:
            raise Unclear("/kill halts at once; /kill flatten also closes everything. Nothing was done.")
        now = self._clock()
        if late := too_late(at, now, adds=False):
            return Reply(escaped(late))
        done = await self.do(Flatten() if flatten else Halt(), id, late=late_word(at, now))
        managed = [each for each in self._desk.snapshot().positions if each.managed]
        if flatten or not managed:
            return done
        return Reply(
            f"{done.text}\n{count(len(managed), 'position')} under care, left open.",
            (("Close them all at market", Do(Flatten(), adds=False)), ("Leave them", Drop())),
            now + REDUCING_MS,
        )

    async def _pause(self, given: list[str], at: int, id: str) -> Reply:
        now = self._clock()
        if late := too_late(at, now, adds=False):
            return Reply(escaped(late))
        snapshot = self._desk.snapshot()
        chosen = [_one(snapshot, given)] if given else [each for each in snapshot.positions if each.managed]
        if not chosen:
            raise Unclear("Nothing is under care, so there is nothing to pause.")
        word, texts = late_word(at, now), []
        for position in chosen:
            texts.append(
                (await self.do(Pause(position.symbol, position.side), f"{id}-{position.key}", late=word)).text
            )
        return Reply("\n".join(texts))

    def _ask(self, name: str, given: list[str], at: int) -> Reply:
        """The effect and a button. What is too late is told so before anybody presses."""
        snapshot, now = self._desk.snapshot(), self._clock()
        adds = name in ("resume", "adopt")
        if late := too_late(at, now, adds=adds):
            return Reply(escaped(late))
        command, of = _understood(name, given, snapshot)
        ahead = self._ahead(command, of)
        if of is not None and (against := cannot(command, of, ahead)):
            raise Unclear(f"{of.symbol} {of.side.value} {against}. Nothing was done.")
        told = effect(command, snapshot, of, ahead)
        expires = now + (ADDING_MS if adds else REDUCING_MS)
        until = f"{PRESS_WITHIN} {span(expires - now)}."
        about = _identity(of) if of is not None else ""
        buttons: list[tuple[str, Deed]] = [("Yes, do it", Do(command, adds, about)), ("No", Drop())]
        if story := of.cycle if isinstance(of, PositionView) else of and of.symbol:
            buttons.append(("Why", Explain(story)))
        text = "\n".join((bold(told.title), *map(escaped, told.lines), until))
        return Reply(text, tuple(buttons), expires)

    def _ahead(self, command: AnyCommand, of: PositionView | Coming | None) -> PreviewView | None:
        """What the engine makes of a reduce or of other stops; None of what is not there."""
        if not isinstance(of, PositionView) or not of.cycle or not of.size:
            return None
        part = command.fraction if isinstance(command, Reduce) else Decimal(1)
        return self._desk.preview(of.symbol, of.side, (part,))

    async def _mute(self, given: list[str]) -> Reply:
        now = self._clock()
        length = _length(given[0]) if given else MUTE_MS
        await self._outbox.set_mark(MUTED, now + length)
        if not length:
            return Reply("Not muted.")
        return Reply(f"Muted until {clock(now + length)}; alarms still ring. /mute off ends it.")

    def _named(self, given: list[str]) -> str:
        """A cycle or order id as it is; otherwise the one position that is meant."""
        if given and not re.fullmatch(r"[A-Za-z0-9]{2,20}", given[0]):
            return given[0]
        try:
            position = _one(self._desk.snapshot(), given)
        except Unclear:
            if given:
                return _symbol(given[0])
            raise
        return position.cycle or position.symbol


def _understood(
    name: str, given: list[str], snapshot: Snapshot
) -> tuple[AnyCommand, PositionView | Coming | None]:
    if name == "resume" and not given:
        if not snapshot.engine.killed:
            raise Unclear("It is not halted. /resume SYMBOL lets a paused position scale again.")
        return Resume(), None
    if name == "reduce":
        if not given:
            raise Unclear("Say which and how much, such as /reduce BTC 50%.")
        fraction = _part(given[-1])
        position = _one(snapshot, given[:-1])
        return Reduce(position.symbol, position.side, fraction), position
    if name == "deny":
        of = _on_its_way(snapshot, given)
        return Deny(of.id, 0), of
    if name == "close" and (entry := _coming(snapshot, given)) is not None:
        return Exit(entry.symbol, entry.side), entry
    position = _one(snapshot, given, managed=name != "adopt")
    at = (position.symbol, position.side)
    match name:
        case "resume":
            return Unpause(*at), position
        case "be":
            return Breakeven(*at), position
        case "close":
            return Reduce(*at, Decimal(1)), position
        case "release":
            return Release(*at), position
        case _:
            return Adopt(*at), position


def _identity(of: PositionView | Coming) -> str:
    """One name for one of them: another at the same place has another one."""
    return (of.cycle or f"{of.key} {of.opened}") if isinstance(of, PositionView) else of.id


def _on_its_way(snapshot: Snapshot, given: list[str]) -> Coming:
    """What is on its way and meant. Raises Unclear where that is not one thing."""
    found = [each for each in snapshot.coming if _is_named(each, given)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Unclear("Nothing of that is on its way; what asks is answered on its card. Nothing was done.")
    listed = ", ".join(f"{each.symbol} {each.side.value}" for each in found)
    raise Unclear(f"Say which: {listed}. Nothing was done.")


def _coming(snapshot: Snapshot, given: list[str]) -> EntryView | None:
    """The entry on its way that is meant, where nothing of its side is held yet: what is held is closed with
    what is on its way to it. Raises Unclear where several may be meant.
    """
    held = {(p.symbol, p.side) for p in snapshot.positions if p.managed and _is_named(p, given)}
    found = {(e.symbol, e.side): e for e in snapshot.entries if e.opens and _is_named(e, given)}
    meant = sorted(held | found.keys())
    if found and len(meant) > 1:
        listed = ", ".join(f"{symbol} {side.value}" for symbol, side in meant)
        raise Unclear(f"Say which: {listed}. Nothing was done.")
    return found[meant[0]] if found and not held else None


def _one(snapshot: Snapshot, given: list[str], *, managed: bool = True) -> PositionView:
    """The position that is named, or the only one there is."""
    there = [each for each in snapshot.positions if each.managed is managed]
    named = [each for each in snapshot.positions if _is_named(each, given)]
    found = [each for each in named if each.managed is managed]
    if len(found) == 1:
        return found[0]
    kind = "under care" if managed else "open and not under care"
    listed = ", ".join(f"{each.symbol} {each.side.value}" for each in there)
    if found:
        raise Unclear(f"Say which: {listed}. Nothing was done.")
    if not listed:
        raise Unclear(f"Nothing is {kind}{_but(named)}. Nothing was done.")
    raise Unclear(
        f"No match for {' '.join(given)}{_but(named)}. {kind.capitalize()}: {listed}. Nothing was done."
    )


def _is_named(of: PositionView | Coming, given: list[str]) -> bool:
    """Whether the words mean this one; no words mean any."""
    if not given:
        return True
    side = given[1].lower() if len(given) > 1 else ""
    return of.symbol == _symbol(given[0]) and side in ("", of.side.value)


def _but(named: list[PositionView]) -> str:
    """The one that is there, on the other side of care."""
    if len(named) != 1:
        return ""
    is_under = "is under care already" if named[0].managed else "is open, but not under care"
    return f"; {named[0].symbol} {named[0].side.value} {is_under}"


def _symbol(text: str) -> str:
    plain = re.sub(r"[^A-Z0-9]", "", text.upper())
    return plain if plain.endswith("USDT") else f"{plain}USDT"


def _part(text: str) -> Decimal:
    """`50%` or `0.5`; a bare `50` is refused, because nobody knows what was meant."""
    try:
        value = exactly(text[:-1]) / 100 if text.endswith("%") else exactly(text)
    except ValueError:
        value = Decimal(0)
    if 0 < value <= 1:
        return value
    raise Unclear(f"{text} is no part of a position; write 50% or 0.5. Nothing was done.")


def _length(text: str) -> int:
    """`30m`, `2h` or `off`, in milliseconds."""
    if text.lower() == "off":
        return 0
    found = re.fullmatch(r"(\d{1,4})\s*(m|min|h|d)", text.lower())
    if not found:
        raise Unclear(f"{text} is no time; write 30m, 2h or off.")
    unit = {"m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}[found[2]]
    return min(int(found[1]) * unit, LONGEST_MUTE_MS)
