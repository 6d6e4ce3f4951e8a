"""A person plays the phone: messages are printed, what is typed is sent, a number presses a button."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from engine.notify.telegram.fake import FakeTelegram, Shown

HELP: Final = """\
A Telegram of your own listens on {url}. Give an engine this, in another terminal:

  export TELEGRAM_BOT_TOKEN={token}
  export RATCHET_TELEGRAM__URL={url} RATCHET_TELEGRAM__USER={user} RATCHET_TELEGRAM__CHAT={user}
  ratchet engine …            (or: ratchet telegram test)

Type as on the phone: /help. A number presses that button of the newest card; 105.2 the second button of
message 105; 105.2! presses it twice. What should not work: "666: /kill" is typed by a stranger, "666: 1"
pressed by one, "-120 /resume" was typed two minutes ago and comes only now.
The end of the input (Ctrl-D) ends it.
"""


async def play(*, user: int, port: int, say: Callable[[str], None] = print) -> None:
    """Until the input ends. Raises OSError when the port is taken."""

    def show(shown: Shown) -> None:
        say(drawn(shown))

    async with FakeTelegram(
        port=port, on_change=show, on_popup=lambda text: say(f"  ({text or 'pressed'})")
    ) as api:
        say(HELP.format(url=api.url, token=api.token, user=user))
        lines = _typed()
        while (line := await lines.get()) is not None:
            if problem := obey(api, line.strip(), user):
                say(problem)


def obey(api: FakeTelegram, line: str, user: int) -> str:
    """Send a line, or press the button that it names; what is wrong with it, or nothing. `user` is the
    trader; a stranger writes into the trader's chat.
    """
    said = re.fullmatch(r"(?:(?P<who>\d+):\s*)?(?:-(?P<late>\d+)\s+)?(?P<text>.*)", line)
    if said is None or not said["text"]:
        return ""
    who = int(said["who"] or user)
    pressed = re.fullmatch(r"(?:(?P<card>\d+)\.)?(?P<number>\d)(?P<twice>!?)", said["text"])
    if pressed is None:
        api.type(said["text"], user=who, chat=user, at=time.time() - int(said["late"] or 0))
        return ""
    shown = api.messages.get(int(pressed["card"])) if pressed["card"] else _newest_card(api)
    number = int(pressed["number"])
    if shown is None or not 1 <= number <= len(shown.buttons):
        return "There is no such button."
    label, data = shown.buttons[number - 1]
    for _ in range(2 if pressed["twice"] else 1):
        api.press(shown, label, user=who, data=data)
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
