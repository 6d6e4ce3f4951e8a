"""Whatever is wrong from outside gets one clear sentence and loses nothing: keys, account, files, doubles."""

from __future__ import annotations

import gzip
import io
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, redirect_stderr, redirect_stdout
from decimal import Decimal
from fcntl import ioctl
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ

import pytest

from engine.cli import main
from engine.core.instrument import Side
from engine.protocol import Mode
from engine.runtime.snapshot import snapshot_of
from tests.acceptance.house import Ended, House, house
from tests.acceptance.scene import BTC, scene

D = Decimal


# -- the account ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"BITGET_API_KEY": "bg_" + "0" * 32}, "Bitget does not know this API key"),
        ({"BITGET_API_SECRET": "s" * 64}, "the API secret does not belong to this key"),
        ({"BITGET_API_PASSPHRASE": "p" * 12}, "Bitget refuses the passphrase of this API key"),
    ],
    ids=["key", "secret", "passphrase"],
)
def test_wrong_keys_are_told_apart(tmp_path: Path, environment: dict[str, str], words: str) -> None:
    with house(tmp_path) as home:
        assert words in home.refused(**environment)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"fault": "clock_skew", "ms": 60_000}, "clock is 60.0 s behind Bitget's"),
        ({"fault": "clock_skew", "ms": -60_000}, "clock is 60.0 s ahead of Bitget's"),
        ({"fault": "no_trade_permission"}, "This API key may not trade futures"),
        ({"fault": "unified_account"}, "This is a Unified Trading Account"),
    ],
    ids=["clock-behind", "clock-ahead", "permission", "unified"],
)
def test_an_account_that_cannot_be_used_says_why_and_what_to_do(
    tmp_path: Path, fault: dict[str, object], words: str
) -> None:
    with house(tmp_path) as home:
        home.street.fault(fault)
        told = home.refused()
        assert words in told
        if "clock" in words:
            assert "timedatectl" in told
        if fault["fault"] == "unified_account":
            assert "classic" in told


def test_a_symbol_that_does_not_exist_is_named_with_one_that_does(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        (home.folder / "config.toml").write_text("[managed]\nBTCCUSDT = 20\n")
        told = home.refused()
        assert "BTCCUSDT is not a USDT perpetual on Bitget. Did you mean BTCUSDT?" in told


async def test_in_hedge_mode_long_and_short_are_two_cycles_and_both_climb(tmp_path: Path) -> None:
    async with scene(tmp_path, position_mode="hedge_mode", balance=D(200)) as s:
        for side, leverage in ((Side.LONG, D(5)), (Side.SHORT, D(20))):
            await s.on.hand.open(BTC, side, leverage, size=D("0.002"))
            await s.is_told_that(f"BTCUSDT {side.value} seen")
        await s.on.at_rest()
        await s.mark("95000")
        await s.is_told_that("BTCUSDT short: rung 1 done")
        cycles = {cycle.side: cycle for cycle in s.on.engine.state.cycles.values()}
        assert (cycles[Side.SHORT].held_qty, cycles[Side.LONG].held_qty) == (D("0.0031"), D("0.002"))
        assert s.stops() == ["0.001 @ 100000", "0.0021 @ 99293.2"]
        await s.on.hand.close(BTC, Side.SHORT)
        await s.is_told_that("BTCUSDT short closed (by you)")
        assert [c.side for c in s.on.engine.state.cycles.values()] == [Side.LONG]


async def test_the_mode_changed_to_hedge_between_two_positions_is_followed(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        await s.order("buy", "0.0031", reduceOnly=True)
        await s.is_told_that("closed (by you)")
        params = {"productType": "USDT-FUTURES", "posMode": "hedge_mode"}
        await s.trader.private_mix_post_v2_mix_account_set_position_mode(params)
        await s.mark("100000")
        await s.on.hand.open(BTC, Side.SHORT, D(20), size=D("0.002"))
        await s.until(lambda: BTC in s.on.cycles(), "adopted")
        await s.on.at_rest()
        await s.mark("95000")
        await s.until(lambda: s.cycle().rungs == 1 and not s.cycle().rung, "the rung")
        assert s.stops() == ["0.001 @ 100000", "0.0021 @ 99293.2"]


# -- the database --------------------------------------------------------------------------------------------


def test_a_corrupt_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        content = b"SQLite format 3\x00" + b"garbage " * 2000
        home.database.write_bytes(content)
        assert "state.db is not a Ratchet journal" in home.refused()
        assert home.database.read_bytes() == content


def test_a_journal_with_a_damaged_page_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.has_lived()
        with closing(sqlite3.connect(home.database)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        content = bytearray(home.database.read_bytes())
        content[4096:12288] = b"\xff" * 8192
        home.database.write_bytes(bytes(content))
        told = home.refused()
        assert "state.db" in told and "damaged" in told
        assert home.database.read_bytes() == bytes(content)


def test_a_newer_database_is_refused_with_both_versions(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.has_lived()
        with closing(sqlite3.connect(home.database)) as db:
            [[version]] = db.execute("PRAGMA user_version").fetchall()
            db.execute(f"PRAGMA user_version = {version + 1}")
        told = home.refused()
        assert f"its schema is {version + 1}, this one knows {version}" in told


# -- two of them ---------------------------------------------------------------------------------------------


def test_a_second_engine_is_refused_on_the_same_home_and_on_the_same_account(tmp_path: Path) -> None:
    """Also in another environment: a service has no `XDG_RUNTIME_DIR` of the login's, and other folders."""
    with house(tmp_path) as home:
        first = home.begin()
        told = home.refused()
        assert str(first.pid) in told
        other = House(tmp_path / "o", home.street, XDG_RUNTIME_DIR="", TMPDIR=str(tmp_path))
        other.folder.mkdir()
        assert f"(pid {first.pid}, account " in other.refused()
        assert home.ratchet("status").returncode == 0, "the first one goes on"
        assert home.end() == 0
        other.begin()
        assert other.end() == 0, "when the first has ended the other may"


async def test_an_engine_that_finds_stops_of_an_unknown_engine_only_watches(tmp_path: Path) -> None:
    """Another machine runs Ratchet on this account: no lock tells of it, its stops do."""
    async with scene(tmp_path) as s:
        await s.opens_and_climbs("95000")
        other = tmp_path / "other"
        other.mkdir()
        requests = len(s.sent(""))
        async with s.another_engine(other) as second:
            warned = "--take-over"
            await s.until(
                lambda: any(warned in line.text for line in second.log.lines()),
                "the second one says so",
            )
            assert second.state.read_only
            lines = [line.text for line in second.log.lines()]
            assert any("orders of another Ratchet are on this account" in line for line in lines), lines
            [row] = snapshot_of(second, Mode.SIM).positions
            assert row.if_machine_dies.startswith("2 stops rest on Bitget (2 of another Ratchet), nearest ")
            assert [stop.why for stop in row.stops] == ["another Ratchet's stop"] * 2
            await s.mark("90250")
            await s.until(lambda: s.cycle().rungs == 2 and not s.cycle().rung, "the first one goes on")
            await s.on.at_rest()
            assert s.stops() == ["0.001 @ 97088.6", "0.0011 @ 95000", "0.0022 @ 94328.5"]
        placed = [row for row in s.sent("")[requests:] if row["method"] == "POST" and "place" in row["path"]]
        ids = {row["params"].get("clientOid", "")[:11] for row in placed}
        assert ids == {f"rt-{s.cycle().id}"}


def test_the_socket_that_a_crash_left_is_no_engine_and_no_hindrance(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.begin()
        home.kill_9()
        sockets = [path for path in home.folder.rglob("*") if path.is_socket()]
        assert sockets, "the crash has left its socket"
        status = home.ratchet("status")
        assert status.returncode == 3 and "no engine" in status.stderr.lower(), status.stderr
        home.begin()
        assert home.ratchet("status").returncode == 0


# -- files ---------------------------------------------------------------------------------------------------

HEADER = "timestamp,open,high,low,close,volume\n"
MINUTE = 60_000
START = 1_746_372_780_000


def candles(count: int, *, without: range = range(0)) -> str:
    rows = (f"{START + i * MINUTE},95000,95010,94990,95000,1\n" for i in range(count) if i not in without)
    return HEADER + "".join(rows)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the first line must be"),
        (b"\x89PNG\r\n\x1a\n", "is not text"),
        (candles(3).encode() + b"a,b,c\n", "line 5: six numbers"),
        (candles(3).replace("95010", "nan").encode(), "line 2"),
        (candles(3).encode() + f"{START},1,1,1,1,1\n".encode(), "sort the file by time"),
        (candles(3).replace(",95010,", ",94000,").encode(), "line 2: open 95000"),
        (HEADER.encode(), "there is no candle in this file"),
    ],
)
@pytest.mark.parametrize("command", ["simulator", "demo"])
def test_garbage_in_a_data_file_is_told_with_its_line(
    tmp_path: Path, content: bytes, words: str, command: str
) -> None:
    file = tmp_path / "BTCUSDT-1m.csv"
    file.write_bytes(content)
    plain = ["--plain"] if command == "demo" else []
    ended = run(command, *plain, "--data", str(file))
    assert ended.returncode == 2
    assert words in ended.stderr and "Traceback" not in ended.stderr
    assert "BTCUSDT-1m.csv" in ended.stderr


def test_a_damaged_gzip_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-1m.csv.gz"
    file.write_bytes(gzip.compress(candles(500).encode())[:-40])
    ended = run("simulator", "--data", str(file))
    assert ended.returncode == 2 and "the gzip file is damaged" in ended.stderr
    ended = run("simulator", "--data", str(tmp_path / "ETHUSDT.csv"))
    assert ended.returncode == 2 and "there is no such file" in ended.stderr
    ended = run("simulator", "--data", str(tmp_path))
    assert ended.returncode == 2 and "Traceback" not in ended.stderr


def test_a_file_for_a_symbol_that_bitget_does_not_have(tmp_path: Path) -> None:
    file = tmp_path / "NONSENSE-1m.csv"
    file.write_text(candles(5))
    ended = run("simulator", "--data", str(file))
    assert ended.returncode == 2 and "NONSENSE" in ended.stderr and "Traceback" not in ended.stderr


def test_holes_in_a_data_file_are_told_and_jumped_over(tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-1m.csv"
    file.write_text(candles(60, without=range(20, 35)))
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.cli", "simulator", "--data", str(file), "--speed", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    place = json.loads(process.stdout.readline())
    assert place["url"].startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert "15" in told and "missing" in told, told


def run(*words: str) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    return Ended(code, out.getvalue(), err.getvalue())


# -- the terminal --------------------------------------------------------------------------------------------


def test_a_terminal_of_40_by_10_is_told_what_it_needs_and_the_keys_that_matter_work(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.begin()
        master, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, pack("HHHH", 10, 40, 0, 0))
        desk = subprocess.Popen(
            [sys.executable, "-m", "engine.cli"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=home.environment | {"TERM": "xterm-256color", "COLUMNS": "40", "LINES": "10"},
            start_new_session=True,
        )
        os.close(slave)
        try:
            drawn = read(master, until=b"the desk needs 60x15")
            assert b"Traceback" not in drawn
            os.write(master, b"q")
            assert desk.wait(60) == 0
        finally:
            if desk.poll() is None:
                desk.kill()
                desk.wait()
            os.close(master)
        assert home.ratchet("status").returncode == 0, "the engine goes on"


def read(terminal: int, *, until: bytes, within_s: float = 60) -> bytes:
    drawn, give_up = b"", time.monotonic() + within_s
    os.set_blocking(terminal, False)
    while until not in drawn:
        assert time.monotonic() < give_up, drawn.decode(errors="replace")[-3000:]
        try:
            drawn += os.read(terminal, 65536)
        except BlockingIOError:
            time.sleep(0.05)
    return drawn
