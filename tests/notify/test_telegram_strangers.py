"""Who is not the trader is not answered, whatever he sends."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.notify.pocket import TRADER, pocket

STRANGER = 666


@pytest.mark.parametrize(("user", "chat"), [(STRANGER, STRANGER), (STRANGER, TRADER), (TRADER, -100)])
async def test_a_stranger_or_the_trader_in_another_chat_is_ignored(
    tmp_path: Path, user: int, chat: int
) -> None:
    async with pocket(tmp_path) as on:
        on.type("/kill", user=user, chat=chat)
        await on.asks("/limits", "Limits")
        assert on.desk.asked == []
        assert len(on.texts()) == 1
        assert on.phone.gate.strangers == 1


async def test_a_stranger_who_keeps_writing_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "ratchet.telegram"):
        async with pocket(tmp_path) as on:
            for _ in range(20):
                on.type("/status", user=STRANGER)
            await on.asks("/limits", "Limits")
            assert on.phone.gate.strangers == 20
    assert sum("a stranger wrote to the bot: user 666" in each for each in caplog.messages) == 1


async def test_a_button_pressed_by_a_stranger_does_nothing_and_stays_good(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        card = await on.asks("/close btc", "close everything?")
        on.press(card, "Yes, do it", user=STRANGER)
        await on.asks("/limits", "Limits")
        assert on.desk.asked == []
        on.press(card, "Yes, do it")
        await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert len(on.desk.asked) == 1


async def test_a_button_pressed_twice_counts_once(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        card = await on.asks("/close btc", "close everything?")
        data = card.data("Yes, do it")
        for _ in range(3):
            on.press(card, "Yes, do it", data=data)
        await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        await on.api.called("answerCallbackQuery", 3)
        await on.asks("/limits", "Limits")
        assert len(on.desk.asked) == 1
        assert on.api.popups.count("Already answered.") == 2


async def test_yes_after_no_is_too_late(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        card = await on.asks("/close btc", "close everything?")
        yes = card.data("Yes, do it")
        on.press(card, "No")
        await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        on.press(card, "Yes, do it", data=yes)
        await on.api.called("answerCallbackQuery", 2)
        assert on.api.popups[-1] == "Already answered."
        assert on.desk.asked == []


@pytest.mark.parametrize("data", ["", "close", "AAAAAAAAAAAAAAAA", "' OR 1=1 --", "x" * 64])
async def test_a_forged_button_does_nothing(tmp_path: Path, data: str) -> None:
    async with pocket(tmp_path) as on:
        card = await on.asks("/close btc", "close everything?")
        on.press(card, "Yes, do it", data=data)
        await on.api.called("answerCallbackQuery")
        assert on.api.popups == ["This button is not known any more. Ask again."]
        assert on.desk.asked == []


async def test_a_button_still_counts_after_a_restart_and_only_once(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        card = await on.asks("/close btc", "close everything?")
        desk, api_card = on.desk, card
        data = card.data("Yes, do it")
    async with pocket(tmp_path, desk=desk) as on:
        on.api.messages[api_card.id] = api_card
        on.press(api_card, "Yes, do it", data=data)
        on.press(api_card, "Yes, do it", data=data)
        await on.api.called("answerCallbackQuery", 2)
        assert len(desk.asked) == 1
        assert "Already answered." in on.api.popups


async def test_a_button_of_another_user_is_not_this_ones(tmp_path: Path) -> None:
    """The same outbox, but the configuration names another trader now."""
    async with pocket(tmp_path) as on:
        card = await on.asks("/close btc", "close everything?")
        nonce = card.data("Yes, do it")
        assert len(nonce) == 16
        from engine.notify.telegram.buttons import Buttons, Void

        elsewhere = Buttons(on.outbox, STRANGER, STRANGER)
        assert isinstance(await elsewhere.press(nonce, STRANGER, STRANGER, on.watch()), Void)
        assert not isinstance(await elsewhere.press(nonce, TRADER, TRADER, on.watch()), Void)
