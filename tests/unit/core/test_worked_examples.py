"""The tables of docs/ladder.md, cell by cell: what the trader reads is what the core computes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.core.cycle import Cycle
from engine.core.exchange import Position
from engine.core.instrument import Instrument, Side, Tier
from engine.core.ladder import after_rung, trigger_price
from engine.core.ledger import begin, liquidation_of, net_so_far
from engine.core.margin import unrealised
from engine.core.settings import Ladder, Sequence, StopMode
from engine.core.stops import Wanted, wanted_stops, worst_case

PAGE = Path(__file__).parents[3] / "docs" / "ladder.md"
BALANCE = Decimal(100)
MARGIN = Decimal(10)
ONE_TIER = (Tier(Decimal(0), Decimal(10) ** 9, Decimal(125), Decimal("0.004")),)


def contract(symbol: str, tick: str, lot: str) -> Instrument:
    return Instrument(
        symbol,
        Decimal(tick),
        Decimal(lot),
        Decimal(lot),
        Decimal(5),
        Decimal(220),
        Decimal(125),
        Decimal("0.0006"),
        Decimal("0.0002"),
        ONE_TIER,
    )


BTC = contract("BTCUSDT", "0.1", "0.0001")
ETH = contract("ETHUSDT", "0.01", "0.01")

EXAMPLES = {
    "A": (BTC, Side.SHORT, "20", "100000", Sequence.BANK_FIRST),
    "B": (BTC, Side.SHORT, "20", "95000", Sequence.BANK_FIRST),
    "C": (ETH, Side.LONG, "40", "3000", Sequence.BANK_FIRST),
    "D": (BTC, Side.SHORT, "20", "100000", Sequence.ADD_FIRST),
}


def cells(value: Decimal, places: int) -> str:
    """As the tables print numbers: through a binary float, so that 14.71375 shows as 14.7137."""
    return f"{float(value):.{places}f}"


def legs(cycle: Cycle) -> str:
    return "; ".join(f"{cells(leg.qty, 4)} @ {cells(leg.entry, 2)}" for leg in cycle.legs)


def stops(wanted: tuple[Wanted, ...]) -> str:
    if not wanted:
        return "none (liquidation)"
    return "; ".join(
        f"{s.leg}: {cells(s.qty or Decimal(0), 4)} @ {cells(s.trigger, 2)} {s.why.value}" for s in wanted
    )


def lose(cycle: Cycle, instrument: Instrument, wanted: tuple[Wanted, ...]) -> str:
    return cells(worst_case(cycle, instrument, [(s.trigger, s.qty) for s in wanted]), 4)


def row(cycle: Cycle, instrument: Instrument, price: Decimal, ladder: Ladder) -> list[str]:
    """One row of a table, computed: after the name and before the end, in the order of its header."""
    resting = wanted_stops(cycle, instrument, guard=ladder.guard)
    whole = wanted_stops(replace(cycle, mode=StopMode.CYCLE_BREAKEVEN), instrument, guard=ladder.guard)
    profit = unrealised(cycle.side, cycle.held_qty, cycle.held_entry, price)
    return [
        cells(price, 2),
        legs(cycle),
        cells(cycle.held_qty, 4),
        cells(cycle.held_entry, 2),
        cells(cycle.held_margin, 4),
        cells(liquidation_of(cycle, instrument), 2),
        cells(cycle.realised, 4),
        cells(cycle.own_realised, 4),
        cells(cycle.fees, 4),
        cells(BALANCE + net_so_far(cycle) - cycle.held_margin, 4),
        cells(BALANCE + net_so_far(cycle) + profit, 4),
        cells(trigger_price(cycle, ladder, instrument), 2),
        stops(resting),
        lose(cycle, instrument, resting),
        f"{cells(whole[0].trigger, 2)} {whole[0].why.value}" if whole else "–",
        lose(cycle, instrument, whole) if whole else "–",
    ]


def opened(instrument: Instrument, side: Side, leverage: Decimal, price: Decimal) -> Cycle:
    qty = instrument.floor_qty(MARGIN * leverage / price)
    margin = qty * price / leverage
    position = Position(
        instrument.symbol,
        side,
        qty,
        price,
        margin,
        leverage,
        Decimal(0),
        isolated=True,
        auto_margin=False,
        hedged=False,
        opened=0,
    )
    fee = instrument.taker * qty * price
    return begin(position, cycle_id="example", at=0, equity=BALANCE, fee=fee, mode=StopMode.LEG_ENTRY)


def computed(letter: str) -> Iterator[list[str]]:
    instrument, side, leverage, price, sequence = EXAMPLES[letter]
    ladder = Ladder(sequence=sequence)
    at = Decimal(price)
    cycle = opened(instrument, side, Decimal(leverage), at)
    while True:
        yield row(cycle, instrument, at, ladder)
        at = trigger_price(cycle, ladder, instrument)
        cycle = after_rung(cycle, ladder, instrument, price=at, leverage=Decimal(leverage))


def printed(letter: str) -> list[list[str]]:
    text = PAGE.read_text(encoding="utf-8")
    part = re.split(r"^\*\*([A-D])\. .*\*\*$", text, flags=re.MULTILINE)
    table = part[part.index(letter) + 1]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in rows
        if not line.startswith("| after")
    ]


@pytest.mark.parametrize("letter", EXAMPLES)
def test_every_cell_of_a_worked_example_is_what_the_core_computes(letter: str) -> None:
    table = printed(letter)
    assert len(table) >= 3
    for (name, *told), mine in zip(table, computed(letter), strict=False):
        assert told == mine, f"example {letter}, after {name}"


@pytest.mark.parametrize("leverage", [5, 10, 20, 40, 75, 125])
@pytest.mark.parametrize("side", list(Side))
def test_before_fees_and_lots_the_first_rung_books_half_the_margin(leverage: int, side: Side) -> None:
    fine = replace(BTC, lot=Decimal("1e-20"), taker=Decimal(0))
    cycle = opened(fine, side, Decimal(leverage), Decimal(100000))
    ladder = Ladder()
    trigger = trigger_price(cycle, ladder, fine)
    after = after_rung(cycle, ladder, fine, price=trigger, leverage=Decimal(leverage))
    assert abs(after.realised - cycle.held_margin / 2) < Decimal("1e-9")
