"""A market and the exchange on it, in one process, without a wire or a clock: it moves when it is told to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from engine.simulator.candles import MINUTE_MS, Candle, Recording
from engine.simulator.catalogue import STILL_PRICES, recorded_contracts
from engine.simulator.chart import DAY_MS
from engine.simulator.contract import Contract
from engine.simulator.exchange import Exchange
from engine.simulator.funding_rates import FundingRates
from engine.simulator.market import Market, Tape
from engine.simulator.path import Wander
from engine.simulator.quote import Quote
from engine.simulator.replay import RecordedTrack, Replay, StillTrack, Track, bars_before

STEPS: Final = 19
STILL_START_MS: Final = 1_746_372_780_000  # 2025-05-04 15:33 UTC, where the recordings that ship begin
_STILL_HISTORY_MINUTES: Final = 2 * 1440
_LEAST_INTEREST_USDT: Final = Decimal(50_000_000)
_INTEREST_STEP: Final = Decimal("0.0001")


class World:
    """The simulated market, the exchange that trades in it, and the replay that moves both.

    `recordings` are the symbols that move by themselves; `still` (symbol → price) those that stand until
    pinned. Without either, the still markets of the catalogue. `start_ms` is the market time of the first
    tick; by default the first moment at which every recording has begun. `steps` is the number of ticks
    between two corners of a recorded minute (19: one tick a second, near enough). `like` as in
    `recorded_contracts`. Raises ValueError for an unknown symbol or a start without data.
    """

    def __init__(
        self,
        recordings: Sequence[Recording] = (),
        still: Mapping[str, Decimal] | None = None,
        *,
        start_ms: int | None = None,
        seed: int = 0,
        ideal: bool = False,
        steps: int = STEPS,
        maintenance: Decimal | None = None,
        like: Mapping[str, str] | None = None,
    ) -> None:
        prices = STILL_PRICES if still is None and not recordings else still or {}
        _check_once([*(recording.symbol for recording in recordings), *prices])
        contracts = recorded_contracts([*(r.symbol for r in recordings), *prices], maintenance, like)
        start = _start(recordings, start_ms)
        tapes: list[Tape] = []
        tracks: list[Track] = []
        for recording, contract in zip(recordings, contracts, strict=False):
            track = RecordedTrack(recording, contract.instrument.tick, start, steps, seed)
            tapes.append(_recorded(recording, contract, track, start, seed=seed, ideal=ideal))
            tracks.append(track)
        for (symbol, price), contract in zip(prices.items(), contracts[len(recordings) :], strict=True):
            tapes.append(_still(contract, price, start, seed=seed, ideal=ideal))
            tracks.append(StillTrack(symbol, start))
        self.market = Market(tapes, start)
        self.replay = Replay(tracks, start)
        self.exchange = Exchange(contracts, seed=seed, ideal=ideal, now_ms=start)
        self.funding = FundingRates(self.exchange, self.market.symbols, seed=seed, ideal=ideal)
        self._interest = Wander(f"{seed}:interest", 0.05, DAY_MS)
        self.market.follow(self.exchange.on_quote)
        for tape in tapes:
            self.exchange.on_quote(tape.quote)

    def next_ms(self) -> int | None:
        """When the next tick comes; None at the end of the recordings."""
        tick = self.replay.peek()
        return None if tick is None else tick.ts

    def step(self) -> Quote | None:
        """Live through the next tick, with the funding that is due before it; None at the end."""
        tick = self.replay.peek()
        if tick is None:
            return None
        self.replay.take()
        ts, symbol, price, volume = tick
        if ts >= self.funding.due_ms:
            self.funding.settle_until(ts)
        ts = max(ts, self.market.now_ms)
        if price is None:
            return self.market.stay(symbol, ts)
        return self.market.move(symbol, ts, price, volume)

    def pin(self, symbol: str, price: Decimal) -> Quote:
        """One tick now at exactly `price`. Raises KeyError for a symbol that is not listed."""
        return self.market.pin(symbol, price)

    def show(self, quote: Quote) -> None:
        """Let a quote from elsewhere be the market of its symbol; funding due before it is settled.

        Raises KeyError for a symbol that is not listed.
        """
        self.funding.settle_until(quote.ts)
        self.market.show(quote)

    def open_interest(self, symbol: str) -> Decimal:
        """All positions in `symbol`, in base coin: a day's volume or so, drifting by ±5 % a day."""
        tape = self.market[symbol]
        size = max(tape.chart.day().volume, _LEAST_INTEREST_USDT / tape.quote.last)
        drift = Decimal(str(round(1 + self._interest(self.market.now_ms), 6)))
        return (size * drift).quantize(_INTEREST_STEP)

    def wait_until(self, ts: int) -> None:
        """Let market time pass to `ts` without a tick; funding that is due on the way is settled."""
        self.funding.settle_until(ts)
        self.market.now_ms = max(self.market.now_ms, ts)
        self.exchange.advance(self.market.now_ms)


def _check_once(symbols: Sequence[str]) -> None:
    """Two recordings of one symbol would pull its price to and fro."""
    for symbol, times in Counter(symbols).items():
        if times > 1:
            raise ValueError(f"{symbol} comes {times} times: one recording for each symbol is expected")


def _start(recordings: Sequence[Recording], start_ms: int | None) -> int:
    if not recordings:
        return STILL_START_MS if start_ms is None else start_ms
    first = max(recording.first_ms for recording in recordings)
    last = min(recording.end_ms for recording in recordings)
    if first >= last:
        raise ValueError(
            f"the recordings share no moment: one begins {_utc(first)}, another ends {_utc(last)}"
        )
    start = first if start_ms is None else start_ms
    if not first <= start < last:
        raise ValueError(
            f"start {_utc(start)}: the recordings have every symbol from {_utc(first)} to {_utc(last)} only"
        )
    return start


def _utc(ts: int) -> str:
    """A moment as `--start` takes it."""
    return datetime.fromtimestamp(ts / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


def _recorded(
    recording: Recording, contract: Contract, track: RecordedTrack, start: int, *, seed: int, ideal: bool
) -> Tape:
    history = bars_before(recording, start)
    price = history[-1].close if history else recording.candles[track.first].open
    return Tape(
        contract.symbol,
        contract.instrument.tick,
        contract.instrument.lot,
        price=price,
        ts=start,
        history=history,
        seed=seed,
        ideal=ideal,
    )


def _still(contract: Contract, price: Decimal, start: int, *, seed: int, ideal: bool) -> Tape:
    opening = start - start % MINUTE_MS
    history = [
        Candle(opening - MINUTE_MS * back, price, price, price, price, Decimal(0))
        for back in range(_STILL_HISTORY_MINUTES, 0, -1)
    ]
    tape = Tape(
        contract.symbol,
        contract.instrument.tick,
        contract.instrument.lot,
        price=price,
        ts=start,
        history=history,
        seed=seed,
        ideal=ideal,
    )
    tape.pin(start, price)
    return tape
