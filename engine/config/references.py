"""Where secrets are found: the environment, systemd credentials, the keyring. The configuration only names
them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from engine.config.refused import ConfigRefused

REFERENCE: Final = re.compile(r"env:\w+|credential:[\w.@-]+|keyring:[^/\s]+/\S+")

PLACES: Final[dict[str, tuple[str, ...]]] = {
    "key": ("BITGET_API_KEY", "BITGETACCESSAPIKEY"),
    "secret": ("BITGET_API_SECRET", "BITGET_SECRET_KEY", "BITGETSECRETKEY"),
    "passphrase": ("BITGET_API_PASSPHRASE", "BITGET_PASSPHRASE", "BITGETPASSPHRASE"),
}
"""The three parts of a key and the variables that may hold each, the first one canonical."""

BOT_TOKEN: Final = ("env:TELEGRAM_BOT_TOKEN", "credential:telegram_bot_token", "keyring:ratchet/telegram")
"""Where a Telegram bot's token usually is."""


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """The three parts of a Bitget API key. Its repr shows nothing, so that no log or traceback can."""

    key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "Keys(…)"


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """A secret and the name of the place where it was found; `looked` is every place that was tried, when it
    was not.
    """

    value: str
    place: str
    looked: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Found(place={self.place!r}, looked={self.looked!r})"


def find(part: str, reference: str) -> Found:
    """Look for `key`, `secret` or `passphrase`: at its reference only, or in all the usual places when that
    is empty.
    """
    return find_first((reference,) if reference else _usual(part))


def find_first(references: tuple[str, ...]) -> Found:
    """The first of these places that holds something."""
    for each in references:
        if value := _read(each):
            return Found(value, each)
    return Found("", "", references)


def find_token(reference: str) -> Found:
    """Look for the Telegram bot's token: at its reference only, or in the usual places when that is empty."""
    return find_first((reference,) if reference else BOT_TOKEN)


def find_addresses(references: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses of other alerts. Raises ConfigRefused that names the reference behind which there is
    none.
    """
    found = [(each, _read(each)) for each in references]
    if missing := [each for each, value in found if not value]:
        raise ConfigRefused(
            *(f"notify.urls: nothing is at {each}; put the address there, or remove it" for each in missing)
        )
    return tuple(value for _, value in found)


def find_keys(references: dict[str, str]) -> Keys:
    """All three parts. Raises ConfigRefused that names what was looked for."""
    found = {part: find(part, references[part]) for part in PLACES}
    if missing := [_missing(part, each) for part, each in found.items() if not each.value]:
        raise ConfigRefused(*missing)
    if garbled := [_garbled(part, each) for part, each in found.items() if not each.value.isprintable()]:
        raise ConfigRefused(*garbled)
    return Keys(**{part: each.value for part, each in found.items()})


def _missing(part: str, found: Found) -> str:
    if len(found.looked) > 1:
        advice = f"export {PLACES[part][0]}, or name another place as bitget.{part} in the configuration"
    elif found.looked[0].startswith("keyring:") and find_spec("keyring") is None:
        advice = "the package keyring is not installed; install ratchet-desk[keyring]"
    else:
        advice = "put it there, or correct the reference"
    return f"bitget.{part} is missing: looked in {', '.join(found.looked)}; {advice}"


def _garbled(part: str, found: Found) -> str:
    return (
        f"bitget.{part}, found in {found.place}, holds a line break or another character that cannot be "
        "sent: copy it there again"
    )


def _usual(part: str) -> tuple[str, ...]:
    environment = tuple(f"env:{name}" for name in PLACES[part])
    return (*environment, f"credential:bitget_api_{part}", f"keyring:ratchet/{part}")


def _read(reference: str) -> str:
    kind, _, name = reference.partition(":")
    match kind:
        case "env":
            return os.environ.get(name, "").strip()
        case "credential":
            return _credential(name)
        case _:
            return _keyring(name)


def _credential(name: str) -> str:
    """A file that systemd (`LoadCredential=`) made for this unit alone."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder or name in {".", ".."}:
        return ""
    try:
        return (Path(folder) / name).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRefused(
            f"the credential {name} is there but cannot be read ({type(error).__name__}): check its owner,"
            " its mode and that it is text"
        ) from None


def _keyring(name: str) -> str:
    """The desktop's keyring, where the optional package `keyring` is installed."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    service, _, user = name.partition("/")
    try:
        return keyring.get_password(service, user) or ""
    except KeyringError:
        return ""
