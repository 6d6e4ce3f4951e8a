"""What the phone is told, and how loudly."""

from __future__ import annotations

from pathlib import Path

from engine.core.actions import Level
from tests.notify.pocket import pocket


async def test_a_note_about_money_arrives_with_its_position_as_title(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: you added 0.001 @ 95,000.0: leg 2, the next trigger is measured from it.")
        shown = await on.says("You added 0.001 @ 95,000.0")
        assert shown.text.splitlines()[0] == "BTCUSDT short"
        assert shown.entities == [{"type": "bold", "offset": 0, "length": 13}]
        assert not shown.silent


async def test_status_is_answered(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        shown = await on.asks("/status", "Equity")
        assert "Worst case −4.50, 1 of 2 cycles" in shown.text


async def test_an_alarm_rings_until_it_is_seen(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: the stop at 99,293.2 was refused.", Level.URGENT, "stop refused")
        await on.says("was refused")
        again = await on.says("Still not acknowledged: 1")
        on.press(again, "Seen")
        await on.api.until(lambda shown: shown.id == again.id and "Seen." in shown.text)
        count = len(on.api.messages)
        await on.pause(0.6)
        assert len(on.api.messages) == count
