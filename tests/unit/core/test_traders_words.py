"""How the belief's own words are said to the trader."""

from __future__ import annotations

import pytest

from engine.core.settings import StopMode
from engine.core.words import MODE_WORDS, ending


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("trader", "by you"),
        ("ladder", "by the ladder"),
        ("closed by desk on tty2", "by desk on tty2"),
        ("exit by the webhook", "exit by the webhook"),
        ("released by telegram, user 7", "released by telegram, user 7"),
    ],
)
def test_a_cycle_ends_in_the_traders_words(reason: str, told: str) -> None:
    assert ending(reason) == told


def test_every_stop_mode_is_said_without_its_name_in_the_configuration() -> None:
    assert MODE_WORDS.keys() == set(StopMode)
    assert not any("_" in words for words in MODE_WORDS.values())
