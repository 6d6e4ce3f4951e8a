"""Who may come in, and how far: a bearer token opens one scope and all that it includes."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import IntEnum
from hashlib import sha256

from engine.protocol import AnyCommand, Flatten, Halt


class Scope(IntEnum):
    """What a token opens. A higher scope includes the lower ones."""

    READ = 1
    KILL = 2
    TRADE = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Tokens:
    """The tokens that open something. Compared by their digests, all of them every time, so that the time
    of an answer tells nothing. Its repr shows no token.
    """

    def __init__(self, secrets: Mapping[Scope, str]) -> None:
        self._digests = {scope: _digest(secret) for scope, secret in secrets.items() if secret}

    def __repr__(self) -> str:
        return f"<Tokens for {', '.join(scope.word for scope in self._digests) or 'nobody'}>"

    def scope(self, authorization: str) -> Scope | None:
        """What an `Authorization: Bearer TOKEN` header opens; None when it opens nothing."""
        kind, _, secret = authorization.strip().partition(" ")
        given, found = _digest(secret.strip()), None
        for scope, digest in self._digests.items():
            if hmac.compare_digest(digest, given):
                found = scope
        return found if kind.lower() == "bearer" else None


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()


def needed(command: AnyCommand) -> Scope:
    """Halting and flattening need the kill scope; everything else the trade scope."""
    return Scope.KILL if isinstance(command, Halt | Flatten) else Scope.TRADE
