"""A hand opens, adds, covers and closes by signed REST; the command line does it for a trader."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from engine.core.instrument import Side
from engine.simulator.hand import Hand, HandError
from engine.simulator.server import SimulatedBitget

BTC = "BTCUSDT"


def on(sim: SimulatedBitget) -> Hand:
    return Hand(sim.url, sim.keys[0])


def desk(**changes: Any) -> SimulatedBitget:
    return SimulatedBitget(**{"balance": Decimal(1_000), "ideal": True, "speed": 0} | changes)


@pytest.mark.parametrize("mode", ["one_way_mode", "hedge_mode"])
@pytest.mark.parametrize("side", list(Side))
async def test_a_hand_opens_adds_covers_and_closes(mode: str, side: Side) -> None:
    async with desk(position_mode=mode) as sim, on(sim) as hand:
        order = await hand.open(BTC, side, Decimal(20), margin=Decimal(10))
        assert (order["baseVolume"], order["priceAvg"], order["state"]) == ("0.002", "100000", "filled")
        position = await hand.position(BTC)
        assert (position["holdSide"], position["leverage"], position["marginSize"]) == (
            side.value,
            "20",
            "10",
        )
        await hand.add(BTC, None, size=Decimal("0.002"))
        stop = Decimal(98_000) if side is Side.LONG else Decimal(102_000)
        await hand.move_stop(BTC, stop)
        await hand.move_stop(BTC, stop - side.d * 500)
        [waiting] = sim.exchange.state()["accounts"]["1"]["plan_orders"]
        assert (waiting["planType"], Decimal(waiting["triggerPrice"])) == ("pos_loss", stop - side.d * 500)
        await hand.margin(BTC, Decimal(5))
        assert (await hand.position(BTC))["marginSize"] == "25"
        await hand.close(BTC, None, "50%")
        assert (await hand.position(BTC))["total"] == "0.002"
        assert len(await hand.cancel_stops(BTC)) == 1
        await hand.close(BTC, None)
        with pytest.raises(HandError, match="there is no position in BTCUSDT"):
            await hand.position(BTC)


async def test_a_stop_that_is_reached_closes_the_position() -> None:
    async with desk() as sim, on(sim) as hand:
        await hand.open(BTC, Side.LONG, Decimal(20), margin=Decimal(10))
        await hand.move_stop(BTC, Decimal(99_000))
        assert (await hand.mark(BTC, Decimal(98_999)))["mark"] == "98999"
        assert sim.exchange.snapshot("1") == []


async def test_two_positions_in_one_symbol_need_a_side() -> None:
    async with desk(position_mode="hedge_mode") as sim, on(sim) as hand:
        await hand.open(BTC, Side.LONG, Decimal(20), size=Decimal("0.002"))
        await hand.open(BTC, Side.SHORT, Decimal(10), size=Decimal("0.001"))
        with pytest.raises(HandError, match="say which with --side"):
            await hand.close(BTC, None)
        await hand.close(BTC, Side.SHORT)
        assert (await hand.position(BTC))["holdSide"] == "long"


async def test_a_refusal_is_told_with_its_code() -> None:
    async with desk(balance=Decimal(1)) as sim, on(sim) as hand:
        with pytest.raises(HandError, match=r"refused with 40762"):
            await hand.open(BTC, Side.LONG, Decimal(5), size=Decimal("0.1"))


async def test_less_than_a_lot_is_not_tried() -> None:
    async with desk() as sim, on(sim) as hand:
        with pytest.raises(HandError, match="less than one lot"):
            await hand.open(BTC, Side.LONG, Decimal(1), margin=Decimal("0.5"))


@pytest.mark.parametrize(
    "url", ["https://api.bitget.com", "http://api.bitget.com", "http://10.0.0.5:80", "ftp://x"]
)
async def test_a_hand_reaches_no_other_machine(url: str) -> None:
    async with desk() as sim:
        with pytest.raises(ValueError, match=r"loopback|127\.0\.0\.1"):
            Hand(url, sim.keys[0])


async def ran(*words: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `python -m engine.simulator …`."""
    import os

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "engine.simulator",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )
    try:
        async with asyncio.timeout(60):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def simulator(*words: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """A simulator in a process of its own, and what it printed when it listened."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "engine.simulator", "simulator", *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_simulator_prints_where_it_listens_serves_a_hand_and_ends_on_a_signal() -> None:
    async with simulator("--ideal", "--speed", "0", "--balance", "500") as (process, door):
        env = {
            "RATCHET_SIM_URL": door["url"],
            "BITGET_API_KEY": door["key"],
            "BITGET_API_SECRET": door["secret"],
            "BITGET_API_PASSPHRASE": door["passphrase"],
        }
        code, out, err = await ran(
            "hand", "open", "btcusdt", "long", "--margin", "10", "--leverage", "20", env=env
        )
        assert (code, out, err) == (0, "opened long 0.002 of 0.002 BTCUSDT at 100000 (filled)\n", "")
        code, out, err = await ran(
            "hand", "open", "btcusdt", "short", "--size", "0.001", "--leverage", "20", env=env
        )
        assert (code, err) == (0, "")
        assert out == "reduced long, as one-way mode does: 0.001 of 0.001 BTCUSDT at 100000 (filled)\n"
        code, out, err = await ran("hand", "close", "ethusdt", env=env)
        assert (code, out, err) == (4, "", "ratchet hand: there is no position in ETHUSDT\n")
        code, out, _ = await ran("hand", "--json", "state", env=env)
        assert json.loads(out)["accounts"]["1"]["positions"][0]["total"] == "0.001"
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def test_a_simulator_writes_what_a_shell_needs_to_go_on(tmp_path: Path) -> None:
    file = tmp_path / "sim.env"
    async with simulator("--ideal", "--speed", "0", "--env", str(file)) as (_, door):
        assert file.stat().st_mode & 0o777 == 0o600
        shell = await asyncio.create_subprocess_shell(
            f". {file} && echo $RATCHET_SIM_URL && "
            f"{sys.executable} -m engine.simulator hand open ethusdt long --margin 10 --leverage 40",
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await shell.communicate()
        told = out.decode().splitlines()
        assert told[0] == door["url"]
        assert told[1].startswith("opened long")


async def test_a_simulator_replays_the_recordings_that_come_with_it() -> None:
    async with simulator("--data", "recorded", "--start", "2025-05-08T12:00", "--speed", "60") as (
        process,
        door,
    ):
        import aiohttp

        url = f"{door['url']}/api/v2/mix/market/tickers?productType=USDT-FUTURES"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            tickers = {row["symbol"]: row for row in (await response.json())["data"]}
        assert set(tickers) == {"BTCUSDT", "ETHUSDT"}
        assert 1_746_705_600_000 <= int(tickers["BTCUSDT"]["ts"]) < 1_746_705_600_000 + 3_600_000
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["simulator", "--host", "0.0.0.0"], "is on loopback only"),
        (["simulator", "--data", "nowhere/BTCUSDT-x.csv.gz"], "there is no such file"),
        (["simulator", "--data", "nowhere/minutes.csv"], "nowhere/minutes.csv: there is no such file"),
        (["simulator", "--data", __file__], "lists BTCUSDT, ETHUSDT, SOLUSDT only"),
        (
            ["simulator", "--data", "recorded", "--start", "2020-01-01"],
            "start 2020-01-01T00:00: the recordings have every symbol from 2025-05-04T15:33 to 2025-06-03T",
        ),
        (["simulator", "--port", "99999"], "'99999' is not a port"),
        (["simulator", "--env", "/nowhere/sim.env"], "--env /nowhere/sim.env cannot be written"),
        (["simulator", "--rest-latency-ms", "-5"], "write milliseconds, 0 or more"),
        (["simulator", "--speed", "fast"], "is not a speed"),
        (["simulator", "--start", "noon"], "is not a time"),
        (["simulator", "--balance", "-5"], "is not an amount"),
        (["hand", "--url", "http://127.0.0.1:1", "close", "BTCUSDT"], "BITGET_API_KEY"),
        (
            ["hand", "open", "BTCUSDT", "long", "--leverage", "20"],
            "one of the arguments --margin --size is required",
        ),
    ],
)
async def test_a_wrong_command_is_answered_with_a_sentence(words: list[str], complaint: str) -> None:
    clean = dict.fromkeys(
        ("RATCHET_SIM_URL", "BITGET_API_KEY", "BITGET_API_SECRET", "BITGET_API_PASSPHRASE"), ""
    )
    code, out, err = await ran(*words, env=clean)
    assert (code, out) == (2, "")
    assert complaint in err
    assert "Traceback" not in err


async def test_a_port_that_is_taken_is_told_in_one_sentence() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = await ran("simulator", "--port", str(port))
    said = f"ratchet simulator: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert (code, out, err) == (2, "", said)


async def test_a_simulator_that_is_not_there_is_said_to_be_missing() -> None:
    keys = ["--key", "k", "--secret", "s", "--passphrase", "p"]
    code, _, err = await ran("hand", "--url", "http://127.0.0.1:9", *keys, "close", "BTCUSDT")
    assert code == 3
    assert "is the simulator running?" in err


def test_the_command_line_is_light_and_the_simulator_knows_no_ccxt() -> None:
    """Each module is imported in a fresh interpreter, which then tells what came with it."""
    import subprocess

    for module, heavy in (
        ("engine.simulator.cli", {"aiohttp", "ccxt", "pydantic", "textual", "numpy", "rich", "msgspec"}),
        ("engine.simulator.server", {"ccxt", "pydantic", "textual"}),
        ("engine.simulator.hand", {"ccxt", "pydantic", "textual"}),
    ):
        told = subprocess.run(
            [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert not heavy & set(told.stdout.split()), module


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("open", BTC, "long", "--leverage", "20", "--margin", "0"), "'0': a number above 0 is expected"),
        (("open", BTC, "long", "--leverage", "20", "--size", "nan"), "'nan': a number is expected"),
        (("margin", BTC, "0"), "'0': a number above or below 0 is expected"),
    ],
)
def test_an_amount_that_is_none_is_refused_with_what_is_expected(
    words: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hand", *words]) == 2
    assert sentence in capsys.readouterr().err
