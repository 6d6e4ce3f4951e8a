"""Recorded one-minute candles: read strictly, because every number that follows is built on them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import msgspec

from engine.core.instrument import floor_to

MINUTE_MS: Final = 60_000
HEADER: Final = "timestamp,open,high,low,close,volume"
_HIGHEST: Final = Decimal(10) ** 15
_FIRST_PLAUSIBLE_MS: Final = 946_684_800_000  # 2000-01-01; anything smaller is seconds, or not a time at all


class CandleError(ValueError):
    """A recording that cannot be trusted. The text names the file, the line and what is wrong with it."""


class Candle(msgspec.Struct, frozen=True, gc=False):
    """One bar: `ts` is its opening in milliseconds UTC, prices in quote coin, `volume` in base coin."""

    ts: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def turnover(self) -> Decimal:
        """The volume in quote coin, estimated at the mean of the four prices: files carry base volume."""
        return self.volume * (self.open + self.high + self.low + self.close) / 4


class Gap(msgspec.Struct, frozen=True):
    """Minutes that the recording does not have: the market jumps from `after` to `before` (openings, ms)."""

    after: int
    before: int

    @property
    def minutes(self) -> int:
        return (self.before - self.after) // MINUTE_MS - 1


class Recording(msgspec.Struct, frozen=True):
    """A symbol's candles in strictly ascending order, with the holes that were found between them."""

    symbol: str
    candles: tuple[Candle, ...]
    gaps: tuple[Gap, ...] = ()

    @property
    def first_ms(self) -> int:
        return self.candles[0].ts

    @property
    def end_ms(self) -> int:
        """The close of the last bar."""
        return self.candles[-1].ts + MINUTE_MS


def read_candles(path: Path, symbol: str, tick: Decimal) -> Recording:
    """Read `path`, CSV or (named .gz) gzip CSV, with the header `timestamp,open,high,low,close,volume`.

    Timestamps are bar openings in milliseconds UTC. Prices finer than `tick` are rounded down to it, all
    four alike, so that a bar stays a bar. Missing minutes are reported as gaps; anything else out of order
    raises CandleError.
    """
    lines = _lines(path)
    header = next(lines, None)
    if header is None or header[1].strip().lower() != HEADER:
        raise CandleError(f"{path.name}: the first line must be '{HEADER}'")
    candles: list[Candle] = []
    gaps: list[Gap] = []
    previous = 0
    for number, line in lines:
        candle = _candle(path, number, line, tick)
        if candle.ts <= previous:
            raise CandleError(f"{path.name} line {number}: {_disorder(candle.ts, previous)}")
        if candle.ts - previous != MINUTE_MS and previous:
            gaps.append(Gap(previous, candle.ts))
        candles.append(candle)
        previous = candle.ts
    if not candles:
        raise CandleError(f"{path.name}: there is no candle in this file")
    return Recording(symbol, tuple(candles), tuple(gaps))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("ascii")
    except FileNotFoundError:
        raise CandleError(f"{path}: there is no such file") from None
    except OSError as error:
        raise CandleError(f"{path.name}: cannot be read ({error.strerror or error})") from error
    except (EOFError, zlib.error) as error:
        raise CandleError(f"{path.name}: the gzip file is damaged ({error})") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CandleError(f"{path.name} line {line}: byte {error.start} is not text") from error
    return enumerate(text.splitlines(), start=1)


def _candle(path: Path, number: int, line: str, tick: Decimal) -> Candle:
    try:
        stamp, open_text, high_text, low_text, close_text, volume_text = line.split(",")
        ts = int(stamp)
        open_, high, low, close, volume = (
            Decimal(open_text),
            Decimal(high_text),
            Decimal(low_text),
            Decimal(close_text),
            Decimal(volume_text),
        )
        sound = 0 < low <= open_ <= high < _HIGHEST and low <= close <= high and 0 <= volume < _HIGHEST
    except (ValueError, InvalidOperation):
        raise CandleError(
            f"{path.name} line {number}: six numbers '{HEADER}' are expected, found {line[:80]!r}"
        ) from None
    if not sound:
        raise CandleError(f"{path.name} line {number}: {_impossible(open_, high, low, close, volume)}")
    if ts % MINUTE_MS or ts < _FIRST_PLAUSIBLE_MS:
        raise CandleError(
            f"{path.name} line {number}: timestamp {ts} is not the start of a minute in milliseconds"
        )
    if open_ % tick or high % tick or low % tick or close % tick:
        open_, high, low, close = (floor_to(price, tick) for price in (open_, high, low, close))
        if low <= 0:
            raise CandleError(f"{path.name} line {number}: price {low_text} is below the tick {tick}")
    return Candle(ts, open_, high, low, close, volume)


def _impossible(open_: Decimal, high: Decimal, low: Decimal, close: Decimal, volume: Decimal) -> str:
    if min(open_, high, low, close) <= 0:
        return f"a price is not above zero (open {open_}, high {high}, low {low}, close {close})"
    if not 0 <= volume < _HIGHEST:
        return f"volume {volume} is not a size"
    if high >= _HIGHEST:
        return f"high {high} is not a price"
    return f"open {open_} and close {close} must lie between low {low} and high {high}"


def _disorder(ts: int, previous: int) -> str:
    if ts == previous:
        return f"timestamp {ts} is there twice"
    return f"timestamp {ts} comes after {previous}; sort the file by time"
