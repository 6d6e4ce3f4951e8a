"""The options of the doors to the network: REST, the page for phones, TradingView's webhook."""

from __future__ import annotations

import ipaddress
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from annotated_types import Ge, Gt, Le
from msgspec.structs import fields
from pydantic import AfterValidator

from engine.config.part import Number, Part, Reference, Switch, Whole, option
from engine.core.events import Enter

ENTER: Final = {field.name: field.default for field in fields(Enter)}
WEBHOOK_RATIO: Final = Decimal("0.5")


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address, such as 127.0.0.1") from None


def _ips(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_ip(text) for text in texts)


class Page(StrEnum):
    """Who may look at the page for phones."""

    TOKEN = "token"  # noqa: S105 – a word, not a secret
    OPEN = "open"


class RestPart(Part):
    """Looking and steering over HTTP. Off until you turn it on; then on this machine only."""

    on: Switch = option(False, "", "Answer HTTP on TCP: /api, /metrics and a page for phones.")
    bind: Annotated[str, AfterValidator(_ip)] = option(
        "127.0.0.1", "IP address", "The address to listen on, for the webhook too."
    )
    port: Annotated[Whole, Ge(1), Le(65535)] = option(8080, "port", "The port to listen on, for both.")
    open_to_network: Switch = option(
        False, "", "Must be true when `bind` is not this machine alone. Then use a certificate, too."
    )
    certificate: str = option(
        "", "", "File of a TLS certificate (PEM). Empty: plain HTTP, fit for this machine."
    )
    certificate_key: str = option("", "", "File of the certificate's private key (PEM).")
    read_token: Reference = option(
        "", "", 'Where the token is that may look, such as "env:DESK_READ_TOKEN"; 16 characters at least.'
    )
    kill_token: Reference = option("", "", "Where the token is that may look, halt and flatten.")
    trade_token: Reference = option("", "", "Where the token is that may do everything.")
    page: Page = option(
        Page.TOKEN,
        "",
        "Whether the page, accounts and positions ask for a token. Open works on this machine only, and "
        "never behind a proxy.",
    )
    requests_per_minute: Annotated[Whole, Ge(10), Le(60_000)] = option(
        600, "requests", "What one token, and one address, may ask in a minute."
    )


class WebhookPart(Part):
    """TradingView's alerts as entries and exits, taken where [rest] listens, whether [rest] is on or not."""

    on: Switch = option(False, "", "Take alerts at POST /api/webhook.")
    token: Reference = option(
        "",
        "",
        "Where the token is that every alert must carry; 16 characters at least. Empty: "
        "WEBHOOK_EXPECTED_TOKEN, then the credential webhook_token, then the keyring.",
    )
    ratio: Annotated[Number, Gt(0), Le(1)] = option(
        WEBHOOK_RATIO, "fraction of the free balance", "The margin of an entry. Also MAX_PURCHASE_RATIO."
    )
    deviation: Annotated[Number, Gt(0), Le(Decimal("0.1"))] = option(
        ENTER["deviation"],
        "fraction of the alert's price",
        "An entry is refused when the market is further than this from the price in the alert.",
    )
    wait_s: Annotated[Whole, Ge(1), Le(600)] = option(
        ENTER["wait_s"], "seconds", "How long a limit order works before it is priced again."
    )
    tries: Annotated[Whole, Ge(1), Le(20)] = option(
        ENTER["tries"],
        "limit orders",
        "How often in all; then an entry is cancelled, and an exit ends at market.",
    )
    late_s: Annotated[Whole, Ge(1), Le(3600)] = option(60, "seconds", "An alert older than this is refused.")
    require_time: Switch = option(
        False, "", 'Refuse alerts that do not tell their time ("time": "{{timenow}}").'
    )
    allow_flip: Switch = option(
        False, "", "An alert for the other side closes what is open, then enters. Otherwise it is refused."
    )
    approve: Switch = option(
        False,
        "",
        "Ask before an entry: it waits for your yes, on the desk and on the phone, as long and as near as "
        "ladder.approval_s and ladder.approval_band allow.",
    )
    addresses: Annotated[tuple[str, ...], AfterValidator(_ips)] = option(
        (), "IP addresses", "Who may send alerts, such as TradingView's own addresses. Empty: everybody."
    )
