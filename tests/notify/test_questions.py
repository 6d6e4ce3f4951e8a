"""Entries and adoptions that ask: the real engine on a simulated Bitget, the trader at the desk and on the
phone.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from engine.core.instrument import Side
from engine.core.settings import Adoption, Ladder, Settings
from engine.core.state import Entry, Step
from engine.protocol import (
    Adopt,
    Answer,
    ApprovalView,
    Approve,
    Asks,
    Deny,
    Enter,
    Exit,
    Halt,
    Release,
    Request,
    Resume,
    Verdict,
)
from tests.notify.pocket import TRADER
from tests.notify.whole import BTC, SETTINGS, Whole, asking, whole

D = Decimal
HOOK = "webhook, buy long, id x-1"


async def is_told(on: Whole, text: str) -> None:
    """The event log says it."""
    await on.until(lambda: text in [line.text for line in on.engine.log.lines()], f"told: {text}")


async def wants(on: Whole, margin: str = "20", id: str = "w-1", **more: object) -> Answer:
    """The webhook asks for a long, at a price that is fresh."""
    await priced(on)
    entering = Enter(BTC, Side.LONG, margin=D(margin), patient=True, ask=True, **more)  # type: ignore[arg-type]
    return await on.face.command(Request(id, HOOK, entering))


async def priced(on: Whole, mark: int = 100_000) -> None:
    """The engine hears the account, and the market has just said that it stands still at `mark`."""
    await on.until(lambda: on.engine.state.links.get("private", False), "connected")
    before = on.engine.prices.of(BTC)
    await on.hand.mark(BTC, D(mark))
    await on.until(lambda: on.engine.prices.of(BTC) not in (None, before), "a price has come")


def waiting(on: Whole) -> ApprovalView:
    [approval] = on.face.snapshot().approvals
    return approval


def entry(on: Whole) -> Entry:
    [entry] = on.engine.state.entries.values()
    return entry


async def test_an_entry_asks_with_its_numbers_and_enters_when_the_phone_says_yes(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        answer = await wants(on, stop=D(97_000))
        assert (answer.verdict, answer.text) == (Verdict.DONE, "BTCUSDT long: 0.004 waits for your yes.")
        card = await on.api.says("LONG BTCUSDT: an entry asks")
        assert card.text.splitlines()[1:9] == [
            f"By: {HOOK}",
            "Size: $400.00 notional ($20.00 @ 20x), 0.004",
            "About: 100,000.0, fee 0.24",
            "Stop: 97,000.0",
            "Liquidation then: 95,439.02",
            "Worst case: −12.48",
            "Price band: 99,500.0 – 100,500.0",
            "Half: 0.002, $10.00 margin, worst case −6.24",
        ]
        assert [label for label, _ in card.buttons] == ["Approve", "Half", "Deny", "Why"]
        assert on.sim.exchange.snapshot("1") == []
        on.api.press(card, "Approve", user=TRADER)
        await on.until(lambda: f"{BTC}:long" in on.engine.state.cycles, "entered and adopted")
        ended = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert ended.text.endswith("BTCUSDT long: entry approved by telegram, user 7.")
        assert on.engine.state.cycles[f"{BTC}:long"].held_qty == D("0.004")
        await on.api.says("LONG BTCUSDT opened")
        approved = [shown for shown in on.api.messages.values() if "entry approved" in shown.text.lower()]
        assert approved == [ended], "what the phone answered is told on its card, and nowhere else"
        story = [line.text for line in await on.face.why(BTC)]
        assert any("BTCUSDT long: an entry asks, by webhook" in line for line in story)
        assert any("entry approved by telegram, user 7" in line for line in story)


async def test_half_enters_half_and_a_half_below_the_minimum_is_refused_with_its_reason(
    tmp_path: Path,
) -> None:
    async with whole(tmp_path) as on:
        await wants(on)
        card = await on.api.says("an entry asks")
        on.api.press(card, "Half", user=TRADER)
        await on.until(lambda: f"{BTC}:long" in on.engine.state.cycles, "entered")
        assert on.engine.state.cycles[f"{BTC}:long"].held_qty == D("0.002")
    (tmp_path / "small").mkdir()
    async with whole(tmp_path / "small") as on:
        await wants(on, "0.5")
        card = await on.api.says("an entry asks")
        assert "Half: not possible, 0.00005" not in card.text
        assert "Half: not possible, 0 is below Bitget's minimum of 0.0001" in card.text
        assert [label for label, _ in card.buttons] == ["Approve", "Deny", "Why"]
        told = await on.desk(Approve(waiting(on).cycle, 0, half=True))
        assert told.text == "BTCUSDT long: half of it, 0, is below Bitget's minimum of 0.0001."
        assert entry(on).step is Step.ASKING


async def test_a_stop_that_liquidation_overtakes_is_called_so(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await wants(on, stop=D(90_000))
        card = await on.api.says("an entry asks")
        assert "Stop: 90,000.0 (beyond liquidation: it would never be reached)" in card.text


async def test_the_first_answer_wins_and_the_second_finds_nothing(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await wants(on)
        card = await on.api.says("an entry asks")
        id = waiting(on).cycle
        assert (await on.desk(Deny(id, 0))).text == "BTCUSDT long: not entered."
        ended = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert ended.text.endswith("BTCUSDT long: entry denied by desk on tty2.")
        again = await on.desk(Approve(id, 0))
        assert (again.verdict, again.text.split(":")[0]) == (
            Verdict.REFUSED,
            "Nothing waits for this answer",
        )
        assert on.engine.state.entries == {}


async def test_a_yes_is_checked_again_with_the_price_of_now(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await wants(on, price=D(100_000), deviation=D("0.002"))
        await priced(on, 100_300)
        told = await on.desk(Approve(waiting(on).cycle, 0))
        assert told.text == "BTCUSDT: the market is 0.3 % away from the signal's 100,000.0."
        assert entry(on).step is Step.ASKING


async def test_a_price_that_leaves_its_band_is_a_no(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await wants(on)
        await on.hand.mark(BTC, D(101_000))
        await on.until(lambda: not on.engine.state.entries, "ended")
        await is_told(on, "BTCUSDT long: not entered: the price left its band.")


async def test_silence_is_a_no(tmp_path: Path) -> None:
    quick = Settings(account="test", limits=SETTINGS.limits, ladder=Ladder(approval_s=1))
    async with whole(tmp_path, quick) as on:
        await wants(on)
        await on.until(lambda: not on.engine.state.entries, "ended")
        await is_told(on, "BTCUSDT long: not entered: it was not answered.")


async def test_a_halt_ends_it_and_a_resume_does_not_bring_it_back(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await wants(on)
        await on.desk(Halt())
        assert on.engine.state.entries == {}
        await is_told(on, "BTCUSDT long: not entered: trading was halted.")
        await on.desk(Resume())
        assert on.face.snapshot().approvals == ()
        assert (await wants(on, id="w-1")).text == "already done"
        assert on.engine.state.entries == {}


async def test_a_restart_keeps_the_question(tmp_path: Path) -> None:
    patient = Settings(account="test", limits=SETTINGS.limits, ladder=Ladder(approval_s=3600))
    async with whole(tmp_path, patient) as on:
        await wants(on)
        before = waiting(on)
        await on.restart()
        assert waiting(on) == before
        await priced(on)
        told = await on.desk(Approve(before.cycle, 0))
        assert told.text == "BTCUSDT long: entering 0.004 at 20x at the touch."
        await on.until(lambda: f"{BTC}:long" in on.engine.state.cycles, "entered")


async def test_while_one_asks_another_is_refused_and_an_exit_is_not(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await priced(on)
        await on.desk(Enter(BTC, Side.LONG, margin=D(10)))
        await on.until(lambda: f"{BTC}:long" in on.engine.state.cycles, "entered")
        await on.until(lambda: not on.engine.state.entries, "done")
        await wants(on)
        assert waiting(on).worst_case < 0  # type: ignore[operator]
        assert "another entry waits for your answer" in (await wants(on, id="w-2")).text
        assert (await on.desk(Exit(BTC, Side.LONG))).verdict is Verdict.DONE
        await on.until(lambda: not on.engine.state.cycles, "flat")
        await on.until(lambda: not on.face.snapshot().approvals, "the question has ended with it")
        await is_told(on, "BTCUSDT long: not entered: the position has changed since.")
        assert on.engine.state.closed[-1].closed_reason == "exit by desk on tty2"


async def test_half_a_rung_adds_half_the_margin(tmp_path: Path) -> None:
    async with whole(tmp_path, asking()) as on:
        await on.asks_for_the_first_rung()
        card = await on.api.says("rung 1 asks")
        assert "Half: 0.001, $5.00 margin, worst case +0.35" in card.text
        on.api.press(card, "Half", user=TRADER)
        await on.until(lambda: on.cycle().rungs == 1 and on.cycle().rung is None, "the rung has run")
        assert [(leg.qty, leg.entry) for leg in on.cycle().legs] == [
            (D("0.001"), D(100_000)),
            (D("0.001"), D(95_000)),
        ]


# -- adoption ------------------------------------------------------------------------------------------------


def careful() -> Settings:
    return Settings(account="test", limits=SETTINGS.limits, ladder=Ladder(adoption=Adoption.ASK))


async def opens(on: Whole) -> ApprovalView:
    await on.hand.open(BTC, Side.SHORT, D(20), size=D("0.002"))
    await on.until(lambda: bool(on.face.snapshot().approvals), "it asks")
    return waiting(on)


async def test_a_position_asks_to_be_adopted_on_desk_and_phone(tmp_path: Path) -> None:
    async with whole(tmp_path, careful()) as on:
        asked = await opens(on)
        assert (asked.asks, asked.qty, asked.add_margin) == (Asks.ADOPTION, D("0.002"), D(10))
        card = await on.api.says("SHORT BTCUSDT: take it under care?")
        assert card.text.splitlines()[1:5] == [
            "Entry: 100,000.0",
            "Size: $200.00 notional ($10.00 @ 20x), 0.002",
            "Liquidation: 104,519.21",
            "Worst case: −10.00",
        ]
        assert [label for label, _ in card.buttons] == ["Approve", "Deny", "Why"]
        [position] = on.face.snapshot().positions
        assert (position.managed, position.reason) == (False, "it waits for your yes")
        on.api.press(card, "Approve", user=TRADER)
        await on.until(lambda: f"{BTC}:short" in on.engine.state.cycles, "adopted")
        ended = await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert ended.text.endswith("BTCUSDT short: adoption approved by telegram, user 7.")


async def test_a_position_that_grows_while_it_asks_asks_again_with_its_new_numbers(tmp_path: Path) -> None:
    async with whole(tmp_path, careful()) as on:
        first = await opens(on)
        await on.hand.add(BTC, Side.SHORT, size=D("0.001"))
        await on.until(lambda: waiting(on).qty == D("0.003"), "it asks anew")
        assert waiting(on).cycle != first.cycle
        told = await on.desk(Approve(first.cycle, 0))
        assert told.text.startswith("Nothing waits for this answer")
        card = await on.api.until(lambda shown: "0.003" in shown.text and bool(shown.buttons))
        on.api.press(card, "Approve", user=TRADER)
        await on.until(lambda: f"{BTC}:short" in on.engine.state.cycles, "adopted")
        assert on.cycle().held_qty == D("0.003")


async def test_what_an_approved_entry_opens_is_under_care_without_a_second_question(tmp_path: Path) -> None:
    async with whole(tmp_path, careful()) as on:
        await wants(on)
        await on.desk(Approve(waiting(on).cycle, 0))
        await on.until(lambda: f"{BTC}:long" in on.engine.state.cycles, "under care")
        await on.until(lambda: not on.engine.state.entries, "done")
        assert [line for line in on.face.snapshot().log if "asks to be taken" in line.text] == []
        assert on.engine.state.approved == {}, "that yes is used up"
        await on.hand.close(BTC, Side.LONG)
        await on.until(lambda: not on.engine.state.cycles, "closed")
        assert (await opens(on)).asks is Asks.ADOPTION, "the trader's own still asks"


async def test_what_an_entry_opens_that_nobody_approved_asks(tmp_path: Path) -> None:
    async with whole(tmp_path, careful()) as on:
        await priced(on)
        await on.desk(Enter(BTC, Side.LONG, margin=D(10)))
        await on.until(lambda: bool(on.face.snapshot().approvals), "it asks")
        assert (waiting(on).asks, on.engine.state.approved) == (Asks.ADOPTION, {})


async def test_silence_leaves_a_position_as_it_is_and_a_key_still_adopts_it(tmp_path: Path) -> None:
    ladder = Ladder(adoption=Adoption.ASK, approval_s=1)
    async with whole(tmp_path, Settings(account="test", limits=SETTINGS.limits, ladder=ladder)) as on:
        await on.hand.open(BTC, Side.SHORT, D(20), size=D("0.002"))
        await is_told(on, "BTCUSDT short: not taken under care: it was not answered.")
        await on.reads_again()
        [position] = on.face.snapshot().positions
        assert (position.managed, position.can_adopt) == (False, True)
        assert (await on.desk(Adopt(BTC, Side.SHORT))).verdict is Verdict.DONE
        await on.reads_again()
        assert f"{BTC}:short" in on.engine.state.cycles


async def test_a_position_that_was_denied_is_not_asked_about_again(tmp_path: Path) -> None:
    async with whole(tmp_path, careful()) as on:
        asked = await opens(on)
        await on.desk(Deny(asked.cycle, 0))
        [position] = on.face.snapshot().positions
        assert position.reason == "you said no (desk on tty2)"
        await on.reads_again()
        assert (on.face.snapshot().approvals, on.engine.state.cycles) == ((), {})
        await on.hand.close(BTC, Side.SHORT)
        await on.until(lambda: not on.engine.state.unmanaged, "gone")
        await on.reads_again()
        assert (await opens(on)).cycle != asked.cycle


# -- release -------------------------------------------------------------------------------------------------


async def test_a_released_position_keeps_its_stops_and_is_left_alone(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.opens()
        await on.hand.mark(BTC, D(95_000))
        await on.until(lambda: on.cycle().rungs == 1 and on.cycle().rung is None, "the rung has run")
        stops = {stop.client_id for stop in on.cycle().stops}
        on.type("/release btc")
        card = await on.api.says("SHORT BTCUSDT: let it go?")
        assert "Left on Bitget, yours from then on: the stop of leg 1 at 100,000.0" in card.text
        assert "Ratchet does nothing to it any more: no rung, no stop moved, nothing closed" in card.text
        assert on.cycle().rungs == 1
        on.api.press(card, "Yes, do it", user=TRADER)
        await on.until(lambda: not on.engine.state.cycles, "released")
        await on.reads_again()
        assert on.engine.state.read_only == ""
        [position] = on.face.snapshot().positions
        assert (position.managed, position.reason) == (False, "released by telegram, user 7")
        assert {order.client_oid for order in on.resting()} == stops
        await on.restart()
        await on.reads_again()
        assert (on.engine.state.cycles, on.engine.state.read_only) == ({}, "")
        assert {order.client_oid for order in on.resting()} == stops


async def test_what_was_released_can_be_adopted_with_the_stops_that_it_kept(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.opens()
        await on.hand.mark(BTC, D(95_000))
        await on.until(lambda: on.cycle().rungs == 1 and on.cycle().rung is None, "the rung has run")
        stops = {stop.client_id for stop in on.cycle().stops}
        assert (await on.desk(Release(BTC, Side.SHORT))).verdict is Verdict.DONE
        on.type("/adopt btc")
        card = await on.api.says("SHORT BTCUSDT: take it under care?")
        on.api.press(card, "Yes, do it", user=TRADER)
        await on.until(lambda: bool(on.engine.state.cycles), "under care again")
        await on.reads_again()
        assert {order.client_id for order in on.cycle().foreign} == stops
        assert {order.client_oid for order in on.resting()} == stops
        await on.hand.close(BTC, Side.SHORT)
        await on.until(lambda: not on.engine.state.cycles, "closed")
        await on.until(lambda: not on.resting(), "nothing is left behind")


async def test_a_released_position_that_ends_leaves_nothing_behind_and_the_next_one_is_adopted(
    tmp_path: Path,
) -> None:
    async with whole(tmp_path) as on:
        await on.opens()
        assert (await on.desk(Release(BTC, Side.SHORT))).text == (
            "BTCUSDT short is released by desk on tty2: Ratchet does nothing to it any more; no stop of ours "
            "rests."
        )
        await on.hand.close(BTC, Side.SHORT)
        await on.until(lambda: not on.engine.state.unmanaged, "gone")
        await on.reads_again()
        assert on.engine.state.left_alone == {}
        await on.opens()
