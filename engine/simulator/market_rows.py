"""Rows of market data as Bitget prints them, for REST and websocket alike."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final

from engine.simulator.candles import Candle
from engine.simulator.digits import plain
from engine.simulator.market import Tape, Trade
from engine.simulator.path import Wander
from engine.simulator.quote import Level, Quote
from engine.simulator.world import World

_CHANGE: Final = Decimal("0.00001")


def ticker_row(tape: Tape, world: World) -> dict[str, Any]:
    """A row of `GET v2/mix/market/ticker`; the websocket's ticker has the same fields and two more."""
    quote, day = tape.quote, tape.chart.day()
    return {
        "symbol": tape.symbol,
        "lastPr": plain(quote.last),
        "askPr": plain(quote.ask),
        "bidPr": plain(quote.bid),
        "bidSz": plain(quote.bids[0][1]),
        "askSz": plain(quote.asks[0][1]),
        "high24h": plain(day.high),
        "low24h": plain(day.low),
        "ts": str(quote.ts),
        "change24h": _change(quote.last, day.open),
        "baseVolume": plain(day.volume),
        "quoteVolume": plain(day.turnover),
        "usdtVolume": plain(day.turnover),
        "openUtc": plain(day.open_utc),
        "changeUtc24h": _change(quote.last, day.open_utc),
        "indexPrice": plain(quote.index),
        "fundingRate": plain(world.exchange.funding_rate(tape.symbol)),
        "holdingAmount": plain(world.open_interest(tape.symbol)),
        "deliveryStartTime": None,
        "deliveryTime": None,
        "deliveryStatus": "",
        "open24h": plain(day.open),
        "markPrice": plain(quote.mark),
    }


def price_row(quote: Quote) -> dict[str, str]:
    """A row of `GET v2/mix/market/symbol-price`."""
    return {
        "symbol": quote.symbol,
        "price": plain(quote.last),
        "indexPrice": plain(quote.index),
        "markPrice": plain(quote.mark),
        "ts": str(quote.ts),
    }


def stream_ticker_row(tape: Tape, world: World) -> dict[str, Any]:
    """A row of the websocket's ticker channel (field set of ccxt's recorded handle_ticker answer)."""
    row = ticker_row(tape, world)
    for absent in ("usdtVolume", "deliveryStartTime", "deliveryTime", "deliveryStatus"):
        del row[absent]
    return {
        "instId": tape.symbol,
        **row,
        "nextFundingTime": str(world.exchange.next_funding_time(tape.symbol)),
        "symbolType": "1",
        "deliveryPrice": "0",
    }


def trade_row(trade: Trade) -> dict[str, str]:
    """A public trade; `side` is the taker's."""
    return {
        "tradeId": str(trade.trade_id),
        "price": plain(trade.price),
        "size": plain(trade.size),
        "side": "buy" if trade.is_buy else "sell",
        "ts": str(trade.ts),
    }


def candle_row(bar: Candle, basis: Wander | None, tick: Decimal) -> list[str]:
    """[ts, open, high, low, close, base volume, quote volume]; with a `basis`, the mark's or the index's bar.

    Those are the last price's bar moved by the basis at its opening and a minute later; they trade nothing.
    """
    if basis is None:
        prices = (bar.open, bar.high, bar.low, bar.close)
        return [str(bar.ts), *map(plain, prices), plain(bar.volume), plain(bar.turnover)]
    first, last = (Decimal(str(1 + basis(ts))) for ts in (bar.ts, bar.ts + 59_999))
    ends = (_on_tick(bar.open * first, tick), _on_tick(bar.close * last, tick))
    high = max(*ends, _on_tick(bar.high * max(first, last), tick, ROUND_CEILING))
    low = min(*ends, _on_tick(bar.low * min(first, last), tick))
    return [str(bar.ts), plain(ends[0]), plain(high), plain(low), plain(ends[1]), "0", "0"]


def level_rows(levels: Sequence[Level]) -> list[list[str]]:
    """[[price, size], …], best first."""
    return [[plain(price), plain(size)] for price, size in levels]


def _on_tick(price: Decimal, tick: Decimal, rounding: str = ROUND_FLOOR) -> Decimal:
    return (price / tick).to_integral_value(rounding) * tick


def _change(now: Decimal, then: Decimal) -> str:
    return plain((now / then - 1).quantize(_CHANGE))
