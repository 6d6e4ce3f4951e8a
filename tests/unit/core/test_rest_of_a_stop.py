"""A stop was carried out, and its trades are not told: only what Bitget shows is left of it is closed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace
from test_shield import HARD, Night

from engine.core.actions import PlaceMarket
from engine.core.cover import PARTIAL_MS
from engine.core.events import LinkChanged, OrdersRead, PositionsRead, StopSeen, Timer
from engine.core.exchange import OrderKind, OrderRow, OrderState

D = Decimal


class Dawn(Night):
    """The hard stop of 0.002 is carried out."""

    def __init__(self, *, unheard: bool) -> None:
        super().__init__(HARD)
        self.reads_orders()
        if unheard:
            self.tell(LinkChanged("private", up=False), LinkChanged("private", up=True))
            self.tell(OrdersRead(tuple(self.rest), asked=self.at))
        [stop] = self.rest
        about = (stop.order_id, stop.client_id, stop.symbol, OrderKind.POS_LOSS, OrderState.FILLED)
        self.tell(StopSeen(stop, OrderRow(*about, None, D(0), D(0), child="c1")))

    def closes(self, shown: str | None, entry: str = "100000") -> list[Decimal]:
        """What is closed once Bitget has shown this size (None: nothing is read)."""
        self.tell(Timer())
        if shown is not None:
            rows = (replace(self.first, qty=D(shown), entry=D(entry)),) if D(shown) else ()
            self.tell(PositionsRead(rows, rest=True, asked=self.at))
        self.at += PARTIAL_MS
        later = self.tell(Timer())
        return [work.qty for work in later.actions if isinstance(work, PlaceMarket)]


@pytest.mark.parametrize(
    ("shown", "closed"),
    [(None, []), ("0", []), ("0.0005", ["0.0005"]), ("0.002", ["0.002"])],
    ids=["not read since", "gone", "a part is left", "all is left"],
)
def test_only_what_is_shown_is_closed_while_the_trades_are_missing(
    shown: str | None, closed: list[str]
) -> None:
    """It closed as much again: of another leg, which has a stop of its own, or of nothing."""
    assert Dawn(unheard=True).closes(shown) == [D(qty) for qty in closed]


def test_what_the_trader_may_have_added_meanwhile_is_not_what_the_stop_left() -> None:
    """What reduces leaves the average entry as it is."""
    assert Dawn(unheard=True).closes("0.0005", entry="103900") == []


def test_what_is_not_booked_is_left_when_every_trade_is_told() -> None:
    assert Dawn(unheard=False).closes("0.002") == [D("0.002")]
