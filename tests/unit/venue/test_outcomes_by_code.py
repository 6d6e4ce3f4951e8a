"""Accepted, refused or unknown: by Bitget's number, whatever status it comes with (PITFALLS 8 to 11)."""

from __future__ import annotations

import json

import aiohttp
import pytest

from engine.core.exchange import Accepted, Refused, Unknown
from engine.venue.outcomes import NoAnswer, Refusal, answer, listed, placed, unknown, unreached, verdict


def answered(code: str, msg: str = "said the exchange") -> dict[str, str]:
    return {"code": code, "msg": msg}


@pytest.mark.parametrize(
    "code",
    ["40786", "22002", "40757", "45117", "40762", "45110", "40200", "40109", "40006", "40014", "40774"],
)
@pytest.mark.parametrize("status", [200, 400, 429, 503])
def test_a_business_code_is_a_refusal_whatever_the_status(code: str, status: int) -> None:
    body = answer(status, json.dumps(answered(code)).encode())
    assert unknown(verdict(body)) == Refused(code, "said the exchange")


@pytest.mark.parametrize(
    "code", ["40015", "40725", "40004", "40005", "40008", "40010", "45001", "500", "abcde", "429"]
)
def test_a_code_that_decides_nothing_leaves_the_question_open(code: str) -> None:
    body = answer(200, json.dumps(answered(code)).encode())
    assert isinstance(unknown(verdict(body)), Unknown)


def test_429_is_unknown_and_says_rate_limited() -> None:
    assert unknown(verdict(answered("429"))) == Unknown("rate limited")
    with pytest.raises(NoAnswer, match="rate limited"):
        answer(429, b"<html>Too Many Requests</html>")


@pytest.mark.parametrize(
    ("status", "text", "cause"),
    [
        (502, b"<html>Bad Gateway</html>", "the exchange answered HTTP 502"),
        (503, b"", "the exchange answered HTTP 503"),
        (502, b'{"error": "upstream"}', "the exchange answered HTTP 502"),
        (200, b'{"code": "000', "the answer could not be read"),
        (200, b"[]", "the answer could not be read"),
        (200, b'"\xff"', "the answer could not be read"),
    ],
)
def test_an_answer_without_a_code_decides_nothing(status: int, text: bytes, cause: str) -> None:
    with pytest.raises(NoAnswer) as nobody:
        answer(status, text)
    assert unknown(nobody.value) == Unknown(cause)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (TimeoutError(), "no answer in time"),
        (aiohttp.ClientPayloadError("cut"), "connection failed (ClientPayloadError)"),
        (OSError(113, "no route"), "connection failed (OSError)"),
    ],
)
def test_what_never_reached_a_decision_is_unknown(error: BaseException, cause: str) -> None:
    assert unknown(unreached(error)) == Unknown(cause)


def test_an_error_body_without_a_code_is_unknown() -> None:
    assert isinstance(verdict({}), NoAnswer)
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
