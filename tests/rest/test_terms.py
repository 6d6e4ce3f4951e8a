"""What the doors open with: which configurations are refused, and with which sentence."""

from __future__ import annotations

import os
import ssl
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import ClientSession
from front_door import EngineFace, behind

from engine.api.rest.gate import Gate
from engine.api.rest.server import RestServer
from engine.api.rest.tokens import Tokens
from engine.config import ConfigRefused
from engine.config.doors import RestTerms, WebhookTerms, rest_terms, webhook_terms
from engine.config.options import Options
from engine.config.reading import effective, read_options
from tests.certificate import certificate

LONG = "0123456789abcdef"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("RATCHET_", "WEBHOOK_", "MAX_PURCHASE", "CREDENTIALS_")):
            monkeypatch.delenv(name)


def options(tmp_path: Path, text: str) -> Options:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return read_options(file, {})[0]


def rest(tmp_path: Path, text: str) -> RestTerms | None:
    return rest_terms(options(tmp_path, f"[rest]\n{text}"))


def hook(tmp_path: Path, text: str = "") -> WebhookTerms | None:
    return webhook_terms(options(tmp_path, f"[webhook]\non = true\n{text}"))


def test_nothing_listens_by_default() -> None:
    assert rest_terms(Options()) is None
    assert webhook_terms(Options()) is None


def test_the_token_of_an_alert_opens_no_other_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", LONG)
    shared = '[rest]\non = {}\ntrade_token = "env:ONE"\n[webhook]\non = true\ntoken = "env:ONE"'
    with pytest.raises(ConfigRefused, match=r"webhook\.token is rest\.trade_token, too") as refused:
        webhook_terms(options(tmp_path, shared.format("true")))
    assert LONG not in str(refused.value)
    assert webhook_terms(options(tmp_path, shared.format("false"))) is not None, "that door is shut"


def test_it_listens_on_this_machine_with_the_tokens_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOK", LONG)
    terms = rest(tmp_path, 'on = true\nread_token = "env:LOOK"')
    assert terms is not None
    assert (terms.bind, terms.port, terms.tokens, terms.warning) == ("127.0.0.1", 8080, {"read": LONG}, "")
    assert LONG not in repr(terms)


def test_the_webhook_alone_opens_the_port_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_EXPECTED_TOKEN", LONG)
    terms = rest_terms(options(tmp_path, "[webhook]\non = true"))
    assert terms is not None
    assert (terms.on, terms.tokens) == (False, {})
    found = hook(tmp_path)
    assert found is not None
    assert (found.token, found.ratio, found.late_s) == (LONG, Decimal("0.5"), 60)
    assert LONG not in repr(found)


@pytest.mark.parametrize(
    "token", ["", "1234", "short-token-15c", "aaaaaaaaaaaaaaaaaaaaaaaa", "has a space in it!!", "é" * 20]
)
def test_a_weak_token_refuses_to_start_and_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("WEBHOOK_EXPECTED_TOKEN", token)
    with pytest.raises(ConfigRefused) as refused:
        hook(tmp_path)
    assert "webhook.token" in str(refused.value)
    assert not token or token not in str(refused.value)


def test_a_token_in_the_file_itself_is_refused_without_repeating_it(tmp_path: Path) -> None:
    for text in (
        f'[rest]\nread_token = "{LONG}"',
        f'[webhook]\ntoken = "{LONG}"',
        "[rest]\nread_token = 987654321",
    ):
        with pytest.raises(ConfigRefused) as refused:
            options(tmp_path, text)
        assert LONG not in str(refused.value)
        assert "987654321" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("on = true", "rest.on lets nobody in"),
        ('on = true\nread_token = "env:NOT_THERE"', "rest.read_token is missing: looked in env:NOT_THERE"),
        ('on = true\nbind = "0.0.0.0"\nread_token = "env:LOOK"', "set rest.open_to_network = true"),
        ('on = true\nbind = "0.0.0.0"\nopen_to_network = true\npage = "open"', 'it needs bind = "127.0.0.1"'),
        ('on = true\nread_token = "env:LOOK"\ntrade_token = "env:LOOK"', "two of rest's tokens are the same"),
        ('on = true\nread_token = "env:LOOK"\ncertificate = "x.pem"', "go together"),
        (
            'on = true\nread_token = "env:LOOK"\ncertificate = "x.pem"\ncertificate_key = "y.pem"',
            "cannot be used (FileNotFoundError)",
        ),
    ],
)
def test_a_door_that_is_too_open_or_too_closed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("LOOK", LONG)
    with pytest.raises(ConfigRefused) as refused:
        rest(tmp_path, text)
    assert words in str(refused.value)


def test_an_open_network_without_tls_is_warned_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOK", LONG)
    text = 'on = true\nbind = "0.0.0.0"\nopen_to_network = true\nread_token = "env:LOOK"'
    terms = rest(tmp_path, text)
    assert terms is not None
    assert "without TLS: tokens travel readable" in terms.warning


async def test_a_certificate_makes_it_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOK", LONG)
    file = certificate(tmp_path)
    files = f'certificate = "{file}"\ncertificate_key = "{tmp_path}/key.pem"'
    terms = rest(tmp_path, f'on = true\nread_token = "env:LOOK"\n{files}')
    assert terms is not None
    gate = Gate(Tokens({}), per_minute=60, open_page=False)
    trust = ssl.create_default_context(cafile=str(file))
    async with (
        behind(EngineFace()) as engine,
        RestServer(gate, behind=engine, port=0, tls=terms.secure()) as server,
    ):
        assert server.url.startswith("https://127.0.0.1:")
        async with ClientSession() as client, client.get(f"{server.url}/api/health", ssl=trust) as reply:
            assert reply.status == 200


@pytest.mark.parametrize("ratio", ["0", "-0.1", "1.01", '"120 %"', "nan"])
def test_the_ratio_is_above_0_and_at_most_1(tmp_path: Path, ratio: str) -> None:
    with pytest.raises(ConfigRefused, match=r"webhook\.ratio must be a number above 0 and at most 1"):
        options(tmp_path, f"[webhook]\nratio = {ratio}")


def test_the_ratio_may_come_from_the_variable_of_old_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_PURCHASE_RATIO", "0.25")
    found, layers = read_options(None, {})
    assert found.webhook.ratio == Decimal("0.25")
    told = next(each for each in effective(found, layers) if each.name == "webhook.ratio")
    assert (told.value, told.where) == ("0.25", "MAX_PURCHASE_RATIO")
    monkeypatch.setenv("RATCHET_WEBHOOK__RATIO", "1")
    assert read_options(None, {})[0].webhook.ratio == 1
    monkeypatch.delenv("RATCHET_WEBHOOK__RATIO")
    monkeypatch.setenv("MAX_PURCHASE_RATIO", "2")
    with pytest.raises(ConfigRefused, match=r"MAX_PURCHASE_RATIO: webhook\.ratio must be"):
        read_options(None, {})


def test_entries_ask_when_the_trader_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_EXPECTED_TOKEN", "a-token-that-is-long")
    asks, does_not = hook(tmp_path, "approve = true"), hook(tmp_path, "")
    assert asks is not None and does_not is not None
    assert (asks.approve, does_not.approve) == (True, False)


def test_addresses_must_be_addresses(tmp_path: Path) -> None:
    with pytest.raises(ConfigRefused, match=r"webhook\.addresses must be an IP address"):
        hook(tmp_path, 'addresses = ["tradingview.com"]')
