"""Bitget's public REST endpoints over the simulated market: parsed parameters in, the answer's `data` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from engine.simulator.chart import DAY_MS, GRANULARITIES, HOUR_MS
from engine.simulator.digits import plain
from engine.simulator.errors import BitgetError
from engine.simulator.market import Tape
from engine.simulator.market_rows import candle_row, level_rows, price_row, ticker_row, trade_row
from engine.simulator.path import Wander
from engine.simulator.world import World

PRODUCT: Final = "USDT-FUTURES"
OTHER_PRODUCTS: Final = frozenset(
    {"COIN-FUTURES", "USDC-FUTURES", "SUSDT-FUTURES", "SCOIN-FUTURES", "SUSDC-FUTURES"}
)
PERIODS_MS: Final = {
    "5m": HOUR_MS // 12,
    "15m": HOUR_MS // 4,
    "30m": HOUR_MS // 2,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
}
_RATIO_ROWS: Final = 30

PUBLIC_ROUTES: Final[dict[str, str]] = {
    "v2/public/time": "time",
    "v2/mix/market/contracts": "contracts",
    "v2/mix/market/ticker": "ticker",
    "v2/mix/market/tickers": "tickers",
    "v2/mix/market/symbol-price": "symbol_price",
    "v2/mix/market/merge-depth": "merge_depth",
    "v2/mix/market/candles": "candles",
    "v2/mix/market/history-candles": "history_candles",
    "v2/mix/market/history-mark-candles": "history_mark_candles",
    "v2/mix/market/history-index-candles": "history_index_candles",
    "v2/mix/market/fills": "fills",
    "v2/mix/market/fills-history": "fills",
    "v2/mix/market/current-fund-rate": "current_fund_rate",
    "v2/mix/market/funding-time": "funding_time",
    "v2/mix/market/history-fund-rate": "history_fund_rate",
    "v2/mix/market/query-position-lever": "query_position_lever",
    "v2/mix/market/open-interest": "open_interest",
    "v2/mix/market/account-long-short": "account_long_short",
    "v2/mix/market/position-long-short": "position_long_short",
    "v2/mix/market/long-short": "long_short",
    "v2/mix/market/taker-buy-sell": "taker_buy_sell",
}
"""Path below /api/ → method of PublicEndpoints. All are GET; a signature is not needed and does no harm."""

Params = Mapping[str, Any]


class PublicEndpoints:
    """One method per route. Refusals raise BitgetError; `clock_ms` is the server's clock (wall time)."""

    def __init__(self, world: World, seed: int, clock_ms: Callable[[], int]) -> None:
        self._world = world
        self._market = world.market
        self._seed = seed
        self._clock_ms = clock_ms

    def time(self, params: Params) -> dict[str, str]:
        return {"serverTime": str(self._clock_ms())}

    def contracts(self, params: Params) -> list[dict[str, Any]]:
        if self._is_elsewhere(params):
            return []
        return [self._world.exchange.contract(tape.symbol) for tape in self._tapes(params)]

    def ticker(self, params: Params) -> list[dict[str, Any]]:
        return [ticker_row(self._tape(params), self._world)]

    def tickers(self, params: Params) -> list[dict[str, Any]]:
        return [] if self._is_elsewhere(params) else [ticker_row(tape, self._world) for tape in self._market]

    def symbol_price(self, params: Params) -> list[dict[str, str]]:
        return [price_row(self._tape(params).quote)]

    def merge_depth(self, params: Params) -> dict[str, Any]:
        tape = self._tape(params)
        wanted = str(params.get("limit", "100"))
        levels = None if wanted == "max" else _number(params, "limit", 100, 1_000)
        quote = tape.quote
        return {
            "asks": level_rows(quote.asks[:levels]),
            "bids": level_rows(quote.bids[:levels]),
            "ts": str(quote.ts),
            "scale": plain(tape.tick),
            "precision": "scale0",
            "isMaxPrecision": "NO",
        }

    def candles(self, params: Params) -> list[list[str]]:
        kind = str(params.get("kLineType", "market")).lower()
        return self._candles(params, kind, most=1_000, closed_only=False)

    def history_candles(self, params: Params) -> list[list[str]]:
        return self._candles(params, "market", most=200, closed_only=True)

    def history_mark_candles(self, params: Params) -> list[list[str]]:
        return self._candles(params, "mark", most=200, closed_only=True)

    def history_index_candles(self, params: Params) -> list[list[str]]:
        return self._candles(params, "index", most=200, closed_only=True)

    def fills(self, params: Params) -> list[dict[str, str]]:
        tape = self._tape(params)
        limit = _number(params, "limit", 100, 1_000)
        below = _number(params, "idLessThan", 0, 10**20)
        trades = [trade for trade in reversed(tape.trades) if not below or trade.trade_id < below]
        return [{**trade_row(trade), "symbol": tape.symbol} for trade in trades[:limit]]

    def current_fund_rate(self, params: Params) -> list[dict[str, str]]:
        return [] if self._is_elsewhere(params) else [self._fund_rate(tape) for tape in self._tapes(params)]

    def funding_time(self, params: Params) -> list[dict[str, str]]:
        tape = self._tape(params)
        rate = self._fund_rate(tape)
        return [
            {
                "symbol": tape.symbol,
                "nextFundingTime": rate["nextUpdate"],
                "ratePeriod": rate["fundingRateInterval"],
            }
        ]

    def history_fund_rate(self, params: Params) -> list[dict[str, str]]:
        tape = self._tape(params)
        size = _number(params, "pageSize", 20, 100)
        first = (max(1, _number(params, "pageNo", 1, 1_000)) - 1) * size
        settled = self._world.funding.history(tape.symbol, self._market.now_ms)
        return [
            {"symbol": tape.symbol, "fundingRate": plain(past.rate), "fundingTime": str(past.ts)}
            for past in settled[first : first + size]
        ]

    def query_position_lever(self, params: Params) -> list[dict[str, Any]]:
        return self._world.exchange.tiers(self._tape(params).symbol)

    def open_interest(self, params: Params) -> dict[str, Any]:
        tape = self._tape(params)
        now = self._market.now_ms
        return {
            "openInterestList": [
                {"symbol": tape.symbol, "size": plain(self._world.open_interest(tape.symbol))}
            ],
            "ts": str(now),
        }

    def account_long_short(self, params: Params) -> list[dict[str, str]]:
        return self._ratios(
            params, "account", "longAccountRatio", "shortAccountRatio", "longShortAccountRatio"
        )

    def position_long_short(self, params: Params) -> list[dict[str, str]]:
        return self._ratios(
            params, "position", "longPositionRatio", "shortPositionRatio", "longShortPositionRatio"
        )

    def long_short(self, params: Params) -> list[dict[str, str]]:
        return self._ratios(params, "longshort", "longRatio", "shortRatio", "longShortRatio")

    def taker_buy_sell(self, params: Params) -> list[dict[str, str]]:
        tape, period_ms = self._tape(params), self._period(params)
        buying = Wander(f"{self._seed}:{tape.symbol}:taker", 0.2, period_ms)
        granularity = {HOUR_MS: "1H", 2 * HOUR_MS: "2H", 4 * HOUR_MS: "4H", 6 * HOUR_MS: "6Hutc"}.get(
            period_ms
        )
        granularity = granularity or {12 * HOUR_MS: "12Hutc", DAY_MS: "1Dutc"}.get(
            period_ms, str(params.get("period", "5m"))
        )
        rows = []
        for bar in tape.chart.bars(granularity, _RATIO_ROWS):
            bought = bar.volume * Decimal(str(round(0.5 + buying(bar.ts), 4)))
            rows.append(
                {"buyVolume": plain(bought), "sellVolume": plain(bar.volume - bought), "ts": str(bar.ts)}
            )
        return rows

    def _candles(self, params: Params, kind: str, *, most: int, closed_only: bool) -> list[list[str]]:
        tape = self._tape(params)
        granularity = str(params.get("granularity", ""))
        if granularity not in GRANULARITIES:
            raise BitgetError("40017", "Parameter verification failed granularity")
        basis = {"market": None, "mark": tape.mark_basis, "index": tape.index_basis}
        if kind not in basis:
            raise BitgetError("40017", "Parameter verification failed kLineType")
        end = _number(params, "endTime", 0, 10**14) or None
        if closed_only:
            opening = GRANULARITIES[granularity](self._market.now_ms)
            end = opening if end is None else min(end, opening)
        bars = tape.chart.bars(
            granularity, _number(params, "limit", 100, most), _number(params, "startTime", 0, 10**14), end
        )
        return [candle_row(bar, basis[kind], tape.tick) for bar in bars]

    def _fund_rate(self, tape: Tape) -> dict[str, str]:
        exchange = self._world.exchange
        return {
            "symbol": tape.symbol,
            "fundingRate": plain(exchange.funding_rate(tape.symbol)),
            "fundingRateInterval": str(exchange.contract(tape.symbol)["fundInterval"]),
            "nextUpdate": str(exchange.next_funding_time(tape.symbol)),
            "minFundingRate": "-0.003",
            "maxFundingRate": "0.003",
        }

    def _ratios(
        self, params: Params, kind: str, long_key: str, short_key: str, ratio_key: str
    ) -> list[dict[str, str]]:
        tape, period_ms = self._tape(params), self._period(params)
        lean = Wander(f"{self._seed}:{tape.symbol}:{kind}", 0.15, DAY_MS)
        newest = self._market.now_ms - self._market.now_ms % period_ms
        rows = []
        for back in range(_RATIO_ROWS - 1, -1, -1):
            ts = newest - back * period_ms
            share = Decimal(str(round(0.52 + lean(ts), 4)))
            ratio = (share / (1 - share)).quantize(Decimal("0.0001"))
            rows.append(
                {long_key: plain(share), short_key: plain(1 - share), ratio_key: plain(ratio), "ts": str(ts)}
            )
        return rows

    def _period(self, params: Params) -> int:
        period = str(params.get("period", "5m"))
        if period not in PERIODS_MS:
            raise BitgetError("40017", "Parameter verification failed period")
        return PERIODS_MS[period]

    def _tape(self, params: Params) -> Tape:
        symbol = str(params.get("symbol", "")).upper()
        if not symbol:
            raise BitgetError("40019", "Parameter symbol cannot be empty")
        if symbol not in self._market or self._is_elsewhere(params):
            raise BitgetError("40034", f"Parameter {symbol} does not exist")
        return self._market[symbol]

    def _tapes(self, params: Params) -> list[Tape]:
        return [self._tape(params)] if params.get("symbol") else list(self._market)

    @staticmethod
    def _is_elsewhere(params: Params) -> bool:
        product = str(params.get("productType", PRODUCT)).upper()
        if product != PRODUCT and product not in OTHER_PRODUCTS:
            raise BitgetError("40017", "Parameter verification failed productType")
        return product != PRODUCT


def _number(params: Params, name: str, default: int, most: int) -> int:
    text = str(params.get(name) or default)
    if not text.isascii() or not text.isdigit():
        raise BitgetError("40017", f"Parameter verification failed {name}")
    return min(int(text), most)
