"""Themes while the desk runs: the account's own, files that change, contrast to read by; and what rings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.color import Color

from engine.protocol import Level, LogLine, Mode
from tests.desk import scenes
from tests.desk.conftest import Clocks, until, watching
from tui.alarms import Alarms, notice_sequence
from tui.themes import load_themes, own_folder
from tui.wardrobe import Wardrobe

REAL = replace(scenes.HELLO, mode=Mode.LIVE, account="savings")


def dressed(**wishes: object) -> Wardrobe:
    wardrobe = Wardrobe((), **wishes)  # type: ignore[arg-type]
    wardrobe.load()
    return wardrobe


def test_an_account_wears_its_own_theme_before_that_of_its_kind() -> None:
    wardrobe = dressed(worn={"LIVE": "ratchet-contrast", "savings": "ratchet-cvd"})
    assert wardrobe.choice(REAL) == ("ratchet-cvd", "desk.themes.savings", "")
    assert wardrobe.choice(replace(REAL, account="other")) == ("ratchet-contrast", "desk.themes.live", "")
    assert wardrobe.choice(scenes.HELLO) == ("ratchet-dark", "default", "")
    assert wardrobe.choice(None) == ("ratchet-dark", "default", "")


def test_a_theme_that_was_asked_for_by_name_wins() -> None:
    wardrobe = dressed(wanted="ratchet-light", where="config.toml line 3", worn={"live": "ratchet-cvd"})
    assert wardrobe.choice(REAL, "ratchet-ansi") == ("ratchet-light", "config.toml line 3", "")


def test_what_was_chosen_at_the_desk_never_repaints_an_account_that_has_its_own() -> None:
    wardrobe = dressed(worn={"live": "ratchet-contrast"})
    assert wardrobe.choice(REAL, "ratchet-light") == ("ratchet-contrast", "desk.themes.live", "")
    assert wardrobe.choice(scenes.HELLO, "ratchet-light") == ("ratchet-light", "chosen at the desk", "")


def test_no_colour_wins_over_every_wish() -> None:
    wardrobe = dressed(wanted="ratchet-light", worn={"live": "ratchet-cvd"}, colourless=True)
    assert wardrobe.choice(REAL) == ("ratchet-mono", "NO_COLOR", "")


def test_a_theme_that_is_not_there_is_told() -> None:
    choice = dressed(worn={"sim": "gold"}).choice(scenes.HELLO)
    assert choice.name == "ratchet-dark"
    assert choice.problem.startswith("no theme is called 'gold' (desk.themes.sim): there are ratchet-ansi, ")


@pytest.mark.parametrize("name", ["dark", "light", "contrast", "cvd", "cvd-light"])
def test_what_a_theme_writes_can_be_read(name: str) -> None:
    themes, _ = load_themes([own_folder()])
    theme = next(each for each in themes if each.name == f"ratchet-{name}")
    inks = {key: Color.parse(value) for key, value in theme.variables.items() if value.startswith("#")}
    page = Color.parse(theme.background or "")
    least = 7.0 if name == "contrast" else 4.5
    for ink in ("text", "bright", "gain", "loss", "warn", "accent"):
        for under in (page, inks["cursor-row"], inks["header-live"]):
            assert under.get_contrast_text().brightness is not None
            assert contrast(inks[f"ink-{ink}"], under) >= least - 1.3, (ink, under)
        assert contrast(inks[f"ink-{ink}"], page) >= least, ink
    for badge, words in (
        ("live", "on-badge"),
        ("demo", "on-badge"),
        ("sim", "on-badge"),
        ("alarm", "on-alarm"),
    ):
        assert contrast(inks[f"ink-{words}"], inks[f"ink-{badge}"]) >= 3.0, badge


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2: 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: Color) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


async def test_a_theme_file_that_is_written_is_worn_at_once_and_a_bad_one_is_told(
    socket: Path, clocks: Clocks, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('primary = "#336699"\n[ink]\nink-gain = "#00ff00"\n')
    async with watching(socket, clocks, theme="mine", theme_folders=(tmp_path,)) as (pilot, _, desk):
        assert desk.theme == "mine"
        assert desk.theme_variables["ink-gain"] == "#00ff00"
        mine.write_text('primary = "#336699"\n[ink]\nink-gain = "#0000ff"\n')
        os.utime(mine, (1, 1))
        await until(lambda: desk.theme_variables["ink-gain"] == "#0000ff", pilot)
        mine.write_text('primary = "bleu"\n')
        await until(lambda: any("bleu" in note.message for note in desk._notifications), pilot)
        assert desk.theme == "mine"


async def test_real_money_has_another_header_than_a_simulation(socket: Path, clocks: Clocks) -> None:
    async with watching(socket, clocks, scenes.REAL_MONEY, hello=REAL) as (_, _, desk):
        assert desk.screen.query_one("#header").has_class("-live")
    clocks = Clocks()
    async with watching(socket, clocks, scenes.LIVE) as (_, _, desk):
        assert not desk.screen.query_one("#header").has_class("-live")


def line(number: int, level: Level, text: str = "rung 1 done") -> LogLine:
    return LogLine(number, scenes.NOW, scenes.NOW, level, "BTCUSDT", text)


def test_only_what_is_new_and_loud_enough_rings() -> None:
    alarms = Alarms(bell=("urgent",), notices=("money", "urgent"))
    assert alarms.heard(scenes.KILLED) == (False, ""), "what was there before the desk is old news"
    later = replace(scenes.KILLED, log=(*scenes.KILLED.log, line(7, Level.MONEY)))
    assert alarms.heard(later) == (False, "Ratchet main SIM: rung 1 done")
    assert alarms.heard(later) == (False, "")
    loud = replace(later, log=(*later.log, line(8, Level.URGENT, "halted"), line(9, Level.CHATTER)))
    assert alarms.heard(loud) == (True, "Ratchet main SIM: halted")


def test_an_engine_that_was_started_again_counts_from_the_beginning() -> None:
    alarms = Alarms(bell=("urgent",))
    alarms.heard(scenes.KILLED)
    again = replace(
        scenes.LIVE, engine=replace(scenes.ENGINE, started=scenes.NOW), log=(line(1, Level.URGENT),)
    )
    assert alarms.heard(again) == (False, "")


def test_a_notice_cannot_steer_the_terminal() -> None:
    assert notice_sequence("a\x1b]0;b\x07c") == "\x1b]9;a ]0;b c\x1b\\"


def test_silence_is_a_choice() -> None:
    alarms = Alarms(bell=(), notices=())
    alarms.heard(scenes.LIVE)
    assert alarms.heard(scenes.KILLED) == (False, "")
