"""From files, variables and options on the command line to the values that the engine starts with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from engine.config import written
from engine.config.doors import rest_terms, webhook_terms
from engine.config.layers import Layers, Name, read_layers
from engine.config.loaded import Effective, Loaded, PhoneWish, Source, Telling
from engine.config.options import Options
from engine.config.paths import Paths
from engine.config.references import PLACES, Found, find, find_addresses, find_keys, find_token
from engine.config.refused import ConfigRefused
from engine.config.sentences import sentences
from engine.config.toml import toml


def load_engine(paths: Paths, *, bitget_url: str | None, demo: bool | None, read_only: bool | None) -> Loaded:
    """Options, then keys. Raises ConfigRefused."""
    given: dict[str, dict[str, Any]] = {
        "bitget": {name: value for name, value in (("url", bitget_url), ("demo", demo)) if value is not None},
        "engine": {} if read_only is None else {"read_only": read_only},
    }
    options, layers = read_options(default_file(paths), given)
    keys, telling, rest, webhook = _all_of(
        lambda: find_keys({part: getattr(options.bitget, part) for part in PLACES}),
        lambda: telling_of(options),
        lambda: rest_terms(options),
        lambda: webhook_terms(options),
    )
    return Loaded(
        settings=options.settings(),
        keys=keys,
        paths=paths,
        bitget_url=options.bitget.url,
        demo=options.bitget.demo,
        read_only=options.engine.read_only,
        telling=telling,
        heartbeat_url=options.watch.heartbeat_url,
        rest=rest,
        webhook=webhook,
        effective=tuple(effective(options, layers)),
    )


def faults_of(options: Options) -> tuple[str, ...]:
    """A sentence for everything that would keep an engine from starting with these options, but for the keys:
    they may belong to another user, or to systemd.
    """
    try:
        _all_of(lambda: telling_of(options), lambda: rest_terms(options), lambda: webhook_terms(options))
    except ConfigRefused as refused:
        return refused.sentences
    return ()


def _all_of(*steps: Callable[[], Any]) -> list[Any]:
    """What each step gives. Raises ConfigRefused with the faults of all of them, not of the first."""
    found: list[Any] = []
    faults: list[str] = []
    for step in steps:
        try:
            found.append(step())
        except ConfigRefused as refused:
            faults += refused.sentences
    if faults:
        raise ConfigRefused(*faults)
    return found


def telling_of(options: Options) -> Telling:
    """A bot token that is missing is no reason not to trade: the phone is down then, and says why."""
    telegram = options.telegram
    phone = None
    if bool(telegram.user) != bool(telegram.chat):
        missing = "chat" if telegram.user else "user"
        raise ConfigRefused(
            f"telegram.{missing} is missing: the bot obeys one user in one chat, and without both there is "
            "none; `ratchet telegram setup` writes them"
        )
    if telegram.user and telegram.chat:
        found = find_token(telegram.token)
        night = written.night(telegram.night) if telegram.night else None
        looked = f"looked in {', '.join(found.looked)}"
        phone = PhoneWish(found.value, telegram.user, telegram.chat, telegram.url, night, looked)
    return Telling(phone, find_addresses(options.notify.urls))


def default_file(paths: Paths) -> Path | None:
    """The configuration of these paths, when there is one; without it the defaults hold."""
    try:
        paths.config.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # One that cannot be looked at is there for all we know: reading it says why it cannot.
    return paths.config


def read_options(file: Path | None, given: dict[str, dict[str, Any]]) -> tuple[Options, Layers]:
    """The checked options and where they come from. Raises ConfigRefused with a sentence for every error."""
    layers = read_layers(file, given)
    try:
        return Options(**layers.merged()), layers
    except ValidationError as error:
        raise ConfigRefused(*sentences(error, layers)) from None


def effective(options: Options, layers: Layers) -> Iterator[Effective]:
    """Every option as it holds, with its source; of keys only the place where they are found."""
    for name, value in _leaves(options, ()):
        winner = layers.winner(name)
        source = winner.source if winner else Source.DEFAULT
        where = winner.where(name) if winner else ""
        if name[0] == "bitget" and name[-1] in PLACES:
            yield Effective(".".join(name), _told(find(name[-1], str(value))), source, where)
        elif name == ("telegram", "token"):
            yield Effective(".".join(name), _told(find_token(str(value))), source, where)
        else:
            yield Effective(".".join(name), toml(value), source, where)


def _told(found: Found) -> str:
    return (
        f"found in {found.place}" if found.place else f"not found here: looked in {', '.join(found.looked)}"
    )


def _leaves(model: BaseModel, name: Name) -> Iterator[tuple[Name, Any]]:
    for field in type(model).model_fields:
        value = getattr(model, field)
        if isinstance(value, BaseModel):
            yield from _leaves(value, (*name, field))
        else:
            yield (*name, field), value
