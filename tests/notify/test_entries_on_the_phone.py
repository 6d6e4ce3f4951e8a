"""What is on its way: shown on the phone, and taken back with its effect in view."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.protocol import Deny, EntryView, Exit, PositionView, Reduce, Side, Snapshot
from tests.notify.pocket import pocket
from tests.notify.whole import whole
from tests.unit.api.served import EngineFace, btc_short, entering, flipping, snapshot

D = Decimal
HELD = btc_short(key="ETHUSDT:long", symbol="ETHUSDT", side=Side.LONG, cycle="eth-1")


def coming(*positions: PositionView, entry: EntryView | None = None) -> Snapshot:
    return snapshot(positions=positions, entries=(entry or entering(),))


async def test_status_and_pos_show_it(tmp_path: Path) -> None:
    async with pocket(tmp_path, desk=EngineFace(coming(btc_short()))) as on:
        line = "ETHUSDT long entered 0.02 of 0.05, at 2,000.00, try 1 of 4, for 12 s, asked for by webhook"
        await on.asks("/status", line)
        shown = await on.asks("/pos", "LONG ETHUSDT · ENTERING")
        assert shown.text.split("LONG ETHUSDT · ENTERING")[1].splitlines()[1:] == [
            "Entered 0.02 of 0.05, at 2,000.00, try 1 of 4, for 12 s",
            "Asked for by webhook, buy long",
            "/deny ETHUSDT long takes it back",
        ]


async def test_an_account_with_nothing_but_an_entry_is_not_called_empty(tmp_path: Path) -> None:
    async with pocket(tmp_path, desk=EngineFace(coming())) as on:
        shown = await on.asks("/pos", "ENTERING")
        assert "Nothing is open" not in shown.text


@pytest.mark.parametrize("text", ["/close eth", "/close ethusdt long", "/close"])
async def test_close_takes_back_an_entry_where_nothing_is_held_and_closes_what_it_fills(
    tmp_path: Path, text: str
) -> None:
    async with pocket(tmp_path, desk=EngineFace(coming())) as on:
        card = await on.asks(text, "LONG ETHUSDT: take the entry back and close it?")
        assert card.text.splitlines()[1:6] == [
            "On its way: entered 0.02 of 0.05, at 2,000.00, try 1 of 4",
            "Asked for by webhook, buy long",
            "Cancels 0.03 of 0.05",
            "The 0.02 it has filled and what fills before that is closed at market",
            "/deny ETHUSDT takes back only the rest",
        ]
        assert [label for label, _ in card.buttons] == ["Yes, do it", "No", "Why"]
        assert on.desk.asked == []
        on.press(card, "Yes, do it")
        await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert [each.command for each in on.desk.asked] == [Exit("ETHUSDT", Side.LONG)]


async def test_an_entry_of_which_nothing_is_filled_says_so(tmp_path: Path) -> None:
    fresh = entering(filled=D(0))
    async with pocket(tmp_path, desk=EngineFace(coming(entry=fresh))) as on:
        card = await on.asks("/close eth", "Cancels 0.05 of 0.05")
        assert "What fills before that is closed at market" in card.text


async def test_closing_a_position_tells_that_its_entry_goes_with_it(tmp_path: Path) -> None:
    async with pocket(tmp_path, desk=EngineFace(coming(HELD))) as on:
        card = await on.asks("/close eth", "LONG ETHUSDT: close everything?")
        assert "The entry on its way is taken back: entered 0.02 of 0.05, at 2,000.00" in card.text
        on.press(card, "Yes, do it")
        await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert [each.command for each in on.desk.asked] == [Reduce("ETHUSDT", Side.LONG, D(1))]
        part = await on.asks("/reduce eth 50%", "close 50.0 %?")
        assert "entry on its way" not in part.text, "a part leaves the entry alone"


async def test_what_may_mean_a_position_or_an_entry_has_to_be_named(tmp_path: Path) -> None:
    async with pocket(tmp_path, desk=EngineFace(coming(btc_short()))) as on:
        await on.asks("/close", "Say which: BTCUSDT short, ETHUSDT long. Nothing was done.")
        await on.asks("/close btc", "SHORT BTCUSDT: close everything?")
        await on.asks("/close eth", "take the entry back and close it?")


@pytest.mark.parametrize("closes", [True, False])
async def test_what_is_being_taken_back_is_not_asked_for_again(tmp_path: Path, closes: bool) -> None:
    gone = entering(taken_back="desk on tty2", closes=closes)
    async with pocket(tmp_path, desk=EngineFace(coming(entry=gone))) as on:
        await on.asks("/deny eth", "ETHUSDT long is being taken back already, by desk on tty2.")
        again = "is being taken back already" if closes else "take the entry back and close it?"
        await on.asks("/close eth", again)


@pytest.mark.parametrize("held", [(), (HELD,)], ids=["nothing held", "some held"])
async def test_deny_takes_back_only_the_rest(tmp_path: Path, held: tuple[PositionView, ...]) -> None:
    async with pocket(tmp_path, desk=EngineFace(coming(*held))) as on:
        card = await on.asks("/deny eth", "LONG ETHUSDT: take back the rest?")
        assert card.text.splitlines()[1:5] == [
            "On its way: entered 0.02 of 0.05, at 2,000.00, try 1 of 4",
            "Asked for by webhook, buy long",
            "Cancels 0.03 of 0.05",
            "The 0.02 it has filled and what fills before that stays",
        ]
        on.press(card, "Yes, do it")
        await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert [each.command for each in on.desk.asked] == [Deny(entering().id, 0)]


async def test_of_a_flip_either_half_is_shown_and_taken_back(tmp_path: Path) -> None:
    out = entering(id="out", symbol="BTCUSDT", side=Side.SHORT, filled=D(0), opens=False)
    turning = snapshot(positions=(btc_short(),), entries=(out,), flips=(flipping(),))
    async with pocket(tmp_path, desk=EngineFace(turning)) as on:
        shown = await on.asks("/pos", "LONG BTCUSDT · FLIPPING")
        assert "SHORT BTCUSDT · LEAVING" in shown.text
        assert "Once the short is closed: 50.0 % of what is free, 38 s left" in shown.text
        await on.asks("/deny", "Say which: BTCUSDT short, BTCUSDT long. Nothing was done.")
        await on.asks("/deny btc short", "What is still held stays")
        card = await on.asks("/deny btc long", "LONG BTCUSDT: do not enter it?")
        assert "The short is closed all the same" in card.text
        on.press(card, "Yes, do it")
        await on.api.until(lambda shown: shown.id == card.id and not shown.buttons)
        assert [each.command for each in on.desk.asked] == [Deny("flip1", 0)]
        await on.asks("/deny eth", "Nothing of that is on its way; what asks is answered on its card.")
        part = await on.asks("/close btc", "SHORT BTCUSDT: close everything?")
        assert "entry on its way" not in part.text


async def test_a_card_of_an_entry_that_is_over_closes_nothing(tmp_path: Path) -> None:
    async with pocket(tmp_path, desk=EngineFace(coming())) as on:
        card = await on.asks("/close eth", "take the entry back and close it?")
        on.desk.change(entries=(), positions=(HELD,))
        on.press(card, "Yes, do it")
        await on.says("what this card is about is over, and /pos shows what became of it. Ask again.")
        assert on.desk.asked == []


async def test_the_second_kill_says_what_ends_the_first(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        on.type("/kill")
        await on.api.says("Halted: nothing that adds risk.")
        on.type("/kill")
        again = await on.api.says("Already halted by telegram, user 7 at")
        assert again.text.endswith(" UTC. Resume ends it.")
