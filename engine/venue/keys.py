"""The API key of an account, which no text shows."""

from __future__ import annotations

import base64
import hashlib

import msgspec


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
