"""The Signals screen: what came from outside, what became of it, what to configure when nothing can come."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.protocol import RegimeView, SignalsView, SignalView
from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, until, watching, words
from tests.desk.scenes import D
from tui.view_model.ink import text_of
from tui.view_model.signals import heading, regimes, row

ACCEPTED = SignalView(
    *(2, scenes.NOW - 60_000, "TradingView", "w-2", "Long-2", "BTCUSDT", "buy", "long"),
    *(D("95000.5"), D(94000), "accepted", "BTCUSDT long: 0.004 waits for your yes."),
    "long entry if you say yes",
)
FLOOD = SignalView(
    *(1, scenes.NOW - 90_000, "TradingView", "", "", "", "", ""),
    *(None, None, "wrong token", "the alert's token is wrong or missing (from 10.0.0.1)", ""),
    times=199,
)
HEARD = SignalsView(
    (ACCEPTED, FLOOD),
    (RegimeView("BTCUSDT", "long", scenes.NOW - 60_000, "short"),),
    ("TradingView",),
)


async def test_every_signal_stands_there_with_its_outcome_its_reason_and_what_it_became(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks) as (pilot, face, _):
        face.looks["/v1/signals"] = HEARD
        await pilot.press("2")
        await until(lambda: "Signals 2" in words(pilot) and "✓ accepted" in words(pilot), pilot)
        shown = words(pilot)
        for part in (
            "BTCUSDT    buy long       95,000.5  ✓ accepted",
            "TradingView Long-2",
            "long entry if you say yes, stop 94,000.0: BTCUSDT long: 0.004 waits for your yes.",
            "! wrong token",
            "the alert's token is wrong or missing (from 10.0.0.1)",
            "Regime  BTCUSDT long since",
            "(was short)",
        ):
            assert part in shown, part


async def test_enter_on_a_signal_tells_the_story_of_its_symbol(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, _):
        face.looks["/v1/signals"] = HEARD
        await pilot.press("2")
        await until(lambda: "Signals 2" in words(pilot), pilot)
        await pilot.press("enter")
        await until(lambda: "/v1/why/BTCUSDT" in face.looked, pilot)


async def test_without_a_source_it_says_what_to_configure(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, _):
        face.looks["/v1/signals"] = SignalsView(())
        await pilot.press("2")
        await until(lambda: "No signal is configured on this engine." in words(pilot), pilot)
        assert "export WEBHOOK_EXPECTED_TOKEN=…" in words(pilot)
        assert "ratchet webhook test" in words(pilot)


async def test_a_source_that_has_sent_nothing_yet_is_named(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, _):
        face.looks["/v1/signals"] = SignalsView((), sources=("TradingView",))
        await pilot.press("2")
        await until(lambda: "TradingView may send; no signal has come yet." in words(pilot), pilot)
        face.looks["/v1/signals"] = HEARD
        await until(lambda: "Signals 2" in words(pilot), pilot)
        await settled(pilot)


def test_a_flood_is_one_row_with_its_number() -> None:
    first, second = row(FLOOD, 120)
    assert "!" in text_of(first) and "wrong token" in text_of(first) and "--" in text_of(first)
    assert text_of(second).strip() == "199 times: the alert's token is wrong or missing (from 10.0.0.1)"


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_signal_stands_under_its_headings_and_is_never_cut_without_a_sign(width: int) -> None:
    long = replace(FLOOD, symbol="BTCUSDT", text="because " * 30 + "of it", label="a-long-id-" * 12)
    first, *why = (text_of(words) for words in row(long, width))
    assert text_of(heading()).index("SYMBOL") == 2 + first.index("BTCUSDT"), "beside the cursor"
    assert len(first) == width - 2 and first.endswith("…")
    assert all(len(words) <= width - 2 for words in why)
    assert " ".join(words.strip() for words in why) == f"199 times: {'because ' * 30}of it"


def test_a_regime_that_was_never_another_says_only_what_it_is() -> None:
    view = SignalsView((), (RegimeView("ETHUSDT", "flat", scenes.NOW, ""),))
    (told,) = regimes(view, 80)
    assert text_of(told).startswith(" Regime  ETHUSDT flat since ")
    assert "was" not in text_of(told)
    assert regimes(SignalsView(()), 80) == ()


def test_many_regimes_take_more_lines_instead_of_being_cut() -> None:
    many = tuple(RegimeView(f"COIN{k}USDT", "long", scenes.NOW, "short") for k in range(3))
    first, *more = (text_of(words) for words in regimes(SignalsView((), many), 80))
    assert first.startswith(" Regime  COIN0USDT long") and more
    assert all(f"COIN{k}USDT long since" in " ".join((first, *more)) for k in range(3))
