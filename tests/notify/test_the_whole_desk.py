"""The trader opens by hand, and the rest happens on the phone: the real engine on a simulated Bitget."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
from pathlib import Path

from engine.core.instrument import Side
from engine.protocol import Approve, Deny, Halt, Resume
from tests.notify.pocket import TRADER
from tests.notify.whole import BTC, asking, whole


async def test_a_position_opened_by_hand_is_told_its_rung_with_true_numbers_and_kill_halts(
    tmp_path: Path,
) -> None:
    async with whole(tmp_path) as on:
        await on.opens()
        opened = await on.api.says("SHORT BTCUSDT opened")
        assert opened.text.splitlines()[:4] == [
            "SHORT BTCUSDT opened",
            "Entry: 100,000.0",
            "Size: $200.00 notional ($10.00 @ 20x), 0.002",
            "Liquidation: 104,519.21",
        ]
        await on.hand.mark(BTC, Decimal(95_000))
        rung = await on.api.says("SHORT BTCUSDT: rung 1")
        assert "Added: 0.0021 @ 95,000.0 ($9.98 @ 20x)" in rung.text
        assert "Took: +5.00 realised, 5.00 margin released, 9.94 cash freed" in rung.text
        assert "Stop: leg 1 at 100,000.0 (entry)" in rung.text
        assert "• Stop" not in rung.text, "what the layout shows is not told a second time"
        assert "RISK-FREE" not in rung.text
        worst = re.search(r"Worst case: −(\S+)", rung.text)
        assert worst is not None
        assert f"Status: {worst[1]} USDT still at risk" in rung.text
        assert "Exposure: $299.50 notional, average 96,612.9, margin $14.98" in rung.text
        on.type("/pos")
        pos = await on.api.says("SHORT BTCUSDT · BREAKEVEN")
        assert "Leg 1: 0.001 @ 100,000.0, stop 100,000.0" in pos.text
        assert f"Worst case −{worst[1]}" in pos.text
        on.type("/kill")
        done = await on.api.says("Halted: nothing that adds risk. 2 stops rest on Bitget.")
        kill = on.engine.state.kill
        assert kill is not None
        assert (kill.by, kill.flatten) == ("telegram, user 7", False)
        on.api.press(done, "Close them all at market", user=TRADER)
        await on.until(lambda: not on.engine.state.cycles, "flat")
        closed = await on.api.says("SHORT BTCUSDT closed")
        [ended] = on.engine.state.closed
        assert "Closed: by flatten" in closed.text
        net = ended.realised - ended.fees + ended.funding
        assert f"Net: {'+' if net >= 0 else '−'}{abs(net):,.2f} USDT" in closed.text
        assert on.sim.exchange.snapshot("1") == []


async def test_a_rung_asks_on_the_phone_and_runs_when_it_is_approved(tmp_path: Path) -> None:
    async with whole(tmp_path, asking()) as on:
        await on.asks_for_the_first_rung()
        card = await on.api.says("SHORT BTCUSDT: rung 1 asks")
        assert "Add: $10.00 margin @ 20x" in card.text
        assert "Bank: 0.001" in card.text
        assert "Price band: 94,525.0 – 95,475.0 (mark 95,000.0)" in card.text
        assert re.search(r"No answer by \d\d:\d\d:\d\d UTC means no \(\d+ s left\)\.", card.text)
        assert [label for label, _ in card.buttons] == ["Approve", "Half", "Deny", "Why"]
        on.api.press(card, "Why", user=TRADER)
        await on.api.says("steps")
        on.api.press(card, "Approve", user=TRADER)
        on.api.press(card, "Approve", user=TRADER)
        await on.until(lambda: on.cycle().rungs == 1, "the rung has run")
        ended = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert ended.text.endswith("BTCUSDT short: rung 1 approved by telegram, user 7.")
        await on.until(lambda: "Already answered." in on.api.popups, "the second press is told")
        await on.api.says("SHORT BTCUSDT: rung 1\n")
        assert on.cycle().rungs == 1


async def test_the_desk_answers_first_and_the_card_says_so(tmp_path: Path) -> None:
    async with whole(tmp_path, asking()) as on:
        await on.asks_for_the_first_rung()
        card = await on.api.says("rung 1 asks")
        approve = card.data("Approve")
        await on.desk(Deny(on.cycle().id, 1))
        ended = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert ended.text.endswith("BTCUSDT short: rung 1 denied by desk on tty2.")
        on.api.press(card, "Approve", user=TRADER, data=approve)
        await on.until(lambda: "Already answered." in on.api.popups, "the late press is told")
        assert on.cycle().rungs == 0


async def test_a_card_whose_price_has_left_its_band_ends_as_a_no(tmp_path: Path) -> None:
    async with whole(tmp_path, asking()) as on:
        await on.asks_for_the_first_rung()
        card = await on.api.says("rung 1 asks")
        await on.hand.mark(BTC, Decimal(96_000))
        ended = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert ended.text.endswith("BTCUSDT short: rung 1 is not run: the price left its band.")
        assert on.cycle().rungs == 0


async def test_an_approval_that_the_engine_does_not_take_can_be_given_again(tmp_path: Path) -> None:
    """The leverage stands against it: the press is used up, and the card gets new buttons while it asks."""
    async with whole(tmp_path, asking()) as on:
        await on.asks_for_the_first_rung()
        card = await on.api.says("rung 1 asks")
        first = card.data("Approve")
        await on.hand.leverage(BTC, Decimal(10), Side.SHORT)
        await on.until(lambda: on.cycle().seen.leverage == 10, "the leverage is seen")
        on.api.press(card, "Approve", user=TRADER)
        await on.until(lambda: any("Refused" in each for each in on.api.popups), "refused")
        again = await on.api.until(lambda shown: shown.id == card.id and shown.data("Approve") != first)
        assert on.cycle().approval is not None
        assert [label for label, _ in again.buttons] == ["Approve", "Half", "Deny", "Why"]


async def test_a_halt_says_no_to_a_rung_that_asks_and_it_asks_again_after_it(tmp_path: Path) -> None:
    async with whole(tmp_path, asking()) as on:
        await on.asks_for_the_first_rung()
        card = await on.api.says("rung 1 asks")
        await on.desk(Halt())
        ended = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert ended.text.endswith("BTCUSDT short: rung 1 is not run: trading was halted.")
        await on.desk(Resume())
        await on.until(lambda: on.cycle().approval is not None, "it asks again")


async def test_reduce_shows_its_effect_and_acts_on_the_button_only(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.opens()
        await on.hand.mark(BTC, Decimal(98_000))
        await on.until(lambda: on.face.snapshot().positions[0].mark == 98_000, "the mark has arrived")
        on.type("/reduce btc 50%")
        card = await on.api.says("SHORT BTCUSDT: close 50.0 %?")
        assert card.text.splitlines()[1:5] == [
            "Closes 0.001 at market, reduce-only",
            "At the mark 98,000.0: +1.94 after the fee, 5.00 margin comes free",
            "Left: 0.001, liquidation 104,519.21",
            "Worst case: −10.00 → −3.06",
        ]
        await asyncio.sleep(0.2)
        assert on.cycle().held_qty == Decimal("0.002")
        on.api.press(card, "Yes, do it", user=TRADER)
        await on.until(lambda: on.cycle().held_qty == Decimal("0.001"), "half is closed")
        done = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert done.text.endswith("Worst case: −10.00 → −3.06\n\nBTCUSDT short: closing 50.0 % at market.")
        result = await on.api.says("Closed 0.001 @ 98,000.0 (+2.00 before fees), asked by telegram, user 7.")
        assert not result.silent


async def test_breakeven_that_the_market_has_passed_says_that_it_closes_everything(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.opens()
        await on.hand.mark(BTC, Decimal(95_000))
        await on.api.says("SHORT BTCUSDT: rung 1")
        await on.hand.mark(BTC, Decimal(98_500))
        await on.until(lambda: on.face.snapshot().positions[0].mark == 98_500, "the mark has arrived")
        on.type("/be btc")
        card = await on.api.says("SHORT BTCUSDT: one stop at breakeven?")
        warning = "⚠️ The mark 98,500.0 has passed it: everything is closed at market at once"
        assert warning in card.text
        promised = re.search(r"the cycle ends with (\S+)\n", card.text)
        assert promised is not None
        on.api.press(card, "Yes, do it", user=TRADER)
        closed = await on.api.says("SHORT BTCUSDT closed")
        assert f"Net: {promised[1]} USDT" in closed.text


async def test_a_card_of_a_position_that_has_ended_does_nothing_to_the_next_one(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.opens()
        await on.api.says("SHORT BTCUSDT opened")
        on.type("/close btc")
        card = await on.api.says("SHORT BTCUSDT: close everything?")
        first = on.cycle().id
        await on.hand.close(BTC, Side.SHORT)
        await on.until(lambda: not on.engine.state.cycles, "closed by hand")
        await on.opens()
        assert on.cycle().id != first
        on.api.press(card, "Yes, do it", user=TRADER)
        done = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert done.text.endswith(
            "Nothing was done: the position on this card has ended, or its care began anew. Ask again."
        )
        await on.reads_again()
        assert on.cycle().held_qty == Decimal("0.002")


async def test_an_answer_from_the_phone_reaches_the_journal_by_name(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.opens()
        on.type("/pause btc")
        await on.api.says("BTCUSDT short is paused: no more rungs; stops stay.")
        assert on.cycle().paused == "by telegram, user 7"
        on.type("/resume btc")
        card = await on.api.says("SHORT BTCUSDT: scale it again?")
        assert on.cycle().paused
        on.api.press(card, "Yes, do it", user=TRADER)
        await on.until(lambda: not on.cycle().paused, "goes on")
        story = await on.face.why(BTC)
        assert any("telegram, user 7" in line.text for line in story)


async def test_two_answers_at_the_same_time_count_once(tmp_path: Path) -> None:
    async with whole(tmp_path, asking()) as on:
        await on.asks_for_the_first_rung()
        card = await on.api.says("rung 1 asks")
        cycle = on.cycle().id
        on.api.press(card, "Deny", user=TRADER)
        by_desk = await on.desk(Approve(cycle, 1))
        await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        await on.until(lambda: on.cycle().rung is None, "at rest")
        assert (on.cycle().rungs == 1) == (by_desk.verdict.value == "done")
