"""What an answer means: accepted, refused for good, or unknown. Bitget's code decides, never ccxt's class.

ccxt files InvalidNonce and maintenance under NetworkError, and duplicates, missing positions and "system
error" under plain ExchangeError; only the code inside the body tells a refusal from an open question.
"""

from __future__ import annotations

from typing import Any, Final

import ccxt
import msgspec

from engine.core.exchange import Accepted, Outcome, Refused, Unknown

SUCCESS: Final = "00000"

OUT_OF_WINDOW: Final = "the request's time stamp was out of the window"

UNDECIDED: Final = {
    "429": "rate limited",
    "40004": OUT_OF_WINDOW,
    "40005": OUT_OF_WINDOW,
    "40008": OUT_OF_WINDOW,
    "40010": "the exchange timed out",
    "40015": "the exchange reported a system error",
    "40725": "the exchange reported a service error",
    "45001": "the exchange reported an unknown error",
}
"""Codes after which nobody knows whether the request was carried out."""


class NoAnswer(Exception):
    """The exchange did not decide, or its answer was lost. `cause` is short and holds no secret."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Refusal(Exception):
    """The exchange refused with a definite business code: nothing happened."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}".strip())
        self.code = code
        self.message = message


def failure(error: BaseException) -> NoAnswer | Refusal:
    """What an exception of ccxt, aiohttp or asyncio says about the request."""
    body = _body(str(error)) if isinstance(error, ccxt.ExchangeError | ccxt.NetworkError) else None
    if body is not None:
        return verdict(body)
    if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
        return NoAnswer(UNDECIDED["429"])
    if isinstance(error, TimeoutError | ccxt.RequestTimeout):
        return NoAnswer("no answer in time")
    if isinstance(error, ccxt.ExchangeNotAvailable):
        return NoAnswer(_status(str(error)))
    return NoAnswer(f"connection failed ({type(error).__name__})")


def verdict(body: dict[str, Any]) -> NoAnswer | Refusal:
    """What an error body says: a five-digit code that is not UNDECIDED is a refusal, all else is open."""
    code = str(body.get("code", ""))
    if code in UNDECIDED:
        return NoAnswer(UNDECIDED[code])
    if len(code) == 5 and code.isdigit() and code != SUCCESS:
        return Refusal(code, str(body.get("msg") or ""))
    return NoAnswer(f"the exchange answered with code {code[:8]}" if code else "the answer could not be read")


def unknown(error: NoAnswer | Refusal) -> Outcome:
    """The outcome of a request that failed."""
    return Refused(error.code, error.message) if isinstance(error, Refusal) else Unknown(error.cause)


def placed(data: object) -> Outcome:
    """The answer to a request about one order. Bitget omits the id of some reduce-only orders."""
    return Accepted(str(data.get("orderId") or "") if isinstance(data, dict) else "")


def listed(data: object, order_id: str) -> Outcome:
    """The answer to a request with a list of ids, which may have failed with HTTP 200 in `failureList`."""
    if not isinstance(data, dict):
        return Unknown("the answer could not be read")
    failed: list[dict[str, Any]] = data.get("failureList") or []
    if failed:
        outcome = verdict({"code": failed[0].get("errorCode") or "", "msg": failed[0].get("errorMsg") or ""})
        return unknown(outcome)
    if data.get("successList"):
        return Accepted(order_id)
    return Unknown("the answer named no order")


def _body(text: str) -> dict[str, Any] | None:
    """The JSON body that ccxt puts behind `bitget `."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        body = msgspec.json.decode(text[start:])
    except msgspec.DecodeError:
        return None
    return body if isinstance(body, dict) and "code" in body else None


def _status(text: str) -> str:
    """`bitget POST https://… 502 Bad Gateway …` without address and body."""
    words = text.split(maxsplit=5)
    if len(words) > 3 and words[3].isdigit():
        return f"the exchange answered HTTP {words[3]}"
    return "the connection broke"
