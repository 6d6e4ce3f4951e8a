"""The phone line: one session with Telegram after the other, and what a broken one does to the engine:
nothing.

A session is `async with app` → start → polling, with every wait bounded. Whatever ends it is logged and shown
as a connection that is down, and after a while the next one begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Final

import httpx
from telegram import Bot, BotCommand, CallbackQuery, Update
from telegram.constants import UpdateType
from telegram.error import Conflict, InvalidToken, TelegramError
from telegram.ext import Application, CallbackQueryHandler, MessageHandler, TypeHandler, filters

from engine.core.actions import Level, Note
from engine.notify.outbox import Outbox
from engine.notify.port import Desk, Happened, History
from engine.notify.telegram.buttons import Buttons
from engine.notify.telegram.cards import Cards
from engine.notify.telegram.contact import Contact
from engine.notify.telegram.gate import Gate
from engine.notify.telegram.hearing import Hearing
from engine.notify.telegram.markup import escaped
from engine.notify.telegram.obey import MENU, Obey
from engine.notify.telegram.presses import Presses
from engine.notify.telegram.sender import Night, Rhythm, Sender
from engine.notify.telegram.wire import (
    POLL_S,
    Line,
    WatchedRequest,
    hush_libraries,
    is_local,
    logger,
    redacted,
    send,
    wall_ms,
)
from engine.notify.urgency import TELEGRAM
from engine.protocol import LinkView

END_S: Final = 2.0
RETRY_S: Final = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
ALARM_MS: Final = 600_000

App = Application[Any, Any, Any, Any, Any, Any]


class Phone:
    """Tells, asks and obeys through one bot, for one trader. `run` never raises but when it is cancelled."""

    def __init__(
        self,
        contact: Contact,
        outbox: Outbox,
        desk: Desk,
        history: History,
        *,
        clock: Callable[[], int] = wall_ms,
        rhythm: Rhythm | None = None,
        retry_s: tuple[float, ...] = RETRY_S,
    ) -> None:
        self._contact = contact
        self._clock = clock
        self._retry_s = retry_s
        self._outbox = outbox
        self._bot: Bot | None = None
        self._cries: asyncio.Queue[str] = asyncio.Queue()
        self._tls: ssl.SSLContext | None = None
        self.line = Line()
        self.gate = Gate(contact.user, contact.chat)
        buttons = Buttons(outbox, contact.user, contact.chat)
        night = Night(*contact.night) if contact.night else None
        self._obey = Obey(desk, outbox, f"{TELEGRAM}, user {contact.user}", clock)
        self._sender = Sender(
            outbox, desk, buttons, contact.chat, clock, rhythm=rhythm or Rhythm(), night=night
        )
        self._cards = Cards(outbox, desk, buttons, contact.chat, clock)
        self._presses = Presses(buttons, self._obey, self._sender, self._cards, outbox, clock)
        self._hearing = Hearing(outbox, desk, history, clock, self._sender.wake)

    def hear(self, happened: Happened) -> None:
        """Every durable entry of the journal, as it happens."""
        self._hearing.hear(happened)
        self._cards.hear(happened)

    def cry(self, text: str, at: int) -> None:
        """Sent past the outbox, which is on the same disk, as soon as the line is up."""
        self._cries.put_nowait(text)

    def link(self) -> LinkView:
        """The connection, as clients show it."""
        age = self._clock() - self.line.heard if self.line.heard else None
        return LinkView(TELEGRAM, self.line.up, age, None, self.line.losses, self.line.reason)

    async def run(self) -> None:
        """Session after session until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forever(self._hearing.run), name="telegram hearing")
            group.create_task(self._forever(self._session), name="telegram session")

    async def farewell(self, text: str) -> None:
        """A last word, if Telegram takes it within a moment."""
        with contextlib.suppress(TimeoutError, TelegramError, sqlite3.Error, OSError):
            async with asyncio.timeout(END_S):
                await self._hearing.farewell()
                if self._bot is not None and self.line.up:
                    await send(self._bot, self._contact.chat, escaped(text))
                await self._sender.settled()

    async def _forever(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Again and again, with growing pauses while it keeps failing. The engine must outlive anything in
        here.
        """
        loop, failures = asyncio.get_running_loop(), 0
        while True:
            began = loop.time()
            try:
                await _apart(work())
            except Exception as error:  # noqa: BLE001 - whatever breaks the phone breaks only the phone
                self._broke(error)
            failures = 0 if loop.time() - began > 60 else failures + 1
            await asyncio.sleep(self._retry_s[min(failures, len(self._retry_s)) - 1])

    def _broke(self, error: BaseException) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        what = (
            "Telegram refuses the token"
            if isinstance(error, InvalidToken)
            else f"{type(error).__name__}: {error}"
        )
        self.line.failed(redacted(what, self._contact.token))
        logger.warning("the line to Telegram is down (%s); it is tried again", self.line.reason)

    # -- one session -----------------------------------------------------------------------------------------

    async def _session(self) -> None:
        """Raises TelegramError when it cannot begin or the token is refused."""
        if self._tls is None:
            self._tls = await asyncio.to_thread(httpx.create_ssl_context)
        rejected, local = asyncio.Event(), is_local(self._contact.url)
        talk, poll = (
            WatchedRequest(self.line, rejected.set, self._clock, self._tls, local=local) for _ in range(2)
        )
        try:
            await self._talk(self._app(talk, poll), rejected)
        finally:
            # an application that could not begin does not close what it began with
            await talk.shutdown()
            await poll.shutdown()

    async def _talk(self, app: App, rejected: asyncio.Event) -> None:
        """Until something breaks. Raises TelegramError."""
        async with app:
            try:
                await app.start()
                assert app.updater is not None
                await app.updater.start_polling(
                    timeout=POLL_S,
                    allowed_updates=[UpdateType.MESSAGE, UpdateType.CALLBACK_QUERY],
                    drop_pending_updates=False,
                    error_callback=self._polling_failed,
                )
                self._bot = app.bot
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._sender.run(app.bot), name="telegram sender")
                    group.create_task(self._cards.run(app.bot), name="telegram cards")
                    group.create_task(self._cry_out(app.bot), name="telegram cries")
                    group.create_task(self._show_menu(app.bot), name="telegram menu")
                    group.create_task(_until_rejected(rejected), name="telegram token")
            finally:
                self._bot = None
                await _end(app)

    def _app(self, talk: WatchedRequest, poll: WatchedRequest) -> App:
        contact = self._contact
        hush_libraries(contact.token)
        app: App = (
            Application.builder()
            .token(contact.token)
            .base_url(f"{contact.url}/bot")
            .base_file_url(f"{contact.url}/file/bot")
            .request(talk)
            .get_updates_request(poll)
            .job_queue(None)
            .build()
        )
        app.add_handler(TypeHandler(Update, self.gate.check), group=-1)
        app.add_handler(MessageHandler(filters.TEXT & filters.UpdateType.MESSAGE, self._typed))
        app.add_handler(CallbackQueryHandler(self._pressed))
        app.add_error_handler(self._handler_failed)
        return app

    async def _cry_out(self, bot: Bot) -> None:
        """Raises TelegramError; what was not sent then waits for the next session."""
        while True:
            text = await self._cries.get()
            try:
                await send(bot, self._contact.chat, escaped(text))
            except TelegramError:
                self._cries.put_nowait(text)
                raise

    async def _show_menu(self, bot: Bot) -> None:
        with contextlib.suppress(TelegramError):
            await bot.set_my_commands([BotCommand(name, meaning) for name, meaning in MENU.items()])

    async def _typed(self, update: Update, context: object) -> None:
        message = update.effective_message
        if message is None or not (message.text or "").strip():
            return
        at = int(message.date.timestamp() * 1000)
        reply = await self._obey.typed(message.text or "", at=at, id=f"tg-{message.message_id}-{at}")
        self._sender.reply(reply)

    async def _pressed(self, update: Update, context: Any) -> None:
        query = update.callback_query
        if isinstance(query, CallbackQuery):
            await self._presses.press(context.application, query)

    async def _handler_failed(self, update: object, context: Any) -> None:
        """A message that could not be answered; the trader is told that, too."""
        failed = redacted(f"{type(context.error).__name__}: {context.error}", self._contact.token)
        logger.warning("a message from the phone could not be answered (%s)", failed)
        if isinstance(context.error, TelegramError):
            return
        said = "That failed on the engine's side; nobody knows whether it was carried out."
        self._sender.say(f"{said} /status shows what holds.")

    def _polling_failed(self, error: TelegramError) -> None:
        """The library goes on by itself; a second program with our token is an alarm."""
        if not isinstance(error, Conflict):
            return
        text = (
            "Another program polls Telegram with this bot's token (409): a second engine may be running. "
            "Commands may reach either of them. Stop the other one, or give this one a bot of its own."
        )
        logger.warning("%s", text)
        self._hearing.alarm(
            f"conflict.{self._clock() // ALARM_MS}", Note("second engine", Level.URGENT, text)
        )


async def _apart(work: Coroutine[Any, Any, None]) -> None:
    """Do it in a task of its own: a task group whose child fails while it is cancelled forgets the
    cancellation, and the one who waits here must not.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
        raise
    task.result()


async def _until_rejected(rejected: asyncio.Event) -> None:
    await rejected.wait()
    raise InvalidToken("Telegram refuses the token")


async def _end(app: App) -> None:
    """Stop polling, handlers and tasks, each within a moment; what does not stop is left to the shutdown."""
    steps: list[Callable[[], Any]] = []
    if app.updater is not None and app.updater.running:
        steps.append(app.updater.stop)
    if app.running:
        steps.append(app.stop)
    for stop in steps:
        with contextlib.suppress(TimeoutError, TelegramError, RuntimeError):
            async with asyncio.timeout(END_S):
                await stop()
