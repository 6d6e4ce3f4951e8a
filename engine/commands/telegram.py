"""`ratchet telegram setup | test | fake`."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from importlib.util import find_spec
from typing import Final

from engine.commands.speech import DONE, complain, wrong
from engine.config.paths import find_paths, prepare_folders

CODE_S: Final = 300.0
KEYRING: Final = ("ratchet", "telegram")


def run(arguments: argparse.Namespace) -> int:
    if find_spec("telegram") is None and arguments.what != "fake":
        return wrong("python-telegram-bot is not installed: install ratchet-desk[telegram]")
    match arguments.what:
        case "setup":
            return _set_up(arguments)
        case "test":
            return _test(arguments)
        case _:
            return _fake(arguments)


def _set_up(arguments: argparse.Namespace) -> int:
    """Raises ConfigRefused, which is told and becomes exit code 2."""
    from engine.config.edit import change
    from engine.config.reading import default_file, read_options
    from engine.config.references import find_token
    from engine.notify.telegram.contact import TELEGRAM_URL, Contact
    from engine.notify.telegram.setting_up import SetUpRefused, introduce, try_out

    paths = find_paths(arguments.home)
    options, _ = read_options(default_file(paths), {})
    found = find_token(options.telegram.token)
    url = options.telegram.url or TELEGRAM_URL
    token = found.value or _ask_token()
    if not token:
        return wrong(
            f"no token: looked in {', '.join(found.looked)}, and none was typed. @BotFather makes one"
        )
    try:
        who = asyncio.run(introduce(token, url, within_s=CODE_S, say=print))
        prepare_folders(paths)
        change(paths.config, "telegram", {"user": who.user, "chat": who.chat})
        print(f"{who.name}: user {who.user}, chat {who.chat}; written to {paths.config}")
        asyncio.run(try_out(Contact(token, who.user, who.chat, url)))
    except SetUpRefused as refused:
        return wrong(str(refused))
    print("A test message is on your phone. The engine uses the bot from its next start on.")
    if not found.value:
        _keep(token)
    return DONE


def _ask_token() -> str:
    """Typed without showing it; piped in by a script."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return getpass.getpass("The bot's token, from @BotFather (it is not shown): ").strip()


def _keep(token: str) -> None:
    """Where the engine will find the token: the keyring when there is one, never the configuration."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        pass
    else:
        try:
            keyring.set_password(*KEYRING, token)
        except KeyringError:
            complain("the keyring does not take the token")
        else:
            print("The token is in the keyring.")
            return
    print(
        "The token itself was kept nowhere. Give it to the engine as TELEGRAM_BOT_TOKEN, or under systemd as "
        "the credential telegram_bot_token (LoadCredentialEncrypted=)."
    )


def _test(arguments: argparse.Namespace) -> int:
    """One message to the phone, one to every other alert. Raises ConfigRefused."""
    from engine.config.reading import default_file, read_options, telling_of
    from engine.notify.telegram.contact import TELEGRAM_URL, Contact
    from engine.notify.telegram.setting_up import SetUpRefused, try_out

    options, _ = read_options(default_file(find_paths(arguments.home)), {})
    telling = telling_of(options)
    phone = telling.phone
    if phone is None and not telling.alerts:
        return wrong("nothing is set up: `ratchet telegram setup` does it")
    if phone is not None:
        if not phone.token:
            return wrong(f"there is no bot token; {phone.looked}")
        try:
            name = asyncio.run(
                try_out(Contact(phone.token, phone.user, phone.chat, phone.url or TELEGRAM_URL))
            )
        except SetUpRefused as refused:
            return wrong(str(refused))
        print(f"@{name} wrote to chat {phone.chat}; only user {phone.user} may command it")
    return _test_alerts(telling.alerts) if telling.alerts else DONE


def _test_alerts(addresses: tuple[str, ...]) -> int:
    try:
        from engine.notify.alerts import AlertsRefused, try_out
    except ImportError:
        return wrong("apprise is not installed: install ratchet-desk[notify]")
    try:
        arrived = try_out(addresses)
    except AlertsRefused as refused:
        return wrong(str(refused))
    if not arrived:
        return wrong("at least one of notify.urls did not take its alert")
    print(f"{len(addresses)} other alert{'s' if len(addresses) > 1 else ''} took theirs")
    return DONE


def _fake(arguments: argparse.Namespace) -> int:
    from engine.notify.telegram.fake_console import play

    try:
        asyncio.run(play(user=arguments.user, port=arguments.port, say=_say))
    except OSError as error:
        return wrong(f"port {arguments.port} cannot be used ({os.strerror(error.errno or 0)}): try --port 0")
    return DONE


def _say(text: str) -> None:
    print(text, flush=True)
