"""The desk in terminals of fewer colours: over SSH nobody tells of sixteen million."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.style import Style

from tests.desk.engine_face import EngineFace
from tests.desk.terminal import terminal
from tui.colours import nearest
from tui.wardrobe import Choice, Wardrobe

SGR = re.compile(rb"\x1b\[([\d;]*)m")


async def colours_in(socket: Path, **env: str) -> set[str]:
    """Every word of colour that a desk writes in its first picture."""
    async with EngineFace(socket), terminal("-m", "tui", str(socket), COLORTERM="", **env) as held:
        await held.until(b"nearest liquidation first")
        return {told.decode() for told in SGR.findall(bytes(held.seen))}


async def test_a_terminal_of_256_colours_is_told_of_those_and_no_calm_ground_turns_navy(socket: Path) -> None:
    told = await colours_in(socket, TERM="screen-256color")
    assert any("48;5;235" in each for each in told), "the row under the cursor"
    assert not any("8;2;" in each or "48;5;17" in each for each in told)


@pytest.mark.parametrize("term", ["xterm", "linux"])
async def test_a_terminal_of_sixteen_has_its_own_gains_in_green_and_losses_in_red(
    socket: Path, term: str
) -> None:
    told = {word for each in await colours_in(socket, TERM=term) for word in each.split(";")}
    assert told >= {"31", "32", "33"}
    assert not told & {"38", "48"}


@pytest.mark.parametrize(
    ("wanted", "near"),
    [("#1d2631", 235), ("#0f1318", 233), ("#2b323d", 236), ("#ffffff", 231), ("#6cc499", 78)],
)
def test_the_nearest_colour_is_the_one_that_looks_so(wanted: str, near: int) -> None:
    style = nearest(Style.parse(f"bold {wanted} on {wanted}"))
    assert style.color is not None
    assert style.bgcolor is not None
    assert (style.color.number, style.bgcolor.number, style.bold) == (near, near, True)
    assert nearest(Style.parse("red on default")) == Style.parse("red on default")


def test_in_a_terminal_of_sixteen_only_what_nobody_chose_is_another_theme() -> None:
    plain = Wardrobe((), few=True)
    plain.load()
    assert plain.choice(None) == Choice("ratchet-ansi", "a terminal of sixteen colours")
    assert plain.choice(None, "ratchet-light").name == "ratchet-light"
    asked = Wardrobe((), few=True, wanted="ratchet-contrast")
    asked.load()
    assert asked.choice(None).name == "ratchet-contrast"
