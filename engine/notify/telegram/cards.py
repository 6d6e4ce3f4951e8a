"""What waits for a yes, as cards: numbers, price band, countdown, and at the end what became of it.

The engine decides who was first; a card only shows it. Cards outlive the process: a card that was sent before
a restart is still edited to its end.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import Final

import msgspec
from telegram import Bot, InlineKeyboardMarkup
from telegram.error import RetryAfter, TelegramError

from engine.notify.layout import clock as clock_words
from engine.notify.outbox import Outbox
from engine.notify.port import Desk, Happened
from engine.notify.telegram.buttons import Buttons, Deed
from engine.notify.telegram.markup import bold
from engine.notify.telegram.questions import answers, asked, label_of
from engine.notify.telegram.sender import keyboard_of
from engine.notify.telegram.wire import edit, seconds_to_wait, send
from engine.notify.urgency import is_question
from engine.protocol import ApprovalView, Snapshot

logger = logging.getLogger("ratchet.telegram")

LOOK_S: Final = 1.0
COUNT_S: Final = 10
"""The countdown moves in steps of so many seconds: each is an edit, and Telegram counts them."""

Name = tuple[str, int]
"""Cycle and rung, as Approve and Deny have them."""


class Card(msgspec.Struct):
    """A card on the phone. `text` is what it says without the countdown, `told` how many steps are left on
    it.
    """

    message: int
    expires: int
    family: str
    text: str
    told: int = -1
    keyboard: InlineKeyboardMarkup | None = None


class Cards:
    """Keeps one card for each rung, entry and adoption that asks."""

    def __init__(
        self, outbox: Outbox, desk: Desk, buttons: Buttons, chat: int, clock: Callable[[], int]
    ) -> None:
        self._outbox = outbox
        self._desk = desk
        self._buttons = buttons
        self._chat = chat
        self._clock = clock
        self._open: dict[Name, Card] = {}
        self._ends: dict[str, str] = {}
        self._awake = asyncio.Event()

    def hear(self, happened: Happened) -> None:
        """Remember how an approval ended, for its card."""
        for note in happened.notes:
            if note.topic == "approval":
                if not is_question(note):
                    self._ends[note.facts.get("approval", note.cycle)] = note.text
                self._awake.set()

    async def run(self, bot: Bot) -> None:
        """Ends by cancellation."""
        self._open = await self._outbox.transact(_load)
        while True:
            self._awake.clear()
            wait = LOOK_S
            try:
                await self.look(bot)
            except RetryAfter as slow:
                wait = seconds_to_wait(slow)
            except TelegramError as error:
                logger.warning("a card could not be shown (%s); it is tried again", type(error).__name__)
                wait = 2 * LOOK_S
            try:
                async with asyncio.timeout(wait):
                    await self._awake.wait()
            except TimeoutError:
                continue

    async def look(self, bot: Bot) -> None:
        """Show what asks now, count down, and end what asks no more. Raises TelegramError."""
        snapshot = self._desk.snapshot()
        asking = {(each.cycle, each.rung): each for each in snapshot.approvals}
        for name in [name for name in self._open if name not in asking]:
            await self._end(bot, name)
        for name, approval in asking.items():
            if name not in self._open:
                await self._show(bot, name, approval, snapshot)
            else:
                await self._count(bot, self._open[name])

    async def renew(self, bot: Bot, family: str) -> None:
        """An answer was used up, the engine did not take it, and the question stands: give new buttons."""
        snapshot = self._desk.snapshot()
        for approval in snapshot.approvals:
            name = (approval.cycle, approval.rung)
            card = self._open.get(name)
            if card is not None and card.family == family:
                card.family, card.keyboard = await self._keyboard(approval)
                card.told = -1
                await self._keep(name, card)
                await self._count(bot, card)
        self._awake.set()

    async def _show(self, bot: Bot, name: Name, approval: ApprovalView, snapshot: Snapshot) -> None:
        family, keyboard = await self._keyboard(approval)
        text = asked(approval, next((p for p in snapshot.positions if p.cycle == approval.cycle), None))
        left = self._left(approval.expires)
        message = await send(bot, self._chat, f"{text}\n{_countdown(approval.expires, left)}", keyboard)
        card = Card(message.message_id, approval.expires, family, text, left, keyboard)
        self._open[name] = card
        self._ends.pop(approval.cycle, None)
        await self._keep(name, card)

    async def _keyboard(self, approval: ApprovalView) -> tuple[str, InlineKeyboardMarkup]:
        deeds = answers(approval)
        family, nonces = await self._buttons.make(deeds, approval.expires)
        return family, keyboard_of([label_of(deed) for deed in deeds], nonces)

    async def _count(self, bot: Bot, card: Card) -> None:
        left = self._left(card.expires)
        if left == card.told:
            return
        if card.keyboard is None:
            card.keyboard = await self._outbox.transact(lambda db: _keyboard_of(db, card.family))
        await edit(
            bot, self._chat, card.message, f"{card.text}\n{_countdown(card.expires, left)}", card.keyboard
        )
        card.told = left

    def _left(self, expires: int) -> int:
        """Seconds left, in steps, rounded up."""
        seconds = max(expires - self._clock(), 0) / 1000
        return -int(-seconds // COUNT_S) * COUNT_S

    async def _end(self, bot: Bot, name: Name) -> None:
        """The final state: what the engine said, and no button."""
        card = self._open[name]
        end = self._ends.get(name[0]) or "It does not ask any more; /why tells the story."
        await self._buttons.void(card.family, self._clock())
        try:
            await edit(bot, self._chat, card.message, f"{card.text}\n\n{bold(end)}")
        finally:
            del self._open[name]
            await self._outbox.transact(lambda db: _drop(db, name))

    async def _keep(self, name: Name, card: Card) -> None:
        row = (*name, card.message, card.expires, card.family, card.text)

        def work(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO card VALUES (?, ?, ?, ?, ?, ?)", row)

        await self._outbox.transact(work)


def _countdown(expires: int, left: int) -> str:
    return f"No answer by {clock_words(expires)[11:]} means no ({left} s left)."


def _load(db: sqlite3.Connection) -> dict[Name, Card]:
    rows = db.execute("SELECT cycle, rung, message, expires, family, text FROM card").fetchall()
    return {(cycle, rung): Card(*rest) for cycle, rung, *rest in rows}


def _drop(db: sqlite3.Connection, name: Name) -> None:
    db.execute("DELETE FROM card WHERE cycle = ? AND rung = ?", name)


def _keyboard_of(db: sqlite3.Connection, family: str) -> InlineKeyboardMarkup:
    """The buttons of a card that was sent before a restart, in the order in which they were made."""
    rows = db.execute("SELECT deed, nonce FROM button WHERE family = ? ORDER BY rowid", (family,)).fetchall()
    labels = [label_of(msgspec.json.decode(deed, type=Deed)) for deed, _ in rows]
    return keyboard_of(labels, [nonce for _, nonce in rows])
