"""How requests travel to Telegram: with timeouts, without the token in any log, and with an eye on the
connection.
"""

from __future__ import annotations

import ipaddress
import logging
import ssl
import time
import warnings
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from telegram import Bot, InlineKeyboardMarkup, LinkPreviewOptions, Message
from telegram.constants import ParseMode
from telegram.error import BadRequest, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from engine.notify.telegram.markup import plain

ANSWER_S: Final = 8.0
CONNECT_S: Final = 5.0
POLL_S: Final = 10
TELEGRAM_URL: Final = "https://api.telegram.org"
REFUSED: Final = (401, 404)
"""What Telegram answers to a token that it does not know."""

logger = logging.getLogger("ratchet.telegram")


class Line(msgspec.Struct):
    """The connection: up or down, why, when it was last heard (ms UTC), how often it was lost."""

    up: bool = False
    reason: str = "not connected yet"
    heard: int = 0
    losses: int = 0

    def answered(self, at: int) -> None:
        self.up, self.reason, self.heard = True, "", at

    def failed(self, reason: str) -> None:
        self.losses += self.up
        self.up, self.reason = False, reason


class WatchedRequest(HTTPXRequest):
    """PTB's own request, which also tells `line` how each one went."""

    __slots__ = ("_line", "_now", "_rejected")

    def __init__(
        self,
        line: Line,
        rejected: Callable[[], None],
        now: Callable[[], int],
        tls: ssl.SSLContext,
        *,
        local: bool,
    ) -> None:
        super().__init__(
            connection_pool_size=8,
            read_timeout=ANSWER_S,
            write_timeout=ANSWER_S,
            connect_timeout=CONNECT_S,
            pool_timeout=ANSWER_S,
            httpx_kwargs={"verify": tls, "trust_env": not local},
        )
        self._line = line
        self._rejected = rejected
        self._now = now

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        try:
            code, body = await super().do_request(*args, **kwargs)
        except TelegramError as error:
            self._line.failed(f"no answer ({type(error).__name__})")
            raise
        if code in REFUSED:
            self._line.failed("Telegram refuses the token")
            self._rejected()
        elif code == 409:
            self._line.failed("another program polls with the same token")
        elif code >= 500:
            self._line.failed(f"Telegram answers {code}")
        else:
            self._line.answered(self._now())
        return code, body


class Redacted(logging.Handler):
    """What the libraries log goes to our own log, without the token."""

    def __init__(self, token: str) -> None:
        super().__init__(logging.WARNING)
        self._token = token
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            said = f"{said} {record.exc_info[1]!r}"
        logger.warning("%s", redacted(said, self._token))


def redacted(text: str, token: str) -> str:
    return text.replace(token, "(token)") if token else text


def hush_libraries(token: str) -> None:
    """httpx logs every address, and Telegram's addresses hold the token."""
    for name in ("telegram", "httpx", "httpcore"):
        library = logging.getLogger(name)
        library.handlers = [Redacted(token)]
        library.setLevel(logging.WARNING)
        library.propagate = False


def is_local(url: str) -> bool:
    """Whether this Bot API is on this very machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def send(
    bot: Bot, chat: int, text: str, keyboard: InlineKeyboardMarkup | None = None, *, silent: bool = False
) -> Message:
    """Send marked text; when Telegram cannot read the markup, the same without any. Raises TelegramError."""
    preview = LinkPreviewOptions(is_disabled=True)
    try:
        return await bot.send_message(
            chat,
            text,
            parse_mode=ParseMode.HTML,
            reply_markup=keyboard,
            disable_notification=silent,
            link_preview_options=preview,
        )
    except BadRequest as refused:
        if not is_about_markup(refused):
            raise
        logger.warning("Telegram could not read the markup of a message; it is sent as plain text")
        return await bot.send_message(
            chat,
            plain(text),
            reply_markup=keyboard,
            disable_notification=silent,
            link_preview_options=preview,
        )


async def edit(
    bot: Bot, chat: int, message: int, text: str, keyboard: InlineKeyboardMarkup | None = None
) -> None:
    """Put other text and buttons into a message. Raises TelegramError, but not for a message that is so
    already.
    """
    try:
        await bot.edit_message_text(text, chat, message, parse_mode=ParseMode.HTML, reply_markup=keyboard)
    except BadRequest as refused:
        if is_about_markup(refused):
            await bot.edit_message_text(plain(text), chat, message, reply_markup=keyboard)
        elif "not modified" not in refused.message.lower():
            raise


def seconds_to_wait(slow: RetryAfter) -> float:
    """What a 429 asks for. The library warns of the type that this will have one day; both are read here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after = slow.retry_after
    return float(after) if isinstance(after, int) else after.total_seconds()


def is_about_markup(refused: BadRequest) -> bool:
    return "parse entities" in refused.message.lower()


def wall_ms() -> int:
    return time.time_ns() // 1_000_000
