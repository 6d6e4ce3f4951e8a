"""The first minute with a bot: whose it is, who its one trader is, and whether messages arrive."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec
from telegram import Bot, Message
from telegram.constants import UpdateType
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, TelegramError
from telegram.request import HTTPXRequest

from engine.notify.telegram.contact import TELEGRAM_URL, Contact
from engine.notify.telegram.markup import bold
from engine.notify.telegram.wire import ANSWER_S, hush_libraries, is_local, redacted, send

POLL_S: Final = 10
# No letter that is taken for another on a phone. Eight of them: a million million codes, one a message.
LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH: Final = 8


class SetUpRefused(Exception):
    """It cannot go on; the text says why and what to do, without the token."""


class Introduced(msgspec.Struct, frozen=True):
    """Who sent the code, and where."""

    user: int
    chat: int
    name: str


async def introduce(
    token: str, url: str, *, within_s: float, say: Callable[[str], None], code: str = ""
) -> Introduced:
    """Ask the trader to send a code to the bot, and wait for it: so that nobody else becomes the trader by
    being first. Raises SetUpRefused.
    """
    code = code or "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))
    async with _bot(token, url) as bot:
        say(f"The bot is @{bot.username}. Open https://t.me/{bot.username} on your phone and send it: {code}")
        try:
            async with asyncio.timeout(within_s):
                return await _first(bot, code, say)
        except TimeoutError:
            raise SetUpRefused(
                f"nobody sent the code within {within_s:g} s: run it again when the phone is at hand"
            ) from None


async def try_out(contact: Contact) -> str:
    """Send one message; the bot's name. Raises SetUpRefused."""
    async with _bot(contact.token, contact.url) as bot:
        await send(
            bot,
            contact.chat,
            f"{bold('Ratchet')}\nThis is a test: messages arrive here. /help lists what I do.",
        )
        return bot.username


async def _first(bot: Bot, code: str, say: Callable[[str], None]) -> Introduced:
    """The first message that is the code and nothing else, however its letters are written: a heap of guesses
    is none. What was read is confirmed, so that the engine does not read it again.
    """
    offset = None
    while True:
        for update in await bot.get_updates(offset, timeout=POLL_S, allowed_updates=[UpdateType.MESSAGE]):
            offset = update.update_id + 1
            message = update.message
            if isinstance(message, Message) and message.from_user is not None:
                if (message.text or "").strip().lower() == code:
                    await bot.get_updates(offset, timeout=0)
                    return Introduced(message.from_user.id, message.chat.id, message.from_user.full_name)
                say(f"A message from {message.from_user.full_name} is not the code; still waiting.")


@asynccontextmanager
async def _bot(token: str, url: str) -> AsyncIterator[Bot]:
    hush_libraries(token)
    url = url or TELEGRAM_URL
    tls, local = await asyncio.to_thread(httpx.create_ssl_context), is_local(url)
    requests = [
        HTTPXRequest(read_timeout=ANSWER_S, httpx_kwargs={"verify": tls, "trust_env": not local})
        for _ in range(2)
    ]
    try:
        bot = Bot(token, f"{url}/bot", request=requests[0], get_updates_request=requests[1])
        async with bot:
            yield bot
    except InvalidToken:
        raise SetUpRefused("Telegram does not know this token: copy it again from @BotFather") from None
    except Conflict:
        raise SetUpRefused(
            "an engine polls with this token already: stop it while you set the bot up"
        ) from None
    except Forbidden as forbidden:
        raise SetUpRefused(
            f"the bot may not write there ({forbidden.message}): open the chat and press Start"
        ) from None
    except BadRequest as error:
        raise SetUpRefused(f"Telegram refuses: {redacted(str(error), token)}") from None
    except NetworkError as error:
        why = redacted(str(error), token)
        raise SetUpRefused(
            f"Telegram cannot be reached at {urlsplit(url).hostname} ({why}): see that this machine "
            "is online and may reach it, then run it again"
        ) from None
    except TelegramError as error:
        raise SetUpRefused(f"Telegram cannot be asked: {redacted(str(error), token)}") from None
