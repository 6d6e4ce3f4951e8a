"""`ratchet simulator`: run the simulated Bitget in the foreground. (`ratchet hand` is in hand_cli.)"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from engine.simulator.hand_cli import KEY_VARIABLES, URL_VARIABLE, add_hand_parser

if TYPE_CHECKING:
    from engine.simulator.candles import Recording
    from engine.simulator.feed import Speed
    from engine.simulator.server import SimulatedBitget

__all__ = ["add_hand_parser", "add_simulator_parser"]


def add_simulator_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `simulator` to the command line; its `func` takes the arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "simulator",
        help="run a simulated Bitget on this machine",
        description="A simulated Bitget on loopback: REST, websockets and a control API under /_sim/. "
        "It prints one line of JSON (url, key, secret, passphrase) when it listens.",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="loopback address to listen on (default 127.0.0.1)"
    )
    parser.add_argument("--port", type=port, default=0, help="port to listen on (default: any free one)")
    parser.add_argument(
        "--data",
        nargs="+",
        default=[],
        metavar="FILE",
        help="recorded minutes, SYMBOL-….csv.gz; 'recorded' for those that come with Ratchet "
        "(default: prices that stand still)",
    )
    parser.add_argument(
        "--start", type=moment, help="market time to begin at: 2025-05-07T12:00, UTC, or milliseconds"
    )
    parser.add_argument(
        "--speed", type=speed, default=1.0, help="market seconds a second, 'max', or 0 to wait (default 1)"
    )
    parser.add_argument(
        "--balance", type=amount, default=Decimal(100), help="USDT in the account (default 100)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of everything that is left to chance (default 0)"
    )
    parser.add_argument(
        "--rest-latency-ms", type=latency, default=0.0, help="how long a REST call takes (default 0)"
    )
    parser.add_argument(
        "--ideal", action="store_true", help="fill at the mark: no spread, no slippage, no funding"
    )
    parser.add_argument(
        "--position-mode",
        choices=["one-way", "hedge"],
        default="one-way",
        help="how the account holds positions (default one-way)",
    )
    parser.add_argument(
        "--maintenance", type=amount, help="first-tier maintenance rate of every contract, such as 0.004"
    )
    parser.add_argument(
        "--env",
        type=Path,
        metavar="FILE",
        help="write the same there as variables for a shell: `. FILE` in each terminal that needs them",
    )
    parser.add_argument("--json", action="store_true", help="errors as JSON, too")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the simulator until SIGTERM or SIGINT. Returns 0, or 2 after saying on stderr what cannot be."""
    from engine.loop import run as on_loop
    from engine.simulator.candles import CandleError
    from engine.simulator.loopback import check_loopback

    try:
        check_loopback(arguments.host)
        sim = _prepared(arguments)
        on_loop(_serve(sim, arguments.env))
    except (CandleError, ValueError) as error:
        return _complain(str(error), as_json=arguments.json)
    except NotWritten as error:
        return _complain(str(error), as_json=arguments.json)
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else str(error)
        why = f"cannot listen on {arguments.host} port {arguments.port}: {cause}"
        return _complain(why, as_json=arguments.json)
    return 0


def moment(text: str) -> int:
    """A time given as ISO 8601 (UTC when it names no zone) or milliseconds, in milliseconds UTC."""
    if text.isdigit():
        return int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time; write 2025-05-07T12:00 or milliseconds"
        ) from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def speed(text: str) -> Speed:
    """'max', or market seconds a wall second."""
    if text == "max":
        return "max"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed; write a number such as 1 or 60, or max")
    return value


def port(text: str) -> int:
    """A port of TCP, 0 for any free one."""
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port; write a number from 0 (any free one) to 65535"
        )
    return int(text)


def latency(text: str) -> float:
    """Milliseconds, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write milliseconds, 0 or more")
    return value


def amount(text: str) -> Decimal:
    """An amount that is not negative."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount; write a number such as 100")
    return value


def _prepared(arguments: argparse.Namespace) -> SimulatedBitget:
    from engine.simulator.server import SimulatedBitget

    return SimulatedBitget(
        data=_recordings(arguments.data),
        balance=arguments.balance,
        ideal=arguments.ideal,
        seed=arguments.seed,
        host=arguments.host,
        port=arguments.port,
        rest_latency_ms=arguments.rest_latency_ms,
        speed=arguments.speed,
        start=arguments.start,
        position_mode="hedge_mode" if arguments.position_mode == "hedge" else "one_way_mode",
        maintenance=arguments.maintenance,
    )


def _recordings(names: Sequence[str]) -> list[Recording]:
    """Read the files, with a bar on stderr when somebody watches."""
    from rich.console import Console
    from rich.progress import track

    from engine.simulator.catalogue import RECORDED
    from engine.simulator.server import load

    files = [
        file
        for name in names
        for file in (sorted(RECORDED.glob("*.csv.gz")) if name == "recorded" else [Path(name)])
    ]
    console = Console(stderr=True)
    recordings = [
        load(file)
        for file in track(
            files,
            "reading candles",
            console=console,
            transient=True,
            disable=not (files and console.is_terminal),
        )
    ]
    for recording in recordings:
        if recording.gaps:
            missing = sum(gap.minutes for gap in recording.gaps)
            console.print(
                f"{recording.symbol}: {missing} minutes are missing in {len(recording.gaps)} gaps; "
                "the market jumps over them",
                style="yellow",
            )
    return recordings


class NotWritten(Exception):
    """The file for the shell cannot be written; the text says why and what to do."""


def write_env(file: Path, sim: SimulatedBitget) -> None:
    """What `ratchet hand` and `ratchet engine` read from the environment, for this user's eyes alone. Raises
    NotWritten.
    """
    values = {URL_VARIABLE: sim.url, **{name: getattr(sim, part) for part, name in KEY_VARIABLES.items()}}
    text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    try:
        file.unlink(missing_ok=True)
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NotWritten(f"--env {file} cannot be written ({error.strerror}): name another file") from None


async def _serve(sim: SimulatedBitget, env: Path | None) -> None:
    import asyncio
    import signal

    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    async with sim:
        if env is not None:
            write_env(env, sim)
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(sim.failed())
            print(
                json.dumps(
                    {"url": sim.url, "key": sim.key, "secret": sim.secret, "passphrase": sim.passphrase}
                ),
                flush=True,
            )
            await ended.wait()
            watch.cancel()


def _complain(why: str, *, as_json: bool) -> int:
    print(json.dumps({"error": why}) if as_json else f"ratchet simulator: {why}", file=sys.stderr)
    return 2
