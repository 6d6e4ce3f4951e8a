"""The trader takes a symbol off the list, in the configuration, while a position of it is under care."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace
from test_trades_in_order import Day

from engine.core.actions import PlaceMarket
from engine.core.events import Commanded, Flatten, InstrumentsRead, LinkChanged, PositionsRead, Started
from engine.core.instrument import Side
from engine.core.settings import Managed, Settings
from engine.journal.ideal import BTC

ETH = replace(BTC, symbol="ETHUSDT")
ONLY_ETH = Settings("test", managed=(Managed("ETHUSDT", Decimal(40)),))


def begun_again() -> Day:
    day = Day()
    day.begins()
    day.short_opened("0.002")
    day.tell(Started(ONLY_ETH, "test"), InstrumentsRead((ETH,)), LinkChanged("private", up=True))
    return day


def test_it_stays_under_care_and_climbs_no_more() -> None:
    day = begun_again()
    [cycle] = day.state.cycles.values()
    assert cycle.barred == "BTCUSDT is not in the list of managed symbols any more"


def test_it_can_be_flattened() -> None:
    flattened = begun_again().tell(Commanded("1", "test", Flatten()))
    [close] = [work for work in flattened.actions if isinstance(work, PlaceMarket)]
    assert (close.symbol, close.opens, close.qty) == ("BTCUSDT", False, Decimal("0.002"))


def test_another_position_of_it_is_only_shown() -> None:
    day = begun_again()
    [cycle] = day.state.cycles.values()
    other = replace(cycle.seen, side=Side.LONG, opened=day.at)
    day.tell(PositionsRead((cycle.seen, other), rest=True))
    assert day.state.unmanaged["BTCUSDT:long"].reason == "BTCUSDT is not in the list of managed symbols"
