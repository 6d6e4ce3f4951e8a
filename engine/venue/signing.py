"""A request, signed: base64(HMAC-SHA256(secret, time stamp + method + target + body)) (WIRE §1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from engine.venue.keys import Keys

USUAL: Final = {"User-Agent": "ratchet", "Accept-Encoding": "gzip, deflate"}


class Signed(NamedTuple):
    """What goes over the wire: `target` is the path with its query, as it is signed. Its repr shows no
    secret.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None

    def __repr__(self) -> str:
        return f"<Signed {self.method} {self.target}>"


class Signer:
    """Signs for one account; `demo` marks every request as for demo trading. Its repr shows no secret."""

    def __init__(self, keys: Keys, *, demo: bool) -> None:
        self._keyed = hmac.new(keys.secret.encode(), digestmod=hashlib.sha256)
        usual = USUAL | ({"PAPTRADING": "1"} if demo else {})
        self._public = usual
        self._private = usual | {"ACCESS-KEY": keys.key, "ACCESS-PASSPHRASE": keys.passphrase}

    def __repr__(self) -> str:
        return "Signer(…)"

    def public(self, path: str, params: dict[str, str]) -> Signed:
        """A read that needs no key."""
        return Signed("GET", _target(path, params), self._public, None)

    def get(self, path: str, params: dict[str, str], stamp: str) -> Signed:
        """A signed read; `stamp` is the exchange's time in milliseconds."""
        target = _target(path, params)
        return Signed("GET", target, self._headers(stamp, "GET", target, b""), None)

    def post(self, path: str, body: dict[str, Any], stamp: str) -> Signed:
        """A signed request that changes something."""
        target, text = f"/api/{path}", msgspec.json.encode(body)
        headers = self._headers(stamp, "POST", target, text)
        headers["Content-Type"] = "application/json"
        return Signed("POST", target, headers, text)

    def _headers(self, stamp: str, method: str, target: str, body: bytes) -> dict[str, str]:
        keyed = self._keyed.copy()
        keyed.update(f"{stamp}{method}{target}".encode() + body)
        signature = base64.b64encode(keyed.digest()).decode()
        return self._private | {"ACCESS-TIMESTAMP": stamp, "ACCESS-SIGN": signature}


def _target(path: str, params: dict[str, str]) -> str:
    query = urlencode(sorted(params.items()))
    return f"/api/{path}?{query}" if query else f"/api/{path}"
