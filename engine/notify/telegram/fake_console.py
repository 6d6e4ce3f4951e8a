"""A person plays the phone: messages are printed, what is typed is sent, a number presses a button."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import Callable
from typing import Final

from engine.notify.telegram.fake import FakeTelegram, Shown

HELP: Final = """\
A Telegram of your own listens on {url}. Give an engine this, in another terminal:

  export TELEGRAM_BOT_TOKEN={token}
  export RATCHET_TELEGRAM__URL={url} RATCHET_TELEGRAM__USER={user} RATCHET_TELEGRAM__CHAT={user}
  ratchet engine …            (or: ratchet telegram test)

Type as on the phone: /help. A number presses that button of the newest card; 105.2 the second button of
message 105.
The end of the input (Ctrl-D) ends it.
"""


async def play(*, user: int, port: int, say: Callable[[str], None] = print) -> None:
    """Until the input ends. Raises OSError when the port is taken."""
    async with FakeTelegram(port=port, on_change=lambda shown: say(drawn(shown))) as api:
        say(HELP.format(url=api.url, token=api.token, user=user))
        lines = _typed()
        while (line := await lines.get()) is not None:
            if problem := obey(api, line.strip(), user):
                say(problem)


def obey(api: FakeTelegram, line: str, user: int) -> str:
    """Send a line, or press the button that it names; what is wrong with it, or nothing."""
    if not line:
        return ""
    found = re.fullmatch(r"(?:(\d+)\.)?(\d)", line)
    if not found:
        api.type(line, user=user)
        return ""
    shown = api.messages.get(int(found[1])) if found[1] else _newest_card(api)
    number = int(found[2])
    if shown is None or not 1 <= number <= len(shown.buttons):
        return "There is no such button."
    api.press(shown, shown.buttons[number - 1][0], user=user)
    return ""


def drawn(shown: Shown) -> str:
    """A message as text, with its number and its buttons."""
    state = (
        "deleted"
        if shown.is_deleted
        else "edited"
        if len(shown.texts) > 1
        else "silent"
        if shown.silent
        else "rings"
    )
    lines = [f"┌ {shown.id}, {state}", *(f"│ {line}" for line in shown.text.splitlines())]
    if shown.buttons:
        lines.append(
            "│ " + "  ".join(f"[{n} {label}]" for n, (label, _) in enumerate(shown.buttons, start=1))
        )
    return "\n".join((*lines, "└"))


def _newest_card(api: FakeTelegram) -> Shown | None:
    return next(
        (each for each in reversed(api.messages.values()) if each.buttons and not each.is_deleted), None
    )


def _typed() -> asyncio.Queue[str | None]:
    """Lines from the standard input, None at its end; read in a thread that nobody has to wait for."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)
        except RuntimeError:
            return  # the loop ended first

    threading.Thread(target=read, name="typed", daemon=True).start()
    return lines
