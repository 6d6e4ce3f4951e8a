"""What can be done with one position, each choice with the numbers that it depends on."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from engine.protocol import (
    MODE_WORDS,
    Adopt,
    AnyCommand,
    ApprovalView,
    Approve,
    Asks,
    Breakeven,
    Deny,
    Exit,
    ModeView,
    Pause,
    PositionView,
    PreviewView,
    Reduce,
    ReduceView,
    Release,
    SetStopMode,
    Status,
    StopMode,
    StopView,
    Unpause,
)
from tui.view_model.asking import Fact, Question, adopt_question, unpause_question
from tui.view_model.ink import printable
from tui.view_model.numbers import cautious, countdown, fixed, percent, price, signed, size
from tui.view_model.scene import Scene


class Choice(msgspec.Struct, frozen=True):
    """A line of the menu: its words, a figure beside them, and what lies behind it.

    `question` stands before what adds risk; without one the command goes out at once. `opens` names another
    part of the desk instead of a command: `ticket`, `chart`, `story`, `part`.
    """

    words: str
    figure: str = ""
    facts: tuple[Fact, ...] = ()
    command: AnyCommand | None = None
    name: str = ""
    question: Question | None = None
    opens: str = ""


def choices(scene: Scene, position: PositionView, preview: PreviewView | None) -> tuple[Choice, ...]:
    """Every choice for this position as it is now; the numbers come with the preview."""
    ways = (
        Choice("Add to it by ticket …", "o", opens="ticket"),
        Choice("Chart", "c", opens="chart"),
        Choice("Its story in the journal", "w", opens="story"),
    )
    if not position.managed:
        return (*_approval(scene, position), *_adoption(position), *ways)
    return (
        *_approval(scene, position),
        *_stops(position, preview),
        *_scaling(position),
        *_closing(scene, position, preview),
        _release(position),
        *ways,
    )


def _adoption(position: PositionView) -> tuple[Choice, ...]:
    if not position.can_adopt:
        return (Choice("Cannot be adopted", facts=(("Because", printable(position.reason)),)),)
    question = adopt_question(position)
    command = Adopt(position.symbol, position.side)
    return (
        Choice(
            "Adopt: the ladder scales it", "asks", question.facts, command, _name("adopt", position), question
        ),
    )


def _approval(scene: Scene, position: PositionView) -> tuple[Choice, ...]:
    waiting = scene.snapshot.approvals if scene.snapshot else ()
    about = [each for each in waiting if (each.symbol, each.side) == (position.symbol, position.side)]
    return tuple(choice for asked in about for choice in _answers(scene, asked, position))


def _answers(scene: Scene, asked: ApprovalView, position: PositionView) -> tuple[Choice, ...]:
    """Yes, half where it can be had, and no."""
    facts, what, left = (
        _approval_facts(asked, position),
        asked.what,
        countdown(asked.expires - scene.engine_now),
    )
    verb = "Run" if asked.asks is Asks.RUNG else "Say yes to the"
    title = f"{verb} {what} of {printable(position.symbol)} {position.side}"
    yes, half = Approve(asked.cycle, asked.rung), Approve(asked.cycle, asked.rung, half=True)
    run = "Run it" if asked.asks is Asks.RUNG else "Yes"
    choices = [
        Choice(
            f"Approve {what}",
            left,
            facts,
            yes,
            _name(f"approve {what}", position),
            Question(f"{title}?", facts, run),
        )
    ]
    if asked.half is not None and not asked.half.refused:
        fewer = _half_facts(asked, position)
        question = Question(f"{title}, at half?", fewer, "Half")
        name = _name(f"approve half of {what}", position)
        choices.append(Choice(f"Approve half of {what}", left, fewer, half, name, question))
    no = Deny(asked.cycle, asked.rung)
    return (*choices, Choice(f"Deny {what}", "", facts, no, _name(f"deny {what}", position)))


def _half_facts(asked: ApprovalView, position: PositionView) -> tuple[Fact, ...]:
    half = asked.half
    if half is None:
        return ()
    return (
        ("Add", f"{fixed(half.qty, position.qty_decimals)}, {fixed(half.margin, 2)} USDT margin"),
        ("Worst case", _from_to(asked.worst_case, half.worst_case_after)),
    )


def _approval_facts(asked: ApprovalView, position: PositionView) -> tuple[Fact, ...]:
    places = position.price_decimals
    banked = size(asked.bank_qty, position.qty_decimals, asked.symbol)
    bank = (("Bank", banked),) if asked.asks is Asks.RUNG else ()
    band = f"the mark is {price(asked.low, places)} – {price(asked.high, places)}"
    return (
        *bank,
        ("Add" if asked.asks is not Asks.ADOPTION else "Margin", f"{fixed(asked.add_margin, 2)} USDT margin"),
        ("Worst case", _from_to(asked.worst_case, asked.worst_case_after)),
        *((("While", band),) if asked.high else ()),
    )


def _release(position: PositionView) -> Choice:
    """Let it go: what stays on the exchange is told before."""
    ours = [stop for stop in position.stops if stop.ours]
    places = position.price_decimals
    left = ", ".join(price(stop.trigger, places) for stop in ours)
    facts = (
        ("Ratchet", "does nothing to it any more: no rung, no stop moved"),
        ("Stops", f"{left} stay on Bitget and are yours" if ours else "none rests: liquidation is the stop"),
        ("Worst case", f"{cautious(position.worst_case)} USDT, as now"),
        ("Back", "adopt it by hand; it is not taken by itself"),
    )
    question = Question(f"Release {printable(position.symbol)} {position.side}?", facts, "Release")
    command = Release(position.symbol, position.side)
    return Choice(
        "Release: your stops, your hand", "asks", facts, command, _name("release", position), question
    )


def _stops(position: PositionView, preview: PreviewView | None) -> tuple[Choice, ...]:
    by_mode = {view.mode: view for view in preview.modes} if preview else {}
    ordered = (StopMode.CYCLE_BREAKEVEN, *(m for m in StopMode if m is not StopMode.CYCLE_BREAKEVEN))
    return tuple(_stop_mode(position, mode, by_mode.get(mode), preview) for mode in ordered)


def _stop_mode(
    position: PositionView, mode: StopMode, view: ModeView | None, preview: PreviewView | None
) -> Choice:
    breakeven = mode is StopMode.CYCLE_BREAKEVEN
    words = "Stop to breakeven" if breakeven else f"Stops: {MODE_WORDS[mode]}"
    if position.stop_mode is mode:
        return Choice(words, "as now", _mode_facts(position, view, preview))
    command: AnyCommand = (
        Breakeven(position.symbol, position.side)
        if breakeven
        else SetStopMode(position.symbol, position.side, mode)
    )
    facts = _mode_facts(position, view, preview)
    name = _name("stop to breakeven" if breakeven else f"stops {mode.value}", position)
    riskier = view is None or preview is None or view.at_once or view.worst_case < preview.worst_case
    title = f"{words} for {position.symbol} {position.side}?"
    question = Question(title, facts, "Move the stops") if riskier else None
    return Choice(words, cautious(view.worst_case) if view else "", facts, command, name, question)


def _mode_facts(
    position: PositionView, view: ModeView | None, preview: PreviewView | None
) -> tuple[Fact, ...]:
    if view is None or preview is None:
        return (("Worst case", f"{cautious(position.worst_case)} now; what it would be is not known yet"),)
    facts: list[Fact] = [("Worst case", _from_to(preview.worst_case, view.worst_case))]
    if not view.stops:
        facts.append(("Stops", "from the first rung on; until then nothing changes"))
    facts += [("Stop" if k == 0 else "", _stop_fact(stop, position)) for k, stop in enumerate(view.stops)]
    if view.at_once:
        facts.append(("Careful", "the mark has passed one of these: it would close at once"))
    return tuple(facts)


def _stop_fact(stop: StopView, position: PositionView) -> str:
    of = "all of it" if stop.leg is None else f"leg {stop.leg}, {fixed(stop.qty, position.qty_decimals)}"
    return f"{price(stop.trigger, position.price_decimals)} for {of} ({stop.why}, {cautious(stop.result)})"


def _scaling(position: PositionView) -> tuple[Choice, ...]:
    if position.status in {Status.PAUSED, Status.ERROR}:
        question = unpause_question(position)
        command = Unpause(position.symbol, position.side)
        return (Choice("Scale again", "asks", question.facts, command, _name("unpause", position), question),)
    facts = (("Stops", "stay as they rest"), ("Rungs", "none until you let it go on"))
    return (
        Choice("Pause scaling", "", facts, Pause(position.symbol, position.side), _name("pause", position)),
    )


def _closing(scene: Scene, position: PositionView, preview: PreviewView | None) -> tuple[Choice, ...]:
    """In parts, at once, and patiently: with an entry on its way that is at once, too."""
    views = {view.fraction: view for view in preview.reduces} if preview else {}
    parts = (Decimal("0.25"), Decimal("0.5"), Decimal("0.75"))
    how = "limit orders at the touch, what is left then at market, reduce-only"
    entries = scene.snapshot.entries if scene.snapshot else ()
    coming = next((e for e in entries if (e.symbol, e.side) == (position.symbol, position.side)), None)
    if coming is not None and coming.opens:
        how = "the entry on its way is taken back, and what is held closes at market"
    patient = (("How", how),)
    return (
        *(reduce_choice(position, part, views.get(part)) for part in parts),
        Choice(
            "Reduce by …", "%", (("Part", "you type it; its result is shown before it goes"),), opens="part"
        ),
        reduce_choice(position, Decimal(1), views.get(Decimal(1))),
        Choice(
            "Close patiently",
            "",
            patient,
            Exit(position.symbol, position.side),
            _name("close patiently", position),
        ),
    )


def reduce_choice(position: PositionView, part: Decimal, view: ReduceView | None) -> Choice:
    """Closing a part of it at market: never asked, always told."""
    whole = part >= 1
    words = "Close at market" if whole else f"Reduce by {percent(part, _places(part))}"
    if view is not None and view.refused:
        return Choice(words, "too small", (("Not possible", printable(view.refused)),))
    command = Reduce(position.symbol, position.side, part)
    name = _name("close" if whole else f"reduce {percent(part, _places(part))}", position)
    return Choice(words, signed(view.result) if view else "", reduce_facts(position, view), command, name)


def reduce_facts(position: PositionView, view: ReduceView | None) -> tuple[Fact, ...]:
    """What closing a part does at this mark."""
    if view is None:
        return (("Result", "not known while there is no fresh mark"),)
    places = position.qty_decimals
    left = fixed(view.left, places)
    facts: list[Fact] = [
        ("Closes", f"{fixed(view.qty, places)}, {left} is left" if view.left else "all of it"),
        ("Result", f"{signed(view.result)} USDT after the fee, {fixed(view.freed, 2)} margin comes free"),
        ("Cycle then" if not view.left else "Worst then", f"{cautious(view.worst_case)} USDT"),
    ]
    if view.left:
        facts.append(("Liquidation", price(view.liquidation, position.price_decimals)))
    return tuple(facts)


def _places(part: Decimal) -> int:
    return 0 if part * 100 == (part * 100).to_integral_value() else 1


def _from_to(now: Decimal | None, then: Decimal | None) -> str:
    return f"{cautious(now)} → {cautious(then)} USDT"


def _name(words: str, position: PositionView) -> str:
    return f"{words} {printable(position.symbol)} {position.side}"
