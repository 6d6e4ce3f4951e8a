"""What an answer means: accepted, refused for good, or unknown. Bitget's code decides, whatever the status.

An exception's class would not do: ccxt files InvalidNonce and maintenance under NetworkError, and duplicates,
missing positions and "system error" under plain ExchangeError.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec

from engine.core.exchange import Accepted, Outcome, Refused, Unknown

SUCCESS: Final = "00000"
OK: Final = HTTPStatus.OK
TOO_MANY: Final = HTTPStatus.TOO_MANY_REQUESTS

NOT_FOUND: Final = frozenset({"40109", "40768", "43001", "43025", "43020"})
"""Codes of order detail and of the plan lists for an order that is not there."""

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


class Failed(msgspec.Struct, frozen=True):
    """An order of a list that was not done, and why."""

    code: str | None = msgspec.field(name="errorCode", default="")
    msg: str | None = msgspec.field(name="errorMsg", default="")


class Lists(msgspec.Struct, frozen=True):
    """The answer to a request with a list of ids."""

    failed: list[Failed] | None = msgspec.field(name="failureList", default=None)
    done: list[Any] | None = msgspec.field(name="successList", default=None)


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


def answer(status: int, text: bytes) -> dict[str, Any]:
    """The body of an answer. Raises NoAnswer when it holds no code: then the HTTP status is all there is."""
    try:
        body = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = None
    if isinstance(body, dict) and "code" in body:
        return body
    if status == TOO_MANY:
        raise NoAnswer(UNDECIDED["429"])
    raise NoAnswer(f"the exchange answered HTTP {status}" if status != OK else "the answer could not be read")


def unreached(error: BaseException) -> NoAnswer:
    """What a broken connection says about the request: nothing."""
    if isinstance(error, TimeoutError):
        return NoAnswer("no answer in time")
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
    try:
        lists = msgspec.convert(data, Lists)
    except msgspec.ValidationError:
        return Unknown("the answer could not be read")
    if lists.failed:
        return unknown(verdict({"code": lists.failed[0].code or "", "msg": lists.failed[0].msg or ""}))
    if lists.done:
        return Accepted(order_id)
    return Unknown("the answer named no order")
