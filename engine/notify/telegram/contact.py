"""Whom the bot talks to."""

from __future__ import annotations

from typing import Final

import msgspec

TELEGRAM_URL: Final = "https://api.telegram.org"


class Contact(msgspec.Struct, frozen=True):
    """The bot's token, the one user and the one chat. `night`: minutes of the UTC day that are quiet. Its
    repr shows no token, so that no log or traceback can.
    """

    token: str
    user: int
    chat: int
    url: str = TELEGRAM_URL
    night: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return f"Contact(user={self.user}, chat={self.chat}, url={self.url!r})"
