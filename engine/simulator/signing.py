"""Bitget's request signature: base64(HMAC-SHA256(secret, timestamp + method + path[?query] + body))."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote

import msgspec

from engine.simulator.errors import BitgetError

WINDOW_MS: Final = 30_000
_KEY_SHAPE: Final = re.compile(r"bg_[0-9a-f]{32}")


class Key(msgspec.Struct, frozen=True):
    """An API key of one account. `can_trade` is the permission that order endpoints need (40014 without)."""

    key: str
    secret: str
    passphrase: str
    account_id: str = "1"
    can_trade: bool = True

    def __repr__(self) -> str:
        return f"Key({self.key[:6]}…, account {self.account_id})"


def new_key(account_id: str = "1") -> Key:
    """A fresh random key in the shape of Bitget's."""
    return Key(f"bg_{secrets.token_hex(16)}", secrets.token_hex(32), secrets.token_hex(8), account_id)


def sign(secret: str, text: str) -> str:
    """The signature of `text`."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def rest_headers(key: Key, timestamp_ms: int, method: str, target: str, body: str = "") -> dict[str, str]:
    """The headers that sign a request; `target` is the path with its raw query, such as `/api/v2/x?a=b`."""
    stamp = str(timestamp_ms)
    return {
        "ACCESS-KEY": key.key,
        "ACCESS-SIGN": sign(key.secret, stamp + method.upper() + target + body),
        "ACCESS-TIMESTAMP": stamp,
        "ACCESS-PASSPHRASE": key.passphrase,
    }


class Gatekeeper:
    """Knows the keys and checks what is signed with them."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._keys = {key.key: key for key in keys}

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that have keys."""
        return tuple(dict.fromkeys(key.account_id for key in self._keys.values()))

    def another(self, account_id: str) -> Key:
        """A new key of an account; its older ones stay."""
        key = new_key(account_id)
        self._keys[key.key] = key
        return key

    def admit(self, headers: Mapping[str, str], now_ms: int, method: str, target: str, body: str) -> Key:
        """The key that signed the request; BitgetError says what is wrong with it.

        Clients sign the query raw or percent-encoded; both are right.
        """
        for name, code in (
            ("ACCESS-KEY", "40001"),
            ("ACCESS-SIGN", "40002"),
            ("ACCESS-TIMESTAMP", "40003"),
            ("ACCESS-PASSPHRASE", "40011"),
        ):
            if not headers.get(name):
                raise BitgetError(code, f"{name.replace('-', '_')} cannot be empty")
        stamp = headers["ACCESS-TIMESTAMP"]
        if not stamp.isascii() or not stamp.isdigit():
            raise BitgetError("40005", "Invalid ACCESS_TIMESTAMP")
        if int(stamp) < now_ms - WINDOW_MS:
            raise BitgetError("40008", "Request timestamp expired")
        if int(stamp) > now_ms + WINDOW_MS:
            raise BitgetError("40004", "Request timestamp expired")
        key = self._known(headers["ACCESS-KEY"])
        given = headers["ACCESS-SIGN"]
        signed = (stamp + method.upper() + form + body for form in (target, unquote(target)))
        if not any(hmac.compare_digest(sign(key.secret, text).encode(), given.encode()) for text in signed):
            raise BitgetError("40009", "sign signature error")
        if not hmac.compare_digest(key.passphrase.encode(), headers["ACCESS-PASSPHRASE"].encode()):
            raise BitgetError("40012", "apikey/password is incorrect")
        return key

    def log_in(self, arg: Mapping[str, object], now_ms: int) -> Key:
        """The key of a websocket login (timestamp in seconds); BitgetError carries a code 30011…30015."""
        key = self._keys.get(str(arg.get("apiKey", "")))
        if key is None:
            raise BitgetError("30011", "Invalid ACCESS_KEY")
        if not hmac.compare_digest(key.passphrase.encode(), str(arg.get("passphrase", "")).encode()):
            raise BitgetError("30012", "Invalid ACCESS_PASSPHRASE")
        stamp = str(arg.get("timestamp", ""))
        if not stamp.isascii() or not stamp.isdigit():
            raise BitgetError("30013", "Invalid ACCESS_TIMESTAMP")
        sent_ms = int(stamp) if len(stamp) > 11 else int(stamp) * 1000
        if abs(sent_ms - now_ms) > WINDOW_MS:
            raise BitgetError("30014", "Request timestamp expired")
        if not hmac.compare_digest(
            sign(key.secret, stamp + "GET/user/verify").encode(), str(arg.get("sign", "")).encode()
        ):
            raise BitgetError("30015", "Invalid sign")
        return key

    def _known(self, name: str) -> Key:
        if name in self._keys:
            return self._keys[name]
        if _KEY_SHAPE.fullmatch(name):
            raise BitgetError("40037", "Apikey does not exist")
        raise BitgetError("40006", "Invalid ACCESS_KEY")
