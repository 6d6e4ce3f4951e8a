"""The menu of a position and the order ticket: what they show, what they ask, what they send."""

from __future__ import annotations

from decimal import Decimal as D
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Button

from engine.protocol import (
    Adopt,
    Approve,
    Breakeven,
    Enter,
    Exit,
    Pause,
    PreviewView,
    Reduce,
    SetStopMode,
    Side,
    StopMode,
)
from tests.desk import past, scenes
from tests.desk.conftest import Clocks, at_rest, settled, until, watching, words
from tui.link import Link, LinkState
from tui.screens.ask import Ask
from tui.screens.position_menu import PositionMenu
from tui.screens.ticket import Ticket
from tui.view_model.choices import choices
from tui.view_model.scene import Scene
from tui.view_model.ticket import Does, How, Unclear, Unit, Wish, entry, possible, reduction, units

SHORT = replace(scenes.LIVE, positions=(scenes.BTC,))
UP = Scene(Link(LinkState.UP, scenes.NOW), SHORT, 0, scenes.NOW)


async def menu_of(pilot: Pilot[Any], face: Any) -> PositionMenu:
    """The menu, with its preview read."""
    await pilot.press("m")
    await until(lambda: isinstance(pilot.app.screen, PositionMenu) and pilot.app.screen.preview, pilot)
    await at_rest(pilot)
    menu = pilot.app.screen
    assert isinstance(menu, PositionMenu)
    return menu


async def choose(pilot: Pilot[Any], beginning: str) -> None:
    """Walk to the line that begins like this and press enter."""
    menu = pilot.app.screen
    assert isinstance(menu, PositionMenu)
    at = next(k for k, choice in enumerate(menu.offered) if choice.words.startswith(beginning))
    await pilot.press("home", *["down"] * at, "enter")
    await settled(pilot)


async def test_the_menu_shows_both_worst_cases_of_every_stop_mode(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        await menu_of(pilot, face)
        assert "Stop to breakeven" in words(pilot)
        assert "−4.50 → −0.01 USDT" in words(pilot)
        assert "98,071.2 for all of it" in words(pilot)
        assert face.looked[0] == "/v1/preview/BTCUSDT/short"
        await pilot.press("down", "down")
        await at_rest(pilot)
        assert "−4.50 → −4.39 USDT" in words(pilot)


async def test_what_reduces_the_risk_goes_out_at_once(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        for beginning, command in (
            ("Stop to breakeven", Breakeven("BTCUSDT", Side.SHORT)),
            ("Stops: each leg where", SetStopMode("BTCUSDT", Side.SHORT, StopMode.LEG_NET)),
            ("Pause", Pause("BTCUSDT", Side.SHORT)),
            ("Reduce by 25 %", Reduce("BTCUSDT", Side.SHORT, D("0.25"))),
            ("Close at market", Reduce("BTCUSDT", Side.SHORT, D(1))),
            ("Close patiently", Exit("BTCUSDT", Side.SHORT)),
        ):
            await menu_of(pilot, face)
            await choose(pilot, beginning)
            await until(lambda command=command: command in face.commands, pilot)


async def test_stops_that_lie_further_off_ask_first_with_the_focus_on_cancel(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        await menu_of(pilot, face)
        await choose(pilot, "Stops: one stop at the previous entry")
        assert isinstance(pilot.app.screen, Ask)
        assert isinstance(pilot.app.focused, Button)
        assert pilot.app.focused.id == "cancel"
        assert "−4.50 → −6.10 USDT" in words(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert face.commands == []


async def test_without_a_preview_a_stop_mode_asks_because_nobody_knows(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        del face.looks["/v1/preview/BTCUSDT/short"]
        await pilot.press("m")
        await until(lambda: "No preview: there is no /v1/preview" in words(pilot), pilot)
        await choose(pilot, "Stop to breakeven")
        assert isinstance(pilot.app.screen, Ask)
        assert face.commands == []


async def test_the_menu_of_a_stranger_offers_to_adopt_it_and_asks(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, replace(SHORT, positions=(scenes.STRANGER,))) as (pilot, face, _):
        await pilot.press("enter")
        await at_rest(pilot)
        await choose(pilot, "Adopt")
        assert isinstance(pilot.app.screen, Ask)
        await pilot.press("right", "enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Adopt("SOLUSDT", Side.LONG)]


async def test_a_rung_that_waits_stands_first_in_the_menu_with_its_time(socket: Path, clocks: Clocks) -> None:
    asking = replace(scenes.ASKING, positions=(scenes.ETH,))
    async with watching(socket, clocks, asking) as (pilot, face, _):
        await pilot.press("m")
        await at_rest(pilot)
        assert "Approve rung 1" in words(pilot)
        assert "0:42" in words(pilot)
        await choose(pilot, "Approve rung 1")
        await pilot.press("right", "enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Approve("c2", 1)]


async def test_the_kill_key_works_over_menu_and_ticket(socket: Path, clocks: Clocks) -> None:
    for key, kind in (("m", PositionMenu), ("o", Ticket)):
        async with watching(socket, Clocks(), SHORT) as (pilot, face, _):
            await pilot.press(key)
            await at_rest(pilot)
            assert isinstance(pilot.app.screen, kind)
            await pilot.press("ctrl+k")
            await until(lambda face=face: face.commands, pilot)


async def test_a_ticket_shows_what_it_would_do_asks_and_sends(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        await pilot.press("o", "3", "0")
        await until(lambda: "29.93 USDT at 20x" in words(pilot), pilot)
        for told in ("99,523.2, 4.8 % away", "−30.29 USDT", "Touches", "cycles 3, limit 2", "more than 10 %"):
            assert told in words(pilot), told
        assert face.commands == []
        await pilot.press("enter")
        await until(lambda: isinstance(pilot.app.screen, Ask), pilot)
        assert isinstance(pilot.app.focused, Button)
        assert pilot.app.focused.id == "cancel"
        assert "▼ short BTCUSDT: send it?" in words(pilot)
        await pilot.press("right", "enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Enter("BTCUSDT", Side.SHORT, margin=D(30))]


async def test_a_refused_ticket_stays_open_with_the_engines_sentence(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, replace(SHORT, positions=(scenes.ETH,))) as (pilot, face, _):
        await pilot.press("o", "5", "enter")
        await until(lambda: "Refused: ETHUSDT is not under care." in words(pilot), pilot)
        assert isinstance(pilot.app.screen, Ticket)
        assert face.commands == []


async def test_a_ticket_that_cannot_be_read_says_what_is_missing(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, _, _desk):
        await pilot.press("o", "enter")
        await until(lambda: "write the amount" in words(pilot), pilot)
        await pilot.press("x")
        await until(lambda: "the amount 'x' is no number" in words(pilot), pilot)


async def test_reduce_by_a_part_is_typed_and_goes_out_without_a_question(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, _):
        await menu_of(pilot, face)
        await choose(pilot, "Reduce by …")
        await pilot.press("3", "3")
        await until(lambda: "0.0010, 0.0021 is left" in words(pilot), pilot)
        await pilot.press("enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Reduce("BTCUSDT", Side.SHORT, D("0.33"))]


async def test_a_position_that_went_while_its_reduce_was_chosen_is_told_and_turned_away_from(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, looks=past.LOOKS) as (pilot, face, desk):
        await pilot.press("j", "m")
        await until(lambda: isinstance(desk.screen, PositionMenu), pilot)
        await face.tell(scenes.EMPTY)
        await until(lambda: not desk.scene.positions, pilot)
        await choose(pilot, "Reduce by …")
        await until(lambda: isinstance(desk.screen, Ticket), pilot)
        await pilot.press(*"25")
        await until(lambda: "there is no BTCUSDT short to reduce" in words(pilot), pilot)
        await pilot.click("#does")
        await until(lambda: "▲ long" in words(pilot), pilot)
        assert face.commands == []


async def test_every_letter_beside_a_choice_does_it(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, SHORT) as (pilot, face, desk):
        menu = await menu_of(pilot, face)
        letters = [choice.figure for choice in menu.offered if choice.opens]
        assert letters == ["%", "o", "c", "w"]
        await pilot.press("%")
        await until(lambda: isinstance(desk.screen, Ticket), pilot)
        assert "reduce short" in words(pilot)
        assert "% of it" in words(pilot)


async def test_a_desk_that_only_watches_opens_no_ticket_and_sends_nothing_from_the_menu(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, SHORT, read_only=True) as (pilot, face, _):
        await pilot.press("o")
        await settled(pilot)
        assert "attached read-only" in words(pilot)
        await menu_of(pilot, face)
        await choose(pilot, "Close at market")
        assert face.commands == []
        assert "attached read-only" in words(pilot)


def wish(**changes: object) -> Wish:
    return replace(Wish("BTCUSDT", Does.SHORT, "10"), **changes)


def test_a_ticket_reads_numbers_as_traders_write_them() -> None:
    full = wish(amount="1,250.5", leverage="20x", how=How.PATIENT, stop="96,000")
    assert entry(full) == Enter(
        "BTCUSDT", Side.SHORT, margin=D("1250.5"), leverage=D(20), patient=True, stop=D(96_000)
    )
    assert entry(wish(unit=Unit.SIZE, symbol=" btcusdt ")) == Enter("BTCUSDT", Side.SHORT, qty=D(10))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": ""}, "write the amount"),
        ({"amount": "ten"}, "the amount 'ten' is no number"),
        ({"amount": "1_0"}, "the amount '1_0' is no number"),
        ({"amount": "-5"}, "the amount must be above 0"),
        ({"amount": "NaN"}, "the amount 'NaN' is no number"),
        ({"leverage": "x"}, "write the leverage"),
        ({"symbol": ""}, "write a symbol, such as BTCUSDT"),
        ({"stop": "1e"}, "the stop '1e' is no number"),
    ],
)
def test_an_unclear_ticket_says_what_to_write(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(Unclear) as caught:
        entry(wish(**changes))
    assert str(caught.value) == sentence


def test_a_size_that_is_reduced_is_not_lost_by_a_lot() -> None:
    third = reduction(wish(amount="0.0010", unit=Unit.SIZE, does=Does.REDUCE_SHORT), scenes.BTC)
    assert scenes.BTC.size * third.fraction >= D("0.0010")
    assert (scenes.BTC.size * third.fraction).quantize(D("0.0001"), "ROUND_FLOOR") == D("0.0010")
    assert reduction(wish(amount="0.0031", unit=Unit.SIZE), scenes.BTC).fraction == 1
    assert reduction(wish(amount="25 %", unit=Unit.PART), scenes.BTC).fraction == D("0.25")
    with pytest.raises(Unclear, match=r"the position has 0\.0031 coin"):
        reduction(wish(amount="1", unit=Unit.SIZE), scenes.BTC)
    with pytest.raises(Unclear, match="write 100 % or less"):
        reduction(wish(amount="101", unit=Unit.PART), scenes.BTC)


def test_only_what_is_open_and_under_care_can_be_reduced() -> None:
    assert possible("BTCUSDT", SHORT.positions) == (Does.LONG, Does.SHORT, Does.REDUCE_SHORT)
    assert possible("SOLUSDT", (scenes.STRANGER,)) == (Does.LONG, Does.SHORT)
    assert Unit.PART not in units(Does.LONG)


def test_a_reduce_below_the_minimum_is_shown_and_cannot_be_chosen() -> None:
    def none(view: Any) -> Any:
        return replace(view, refused="0 is below Bitget's minimum of 0.0001")

    class Asked:
        query = type("Q", (), {"getall": staticmethod(lambda name, usual: usual)})

    preview = past.preview(Asked())  # type: ignore[arg-type]
    assert isinstance(preview, PreviewView)
    preview = replace(preview, reduces=tuple(none(view) for view in preview.reduces))
    offered = {choice.words: choice for choice in choices(UP, scenes.BTC, preview)}
    assert offered["Reduce by 25 %"].command is None
    assert offered["Reduce by 25 %"].figure == "too small"
