"""What the engine starts with, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config.doors import RestTerms, WebhookTerms
    from engine.config.paths import Paths
    from engine.config.references import Keys
    from engine.core.settings import Settings


class Source(StrEnum):
    """Where an effective value comes from; a later one wins."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class Effective:
    """One option as it holds: `name` like `limits.daily_loss`, `value` as it would stand in TOML, `where` a
    line or a variable.
    """

    name: str
    value: str
    source: Source
    where: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class PhoneWish:
    """The Telegram bot's token, the one user and chat; `night` in minutes of the UTC day. `looked` is where
    the token was looked for when it is empty. Its repr shows no token.
    """

    token: str
    user: int
    chat: int
    url: str = ""
    night: tuple[int, int] | None = None
    looked: str = ""

    def __repr__(self) -> str:
        return f"PhoneWish(user={self.user}, chat={self.chat})"


@dataclass(frozen=True, slots=True, repr=False)
class Telling:
    """Who is told away from the desk. The addresses of `alerts` hold passwords: the repr shows none."""

    phone: PhoneWish | None = None
    alerts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Telling(phone={self.phone!r}, alerts={len(self.alerts)})"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The configuration of one engine. An empty `bitget_url` is Bitget itself; `demo` asks for Bitget's demo
    trading.
    """

    settings: Settings
    keys: Keys
    paths: Paths
    bitget_url: str = ""
    demo: bool = False
    read_only: bool = False
    rest: RestTerms | None = None
    webhook: WebhookTerms | None = None
    telling: Telling = Telling()
    heartbeat_url: str = ""
    effective: tuple[Effective, ...] = ()
