"""What a press does, and what it leaves on the message: the answer, and no button."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, assert_never

from telegram import Bot, CallbackQuery, Message
from telegram.error import TelegramError

from engine.notify.outbox import Outbox
from engine.notify.telegram.buttons import Buttons, Do, Drop, Explain, Pressed, Seen, Void
from engine.notify.telegram.cards import Cards
from engine.notify.telegram.effects import PRESS_WITHIN
from engine.notify.telegram.markup import bold
from engine.notify.telegram.obey import Obey
from engine.notify.telegram.sender import Sender
from engine.notify.telegram.wire import edit
from engine.protocol import Approve, Deny


class Presses:
    """Claims the button, does the deed, answers the press."""

    def __init__(
        self,
        buttons: Buttons,
        obey: Obey,
        sender: Sender,
        cards: Cards,
        outbox: Outbox,
        clock: Callable[[], int],
    ) -> None:
        self._buttons = buttons
        self._obey = obey
        self._sender = sender
        self._cards = cards
        self._outbox = outbox
        self._clock = clock

    async def press(self, app: Any, query: CallbackQuery) -> None:
        """One press. Telegram is answered in a task of its own: the next command does not wait for it."""
        message = query.message if isinstance(query.message, Message) else None
        chat = query.message.chat.id if query.message is not None else 0
        pressed = await self._buttons.press(query.data or "", query.from_user.id, chat, self._clock())
        if isinstance(pressed, Void):
            app.create_task(self._void(query, message, pressed.reason), update=query)
            return
        said = await self._done(pressed)
        app.create_task(self._show(query, message, pressed, said), update=query)

    async def _done(self, pressed: Pressed) -> str:
        """Carry the deed out; what to say about it, marked."""
        match pressed.deed:
            case Do(command, _, about):
                return (await self._obey.pressed(command, about, f"tg-{pressed.nonce}")).text
            case Drop():
                return "Nothing was done."
            case Seen(through):
                await self._outbox.seen(through, self._clock())
                return "Seen."
            case Explain(name):
                self._sender.reply(await self._obey.why(name))
                return ""
            case other:
                assert_never(other)

    async def _show(self, query: CallbackQuery, message: Message | None, pressed: Pressed, said: str) -> None:
        bot = query.get_bot()
        with contextlib.suppress(TelegramError):
            await query.answer(said[:190] or None)
        deed = pressed.deed
        if isinstance(deed, Explain) or message is None:
            return
        with contextlib.suppress(TelegramError):
            if isinstance(deed, Do) and isinstance(deed.command, Approve | Deny) and not deed.about:
                await self._cards.renew(bot, pressed.family)
                return
            await _answered(message, bot, said)
            return
        # the deed is done whatever became of the edit: its answer still has to arrive
        self._sender.say(bold(said))

    async def _void(self, query: CallbackQuery, message: Message | None, reason: str) -> None:
        with contextlib.suppress(TelegramError):
            await query.answer(reason, show_alert=True)
        if message is not None and reason.startswith("Too late"):
            with contextlib.suppress(TelegramError):
                if PRESS_WITHIN in message.text_html:
                    await _answered(message, query.get_bot(), "Expired. Nothing was done.")
                else:  # a question's card is ended by what the engine says of it
                    await message.edit_reply_markup(None)


async def _answered(message: Message, bot: Bot, said: str) -> None:
    """The card as it stays: what it asked, what became of it, and no button. `said` is marked."""
    asked = message.text_html.partition(f"\n{PRESS_WITHIN}")[0]
    await edit(bot, message.chat.id, message.message_id, f"{asked}\n\n<b>{said}</b>")
