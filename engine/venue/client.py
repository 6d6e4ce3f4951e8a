"""ccxt.pro's Bitget client as Ratchet uses it: connections, login, sockets; it guesses nothing."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from typing import Any, Final

import aiohttp
from yarl import URL

from engine.venue.keys import Keys
from engine.venue.only_bitget import ccxt
from engine.venue.signing import Signed

BEHIND: Final = 2_000
"""Websocket frames ccxt keeps in its own caches; Ratchet's frames never get there."""

NO_LIMIT: Final = aiohttp.ClientTimeout(total=None)


class Client(ccxt.pro.bitget):  # type: ignore[misc]
    """ccxt's client with three changes: every frame passes a reader, the login takes the exchange's clock,
    and an answer comes back as it is, not as one of ccxt's exceptions.

    `listen(url)` gives the reader of a socket: it says whether it took the text; what it leaves goes to ccxt.
    """

    listen: Callable[[str], Callable[[str], bool]] | None = None
    base: str

    async def ask(self, signed: Signed) -> tuple[int, bytes]:
        """One request over ccxt's session: the status and the body, which no one has judged yet.

        Raises aiohttp.ClientError, OSError, and ccxt's ExchangeClosedByUser. It has no time limit of its own.
        """
        self.open(True)
        method, target, headers, body = signed
        url = URL(self.base + target, encoded=True)
        async with self.session.request(method, url, data=body, headers=headers, timeout=NO_LIMIT) as told:
            return told.status, await told.read()

    def secure(self) -> ssl.SSLContext:
        """What ccxt trusts: its own list of certificates."""
        self.open(True)
        context: ssl.SSLContext = self.ssl_context
        return context

    @property
    def is_demo(self) -> bool:
        """Whether it is for Bitget's demo trading."""
        return bool(self.options.get("sandboxMode"))

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
    client.base = client.implode_hostname(client.urls["api"]["mix"])
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
    kinds = api["demo"] if client.is_demo else api["ws"]
    return kinds["public"], kinds["private"]


def _mute() -> logging.Logger:
    """A logger outside the tree: ccxt logs signed headers at DEBUG, and nobody can switch this one on."""
    logger = logging.Logger("ratchet.venue.ccxt", level=logging.CRITICAL + 1)
    logger.propagate = False
    return logger
