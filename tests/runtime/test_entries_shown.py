"""How far an entry has come, in the words that every screen has for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from engine.core.cycle import Order
from engine.core.instrument import Side
from engine.core.settings import Settings
from engine.core.state import Entry, State, Step
from engine.journal.ideal import BTC
from engine.runtime.snapshot import entries_of

D = Decimal
AT_THE_TOUCH = Entry(
    id="entry1",
    symbol="BTCUSDT",
    side=Side.LONG,
    opens=True,
    want=D("0.05"),
    leverage=D(20),
    patient=True,
    wait_ms=20_000,
    tries=4,
    stop=None,
    by="webhook, buy long",
    step=Step.WORKING,
    since=7_000,
    attempt=1,
    order=Order("rte-entry1-1", D("0.05"), order_id="77"),
    limit=D(95_000),
)
FILLED = Order("rte-entry1-2", D("0.04"), order_id="78", filled=D("0.01"))


def believed(*entries: Entry) -> State:
    return State(Settings("main"), instruments={BTC.symbol: BTC}, entries={e.id: e for e in entries})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "entering 0.05, at 95,000.0, try 1 of 4"),
        (
            {"done": D("0.01"), "attempt": 2, "order": FILLED, "limit": D("95010.5")},
            "entered 0.02 of 0.05, at 95,010.5, try 2 of 4",
        ),
        (
            {"step": Step.LEVERAGE, "attempt": 0, "order": None, "limit": D(0)},
            "entering 0.05, its leverage being set",
        ),
        ({"order": Order("rte-entry1-1", D("0.05"))}, "entering 0.05, being placed, try 1 of 4"),
        ({"step": Step.PLACING, "order": None}, "entering 0.05, being placed, try 1 of 4"),
        ({"step": Step.CANCELLING}, "entering 0.05, its order being cancelled, try 1 of 4"),
        (
            {"step": Step.CANCELLING, "taken_back": "desk on tty2", "keeps": True},
            "entering 0.05, being taken back, try 1 of 4",
        ),
        (
            {"step": Step.CANCELLING, "taken_back": "desk on tty2"},
            "entering 0.05, taken back and closed, try 1 of 4",
        ),
        ({"opens": False}, "leaving 0.05, at 95,000.0, try 1 of 4"),
        (
            {"opens": False, "done": D("0.01"), "attempt": 2, "order": FILLED, "limit": D("95010.5")},
            "left 0.02 of 0.05, at 95,010.5, try 2 of 4",
        ),
        ({"patient": False, "limit": D(0)}, "entering 0.05, at market"),
    ],
    ids=str,
)
def test_an_entry_tells_what_it_has_and_where_it_waits(change: dict[str, Any], told: str) -> None:
    [view] = entries_of(believed(replace(AT_THE_TOUCH, **change)))
    assert view.told == told


def test_no_price_is_told_of_an_order_that_nobody_has_taken() -> None:
    [view] = entries_of(believed(replace(AT_THE_TOUCH, order=Order("rte-entry1-1", D("0.05")))))
    assert view.price is None
    [view] = entries_of(believed(AT_THE_TOUCH))
    assert (view.price, view.since, view.by) == (D(95_000), 7_000, "webhook, buy long")


def test_what_asks_is_not_on_its_way() -> None:
    assert entries_of(believed(replace(AT_THE_TOUCH, step=Step.ASKING))) == ()
