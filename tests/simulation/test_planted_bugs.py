"""F4: bugs that other bots shipped are planted one at a time, and each is caught."""

from __future__ import annotations

from itertools import chain

import pytest

from .chapters import FOUND, chapter
from .plans import STORIES
from .planted import PLANTED, bug
from .run import simulate

PATIENCE = 120
"""Seeds within which a bug has to show."""


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_caught(name: str) -> None:
    with bug(name):
        for scenario in chain(STORIES.values(), map(chapter, (*FOUND, *range(PATIENCE)))):
            if simulate(scenario).violations:
                return
    pytest.fail(f"nobody noticed: {name}")


def test_at_least_thirty_bugs_are_planted() -> None:
    assert len(PLANTED) >= 30
