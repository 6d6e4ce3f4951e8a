"""Every option there is: name, meaning, unit, bounds and default, once. The example, the checks and the
sentences are made from it.

Defaults are those of `engine.core.settings`, read from there, so that the two cannot differ.
"""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.config import written
from engine.config.network import RestPart, WebhookPart
from engine.config.part import Number, Part, Reference, Switch, Whole, option
from engine.core.settings import (
    Add,
    Adoption,
    Bank,
    Basis,
    Ladder,
    Limits,
    Managed,
    Rungs,
    Sequence,
    Settings,
    StopMode,
)

LADDER: Final = Ladder()
LIMITS: Final = Limits()
MANAGED: Final = {each.symbol: int(each.leverage) for each in Settings(account="").managed}


def _symbols(written_ones: dict[str, int]) -> dict[str, int]:
    plain = {written.symbol(name): leverage for name, leverage in written_ones.items()}
    if not plain:
        raise ValueError("names no symbol: write at least one, like BTCUSDT = 20")
    if len(plain) < len(written_ones):
        raise ValueError("names a symbol twice, in two spellings: keep one")
    return plain


def _spans(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        written.windows(text)
    return texts


def _address(url: str) -> str:
    """Empty, https, or http to this very machine: the key and the passphrase travel with every request."""
    if not url:
        return url
    with suppress(ValueError):  # urlsplit's, for brackets that do not close and ports that none can be
        parts = urlsplit(url)
        port = parts.port
        safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        if parts.hostname and port != 0 and safe:
            return url
    raise ValueError("must be an https:// address, or an http:// one on this machine; a port is 1 to 65535")


def _night(text: str) -> str:
    if text:
        written.night(text)
    return text


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class BitgetPart(Part):
    """Where the engine trades, and where its keys are found. Keys are only ever named here, never written."""

    url: Annotated[str, AfterValidator(_address)] = option(
        "", "", "Another Bitget to talk to, such as a simulated one on this machine. Empty: Bitget itself."
    )
    demo: Switch = option(False, "", "Use Bitget's own demo trading, with a key made for demo trading.")
    key: Reference = option(
        "",
        "",
        "Where the API key is. Empty: BITGET_API_KEY, then the credential bitget_api_key, then the keyring.",
    )
    secret: Reference = option(
        "",
        "",
        "Where its secret is. Empty: BITGET_API_SECRET, then the credential bitget_api_secret, then the "
        "keyring.",
    )
    passphrase: Reference = option(
        "",
        "",
        "Where its passphrase is. Empty: BITGET_API_PASSPHRASE, then the credential "
        "bitget_api_passphrase, then the keyring.",
    )


class EnginePart(Part):
    """How the engine runs."""

    read_only: Switch = option(False, "", "Watch and show, and never send an order.")


class LadderPart(Part):
    """The ladder: when a rung comes, what it banks and adds, where the stops lie."""

    basis: Basis = option(LADDER.basis, "", "From where the next trigger is measured.")
    roe: Annotated[Number, Gt(0), Le(10)] = option(
        LADDER.roe, "fraction of the leg's margin", "The return at which the front leg reaches its rung."
    )
    net: Switch = option(LADDER.net, "", "Count the leg's fees and funding before the return is reached.")
    sequence: Sequence = option(LADDER.sequence, "", "The order of a rung's steps.")
    bank: Bank = option(LADDER.bank, "", "Which legs a rung takes profit from.")
    bank_fraction: Annotated[Number, Gt(0), Lt(1)] = option(
        LADDER.bank_fraction, "fraction of the leg", "How much of it a rung closes."
    )
    add: Add = option(
        LADDER.add,
        "",
        "What sizes the new leg: the margin of the cycle's first leg, or a part of the equity.",
    )
    add_fraction: Annotated[Number, Gt(0), Le(1)] = option(
        LADDER.add_fraction,
        "fraction of the equity",
        'The margin of the new leg with add = "percent_of_equity".',
    )
    stops: StopMode = option(
        LADDER.stops, "", "Where the stops lie after the first rung; one cycle can differ, by command."
    )
    hard_stop: Switch = option(
        LADDER.hard_stop,
        "",
        "Put a stop in front of the exchange's liquidation also before the first rung.",
    )
    guard: Annotated[Number, Gt(0), Le(Decimal("0.05"))] = option(
        LADDER.guard,
        "fraction of the liquidation price",
        "How far on the near side of liquidation every stop lies at least.",
    )
    rungs: Rungs = option(LADDER.rungs, "", "Whether a rung runs by itself or waits for your yes.")
    adoption: Adoption = option(
        LADDER.adoption,
        "",
        "Whether a position that appears is taken under care by itself or waits for your yes.",
    )
    approval_s: Annotated[Whole, Ge(5), Le(3600)] = option(
        LADDER.approval_s,
        "seconds",
        "How long what asks waits, be it a rung, an entry or an adoption; no answer means no.",
    )
    approval_band: Annotated[Number, Gt(0), Le(Decimal("0.05"))] = option(
        LADDER.approval_band,
        "fraction of the price",
        "How far the mark may move while a rung or an entry waits for your yes.",
    )
    max_rungs: Annotated[Whole, Ge(1), Le(100)] = option(
        LADDER.max_rungs, "rungs", "The most rungs of one cycle."
    )
    max_cycle_margin: Annotated[Number, Gt(0), Le(1)] = option(
        LADDER.max_cycle_margin, "fraction of the equity", "The most margin that one cycle may use."
    )
    free_margin_buffer: Annotated[Number, Gt(0), Le(Decimal("0.5"))] = option(
        LADDER.free_margin_buffer,
        "fraction of the new margin",
        "How much more than margin and fees must be free before a rung adds.",
    )

    @model_validator(mode="after")
    def _an_added_leg_fits(self) -> Self:
        if self.add is Add.PERCENT_OF_EQUITY and self.add_fraction > self.max_cycle_margin:
            raise ValueError(
                f"add_fraction {self.add_fraction} is more than max_cycle_margin {self.max_cycle_margin}: "
                "no rung could ever run; "
                "lower the first or raise the second"
            )
        return self

    def plain(self) -> Ladder:
        return Ladder(**{name: getattr(self, name) for name in Ladder.__struct_fields__})


class LimitsPart(Part):
    """The account's limits. Each always holds: one that is left out has its default, none can be off."""

    daily_loss: Annotated[Number, Gt(0), Lt(1)] = option(
        LIMITS.daily_loss,
        "fraction of the day's first equity, 00:00 UTC",
        "The loss of a day after which nothing adds risk until the next day.",
    )
    kill_below: Annotated[Number, Gt(0), Lt(1)] = option(
        LIMITS.kill_below,
        "fraction of the reference equity",
        "Equity under this part of the reference turns the kill switch on.",
    )
    reference_equity: Annotated[Number, Gt(0)] | None = option(
        LIMITS.reference_equity,
        "USDT",
        "The reference for kill_below. Left out: the equity at the engine's first start.",
    )
    max_cycles: Annotated[Whole, Ge(1), Le(20)] = option(
        LIMITS.max_cycles, "cycles", "The most positions under care at the same time."
    )
    price_sanity: Annotated[Number, Gt(0), Le(Decimal("0.05"))] = option(
        LIMITS.price_sanity,
        "fraction of the mark",
        "A last price further than this from the mark makes a tick unfit to act on.",
    )
    order_size: Annotated[Number, Ge(1), Le(Decimal("1.5"))] = option(
        LIMITS.order_size, "times the planned size", "An order larger than this is not sent."
    )
    tick_age_s: Annotated[Number, Gt(0), Le(60)] = option(
        LIMITS.tick_age_s, "seconds", "A tick older than this does not trigger a rung."
    )
    entry_margin: Annotated[Number, Gt(0), Le(1)] = option(
        LIMITS.entry_margin,
        "fraction of the equity",
        "An entry of yours with more margin than this is a warning, not a refusal.",
    )
    windows: Annotated[tuple[str, ...], AfterValidator(_spans)] = option(
        (),
        "spans of the week, UTC",
        'When risk may be added, such as ["Sun 22:00 - Fri 21:00"] or ["Mon-Fri 08:00-22:00"]. Empty: '
        "always.",
    )

    def plain(self) -> Limits:
        values = {name: getattr(self, name) for name in Limits.__struct_fields__}
        return Limits(
            **{**values, "windows": tuple(w for text in self.windows for w in written.windows(text))}
        )


class TelegramPart(Part):
    """The desk in your pocket: a Telegram bot that tells, asks and obeys one user in one chat. On as soon as
    both are set; `ratchet telegram setup` writes them.
    """

    token: Reference = option(
        "",
        "",
        "Where the bot's token is. Empty: TELEGRAM_BOT_TOKEN, then the credential telegram_bot_token, then "
        "the keyring.",
    )
    user: Annotated[Whole, Ge(0)] = option(
        0,
        "Telegram's user id, as `ratchet telegram setup` finds it",
        "The only user whom the bot obeys. 0: no bot.",
    )
    chat: Whole = option(0, "Telegram's chat id", "The only chat in which it does. 0: no bot.")
    url: Annotated[str, AfterValidator(_address)] = option(
        "", "", "Another Bot API, such as `ratchet telegram fake` on this machine. Empty: Telegram itself."
    )
    night: Annotated[str, AfterValidator(_night)] = option(
        "", "a span of the day, UTC", 'When only alarms make a sound, such as "22:00-07:00". Empty: never.'
    )

    @model_validator(mode="after")
    def _the_user_is_in_the_chat(self) -> Self:
        if self.user and self.chat > 0 and self.chat != self.user:
            raise ValueError(
                "has a chat of another person than its user: your own chat with the bot has your user id, a "
                "group a negative one; `ratchet telegram setup` writes both"
            )
        return self


class NotifyPart(Part):
    """Other alerts, through Apprise: Discord, ntfy, mail and the rest. Urgent and money events, and the day's
    summary.
    """

    urls: tuple[Reference, ...] = option(
        (), "", 'Where Apprise\'s addresses are, such as ["env:DISCORD_ALERTS"]; an address holds a password.'
    )


Loud = Literal["money", "warning", "urgent"]


class DeskPart(Part):
    """How the desk looks."""

    theme: str = option("", "", "The name of a theme. Empty: the one for this account, else ratchet-dark.")
    themes: dict[str, str] = option(
        {}, "", 'A theme for each account, by its name or its kind, such as live = "ratchet-contrast".'
    )
    bell: tuple[Loud, ...] = option(
        ("urgent",), "classes of the log", "What rings the terminal's bell: urgent, warning, money."
    )
    notices: tuple[Loud, ...] = option(
        (), "classes of the log", "What the terminal is asked to show as a notice of its own (OSC 9)."
    )
    ascii: Switch = option(False, "", "Draw with plain ASCII only.")
    mouse: Switch = option(True, "", "Let the mouse select and scroll.")
    keymap: str = option("default", "", 'The keys: "default" or "vim".')
    keys: dict[str, str] = option(
        {}, "", 'Your own keys by the names that F1 shows, such as halt = "ctrl+k"; they replace the keymap.'
    )


class WatchPart(Part):
    """Who hears that the engine is alive, beside systemd."""

    heartbeat_url: Annotated[str, AfterValidator(_address)] = option(
        "", "", "An address to ask every minute while all is well; its silence is the alarm. Empty: none."
    )


class Options(BaseSettings):
    """The whole configuration. `managed` maps a symbol to the leverage that the trader means to use on it."""

    model_config = SettingsConfigDict(
        env_prefix="RATCHET_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,20}$")] = option(
        "main", "letters, digits, - and _", "Your name for the account, shown on the desk."
    )
    bitget: BitgetPart = Field(default_factory=BitgetPart, description=BitgetPart.__doc__)
    engine: EnginePart = Field(default_factory=EnginePart, description=EnginePart.__doc__)
    managed: Annotated[dict[str, Annotated[Whole, Ge(1), Le(150)]], AfterValidator(_symbols)] = option(
        MANAGED, "leverage", "The symbols under care, each with the leverage that you mean to use on it."
    )
    ladder: LadderPart = Field(default_factory=LadderPart, description=LadderPart.__doc__)
    limits: LimitsPart = Field(default_factory=LimitsPart, description=LimitsPart.__doc__)
    telegram: TelegramPart = Field(default_factory=TelegramPart, description=TelegramPart.__doc__)
    notify: NotifyPart = Field(default_factory=NotifyPart, description=NotifyPart.__doc__)
    watch: WatchPart = Field(default_factory=WatchPart, description=WatchPart.__doc__)
    desk: DeskPart = Field(default_factory=DeskPart, description=DeskPart.__doc__)
    rest: RestPart = Field(default_factory=RestPart, description=RestPart.__doc__)
    webhook: WebhookPart = Field(default_factory=WebhookPart, description=WebhookPart.__doc__)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `engine.config.layers` has merged: it knows from where each value came."""
        return (init_settings,)

    def settings(self) -> Settings:
        """The part that `decide` may know."""
        return Settings(
            account=self.account,
            managed=tuple(Managed(symbol, Decimal(leverage)) for symbol, leverage in self.managed.items()),
            ladder=self.ladder.plain(),
            limits=self.limits.plain(),
        )
