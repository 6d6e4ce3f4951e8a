"""What the phone is told, and how loudly."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from engine.core.actions import Level
from engine.notify.telegram.sender import Night
from engine.protocol import ClosedView, NextRungView, Side
from tests.notify.pocket import QUICK, pocket
from tests.unit.api.served import NOW, EngineFace, btc_short, snapshot

D = Decimal
OPENED = {
    "qty": "0.002",
    "entry": "100000",
    "margin": "10",
    "leverage": "20",
    "liquidation": "104519.2",
}
RUNG = {
    "rung": "1",
    "realised": "5",
    "released": "5",
    "freed": "9.943",
    "added": "0.0021",
    "worst": "-4.4975",
}


async def test_a_note_about_money_arrives_with_its_position_as_title(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: you added 0.001 @ 95,000.0: leg 2, the next trigger is measured from it.")
        shown = await on.says("You added 0.001 @ 95,000.0")
        assert shown.text.splitlines()[0] == "BTCUSDT short"
        assert shown.entities == [{"type": "bold", "offset": 0, "length": 13}]
        assert not shown.silent


async def test_an_opened_position_is_laid_out_with_notional_margin_and_leverage(tmp_path: Path) -> None:
    rung = NextRungView(1, D("95000"), D("0.001"), D("10"), D("-4.5"))
    desk = EngineFace(snapshot(positions=(btc_short(next_rung=rung),)))
    async with pocket(tmp_path, desk=desk) as on:
        on.tell("BTCUSDT short seen: 0.002 @ 100,000.0", topic="adopted", **OPENED)
        shown = await on.says("SHORT BTCUSDT opened")
        assert shown.text.splitlines()[1:] == [
            "Entry: 100,000.0",
            "Size: $200.00 notional ($10.00 @ 20x), 0.002",
            "Liquidation: 104,519.2",
            "Rung 1 at 95,000.0: bank 0.001, add $10.00",
        ]


async def test_a_rung_says_what_was_added_taken_moved_and_what_is_left_at_risk(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: rung 1 done.", topic="rung done", **RUNG)
        shown = await on.says("SHORT BTCUSDT: rung 1")
        assert shown.text.splitlines()[1:] == [
            "Added: 0.0021 @ 95,000.0 ($9.98 @ 20x)",
            "Took: +5.00 realised, 5.00 margin released, 9.94 cash freed",
            "Stop: leg 2 at 99,293.2 (own margin)",
            "Stop: leg 1 at 100,000.0 (entry)",
            "Exposure: $299.50 notional, average 96,612.9, margin $14.98, liquidation 100,979.04",
            "Worst case: −4.50",
            "Status: 4.50 USDT still at risk",
        ]


async def test_risk_free_is_said_only_when_the_worst_case_is_no_loss(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: rung 1 done.", topic="rung done", **(RUNG | {"worst": "0.0001"}))
        assert "Status: RISK-FREE" in (await on.says("rung 1")).text


async def test_a_closed_position_names_reason_and_result(tmp_path: Path) -> None:
    ended = ClosedView(
        "btc-1", "BTCUSDT", Side.SHORT, NOW, NOW, "stop", 2, D("8.5"), D("0.4"), D("-0.1"), D("97000")
    )
    async with pocket(tmp_path, desk=EngineFace(snapshot(closed=(ended,)))) as on:
        on.tell("BTCUSDT short closed (stop): net +8.50", topic="closed", net="8.5", reason="stop")
        assert (await on.says("closed")).text.splitlines() == [
            "SHORT BTCUSDT closed",
            "Net: +8.50 USDT",
            "Closed: by its stop",
            "Realised +9.00, fees −0.40, funding −0.10",
            "2 rungs, exit 97,000.0",
        ]


async def test_the_steps_of_a_rung_come_in_one_message(tmp_path: Path) -> None:
    async with pocket(tmp_path, rhythm=replace(QUICK, settle_s=1.0, gather_s=5)) as on:
        on.tell("BTCUSDT short: mark 95,000.0 reached rung 1 at 95,000.0.", topic="rung")
        facts = {"leg": "1", "trigger": "100000", "why": "entry"}
        on.tell("BTCUSDT short: stop leg 1, 0.001, at 100,000.0 (entry).", topic="stop", **facts)
        on.tell("BTCUSDT short: rung 1 done.", topic="rung done", **RUNG)
        shown = await on.says("SHORT BTCUSDT: rung 1")
        assert shown.text.splitlines()[-2:] == [
            "Status: 4.50 USDT still at risk",
            "• Mark 95,000.0 reached rung 1 at 95,000.0.",
        ], "the stop stands in the layout already"
        assert len(on.texts()) == 1


async def test_a_stop_that_moved_or_has_a_neighbour_is_news_beside_the_layout_that_shows_it(
    tmp_path: Path,
) -> None:
    facts = {"leg": "1", "trigger": "100000", "why": "entry"}
    async with pocket(tmp_path, rhythm=replace(QUICK, settle_s=1.0, gather_s=5)) as on:
        on.tell("BTCUSDT short: the first leg is safe.", topic="stop", **facts)
        on.tell("BTCUSDT short: stop 101,000.0 → 100,000.0.", topic="stop", was="101000", **facts)
        on.tell("BTCUSDT short: stop at 100,000.0. Yours stays.", topic="stop", beside="yours", **facts)
        on.tell("BTCUSDT short: rung 1 done.", topic="rung done", **RUNG)
        shown = await on.says("SHORT BTCUSDT: rung 1")
        assert [line for line in shown.text.splitlines() if line.startswith("•")] == [
            "• Stop 101,000.0 → 100,000.0.",
            "• Stop at 100,000.0. Yours stays.",
        ], "whatever its sentence says, a stop is known by its facts"


async def test_an_entry_and_what_became_of_it_come_in_one_message(tmp_path: Path) -> None:
    async with pocket(tmp_path, rhythm=replace(QUICK, settle_s=1.0, gather_s=5)) as on:
        for text in ("entering 0.002 at 20x at the touch, asked by webhook.", "entered 0.002."):
            on.tell(f"BTCUSDT short: {text}", topic="entry", cycle="")
        shown = await on.says("BTCUSDT short")
        assert shown.text.splitlines() == [
            "BTCUSDT short",
            "Entering 0.002 at 20x at the touch, asked by webhook.",
            "Entered 0.002.",
        ]


async def test_what_is_whole_keeps_its_own_title_and_the_steps_between_stand_below(tmp_path: Path) -> None:
    async with pocket(tmp_path, rhythm=replace(QUICK, settle_s=1.0, gather_s=5)) as on:
        on.tell("BTCUSDT short seen: 0.002 @ 100,000.0", topic="adopted", **OPENED)
        on.tell("BTCUSDT short: paused by desk; stops stay.", topic="paused")
        on.tell("BTCUSDT short: margin 33.98 is more than 10.0 % of it.", Level.WARNING, topic="limit")
        on.tell("BTCUSDT short closed (trader): net +8.50", topic="closed", net="8.5", reason="trader")
        shown = await on.says("SHORT BTCUSDT closed")
        opened, closed = shown.text.split("\n\n")
        assert opened.splitlines()[0] == "SHORT BTCUSDT opened"
        assert closed.splitlines() == [
            "SHORT BTCUSDT closed",
            "Net: +8.50 USDT",
            "Closed: by you",
            "• Paused by desk; stops stay.",
            "• ⚠️ Margin 33.98 is more than 10.0 % of it.",
        ]


async def test_what_this_phone_did_itself_makes_no_sound_but_its_result_does(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: paused by telegram, user 7; stops stay.", topic="paused")
        assert (await on.says("Paused by telegram")).silent
        on.tell("Resumed by telegram, user 7. The ladder may add again.", Level.URGENT, topic="kill")
        assert (await on.says("Resumed by telegram")).silent
        reason = "closed by telegram, user 7"
        on.tell(f"BTCUSDT short closed ({reason}): net +8.50", topic="closed", net="8.5", reason=reason)
        assert not (await on.says("SHORT BTCUSDT closed")).silent


async def test_an_alarm_rings_until_it_is_seen(tmp_path: Path) -> None:
    async with pocket(tmp_path, rhythm=replace(QUICK, remind_s=(0.2, 0.3, 3_600.0))) as on:
        on.tell("BTCUSDT short: the stop at 99,293.2 was refused.", Level.URGENT, "stop refused")
        first = await on.says("was refused")
        assert (first.silent, [label for label, _ in first.buttons]) == (False, ["Seen"])
        reminder = await on.says("Still not acknowledged: 1")
        later = await on.api.until(lambda shown: "Still" in shown.text and shown.id > reminder.id)
        assert not later.silent
        await on.api.until(lambda shown: reminder.is_deleted)
        on.press(later, "Seen")
        await on.api.until(lambda shown: shown.id == later.id and "Seen." in shown.text)
        count = len(on.api.messages)
        on.watch.ahead_ms += 3_600_000
        on.tell("BTCUSDT short: you closed 0.001.")
        await on.says("You closed 0.001.")
        assert len(on.api.messages) == count + 1, "it would have rung before this"


async def test_an_alarm_that_nobody_saw_rings_again_after_a_restart(tmp_path: Path) -> None:
    async with pocket(tmp_path, rhythm=replace(QUICK, remind_s=(60,))) as on:
        on.tell("BTCUSDT short: the stop at 99,293.2 was refused.", Level.URGENT, "stop refused")
        await on.says("was refused")
    async with pocket(tmp_path) as on:
        assert "was refused" in (await on.says("Still not acknowledged: 1")).text.replace(
            "The stop", "the stop"
        )


async def test_the_same_warning_again_is_counted_and_not_sent_again(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        for _ in range(3):
            on.tell("BTCUSDT short: order was refused. 43012", Level.URGENT, "refused")
        await on.says("Order was refused")
        reminder = await on.says("Still not acknowledged: 1")
        assert "This happened 3 times." in reminder.text


async def test_chatter_is_gathered_and_silent(tmp_path: Path) -> None:
    async with pocket(tmp_path, rhythm=replace(QUICK, chatter_s=0.4)) as on:
        for amount in ("+0.01", "−0.02", "+0.03"):
            on.tell(f"BTCUSDT short: funding {amount}.", Level.CHATTER, "funding")
        shown = await on.says("Funding +0.03.")
        assert shown.silent
        assert shown.text.count("Funding") == 3


async def test_at_night_only_alarms_make_a_sound_and_chatter_waits(tmp_path: Path) -> None:
    async with pocket(tmp_path, night=(0, 24 * 60)) as on:
        on.tell("BTCUSDT short: funding +0.01.", Level.CHATTER, "funding")
        on.tell("BTCUSDT short: you closed 0.001 @ 95,000.0 (+5.00).")
        on.tell("BTCUSDT short: 0.002 LIQUIDATED @ 104,519.2 (−10.00).", Level.URGENT, "alarm")
        assert not (await on.says("LIQUIDATED")).silent
        assert (await on.says("You closed")).silent
        await on.pause()
        assert not any("Funding" in text for text in on.texts())


async def test_that_the_engine_came_is_told_at_once_and_at_night_without_a_sound(tmp_path: Path) -> None:
    async with pocket(tmp_path, night=(0, 24 * 60), rhythm=replace(QUICK, chatter_s=3600.0)) as on:
        on.tell("Engine 0.1.0 started on account main.", Level.CHATTER, "engine", cycle="")
        assert (await on.says("Engine 0.1.0 started on account main.")).silent


async def test_muted_is_like_night_until_it_ends(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        await on.asks("/mute 2h", "Muted until")
        on.tell("BTCUSDT short: you closed 0.001 @ 95,000.0 (+5.00).")
        assert (await on.says("You closed")).silent
        await on.asks("/mute off", "Not muted.")
        on.tell("BTCUSDT short: you closed 0.002 @ 94,000.0 (+9.00).")
        assert not (await on.says("(+9.00)")).silent


def test_a_night_may_cross_midnight() -> None:
    night, day_ms = Night(22 * 60, 7 * 60), 86_400_000
    hours = [hour for hour in range(24) if night.covers(20_000 * day_ms + hour * 3_600_000)]
    assert hours == [0, 1, 2, 3, 4, 5, 6, 22, 23]


async def test_what_telegram_cannot_read_as_markup_arrives_as_plain_text(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        fault = on.api.misbehave(
            400, "Bad Request: can't parse entities: Unsupported start tag", method="sendMessage"
        )
        on.tell("BTCUSDT short: R&D <b>bold</b> is text here.")
        shown = await on.says("R&D <b>bold</b> is text here.")
        assert fault.times == 0
        assert shown.entities == []
        assert shown.text.startswith("BTCUSDT short\n")


async def test_names_with_markup_in_them_are_text(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.tell("BTCUSDT short: a <script> & an </b> were refused.", Level.WARNING, "refused")
        assert (await on.says("A <script> & an </b> were refused.")).entities


async def test_a_message_is_never_longer_than_telegram_allows(tmp_path: Path) -> None:
    async with pocket(tmp_path, rhythm=replace(QUICK, chatter_s=0.6)) as on:
        for number in range(120):
            on.tell(f"BTCUSDT short: line {number} {'x' * 60}", Level.CHATTER, "margin")
        shown = await on.says("more; the desk has them.")
        assert len(shown.text) <= 4096
        on.tell(f"BTCUSDT short: {'y' * 6000}", Level.WARNING)
        assert len((await on.says("yyyy")).text) <= 4096


async def test_a_message_that_telegram_never_takes_does_not_block_the_next(tmp_path: Path) -> None:
    async with pocket(tmp_path) as on:
        on.api.misbehave(400, "Bad Request: something new", method="sendMessage")
        on.tell("BTCUSDT short: first.", Level.WARNING)
        await on.api.called("sendMessage")
        on.tell("BTCUSDT short: second.", Level.WARNING)
        await on.says("Second.")
        assert not any("First." in text for text in on.texts())
