"""`ratchet webhook test`: one alert, sent as TradingView sends it."""

from __future__ import annotations

import argparse
import http.client
import ipaddress
import json
import secrets
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from engine.commands.speech import DONE, NO_ENGINE, complain, refused, wrong
from engine.config.doors import webhook_terms
from engine.config.network import RestPart
from engine.config.options import Options
from engine.config.paths import find_paths
from engine.config.reading import default_file, read_options

PATH: Final = "/api/webhook"
WITHIN_S: Final = 5.0
MEANS_NOTHING: Final = ("buy", "short")


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigRefused, which is told and becomes exit code 2."""
    if bool(arguments.action) != bool(arguments.sentiment):
        return wrong("--action and --sentiment go together; leave out both for an alert that trades nothing")
    paths = find_paths(arguments.home)
    options, _ = read_options(default_file(paths), {})
    terms = webhook_terms(options)
    if terms is None:
        return wrong(f"webhook.on is false: turn it on in {paths.config} and start the engine again")
    url = arguments.url or _here(options.rest)
    try:
        status, text = _send(url, options, json.dumps(_alert(arguments, terms.token)).encode())
    except (OSError, http.client.HTTPException, ValueError) as error:
        complain(f"nobody takes alerts at {url} ({error}): is the engine running with this configuration?")
        return NO_ENGINE
    return _told(status, text, is_real=bool(arguments.action))


def _alert(arguments: argparse.Namespace, token: str) -> dict[str, str]:
    action, sentiment = (arguments.action, arguments.sentiment) if arguments.action else MEANS_NOTHING
    alert = {
        "action": action,
        "sentiment": sentiment,
        "ticker": arguments.ticker,
        "token": token,
        "id": f"test-{secrets.token_hex(6)}",
        "timenow": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    optional = {"price": arguments.price, "stop_loss_price": arguments.stop}
    return alert | {name: value for name, value in optional.items() if value is not None}


def _here(listens: RestPart) -> str:
    """The address of this machine's own engine; one that listens everywhere is asked at home."""
    address = ipaddress.ip_address(listens.bind)
    if address.is_unspecified:
        address = ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1")
    host = f"[{address}]" if address.version == 6 else str(address)
    return f"{'https' if listens.certificate else 'http'}://{host}:{listens.port}{PATH}"


def _send(url: str, options: Options, body: bytes) -> tuple[int, str]:
    """Raises OSError, HTTPException, ValueError when there is no answer to read."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an http:// or https:// address")
    if parts.scheme == "http" and parts.hostname not in {options.rest.bind, "localhost", "127.0.0.1", "::1"}:
        raise ValueError("the token would travel readable: use https://")
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=WITHIN_S, context=_trust(options)
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=WITHIN_S)
    try:
        connection.request("POST", parts.path or PATH, body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        told = json.loads(reply.read())
    finally:
        connection.close()
    return reply.status, str(told["text"] if isinstance(told, dict) and "text" in told else told)


def _trust(options: Options) -> ssl.SSLContext:
    """The usual authorities, and the engine's own certificate, whatever name it is asked under."""
    context = ssl.create_default_context()
    if options.rest.certificate:
        context.load_verify_locations(Path(options.rest.certificate).expanduser())
        context.check_hostname = False
    return context


def _told(status: int, text: str, *, is_real: bool) -> int:
    if not is_real and status == 422 and text.startswith(" with ".join(MEANS_NOTHING)):
        print(
            "The webhook works: the alert arrived, its token is right, and as it means nothing, nothing "
            "was done."
        )
        return DONE
    if status in {200, 202}:
        print(text)
        return DONE
    return refused(f"{text} ({status})")
