"""Signals in the journal, and what they say of the regime: on the phone, in the story, in the tables."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from engine.core.actions import Level, Note
from engine.core.events import SignalHeard, SignalOutcome
from engine.journal.history import History
from engine.journal.reader import JournalReader
from engine.journal.replay import replay
from engine.notify.alerts import is_worth_it
from engine.protocol import Halt, Request, Verdict
from tests.notify.whole import Whole, whole


def signal(
    sentiment: str, outcome: SignalOutcome = SignalOutcome.ACCEPTED, text: str = "done"
) -> SignalHeard:
    action = "sell" if sentiment == "short" else "buy"
    return SignalHeard(
        "TradingView", outcome, text, symbol="BTCUSDT", action=action, sentiment=sentiment, label="s-1"
    )


def lines(on: Whole) -> list[tuple[Level, str]]:
    return [(line.level, line.text) for line in on.engine.log.lines()]


async def test_a_strategy_that_changes_its_mind_is_told_on_the_phone(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.face.heard(signal("long"))
        await on.face.heard(signal("long"))
        await on.face.heard(signal("short", SignalOutcome.REFUSED, "Not entered: the kill switch is on."))
        await on.face.heard(signal("flat", SignalOutcome.NOTHING, "nothing is open"))
        told = await on.api.says("BTCUSDT regime short → flat")
        assert "TradingView buy flat BTCUSDT" in told.text
        assert any("regime long → short" in shown.text for shown in on.api.messages.values())
        assert [(level, text) for level, text in lines(on) if "regime" in text] == [
            (Level.CHATTER, "BTCUSDT regime unknown → long: TradingView buy long BTCUSDT, 's-1'."),
            (Level.MONEY, "BTCUSDT regime long → short: TradingView sell short BTCUSDT, 's-1'."),
            (Level.MONEY, "BTCUSDT regime short → flat: TradingView buy flat BTCUSDT, 's-1'."),
        ]


async def test_what_is_not_genuine_or_not_new_changes_no_regime(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.face.heard(signal("long"))
        for outcome in (SignalOutcome.DUPLICATE, SignalOutcome.LATE, SignalOutcome.WRONG_TOKEN):
            await on.face.heard(signal("short", outcome))
        buy_short = SignalHeard(
            "TradingView", SignalOutcome.REFUSED, "x", symbol="BTCUSDT", action="buy", sentiment="short"
        )
        await on.face.heard(buy_short)
        assert on.engine.state.regimes["BTCUSDT"].sentiment == "long"


async def test_a_signal_stands_in_the_story_of_its_symbol_and_in_the_log(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.face.heard(signal("long", SignalOutcome.REFUSED, "the market is 0.9 % away."))
        said = "TradingView buy long BTCUSDT, 's-1': refused. The market is 0.9 % away."
        await on.until(lambda: (Level.WARNING, said) in lines(on), "told")
        assert said in [line.text for line in await on.face.why("BTCUSDT")]
        assert "TradingView buy long BTCUSDT, 's-1', refused" in [
            line.text for line in await on.face.why("BTCUSDT")
        ]


async def test_signals_are_read_back_newest_first_and_a_replay_makes_them_again(tmp_path: Path) -> None:
    async with whole(tmp_path) as on:
        await on.face.heard(signal("long"))
        await on.face.heard(signal("short", SignalOutcome.LATE, "61 s old"))
        await on.until(lambda: len([t for _, t in lines(on) if "TradingView" in t]) == 3, "told")
        async with await JournalReader.open(tmp_path / "state.db") as reader:
            heard = await History(reader).signals()
        assert [(each.sentiment, each.outcome, each.text) for each in heard] == [
            ("short", "late", "61 s old"),
            ("long", "accepted", "done"),
        ]
    assert replay(tmp_path / "state.db").difference == ""


async def journalled(folder: Path) -> list[tuple[str, str, str]]:
    """Outcome, reason and what it became, oldest first."""
    async with await JournalReader.open(folder / "state.db") as reader:
        heard = await History(reader).signals()
    return [(each.outcome, each.text, each.became) for each in reversed(heard)]


async def test_what_is_told_twice_is_journalled_once_also_after_a_restart(tmp_path: Path) -> None:
    told = replace(signal("long"), nonce="n-1")
    async with whole(tmp_path) as on:
        await asyncio.gather(on.face.heard(told), on.face.heard(told))
        assert len(await journalled(tmp_path)) == 1, "it is durable when it is answered"
        await on.restart()
        await on.face.heard(told)
        await on.face.heard(replace(told, nonce="n-2", text="another"))
        assert [text for _, text, _ in await journalled(tmp_path)] == ["done", "another"]
    assert replay(tmp_path / "state.db").difference == ""


async def test_what_nobody_lived_to_tell_the_engine_tells_by_the_commands_that_it_has_done(
    tmp_path: Path,
) -> None:
    lost = replace(signal("long", SignalOutcome.UNDER_WAY, "who carried it out died"), became="long entry")
    async with whole(tmp_path) as on:
        done = Request("w-1", "webhook, buy long", Halt())
        assert (await on.face.command(done)).verdict is Verdict.DONE
        await on.restart()
        for nonce, name in (("n-1", "w-1"), ("n-2", "w-1"), ("n-3", "w-2")):
            await on.face.heard(replace(lost, nonce=nonce, id=name))
    assert await journalled(tmp_path) == [
        ("accepted", "it was done: who carried it out died", "long entry"),
        ("duplicate", "it was done before: who carried it out died", ""),
        ("refused", "nothing was done: who carried it out died", ""),
    ]


def test_a_regime_change_is_worth_an_alert_and_a_signal_that_was_refused_is_too() -> None:
    assert is_worth_it(Note("regime", Level.MONEY, "BTCUSDT: regime long → short."))
    assert is_worth_it(Note("signal", Level.WARNING, "refused"))
    assert not is_worth_it(Note("signal", Level.CHATTER, "accepted"))
