"""ccxt.pro's Bitget client as Ratchet uses it: connections, signing, login, errors; it guesses nothing."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable
from typing import Any, Final

import aiohttp
import ccxt.pro
import msgspec
from yarl import URL

BEHIND: Final = 2_000
"""Websocket frames ccxt keeps in its own caches; Ratchet's frames never get there."""

NO_LIMIT: Final = aiohttp.ClientTimeout(total=None)
USUAL: Final = {"User-Agent": "ratchet", "Accept-Encoding": "gzip, deflate"}


class Keys(msgspec.Struct, frozen=True):
    """The API key of the account. Its repr shows nothing."""

    key: str
    secret: str
    passphrase: str

    def __repr__(self) -> str:
        return "Keys(…)"

    @property
    def account(self) -> str:
        """Eight characters that stand for the key: they name the account and cannot be turned back."""
        digest = hashlib.sha256(b"ratchet account:" + self.key.encode()).digest()
        return base64.b32encode(digest)[:8].decode().lower()

    def redacted(self, text: str) -> str:
        """`text` without any of the three."""
        for secret in (self.key, self.secret, self.passphrase):
            if secret:
                text = text.replace(secret, "…")
        return text


class Client(ccxt.pro.bitget):  # type: ignore[misc]
    """ccxt's client with three changes: every frame passes a reader, the login takes the exchange's clock,
    and an answer comes back as it is, not as one of ccxt's exceptions.

    `listen(url)` gives the reader of a socket: it says whether it took the text; what it leaves goes to ccxt.
    """

    listen: Callable[[str], Callable[[str], bool]] | None = None

    async def ask(self, method: str, signed: dict[str, Any]) -> tuple[int, bytes]:
        """Send what `sign` made, over ccxt's session: the status and the body, which no one has judged yet.

        Raises aiohttp.ClientError, OSError, and ccxt's ExchangeClosedByUser. It has no time limit of its own.
        """
        self.open(True)
        url = URL(signed["url"], encoded=True)
        headers = {**USUAL, **(signed["headers"] or {})}
        body = (signed["body"] or "").encode()
        async with self.session.request(
            method, url, data=body or None, headers=headers, timeout=NO_LIMIT
        ) as told:
            return told.status, await told.read()

    def client(self, url: str) -> Any:
        """ccxt's socket for `url`; a new one has its text frames routed through `listen`."""
        fresh = url not in (self.clients or {})
        socket = super().client(url)
        if fresh and self.listen is not None:
            take, leave = self.listen(url), socket.handle_text_or_binary_message
            socket.handle_text_or_binary_message = lambda text: take(text) or leave(text)
        return socket

    def seconds(self) -> int:
        """The login's time stamp. ccxt takes the machine's clock there even when it knows better."""
        return int(self.nonce()) // 1000


def make_client(keys: Keys, *, url: str, demo: bool, timeout_s: float, ping_s: float) -> Client:
    """A client for Bitget, its demo trading, or another Bitget at `url` (`http://127.0.0.1:port`)."""
    client = Client(
        {
            "apiKey": keys.key,
            "secret": keys.secret,
            "password": keys.passphrase,
            "timeout": int(timeout_s * 1000),
            "enableRateLimit": True,
            "rateLimiterAlgorithm": "rollingWindow",
            "rollingWindowSize": 60_000,
            "logger": _mute(),
            "options": {
                "defaultType": "swap",
                "uta": False,
                "fetchMarkets": {"types": ["swap"]},
                "timeDifference": 0,
                "tradesLimit": BEHIND,
                "ordersLimit": BEHIND,
                "ws": {"keepAlive": int(ping_s * 1000), "maxPingPongMisses": 6},
            },
        }
    )
    client.has["fetchCurrencies"] = False
    client.timeout_on_exit = 0 if url else client.timeout_on_exit  # TLS needs it, loopback has none
    if url:
        client.urls["api"] = addresses(client.urls["api"], url)
    if demo:
        client.enable_demo_trading(True)
    return client


def addresses(api: dict[str, Any], url: str) -> dict[str, Any]:
    """ccxt's table of addresses with every one of them at `url`."""
    base = url.rstrip("/")
    sockets = "ws" + base.removeprefix("http")
    kinds = {
        "public": f"{sockets}/v2/ws/public",
        "private": f"{sockets}/v2/ws/private",
        "utaPublic": f"{sockets}/v3/ws/public",
        "utaPrivate": f"{sockets}/v3/ws/private",
    }
    return {**{name: base for name in api if name not in ("ws", "demo")}, "ws": kinds, "demo": kinds}


def socket_addresses(client: Client) -> tuple[str, str]:
    """The public and the private websocket that this client is for."""
    api = client.urls["api"]
    kinds = api["demo"] if client.options.get("sandboxMode") else api["ws"]
    return kinds["public"], kinds["private"]


def _mute() -> logging.Logger:
    """A logger outside the tree: ccxt logs signed headers at DEBUG, and nobody can switch this one on."""
    logger = logging.Logger("ratchet.venue.ccxt", level=logging.CRITICAL + 1)
    logger.propagate = False
    return logger
