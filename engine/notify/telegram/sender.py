"""What leaves for the phone, in order of urgency: answers, alarms until somebody has looked, money, chatter.

Nothing here is waited for by anybody else. A letter leaves the outbox when Telegram has it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, Forbidden, NetworkError, RetryAfter

from engine.core.actions import Level
from engine.notify.layout import Told, together, told
from engine.notify.outbox import Letter, Outbox
from engine.notify.port import Desk
from engine.notify.telegram.buttons import Buttons, Seen
from engine.notify.telegram.markup import bold, cut, escaped
from engine.notify.telegram.obey import MUTED, Reply
from engine.notify.telegram.wire import logger, seconds_to_wait, send
from engine.notify.urgency import Urgency, is_silent

WEEK_MS: Final = 7 * 86_400_000
REPLY_MS: Final = 600_000
IDLE_S: Final = 5.0
ENDS: Final = ("rung done", "closed")
"""Topics that complete what was told before them."""


class Rhythm(msgspec.Struct, frozen=True):
    """How long things wait. `settle` lets what belongs together come together; `remind` is how long after the
    newest ring an alarm rings again, in turn, the last one for ever. `pace` is what Telegram allows in one
    chat.
    """

    settle_s: float = 1.5
    gather_s: float = 6.0
    chatter_s: float = 60.0
    pace_s: float = 1.05
    remind_s: tuple[float, ...] = (60, 120, 300, 600, 900)
    backoff_s: tuple[float, ...] = (1, 2, 5, 10, 20, 30)


class Night(msgspec.Struct, frozen=True):
    """Minutes of the UTC day between which only alarms make a sound, and chatter waits."""

    start: int
    end: int

    def covers(self, at: int) -> bool:
        moment = datetime.fromtimestamp(at / 1000, UTC)
        minute = moment.hour * 60 + moment.minute
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


class Refused(Exception):
    """Telegram will not take this one, ever."""


class Sender:
    """Sends to one chat. `run` ends by cancellation, or raises what is broken beyond a retry."""

    def __init__(
        self,
        outbox: Outbox,
        desk: Desk,
        buttons: Buttons,
        chat: int,
        clock: Callable[[], int],
        *,
        rhythm: Rhythm,
        night: Night | None = None,
    ) -> None:
        self._outbox = outbox
        self._desk = desk
        self._buttons = buttons
        self._chat = chat
        self._clock = clock
        self._rhythm = rhythm
        self._night = night
        self._replies: deque[tuple[int, Reply]] = deque()
        self._awake = asyncio.Event()
        self._busy = asyncio.Lock()
        self._failures = 0
        self._rings = 0
        self._rang = 0
        self._reminder: int | None = None

    def reply(self, reply: Reply) -> None:
        """Answer as soon as Telegram takes it."""
        self._replies.append((self._clock(), reply))
        self.wake()

    def say(self, marked: str) -> None:
        """An answer without buttons."""
        self.reply(Reply(marked))

    def wake(self) -> None:
        self._awake.set()

    async def run(self, bot: Bot) -> None:
        while True:
            self._awake.clear()
            pause = await self._guarded(bot)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._awake.wait()

    async def settled(self) -> None:
        """Wait until what is on its way to Telegram has arrived, and is known to have arrived."""
        async with self._busy:
            return

    async def _guarded(self, bot: Bot) -> float:
        """One round; the seconds until the next. What Telegram does not take now stays where it is."""
        try:
            async with self._busy:
                pause = await self._round(bot)
        except RetryAfter as slow:
            seconds = seconds_to_wait(slow)
            logger.warning("Telegram asks to wait %s s before the next message", seconds)
            await asyncio.sleep(seconds + 0.1)
            return 0.0
        except Forbidden as blocked:
            logger.warning("the bot may not write to the trader: %s", blocked.message)
            await asyncio.sleep(self._rhythm.backoff_s[-1])
            return 0.0
        except NetworkError as error:
            steps = self._rhythm.backoff_s
            await asyncio.sleep(steps[min(self._failures, len(steps) - 1)])
            self._failures += 1
            if self._failures == 1:
                logger.warning("a message could not be sent (%s); it is sent again", type(error).__name__)
            return 0.0
        self._failures = 0
        return pause

    async def _round(self, bot: Bot) -> float:
        while self._replies:
            await self._answer(bot, *self._replies[0])
            self._replies.popleft()
        waiting = await self._outbox.unsent()
        for letter in waiting:
            if letter.urgency is Urgency.URGENT:
                await self._ring(bot, letter)
                if self._replies:
                    return 0.0
        reminder = await self._remind(bot)
        now = self._clock()
        batch = self._due([each for each in waiting if each.urgency is Urgency.MONEY], now)
        quiet = await self._is_quiet(now)
        if not batch and not quiet:
            batch = self._due_chatter([each for each in waiting if each.urgency is Urgency.CHATTER], now)
        if batch:
            silent = quiet or all(is_silent(each.note) for each in batch)
            await self._tell(bot, batch, silent=silent)
            return self._rhythm.pace_s
        return min(self._rhythm.settle_s / 2, 0.5) if waiting else min(reminder, IDLE_S)

    async def _is_quiet(self, now: int) -> bool:
        muted = await self._outbox.mark(MUTED) or 0
        return now < muted or (self._night is not None and self._night.covers(now))

    async def _answer(self, bot: Bot, at: int, reply: Reply) -> None:
        if self._clock() - at > REPLY_MS:
            return
        keyboard = await self.keyboard(reply) if reply.buttons else None
        await self._send(bot, reply.text, keyboard)

    async def keyboard(self, reply: Reply) -> InlineKeyboardMarkup:
        deeds = [deed for _, deed in reply.buttons]
        _, nonces = await self._buttons.make(deeds, reply.expires)
        return keyboard_of([label for label, _ in reply.buttons], nonces)

    async def _ring(self, bot: Bot, letter: Letter) -> None:
        """An alarm: alone, with a sound, with a button that says that it was seen."""
        snapshot = self._desk.snapshot()
        text = cut([_marked(told(letter.note, letter.at, snapshot, times=letter.times))])
        message = await self._send(bot, text, await self._seen_button(letter.id))
        self._rings, self._rang = 0, self._clock()
        await self._told([letter], self._rang, message)

    async def _seen_button(self, through: int) -> InlineKeyboardMarkup:
        _, nonces = await self._buttons.make([Seen(through)], self._clock() + WEEK_MS)
        return keyboard_of(["Seen"], nonces)

    async def _remind(self, bot: Bot) -> float:
        """What nobody has acknowledged rings again, all of it in one message; the seconds until it does."""
        unseen = await self._outbox.unseen()
        if not unseen:
            return IDLE_S
        waits = self._rhythm.remind_s
        left = waits[min(self._rings, len(waits) - 1)] - (self._clock() - self._rang) / 1000
        if self._rang and left > 0:
            return left
        snapshot = self._desk.snapshot()
        head = bold(f"🛑 Still not acknowledged: {len(unseen)}")
        blocks = [_marked(told(each.note, each.at, snapshot, times=each.times)) for each in reversed(unseen)]
        message = await self._send(bot, cut([head, *blocks]), await self._seen_button(unseen[-1].id))
        self._rings, self._rang = self._rings + 1, self._clock()
        old, self._reminder = self._reminder, message
        if old is not None:
            with contextlib.suppress(BadRequest):
                await bot.delete_message(self._chat, old)
        return waits[min(self._rings, len(waits) - 1)]

    def _due(self, waiting: Sequence[Letter], now: int) -> list[Letter]:
        """The letters about one thing that have come together, oldest thing first."""
        rhythm = self._rhythm
        by_thing: dict[str, list[Letter]] = {}
        for letter in waiting:
            by_thing.setdefault(_thing(letter), []).append(letter)
        for letters in by_thing.values():
            is_whole = (
                any(each.note.topic in ENDS for each in letters) or letters[-1].note.level is Level.WARNING
            )
            settled = now - letters[-1].at >= rhythm.settle_s * 1000
            if is_whole or settled or now - letters[0].at >= rhythm.gather_s * 1000:
                return letters
        return []

    def _due_chatter(self, waiting: list[Letter], now: int) -> list[Letter]:
        return waiting if waiting and now - waiting[0].at >= self._rhythm.chatter_s * 1000 else []

    async def _tell(self, bot: Bot, batch: list[Letter], *, silent: bool) -> None:
        snapshot = self._desk.snapshot()
        parts = [(each, told(each.note, each.at, snapshot, times=each.times)) for each in batch]
        if batch[0].urgency is Urgency.CHATTER:
            lines = [escaped(" ".join((part.title, *part.lines))) for _, part in parts]
            text = cut(lines)
        else:
            text = cut([_marked(block) for block in together([part for _, part in parts])])
        message = await self._send(bot, text, silent=silent)
        await self._told(batch, self._clock(), message)

    async def _told(self, letters: list[Letter], at: int, message: int | None) -> None:
        """What Telegram has is not told again, also when the end comes at this very moment."""
        await asyncio.shield(self._outbox.sent(letters, at, message))

    async def _send(
        self, bot: Bot, text: str, keyboard: InlineKeyboardMarkup | None = None, *, silent: bool = False
    ) -> int | None:
        """The message's id; None when Telegram will never take it, which is logged."""
        try:
            return (await send(bot, self._chat, text, keyboard, silent=silent)).message_id
        except BadRequest as refused:
            if "chat not found" in refused.message.lower():
                raise Forbidden(refused.message) from None
            logger.warning("Telegram refused a message for good: %s", refused.message)
            return None


def _thing(letter: Letter) -> str:
    """What it is about: a cycle; before there is one its symbol, so that what became of an entry is told with
    its beginning; or nothing but itself.
    """
    return letter.note.cycle or letter.note.symbol or f"#{letter.id}"


def keyboard_of(labels: Sequence[str], nonces: Sequence[str]) -> InlineKeyboardMarkup:
    row = [
        InlineKeyboardButton(label, callback_data=nonce) for label, nonce in zip(labels, nonces, strict=True)
    ]
    return InlineKeyboardMarkup([row])


def _marked(part: Told) -> str:
    return "\n".join((bold(part.title), *map(escaped, part.lines)))
