"""The first picture: nothing before it, and then all of it, whatever the engine does."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from tests.desk import scenes
from tests.desk.conftest import Clocks, desk_on, listening, settled, until, watching, words
from tests.desk.engine_face import EngineFace
from tests.desk.terminal import STEERING, terminal
from tui.widgets.filter_line import FilterLine

PATIENT = (
    "from tui import app; app.PATIENCE_S = 60.0; from tui.__main__ import main; raise SystemExit(main())"
)
"""A desk that waits for the engine's numbers however busy the machine is."""


async def test_the_first_words_on_the_terminal_are_the_whole_desk_with_the_engines_numbers(
    socket: Path,
) -> None:
    async with EngineFace(socket), terminal("-c", PATIENT, str(socket)) as held:
        await held.until(b"RATCHET")
        await held.until(b"BTCUSDT")
        before, _, after = STEERING.sub("", held.seen.decode(errors="ignore")).partition("RATCHET")
        assert before.strip() == "", "no empty screen is painted first"
        assert "SIM" in after[:40]
        assert b"Waiting for the engine" not in held.seen


async def test_the_first_picture_is_painted_once_and_whole(socket: Path) -> None:
    """Every part has its last size in it: nothing of it has to be painted again."""
    async with EngineFace(socket), terminal("-c", PATIENT, str(socket)) as held:
        parts = (b"nearest liquidation first", b"Worst case", b"TO LIQ", b"after rung", b"Log", b"flatten")
        for words in parts:
            await held.until(words)
        await asyncio.sleep(1.0)
        assert {words: held.seen.count(words) for words in parts} == dict.fromkeys(parts, 1)


async def test_the_first_picture_has_the_chart_in_it_where_it_was_left_open(
    socket: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "desk.toml"
    kept.write_text('chart = "open"\n')
    short = replace(scenes.LIVE, positions=(scenes.BTC,))
    async with (
        EngineFace(socket, short),
        terminal("-c", PATIENT, str(socket), "--kept", str(kept)) as held,
    ):
        await held.until(b"5 min candles")
        assert "SHORT · BREAKEVEN".encode() not in held.seen, "no ladder is painted first"


async def test_an_engine_that_takes_the_call_and_says_nothing_does_not_keep_the_desk_dark(
    socket: Path,
) -> None:
    async def hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(socket, hangs), terminal("-m", "tui", str(socket)) as held:
        await held.until(b"RATCHET")
        await held.until(b"seeking")


async def test_without_an_engine_the_desk_says_so_at_once(socket: Path) -> None:
    async with terminal("-m", "tui", str(socket)) as held:
        await held.until(b"no engine at")


async def test_what_is_typed_in_has_no_place_before_it_is_wanted(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.LIVE) as (pilot, _, desk):
        await settled(pilot)
        assert not desk.screen.query(FilterLine)
        await pilot.press("slash", *"eth", "enter")
        await settled(pilot)
        await pilot.press("slash")
        await settled(pilot)
        [line] = desk.screen.query(FilterLine)
        assert line.value == "eth", "the same line again"
        assert line.has_focus


async def test_the_halt_key_works_before_the_first_picture(socket: Path, clocks: Clocks) -> None:
    async with EngineFace(socket, None) as face:
        desk = desk_on(socket, clocks)
        async with desk.run_test() as pilot:
            await pilot.press("ctrl+k")
            await until(lambda: face.commands, pilot)
            assert "halt" in words(pilot).splitlines()[-1]
