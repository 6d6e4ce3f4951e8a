"""Who may speak with the desk: one user, in one chat, whether he types or presses."""

from __future__ import annotations

import logging
import time
from typing import Final

from telegram import Update
from telegram.ext import ApplicationHandlerStop

logger = logging.getLogger("ratchet.telegram")

QUIET_S: Final = 600.0
"""A stranger is named in the log once in this time; what he does in between is counted."""
REMEMBERED: Final = 100


class Gate:
    """Stops every update that is not from the trader in his own chat. `strangers` counts them."""

    def __init__(self, user: int, chat: int) -> None:
        self._user = user
        self._chat = chat
        self._logged: dict[int, float] = {}
        self.strangers = 0

    async def check(self, update: Update, context: object) -> None:
        """Group −1 of the handlers. Raises ApplicationHandlerStop for a stranger, who is not answered."""
        user, chat = update.effective_user, update.effective_chat
        if user is not None and chat is not None and (user.id, chat.id) == (self._user, self._chat):
            return
        self._notice(user.id if user else 0, chat.id if chat else 0)
        raise ApplicationHandlerStop

    def _notice(self, user: int, chat: int) -> None:
        self.strangers += 1
        now = time.monotonic()
        self._logged = {each: then for each, then in self._logged.items() if now - then < QUIET_S}
        if user in self._logged or len(self._logged) >= REMEMBERED:
            return
        self._logged[user] = now
        logger.warning(
            "a stranger wrote to the bot: user %s in chat %s; ignored (%s in all)", user, chat, self.strangers
        )
