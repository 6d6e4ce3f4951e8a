"""The questions before anything that adds risk, with the numbers that the answer depends on."""

from __future__ import annotations

import msgspec

from engine.protocol import Coming, PositionView
from tui.view_model.account import worst_case
from tui.view_model.header import halted_by
from tui.view_model.ink import printable
from tui.view_model.numbers import cautious, fixed, percent, price, size, times
from tui.view_model.scene import Scene

Fact = tuple[str, str]
"""A name and its words."""


class Question(msgspec.Struct, frozen=True):
    """A title, the facts, and the word for yes. No is always `Cancel`, and has the focus."""

    title: str
    facts: tuple[Fact, ...]
    yes: str


def resume_question(scene: Scene) -> Question:
    """Before trading goes on after a halt."""
    facts: list[Fact] = []
    if scene.snapshot:
        facts.append(("Halted", printable(halted_by(scene.snapshot.engine))))
        account = scene.snapshot.account
        facts += [
            ("Equity", f"{fixed(account.equity, 2)} USDT"),
            ("Worst case", f"{cautious(worst_case(scene.snapshot))} USDT"),
            ("Positions", f"{account.cycles} of {account.max_cycles}"),
        ]
    return Question("Resume trading? Rungs will be run again.", tuple(facts), "Resume")


def adopt_question(position: PositionView) -> Question:
    """Before a stranger is taken under care."""
    places = position.price_decimals
    return Question(
        f"Adopt {printable(position.symbol)} {position.side}? The ladder will scale it.",
        (
            ("Size", f"{fixed(position.size, position.qty_decimals)} at {price(position.entry, places)}"),
            ("Margin", f"{fixed(position.margin, 2)} USDT, {times(position.leverage)}"),
            ("Liquidation", price(position.liquidation, places)),
            ("Away", percent(position.distance)),
            ("Not managed", printable(position.reason)),
        ),
        "Adopt",
    )


def unpause_question(position: PositionView) -> Question:
    """Before a paused cycle scales again."""
    facts = [
        ("Paused", printable(position.reason) or "by you"),
        ("Worst case", f"{cautious(position.worst_case)} USDT"),
    ]
    if rung := position.next_rung:
        facts += [
            (f"Rung {rung.number} at", price(rung.trigger, position.price_decimals)),
            ("Bank", size(rung.bank_qty, position.qty_decimals, position.symbol)),
            ("Add", f"{fixed(rung.add_margin, 2)} USDT margin"),
            ("Worst case then", f"{cautious(rung.worst_case_after)} USDT"),
        ]
    return Question(f"Scale {printable(position.symbol)} {position.side} again?", tuple(facts), "Scale again")


def copied(of: PositionView | Coming) -> str:
    """A row as one line for the clipboard, tab-separated, with every digit."""
    if not isinstance(of, PositionView):
        return "\t".join((of.symbol, of.side.value, of.told, of.by))
    fields: tuple[object, ...] = (
        of.symbol,
        of.side.value,
        of.entry,
        of.mark,
        of.size,
        of.margin,
        f"{of.leverage}x",
        of.unrealized_pnl,
        of.liquidation,
        of.status.value if of.status else "UNMANAGED",
    )
    return "\t".join("--" if field is None else str(field) for field in fields)
