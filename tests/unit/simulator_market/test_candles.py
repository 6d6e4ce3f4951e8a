"""Recordings are read strictly: garbage is refused with its line, holes are reported."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from engine.simulator.candles import CandleError, read_candles
from engine.simulator.catalogue import RECORDED

TICK = Decimal("0.1")
START = 1_746_372_780_000
GOOD = [
    f"{START},95505.4,95505.5,95502.7,95502.7,16.536",
    f"{START + 60_000},95502.8,95502.8,95478.0,95478.1,28.313",
    f"{START + 120_000},95478.0,95478.1,95457.6,95457.6,28.674",
]


def written(tmp_path: Path, lines: list[str], header: str = "timestamp,open,high,low,close,volume") -> Path:
    path = tmp_path / "BTCUSDT-1m.csv.gz"
    path.write_bytes(gzip.compress("\n".join([header, *lines]).encode()))
    return path


def test_a_recording_keeps_every_number_as_written(tmp_path: Path) -> None:
    recording = read_candles(written(tmp_path, GOOD), "BTCUSDT", TICK)
    assert [candle.ts for candle in recording.candles] == [START, START + 60_000, START + 120_000]
    assert recording.candles[1].low == Decimal("95478.0")
    assert recording.candles[2].volume == Decimal("28.674")
    assert recording.gaps == ()


def test_missing_minutes_are_gaps_and_not_an_error(tmp_path: Path) -> None:
    recording = read_candles(written(tmp_path, [GOOD[0], GOOD[2]]), "BTCUSDT", TICK)
    [gap] = recording.gaps
    assert (gap.after, gap.before, gap.minutes) == (START, START + 120_000, 1)


def test_prices_finer_than_the_tick_are_rounded_down_all_alike(tmp_path: Path) -> None:
    path = written(tmp_path, [f"{START},100.09,100.19,100.01,100.11,1"])
    [candle] = read_candles(path, "BTCUSDT", TICK).candles
    assert (candle.open, candle.high, candle.low, candle.close) == tuple(
        map(Decimal, ("100.0", "100.1", "100.0", "100.1"))
    )


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (f"{START + 60_000},abc,2,1,1,1", "line 3: six numbers"),
        (f"{START + 60_000},1,2,1,1", "line 3: six numbers"),
        (f"{START + 60_000},NaN,2,1,1,1", "line 3: six numbers"),
        (f"{START + 60_000},-1,2,-1,1,1", "line 3: a price is not above zero"),
        (f"{START + 60_000},0,0,0,0,1", "line 3: a price is not above zero"),
        (f"{START + 60_000},5,2,1,1,1", "line 3: open 5 and close 1 must lie between low 1 and high 2"),
        (f"{START + 60_000},1,Infinity,1,1,1", "line 3: high Infinity is not a price"),
        (f"{START + 60_000},1,2,1,1,-3", "line 3: volume -3 is not a size"),
        (GOOD[0], f"line 3: timestamp {START} is there twice"),
        (f"{START - 60_000},1,2,1,1,1", "comes after"),
        (f"{START + 60_001},1,2,1,1,1", "is not the start of a minute"),
        (" ", "line 3: six numbers"),
    ],
)
def test_garbage_is_refused_with_its_line(tmp_path: Path, line: str, complaint: str) -> None:
    with pytest.raises(CandleError, match=complaint) as refused:
        read_candles(written(tmp_path, [GOOD[0], line]), "BTCUSDT", TICK)
    assert "BTCUSDT-1m.csv.gz" in str(refused.value)


def test_timestamps_in_seconds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CandleError, match="in milliseconds"):
        read_candles(written(tmp_path, [f"{START // 1000 // 60 * 60},1,2,1,1,1"]), "BTCUSDT", TICK)


def test_a_file_without_its_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CandleError, match="the first line must be"):
        read_candles(written(tmp_path, GOOD, header=GOOD[0]), "BTCUSDT", TICK)


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CandleError, match="no candle"):
        read_candles(written(tmp_path, []), "BTCUSDT", TICK)


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(CandleError, match="damaged"):
        read_candles(path, "BTCUSDT", TICK)


def test_a_file_that_is_not_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT.csv.gz"
    path.write_bytes(b"hello")
    with pytest.raises(CandleError, match=r"BTCUSDT\.csv\.gz: cannot be read"):
        read_candles(path, "BTCUSDT", TICK)


def test_bytes_that_are_not_text_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT.csv"
    path.write_bytes(b"timestamp,open,high,low,close,volume\n" + GOOD[0].encode() + b"\n\xff\xfe\n")
    with pytest.raises(CandleError, match="line 3: byte"):
        read_candles(path, "BTCUSDT", TICK)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CandleError, match=r"nowhere\.csv: there is no such file"):
        read_candles(tmp_path / "nowhere.csv", "BTCUSDT", TICK)


def test_the_shipped_recordings_are_sound() -> None:
    btc = read_candles(RECORDED / "BTCUSDT-perp-1m-2025-05.csv.gz", "BTCUSDT", TICK)
    eth = read_candles(RECORDED / "ETHUSDT-perp-1m-2025-05.csv.gz", "ETHUSDT", Decimal("0.01"))
    assert (len(btc.candles), len(eth.candles)) == (43_199, 60_191)
    assert btc.gaps == eth.gaps == ()
