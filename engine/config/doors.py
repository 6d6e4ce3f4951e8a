"""What the doors to the network open with: addresses, certificates and tokens, checked before anything
listens.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from engine.config.network import Page, RestPart
from engine.config.options import Options
from engine.config.references import Found, find_first
from engine.config.refused import ConfigRefused

SHORTEST: Final = 16
"""Characters of a token. Shorter ones can be guessed."""
VARIED: Final = 5
"""Different ones among them."""

SCOPES: Final = ("read", "kill", "trade")
WEBHOOK_PLACES: Final = (
    "env:WEBHOOK_EXPECTED_TOKEN",
    "credential:webhook_token",
    "keyring:ratchet/webhook_token",
)


@dataclass(frozen=True, slots=True, repr=False)
class RestTerms:
    """Where to listen and who may come in. `tokens` maps a scope (`read`, `kill`, `trade`) to its secret;
    without `on` only the webhook is served there. Its repr shows nothing.
    """

    on: bool
    bind: str
    port: int
    certificate: str
    certificate_key: str
    tokens: dict[str, str]
    open_page: bool
    requests_per_minute: int
    warning: str = ""

    def __repr__(self) -> str:
        return f"RestTerms({self.bind}:{self.port})"

    def secure(self) -> ssl.SSLContext | None:
        """What TLS is made with; None without a certificate. Raises ConfigRefused."""
        if not self.certificate and not self.certificate_key:
            return None
        if not self.certificate or not self.certificate_key:
            raise ConfigRefused("rest.certificate and rest.certificate_key go together: name both files")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.certificate_key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigRefused(
                f"rest.certificate and rest.certificate_key cannot be used ({type(error).__name__}): both "
                "must be PEM files that belong together and can be read"
            ) from None
        return context


@dataclass(frozen=True, slots=True, repr=False)
class WebhookTerms:
    """How alerts become orders. Fractions are decimal fractions. Its repr shows no token."""

    token: str
    ratio: Decimal
    deviation: Decimal
    wait_s: int
    tries: int
    late_s: int
    require_time: bool
    allow_flip: bool
    approve: bool
    addresses: tuple[str, ...]

    def __repr__(self) -> str:
        return "WebhookTerms(…)"


def rest_terms(options: Options) -> RestTerms | None:
    """None when nothing listens. Raises ConfigRefused."""
    part = options.rest
    if not part.on and not options.webhook.on:
        return None
    found = {scope: reference for scope in SCOPES if (reference := getattr(part, f"{scope}_token"))}
    tokens = {scope: find_first((reference,)) for scope, reference in found.items()} if part.on else {}
    if wrong := [*_exposed(part), *_unfit(tokens), *_nobody(part, tokens)]:
        raise ConfigRefused(*wrong)
    is_readable = not part.certificate and not ipaddress.ip_address(part.bind).is_loopback
    terms = RestTerms(
        on=part.on,
        bind=part.bind,
        port=part.port,
        certificate=_file(part.certificate),
        certificate_key=_file(part.certificate_key),
        tokens={scope: each.value for scope, each in tokens.items()},
        open_page=part.page is Page.OPEN,
        requests_per_minute=part.requests_per_minute,
        warning=f"{part.bind}:{part.port} is open to the network without TLS: tokens travel readable. Set "
        "rest.certificate, or bind to 127.0.0.1 behind a proxy that has one"
        if is_readable
        else "",
    )
    terms.secure()
    return terms


def webhook_terms(options: Options) -> WebhookTerms | None:
    """None when no alert is taken. Raises ConfigRefused."""
    part = options.webhook
    if not part.on:
        return None
    found = find_first((part.token,) if part.token else WEBHOOK_PLACES)
    if fault := token_fault("webhook.token", found) or _shared(options.rest, found):
        raise ConfigRefused(fault)
    return WebhookTerms(
        token=found.value,
        ratio=part.ratio,
        deviation=part.deviation,
        wait_s=part.wait_s,
        tries=part.tries,
        late_s=part.late_s,
        require_time=part.require_time,
        allow_flip=part.allow_flip,
        approve=part.approve,
        addresses=part.addresses,
    )


def token_fault(name: str, found: Found) -> str:
    """What is wrong with a token, without a character of it; empty when it may be used."""
    if not found.value:
        return f"{name} is missing: looked in {', '.join(found.looked)}; put a long random text there"
    lacks = (
        f"{SHORTEST} characters"
        if len(found.value) < SHORTEST
        else f"{VARIED} different characters"
        if len(set(found.value)) < VARIED
        else ""
    )
    if lacks:
        return (
            f"{name} (from {found.place}) is too easy to guess: it needs at least {lacks}, "
            "such as `openssl rand -hex 24` prints"
        )
    if not found.value.isascii() or not found.value.isprintable() or " " in found.value:
        return f"{name} (from {found.place}) may hold printable ASCII characters without spaces only"
    return ""


def _unfit(tokens: dict[str, Found]) -> Iterator[str]:
    for scope, found in tokens.items():
        if fault := token_fault(f"rest.{scope}_token", found):
            yield fault
    values = [found.value for found in tokens.values() if found.value]
    if len(set(values)) < len(values):
        yield "two of rest's tokens are the same: each scope needs its own, or what may be done is not clear"


def _shared(rest: RestPart, webhook: Found) -> str:
    """What is wrong with an alert's token that opens another door, too; empty when it opens none."""
    for scope in SCOPES if rest.on else ():
        reference = getattr(rest, f"{scope}_token")
        if reference and find_first((reference,)).value == webhook.value:
            return (
                f"webhook.token is rest.{scope}_token, too: whoever sees an alert could use it there; give "
                "the webhook one of its own"
            )
    return ""


def _nobody(part: RestPart, tokens: dict[str, Found]) -> Iterator[str]:
    if part.on and not tokens and part.page is not Page.OPEN:
        yield (
            "rest.on lets nobody in: name at least one of rest.read_token, rest.kill_token and "
            "rest.trade_token"
        )


def _exposed(part: RestPart) -> Iterator[str]:
    if ipaddress.ip_address(part.bind).is_loopback:
        return
    if not part.open_to_network:
        yield (
            f"rest.bind {part.bind} is not this machine alone: set rest.open_to_network = true when you mean "
            "it, and a certificate; or bind to 127.0.0.1"
        )
    if part.page is Page.OPEN:
        yield 'rest.page = "open" shows the account to everybody on the network: it needs bind = "127.0.0.1"'


def _file(told: str) -> str:
    return str(Path(told).expanduser().absolute()) if told else ""
