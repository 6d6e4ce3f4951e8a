"""What the keys do, over whatever is on the screen."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal as D
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.command import CommandList, CommandPalette

from engine.protocol import (
    Adopt,
    Answer,
    Approve,
    Deny,
    Flatten,
    Halt,
    Mode,
    Pause,
    Resume,
    Side,
    Status,
    Unpause,
    Verdict,
)
from tests.desk import scenes
from tests.desk.conftest import Clocks, at_rest, settled, until, watching, words
from tui.hand import HandRefused
from tui.screens.ask import Ask
from tui.screens.desk import DeskScreen
from tui.screens.hand_menu import HandMenu
from tui.screens.help import HelpScreen
from tui.screens.position_menu import PositionMenu
from tui.widgets.filter_line import FilterLine
from tui.widgets.positions_grid import PositionsGrid


@pytest.mark.parametrize(
    ("first", "shown"),
    [
        ((), DeskScreen),
        (("slash", "b", "t"), DeskScreen),
        (("a",), Ask),
        (("f1",), HelpScreen),
        (("ctrl+p",), CommandPalette),
    ],
    ids=["desk", "typing a filter", "over a question", "over help", "palette open"],
)
async def test_the_kill_key_halts_over_everything(
    socket: Path, clocks: Clocks, first: tuple[str, ...], shown: type
) -> None:
    async with watching(socket, clocks, scenes.UNMANAGED) as (pilot, face, desk):
        await pilot.press(*first)
        await at_rest(pilot)
        assert isinstance(desk.screen, shown)
        await pilot.press("ctrl+k")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Halt()]


async def test_the_kill_key_halts_in_a_terminal_that_is_too_small(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, size=(40, 10)) as (pilot, face, _):
        assert "TOO SMALL" in words(pilot)
        assert "^K halt" in words(pilot)
        await pilot.press("ctrl+k")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Halt()]


async def test_the_kill_key_is_sent_at_once_with_fifty_rows_on_the_screen(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, scenes.crowd(50)) as (pilot, face, _):
        begun = time.process_time()
        await asyncio.gather(pilot.press("ctrl+k"), face.heard.wait())
        assert face.commands == [Halt()]
        assert time.process_time() - begun < 1.0


async def test_flatten_needs_two_presses_and_says_what_it_closes(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, _):
        await pilot.press("ctrl+x")
        await at_rest(pilot)
        assert "FLATTEN ARMED" in words(pilot)
        assert "closes 2 positions at market and halts: BTCUSDT short 0.0031, ETHUSDT long 0.21" in words(
            pilot
        )
        assert face.commands == []
        clocks.pass_s(2.9)
        await pilot.press("ctrl+x")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Flatten()]


async def test_flatten_is_armed_again_by_a_press_that_comes_too_late(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, _):
        await pilot.press("ctrl+x")
        clocks.pass_s(3.1)
        await settled(pilot)
        assert "FLATTEN ARMED" not in words(pilot)
        await pilot.press("ctrl+x")
        await settled(pilot)
        assert "FLATTEN ARMED" in words(pilot)
        assert face.commands == []


async def test_escape_disarms_flatten(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, _):
        await pilot.press("ctrl+x", "escape")
        await settled(pilot)
        assert "FLATTEN ARMED" not in words(pilot)
        await pilot.press("ctrl+x")
        await settled(pilot)
        assert face.commands == []


async def test_flatten_fires_while_a_question_is_open(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.UNMANAGED) as (pilot, face, desk):
        await pilot.press("a")
        await at_rest(pilot)
        assert isinstance(desk.screen, Ask)
        await pilot.press("ctrl+x", "ctrl+x")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Flatten()]


async def test_sent_is_not_done(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, _):
        face.deaf.set()
        await pilot.press("ctrl+k")
        await until(lambda: face.requests, pilot)
        await settled(pilot)
        assert "halt · sent" in words(pilot)
        assert "done" not in words(pilot).splitlines()[-1]


async def test_a_refusal_is_shown_in_the_engines_own_words(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, size=(80, 24)) as (pilot, face, _):
        face.answer = lambda request: Answer(request.id, Verdict.REFUSED, "no cycle BTCUSDT long is open")
        await pilot.press("p")
        await until(lambda: face.commands, pilot)
        await until(lambda: "refused · no cycle BTCUSDT long is open" in words(pilot), pilot)


async def test_a_command_to_a_gone_engine_says_that_it_was_not_sent(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        await face.vanish()
        await until(lambda: desk.scene.is_gone, pilot)
        await settled(pilot)
        assert "Keys reach nobody" in words(pilot)
        await pilot.press("ctrl+k")
        await until(lambda: "NOT SENT: the engine is gone" in words(pilot), pilot)


async def test_a_read_only_desk_sends_nothing(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.UNMANAGED, read_only=True) as (pilot, face, _):
        await pilot.press("ctrl+k", "ctrl+x", "ctrl+x", "a")
        await settled(pilot)
        assert "READ-ONLY" in words(pilot)
        assert "attached read-only" in words(pilot)
        assert "^K halt" not in words(pilot)
        assert face.commands == []


async def test_resume_asks_and_cancel_has_the_focus(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.KILLED) as (pilot, face, desk):
        await pilot.press("ctrl+r")
        await at_rest(pilot)
        assert desk.focused is not None
        assert desk.focused.id == "cancel"
        assert "−14.33 USDT" in words(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert face.commands == []
        await pilot.press("ctrl+r")
        await at_rest(pilot)
        await pilot.press("tab", "enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Resume()]


async def test_resume_is_refused_while_trading(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, _, desk):
        await pilot.press("ctrl+r")
        await settled(pilot)
        assert isinstance(desk.screen, DeskScreen)
        assert "trading is not halted" in words(pilot)


async def test_an_unmanaged_row_is_adopted_only_after_a_yes(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.UNMANAGED) as (pilot, face, desk):
        await pilot.press("a")
        await at_rest(pilot)
        assert isinstance(desk.screen, Ask)
        await pilot.press("escape")
        await settled(pilot)
        assert face.commands == []
        await pilot.press("a")
        await at_rest(pilot)
        await pilot.press("right", "enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Adopt("SOLUSDT", Side.LONG)]


async def test_a_managed_row_is_not_adopted(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, _):
        await pilot.press("a")
        await settled(pilot)
        assert "select an unmanaged position first" in words(pilot)
        assert face.commands == []


async def test_pause_acts_at_once_and_scaling_again_asks(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        await pilot.press("p")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Pause("ETHUSDT", Side.LONG)]
        paused = replace(scenes.ETH, status=Status.PAUSED, reason="by the trader")
        await face.tell(replace(scenes.LIVE, version=9, positions=(scenes.BTC, paused)))
        await until(lambda: "PAUSED" in words(pilot), pilot)
        await pilot.press("p")
        await at_rest(pilot)
        assert isinstance(desk.screen, Ask)
        assert "−4.41 USDT" in words(pilot)
        await pilot.press("tab", "enter")
        await until(lambda: len(face.commands) == 2, pilot)
        assert face.commands[-1] == Unpause("ETHUSDT", Side.LONG)


@pytest.mark.parametrize(("key", "command"), [("enter", Approve("c2", 1)), ("n", Deny("c2", 1))])
async def test_an_approval_is_answered_from_its_own_panel(
    socket: Path, clocks: Clocks, key: str, command: object
) -> None:
    async with watching(socket, clocks, scenes.ASKING) as (pilot, face, _):
        await pilot.press(key)
        await settled(pilot)
        assert face.commands == [], "the panel never takes the focus by itself"
        if isinstance(pilot.app.screen, PositionMenu):
            await pilot.press("escape")
        await pilot.press("tab", key)
        await until(lambda: face.commands, pilot)
        assert face.commands == [command]


async def test_an_approval_counts_down(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.ASKING) as (pilot, _, _desk):
        assert "0:42" in words(pilot)
        clocks.pass_s(2)
        await settled(pilot)
        assert "0:40" in words(pilot)


async def test_the_cursor_stays_on_its_position_when_the_order_changes(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        grid = desk.screen.query_one(PositionsGrid)
        await pilot.press("j")
        await at_rest(pilot)
        assert grid.chosen == "BTCUSDT:short"
        near = replace(scenes.BTC, distance=D("0.007"))
        await face.tell(replace(scenes.LIVE, version=9, positions=(near, scenes.ETH)))
        await until(lambda: grid.position and grid.position.distance == near.distance, pilot)
        assert grid.cursor_row == 0
        assert grid.chosen == "BTCUSDT:short"


async def test_a_filter_narrows_while_it_is_typed_and_escape_shows_all(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, _, desk):
        await pilot.press("slash")
        await settled(pilot)
        assert "filter: symbol, side, status" in words(pilot)
        await pilot.press(*"eth")
        await settled(pilot)
        *_, typed, foot = words(pilot).splitlines()
        assert typed.strip() == "eth"
        assert foot.split("  ")[:4] == [
            " enter keeps it",
            "esc shows all",
            "^K halt",
            "^X flatten",
        ]
        assert [row.position.symbol for row in desk.screen.query_one(PositionsGrid).rows] == ["ETHUSDT"]
        assert desk.screen.query_one(PositionsGrid).border_title == "Positions 1 of 2"
        await pilot.press("escape")
        await settled(pilot)
        assert desk.screen.query_one(PositionsGrid).border_title == "Positions 2"
        assert not desk.screen.query_one(FilterLine).has_class("-open")


async def test_the_bottom_line_names_only_keys_that_work_now(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.EMPTY, size=(80, 24)) as (pilot, face, _):

        def foot() -> str:
            return words(pilot).splitlines()[-1]

        assert "menu" not in foot(), "there is no position to choose for"
        for screen in "12345":
            await pilot.press(screen)
            await settled(pilot)
            assert "^K halt  ^X flatten  ? help" in foot(), screen
        await pilot.press("1", "f1")
        await until(lambda: foot().startswith(" esc closes  ^K halt  ^X flatten  "), pilot)
        await pilot.press("escape")
        await until(lambda: "? help" in foot(), pilot)
        await face.tell(scenes.LIVE)
        await until(lambda: "m menu  o ticket  c chart" in foot(), pilot)


async def test_sorting_goes_round(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, _, _desk):
        seen = []
        for _ in range(5):
            seen.append(next(line for line in words(pilot).splitlines() if "╰" in line).strip("╰╯─ "))
            await pilot.press("s")
            await settled(pilot)
        assert seen == [
            "nearest liquidation first",
            "largest loss first",
            "by symbol",
            "newest first",
            "nearest liquidation first",
        ]


async def test_y_copies_the_row_with_every_digit(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, _, desk):
        await pilot.press("j", "y")
        await settled(pilot)
        assert desk.clipboard.split("\t")[:5] == ["BTCUSDT", "short", "96612.9032", "95010.2", "0.0031"]


async def test_a_click_selects_the_row_under_it(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, _, desk):
        grid = desk.screen.query_one(PositionsGrid)
        await pilot.click(grid, offset=(10, 3))
        await at_rest(pilot)
        assert grid.chosen == "BTCUSDT:short"


async def test_the_palette_knows_every_command(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        await pilot.press("ctrl+p")
        await until(lambda: isinstance(desk.screen, CommandPalette), pilot)
        await pilot.press(*"halt: noth")
        await until(lambda: desk.screen.query_one(CommandList).option_count == 1, pilot)
        await pilot.press("enter")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Halt()]


async def test_the_vim_keymap_jumps_with_g(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.crowd(9), keymap="vim") as (pilot, _, desk):
        grid = desk.screen.query_one(PositionsGrid)
        await pilot.press("G")
        await at_rest(pilot)
        assert grid.cursor_row == 8
        await pilot.press("g")
        await at_rest(pilot)
        assert grid.cursor_row == 0


async def test_an_own_keymap_moves_the_kill_key_and_the_bottom_line_says_so(
    socket: Path, clocks: Clocks
) -> None:
    async with watching(socket, clocks, keymap={"halt": "ctrl+g"}) as (pilot, face, _):
        assert "^G halt" in words(pilot)
        await pilot.press("ctrl+g")
        await until(lambda: face.commands, pilot)
        assert face.commands == [Halt()]


async def test_quitting_says_that_the_engine_keeps_running(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks) as (pilot, face, desk):
        await pilot.press("q")
        await at_rest(pilot)
        assert desk.return_code == 0
        assert desk._exit_renderables == [
            "The engine keeps running (main, SIM, process 4711). `ratchet kill` halts it."
        ]
        assert face.commands == []


async def test_who_lends_an_engine_for_a_while_says_his_own_farewell(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, farewell="The demo ends with the desk.") as (pilot, _, desk):
        await pilot.press("q")
        await at_rest(pilot)
        assert desk._exit_renderables == ["The demo ends with the desk."]


class RecordedHand:
    """A hand that remembers what it did, as the simulated exchange would."""

    symbols = ("BTCUSDT", "ETHUSDT")

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    async def open(self, symbol: str, side: Side) -> str:
        if symbol == "ETHUSDT":
            raise HandRefused("the simulated account has 3.10 USDT free; 10 are needed")
        self.done.append(("open", symbol, side.value))
        return f"{side} {symbol} 0.0020 at 95,010.2"

    async def close(self, symbol: str) -> str:
        self.done.append(("close", symbol))
        return f"{symbol} closed"

    async def next_move(self) -> str:
        self.done.append(("move",))
        return "2025-05-08 16:00"


async def test_the_hand_opens_on_a_simulated_exchange(socket: Path, clocks: Clocks) -> None:
    hand = RecordedHand()
    async with watching(socket, clocks, hand=hand) as (pilot, _, desk):
        assert "h hand" in words(pilot)
        await pilot.press("h")
        await until(lambda: isinstance(desk.screen, HandMenu), pilot)
        await pilot.press("down", "enter")
        await until(lambda: hand.done, pilot)
        assert hand.done == [("open", "BTCUSDT", "short")]
        await until(lambda: "short BTCUSDT 0.0020 at 95,010.2" in words(pilot), pilot)


async def test_a_hand_that_is_refused_says_why(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, hand=RecordedHand()) as (pilot, _, desk):
        await pilot.press("h")
        await until(lambda: isinstance(desk.screen, HandMenu), pilot)
        await pilot.press("down", "down", "enter")
        await until(lambda: "3.10 USDT free" in words(pilot), pilot)


async def test_without_a_simulation_there_is_no_hand(socket: Path, clocks: Clocks) -> None:
    hello = replace(scenes.HELLO, mode=Mode.LIVE, hand=False)
    async with watching(socket, clocks, scenes.REAL_MONEY, hello=hello, hand=RecordedHand()) as (
        pilot,
        _,
        desk,
    ):
        assert "h hand" not in words(pilot)
        await pilot.press("h")
        await at_rest(pilot)
        assert isinstance(desk.screen, DeskScreen)
