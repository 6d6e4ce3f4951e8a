"""The Signals screen: what came from outside, what became of it, what to configure when nothing can come."""

from __future__ import annotations

from pathlib import Path

from engine.protocol import RegimeView, SignalsView, SignalView
from tests.desk import scenes
from tests.desk.conftest import Clocks, settled, until, watching, words
from tests.desk.scenes import D
from tui.view_model.ink import text_of
from tui.view_model.signals import regimes, row

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
        await until(lambda: "Signals 2" in words(pilot), pilot)
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
    first, second = row(FLOOD)
    assert "!" in text_of(first) and "wrong token" in text_of(first) and "--" in text_of(first)
    assert text_of(second).strip() == "199 times: the alert's token is wrong or missing (from 10.0.0.1)"


def test_a_regime_that_was_never_another_says_only_what_it_is() -> None:
    view = SignalsView((), (RegimeView("ETHUSDT", "flat", scenes.NOW, ""),))
    assert text_of(regimes(view)).startswith(" Regime  ETHUSDT flat since ")
    assert "was" not in text_of(regimes(view))
    assert regimes(SignalsView(())) == ()
