"""The ccxt client: no delay by default, no secret in words, the exchange's clock in the login."""

from __future__ import annotations

import logging
import time

import pytest

from engine.venue.backoff import Backoff
from engine.venue.bitget import Bitget
from engine.venue.client import make_client, socket_addresses
from engine.venue.keys import Keys
from engine.venue.signing import Signer

KEYS = Keys("bg_0123456789", "topsecret", "openSesame")


async def test_pitfall_34_the_account_kind_is_never_guessed_by_ccxt() -> None:
    client = make_client(KEYS, url="", demo=False, timeout_s=5, ping_s=10)
    assert client.options["uta"] is False
    await client.close()


async def test_demo_trading_goes_to_its_own_sockets_and_says_so_in_every_request() -> None:
    client = make_client(KEYS, url="", demo=True, timeout_s=5, ping_s=10)
    assert all(address.startswith("wss://wspap.bitget.com/") for address in socket_addresses(client))
    assert client.is_demo
    signer = Signer(KEYS, demo=True)
    for request in (signer.get("v2/x", {}, "1"), signer.post("v2/x", {}, "1"), signer.public("v2/x", {})):
        assert request.headers["PAPTRADING"] == "1"
    await client.close()


async def test_a_request_is_signed_as_ccxt_signs_it() -> None:
    client = make_client(KEYS, url="", demo=False, timeout_s=5, ping_s=10)
    client.nonce = lambda: 1_700_000_000_123
    asked = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "limit": "100"}
    signer, stamp = Signer(KEYS, demo=False), "1700000000123"
    for method, ours in (
        ("GET", signer.get("v2/x/y", asked, stamp)),
        ("POST", signer.post("v2/x/y", asked, stamp)),
    ):
        theirs = client.sign("v2/x/y", ["private", "mix"], method, asked)
        assert client.base + ours.target == theirs["url"]
        assert (ours.body or b"").decode() == (theirs["body"] or "")
        names = [name for name in theirs["headers"] if name.startswith("ACCESS") or name == "Content-Type"]
        assert {name: ours.headers[name] for name in names} == {
            name: theirs["headers"][name] for name in names
        }
    assert "PAPTRADING" not in signer.get("v2/x", {}, stamp).headers
    assert not any(secret in repr(signer) for secret in (KEYS.key, KEYS.secret, KEYS.passphrase))
    await client.close()


async def test_a_given_address_takes_every_request_and_socket() -> None:
    client = make_client(KEYS, url="http://127.0.0.1:4000/", demo=False, timeout_s=5, ping_s=10)
    assert socket_addresses(client) == (
        "ws://127.0.0.1:4000/v2/ws/public",
        "ws://127.0.0.1:4000/v2/ws/private",
    )
    assert client.base == "http://127.0.0.1:4000"
    await client.close()


async def test_pitfall_32_the_login_takes_the_exchanges_clock() -> None:
    client = make_client(KEYS, url="http://127.0.0.1:1", demo=False, timeout_s=5, ping_s=10)
    client.options["timeDifference"] = 100_000
    before = time.time() - 100
    assert before - 1 <= client.seconds() <= time.time() - 100
    await client.close()


async def test_the_three_modes() -> None:
    venues = [Bitget(KEYS), Bitget(KEYS, demo=True), Bitget(KEYS, url="http://127.0.0.1:1")]
    assert [venue.mode for venue in venues] == ["LIVE", "DEMO", "SIM"]
    for venue in venues:
        await venue.close()


def test_keys_show_nothing_and_name_the_account() -> None:
    assert repr(KEYS) == "Keys(…)"
    assert f"{KEYS}" == "Keys(…)"
    assert len(KEYS.account) == 8
    assert KEYS.account == Keys(KEYS.key, "other", "other").account != Keys("bg_1", "", "").account
    assert "0123456789" not in KEYS.account


def test_a_text_is_freed_of_all_three() -> None:
    assert KEYS.redacted("bg_0123456789 topsecret openSesame!") == "… … …!"


async def test_ccxts_own_logger_cannot_be_switched_on(caplog: pytest.LogCaptureFixture) -> None:
    client = make_client(KEYS, url="http://127.0.0.1:1", demo=False, timeout_s=1, ping_s=10)
    with caplog.at_level(logging.DEBUG):
        client.logger.critical("%s", client.sign("v2/x", ["private", "mix"], "GET", {})["headers"])
    assert caplog.records == []
    await client.close()


def test_back_off_doubles_to_its_cap_with_jitter_and_begins_again() -> None:
    backoff = Backoff(0.25, 10.0)
    waits = [backoff.next_s() for _ in range(12)]
    for attempt, wait in enumerate(waits):
        whole = min(0.25 * 2**attempt, 10.0)
        assert whole / 2 <= wait <= whole
    backoff.rest()
    assert backoff.next_s() <= 0.25
    assert len({round(Backoff().next_s(), 9) for _ in range(8)}) > 1
