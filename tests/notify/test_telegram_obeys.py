"""What the trader may type, and that money moves only on a button."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.notify.telegram.obey import MENU
from engine.protocol import (
    Adopt,
    Breakeven,
    Flatten,
    Halt,
    LimitView,
    Pause,
    Reduce,
    Resume,
    Side,
    StopMode,
    Unpause,
)
from tests.notify.pocket import pocket
from tests.unit.api.served import EngineFace, btc_short, snapshot

D = Decimal
SHORT = ("BTCUSDT", Side.SHORT)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/status", "main · SIM · trading"),
        ("/pos", "SHORT BTCUSDT · BREAKEVEN"),
        ("/pnl", "Today +9.70 (9.7 %)"),
        ("/limits", "Limits"),
        ("/health", "public: up, heard 0 s ago, 14 ms"),
        ("/help", "/kill halt at once"),
        ("/why btc", "mark 95,000.0 reached rung 1"),
        ("/status@ratchet_fake_bot", "trading"),
        ("hello", "I do not know that. /help lists what I do; nothing was done."),
        ("/sell everything", "I do not know that."),
    ],
)
async def test_a_question_is_answered(tmp_path: Path, text: str, answer: str) -> None:
    async with pocket(tmp_path) as on:
        await on.asks(text, answer)
        assert on.desk.asked == []


@pytest.mark.parametrize("text", ["/status", "/pos"])
async def test_the_phone_is_told_what_the_worst_case_leaves_out(tmp_path: Path, text: str) -> None:
    stranger = btc_short(key="ETHUSDT:short", symbol="ETHUSDT", managed=False, worst_case=None)
    desk = EngineFace(snapshot(positions=(btc_short(), stranger)))
    async with pocket(tmp_path, desk=desk) as on:
        await on.asks(text, "⚠️ The worst case leaves out 1 position not under care")


async def test_limits_say_how_much_of_them_is_left(tmp_path: Path) -> None:
    limit = LimitView("daily loss", "20.00 (20.0 %)", "0.00", False, left="20.00 left today")
    async with pocket(tmp_path, desk=EngineFace(snapshot(limits=(limit,)))) as on:
        await on.asks("/limits", "daily loss: 0.00, limit 20.00 (20.0 %), 20.00 left today")


async def test_the_menu_of_the_bot_is_what_help_lists(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        await on.api.called("setMyCommands")
        assert on.api.commands == list(MENU)


@pytest.mark.parametrize(
    ("text", "question", "command"),
    [
        ("/reduce btc 50%", "SHORT BTCUSDT: close 50.0 %?", Reduce(*SHORT, D("0.5"))),
        ("/reduce BTCUSDT 0.25", "SHORT BTCUSDT: close 25.0 %?", Reduce(*SHORT, D("0.25"))),
        ("/close btc", "SHORT BTCUSDT: close everything?", Reduce(*SHORT, D(1))),
        ("/close", "SHORT BTCUSDT: close everything?", Reduce(*SHORT, D(1))),
        ("/be btc short", "SHORT BTCUSDT: one stop at breakeven?", Breakeven(*SHORT)),
        ("/resume btc", "SHORT BTCUSDT: scale it again?", Unpause(*SHORT)),
    ],
)
async def test_what_touches_money_shows_its_effect_and_waits_for_the_button(
    tmp_path: Path, text: str, question: str, command: object
) -> None:
    async with pocket(tmp_path) as on:
        card = await on.asks(text, question)
        assert on.desk.asked == []
        on.press(card, "Yes, do it")
        done = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert [request.command for request in on.desk.asked] == [command]
        assert on.desk.asked[0].by == "telegram, user 7"
        assert done.text.endswith(": done")


async def test_no_means_no(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        card = await on.asks("/close btc", "close everything?")
        on.press(card, "No")
        await on.api.until(lambda shown: shown.id == card.id and shown.text.endswith("Nothing was done."))
        assert on.desk.asked == []


async def test_close_names_the_result_at_the_mark(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        card = await on.asks("/close btc", "close everything?")
        assert card.text.splitlines()[1:4] == [
            "Closes 0.0031 at market, reduce-only",
            "At the mark 95,010.2: +4.79 after the fee, 14.98 margin comes free",
            "The cycle then ends with about +9.49; its stops go with it",
        ]


async def test_without_a_mark_no_result_is_named_and_it_can_still_be_closed(tmp_path: Path) -> None:
    blind = btc_short(mark=None, distance=None, unrealized_pnl=None, unrealized_return=None)
    async with pocket(tmp_path, desk=EngineFace(snapshot(positions=(blind,)))) as on:
        card = await on.asks("/close btc", "The mark is unknown right now: no result can be named")
        assert card.data("Yes, do it")
        pos = await on.asks("/pos", "mark unknown")
        assert "unknown)" not in pos.text
        assert "Liquidation 100,979.04\n" in pos.text


@pytest.mark.parametrize(
    ("text", "changes", "why"),
    [
        ("/reduce btc 1%", {}, "BTCUSDT short cannot lose so little: 0 is below Bitget's minimum of 0.0001."),
        (
            "/be btc",
            {"stop_mode": StopMode.CYCLE_BREAKEVEN},
            "BTCUSDT short has its stop at the cycle's breakeven already.",
        ),
        (
            "/adopt btc",
            {"managed": False, "cycle": "", "reason": "crossed margin"},
            "BTCUSDT short cannot be taken under care: crossed margin.",
        ),
        (
            "/close btc",
            {"managed": False, "cycle": "", "reason": "crossed margin"},
            "Nothing is under care; BTCUSDT short is open, but not under care.",
        ),
        ("/adopt btc", {}, "Nothing is open and not under care; BTCUSDT short is under care already."),
    ],
)
async def test_what_cannot_be_done_is_told_instead_of_asked(
    tmp_path: Path, text: str, changes: dict[str, object], why: str
) -> None:
    desk = EngineFace(snapshot(positions=(btc_short(**changes),)))
    async with pocket(tmp_path, desk=desk) as on:
        shown = await on.asks(text, f"{why} Nothing was done.")
        assert not shown.buttons


async def test_breakeven_before_the_first_rung_says_that_nothing_changes_yet(tmp_path: Path) -> None:
    young = btc_short(rungs=0, stops=())
    async with pocket(tmp_path, desk=EngineFace(snapshot(positions=(young,)))) as on:
        card = await on.asks("/be", "one stop at breakeven?")
        assert card.text.splitlines()[1:-1] == [
            "Stop now: none, liquidation at 100,979.04",
            "Nothing changes yet: stops begin with the first rung",
            "From then on: one stop for everything at the cycle's breakeven",
        ]


async def test_a_story_is_told_under_the_names_that_the_trader_knows(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        story = await on.asks("/why btc", "mark 95,000.0 reached rung 1")
        assert story.text.splitlines() == [
            "BTCUSDT short: 1 step",
            "2025-05-08, UTC",
            "14:00:01 event: mark 95,000.0 reached rung 1",
        ]


async def test_adopt_names_only_what_is_not_managed(tmp_path: Path) -> None:
    eth = {"symbol": "ETHUSDT", "key": "ETHUSDT:short"}
    stranger = btc_short(managed=False, can_adopt=True, cycle="", reason="denied", status=None, **eth)
    async with pocket(tmp_path, desk=EngineFace(snapshot(positions=(stranger,)))) as on:
        card = await on.asks("/adopt eth", "SHORT ETHUSDT: take it under care?")
        on.press(card, "Yes, do it")
        await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert [each.command for each in on.desk.asked] == [Adopt("ETHUSDT", Side.SHORT)]
        await on.asks("/close eth", "ETHUSDT short is open, but not under care. Nothing was done.")


async def test_kill_halts_at_once_and_offers_to_close(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        offer = await on.asks("/kill", "1 position under care, left open.")
        assert [each.command for each in on.desk.asked] == [Halt()]
        on.press(offer, "Leave them")
        await on.api.until(lambda shown: shown.id == offer.id and not shown.buttons)
        assert len(on.desk.asked) == 1
        await on.asks("/kill flatten", "halted")
        assert on.desk.asked[-1].command == Flatten()


async def test_kill_with_a_slip_of_the_finger_does_nothing_and_says_so(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        await on.asks("/kill flaten", "Nothing was done.")
        assert on.desk.asked == []


async def test_pause_without_a_name_pauses_everything_at_once(tmp_path: Path) -> None:
    eth = btc_short(symbol="ETHUSDT", key="ETHUSDT:short", cycle="eth-1")
    async with pocket(tmp_path, desk=EngineFace(snapshot(positions=(btc_short(), eth)))) as on:
        await on.asks("/pause", "pause: done\npause: done")
        assert [each.command for each in on.desk.asked] == [Pause(*SHORT), Pause("ETHUSDT", Side.SHORT)]


async def test_resume_after_a_halt_asks_first(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        await on.asks("/resume", "It is not halted.")
        await on.asks("/kill", "left open")
        card = await on.asks("/resume", "End the halt?")
        assert [each.command for each in on.desk.asked] == [Halt()]
        on.press(card, "Yes, do it")
        await on.api.until(lambda shown: shown.id == card.id and "resumed" in shown.text)
        assert on.desk.asked[-1].command == Resume()


@pytest.mark.parametrize(
    "text",
    [
        "/reduce btc 50",
        "/reduce btc",
        "/reduce",
        "/reduce btc nan",
        "/reduce btc -1",
        "/reduce btc ٥٠%",
        "/reduce btc 0_1%",
    ],
)
async def test_a_part_that_can_be_misread_is_refused(tmp_path: Path, text: str) -> None:
    async with pocket(tmp_path) as on:
        await on.asks(text, "50%")
        assert on.desk.asked == []


async def test_long_and_short_in_one_symbol_have_to_be_named(tmp_path: Path) -> None:
    both = (btc_short(), btc_short(side=Side.LONG, key="BTCUSDT:long", cycle="btc-2"))
    async with pocket(tmp_path, desk=EngineFace(snapshot(positions=both))) as on:
        await on.asks("/close btc", "Say which: BTCUSDT short, BTCUSDT long.")
        await on.asks("/close btc long", "LONG BTCUSDT: close everything?")


# -- late ----------------------------------------------------------------------------------------------------


async def test_a_kill_typed_nine_minutes_ago_is_carried_out_and_says_so(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.type("/kill", late_s=540)
        await on.says("Carried out 9 min after you sent it.")
        assert [each.command for each in on.desk.asked] == [Halt()]


async def test_a_kill_typed_eleven_minutes_ago_is_refused_by_its_date(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.type("/kill", late_s=660)
        await on.says("Not carried out: you sent this at")
        assert on.desk.asked == []


async def test_what_adds_risk_is_refused_when_it_comes_two_minutes_late(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.type("/resume btc", late_s=120)
        await on.says("Not carried out: you sent this at")
        on.type("/close btc", late_s=120)
        await on.says("close everything?")


async def test_a_button_that_adds_risk_is_too_late_after_a_minute(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        adding = await on.asks("/resume btc", "scale it again?")
        reducing = await on.asks("/close btc", "close everything?")
        on.watch.ahead_ms += 61_000
        on.press(adding, "Yes, do it")
        gone = await on.api.until(lambda shown: shown.id == adding.id and not shown.buttons)
        assert gone.text.endswith("The ladder may then add to it again\n\nExpired. Nothing was done.")
        assert on.api.popups == ["Too late: this has expired. Nothing was done; ask again."]
        on.press(reducing, "Yes, do it")
        await on.api.until(lambda shown: shown.id == reducing.id and not shown.buttons)
        assert [each.command for each in on.desk.asked] == [Reduce(*SHORT, D(1))]


async def test_a_message_that_telegram_delivers_twice_acts_once(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.type("/kill")
        await on.says("left open")
        await on.api.called("getUpdates", 2)
        [update] = [each for each in on.api.confirmed if "message" in each]
        on.api.deliver_again(update)
        await on.api.until(lambda shown: sum("left open" in text for text in on.texts()) == 2)
        first, second = on.desk.asked
        assert first.id == second.id


def test_every_adding_command_of_the_protocol_is_known_to_be_one() -> None:
    """What the phone cannot do at all it cannot do by mistake: entries and stop modes are not on its list."""
    assert not {"enter", "exit", "stops"} & MENU.keys()
