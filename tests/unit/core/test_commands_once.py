"""A command is done once under its id; and nobody is told that trading is halted when it is not."""

from __future__ import annotations

import pytest
from test_trades_in_order import Day

from engine.core.decide import Decision
from engine.core.events import AnyCommand, Commanded, Flatten, Halt, Resume


def asked(day: Day, command: AnyCommand, id: str = "mine-1") -> Decision:
    return day.tell(Commanded(id, "cron", command))


@pytest.mark.parametrize("command", [Halt("news"), Flatten("news")])
def test_a_halt_under_a_used_id_is_refused_when_nothing_is_halted(command: Halt | Flatten) -> None:
    day = Day()
    day.begins()
    assert asked(day, command).answer
    assert asked(day, command).answer == "already done", "an answer was lost, and it is asked again"
    assert asked(day, Resume(), id="back").answer
    again = asked(day, command)
    assert again.answer == ""
    assert again.refused.endswith("nothing was done. Send it with an id of its own.")
    assert asked(day, command, id="mine-2").answer
    assert day.state.kill is not None
