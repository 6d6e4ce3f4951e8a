"""Accepted, refused or unknown: by Bitget's number, whatever class ccxt makes of it (PITFALLS 8 to 11)."""

from __future__ import annotations

import json

import aiohttp
import ccxt
import pytest

from engine.core.exchange import Accepted, Refused, Unknown
from engine.venue.outcomes import NoAnswer, Refusal, failure, listed, placed, unknown, verdict


def answered(code: str, msg: str = "said the exchange") -> dict[str, str]:
    return {"code": code, "msg": msg}


def raised(kind: type[ccxt.BaseError], code: str, msg: str = "said the exchange") -> ccxt.BaseError:
    return kind(f"bitget {json.dumps(answered(code, msg))}")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ccxt.ExchangeError, "40786"),
        (ccxt.ExchangeError, "22002"),
        (ccxt.ExchangeError, "40757"),
        (ccxt.ExchangeError, "45117"),
        (ccxt.InsufficientFunds, "40762"),
        (ccxt.InvalidOrder, "45110"),
        (ccxt.OnMaintenance, "40200"),
        (ccxt.OrderNotFound, "40109"),
        (ccxt.AuthenticationError, "40006"),
        (ccxt.PermissionDenied, "40014"),
        (ccxt.InvalidOrder, "40774"),
    ],
)
def test_a_business_code_is_a_refusal(kind: type[ccxt.BaseError], code: str) -> None:
    outcome = unknown(failure(raised(kind, code)))
    assert outcome == Refused(code, "said the exchange")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ccxt.ExchangeError, "40015"),
        (ccxt.ExchangeError, "40725"),
        (ccxt.InvalidNonce, "40004"),
        (ccxt.InvalidNonce, "40005"),
        (ccxt.InvalidNonce, "40008"),
        (ccxt.AuthenticationError, "40010"),
        (ccxt.ExchangeError, "45001"),
        (ccxt.ExchangeError, "500"),
        (ccxt.ExchangeError, "abcde"),
    ],
)
def test_a_code_that_decides_nothing_leaves_the_question_open(kind: type[ccxt.BaseError], code: str) -> None:
    assert isinstance(unknown(failure(raised(kind, code))), Unknown)


def test_429_is_unknown_and_says_rate_limited() -> None:
    for error in (
        raised(ccxt.DDoSProtection, "429"),
        ccxt.RateLimitExceeded("bitget POST https://api.bitget.com/api/v2/x 429 Too Many Requests "),
    ):
        assert unknown(failure(error)) == Unknown("rate limited")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (TimeoutError(), "no answer in time"),
        (ccxt.RequestTimeout("bitget POST https://api.bitget.com/api/v2/x"), "no answer in time"),
        (
            ccxt.ExchangeNotAvailable("bitget POST https://api.bitget.com/api/v2/x 502 Bad Gateway <html>"),
            "the exchange answered HTTP 502",
        ),
        (ccxt.ExchangeNotAvailable("bitget POST https://api.bitget.com/api/v2/x"), "the connection broke"),
        (aiohttp.ClientPayloadError("cut"), "connection failed (ClientPayloadError)"),
        (OSError(113, "no route"), "connection failed (OSError)"),
    ],
)
def test_what_never_reached_a_decision_is_unknown(error: BaseException, cause: str) -> None:
    assert unknown(failure(error)) == Unknown(cause)


def test_an_error_body_without_a_code_is_unknown() -> None:
    assert isinstance(verdict({}), NoAnswer)
    assert isinstance(failure(ccxt.ExchangeError("bitget {broken")), NoAnswer)
    assert isinstance(verdict(answered("40762")), Refusal)


def test_a_reduce_only_order_may_be_accepted_without_its_id() -> None:
    assert placed({"clientOid": "c1"}) == Accepted("")
    assert placed({"orderId": None, "clientOid": "c1"}) == Accepted("")
    assert placed({"orderId": "9", "clientOid": "c1"}) == Accepted("9")


def test_pitfall_11_a_failure_list_at_http_200_is_a_refusal() -> None:
    data = {"successList": [], "failureList": [{"orderId": "9", "errorMsg": "gone", "errorCode": "43020"}]}
    assert listed(data, "9") == Refused("43020", "gone")
    assert listed({"successList": [{"orderId": "9"}], "failureList": []}, "9") == Accepted("9")
    assert isinstance(listed({"successList": [], "failureList": None}, "9"), Unknown)
    assert isinstance(listed({"failureList": [{"orderId": "9", "errorCode": "40015"}]}, "9"), Unknown)
    assert isinstance(listed(None, "9"), Unknown)
