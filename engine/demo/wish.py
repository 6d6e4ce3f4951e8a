"""What the command line asks of a demo, checked before anything is started."""

from __future__ import annotations

import argparse
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from engine.commands.terminal import can_draw
from engine.demo.refused import DemoRefused
from engine.demo.scenario import Scenario, scenario_of
from engine.protocol import exactly

FASTEST: Final = 1200.0
"""Beyond it a minute of market is over before an order can have made its way."""
LEAST_BALANCE: Final = Decimal(50)
"""A tenth of it has to hold a position of two lots."""
DEFAULT_BALANCE: Final = Decimal(100)
LONGEST_PLAIN_S: Final = 170.0


class Wish(msgspec.Struct, frozen=True):
    """One performance. `seconds` None: until `q`. `data` empty: what comes with Ratchet. `home` None: a
    folder that is made for it and removed afterwards.
    """

    scenario: Scenario
    speed: float
    balance: Decimal
    plain: bool
    seconds: float | None
    data: tuple[Path, ...] = ()
    home: Path | None = None
    theme: str | None = None
    ascii: bool = False
    mouse: bool = True


def wish_of(arguments: argparse.Namespace) -> Wish:
    """Raises DemoRefused for an option that makes no sense."""
    data = tuple(Path(file) for file in arguments.data or ())
    scenario = scenario_of(arguments.scenario, own_data=bool(data))
    speed = scenario.speed if arguments.speed is None else _speed(arguments.speed)
    plain = arguments.plain or not can_draw()
    seconds = _seconds(arguments.seconds)
    if plain and seconds is None:
        seconds = min(LONGEST_PLAIN_S, scenario.minutes * 60 / speed)
    return Wish(
        scenario,
        speed,
        DEFAULT_BALANCE if arguments.balance is None else _balance(arguments.balance),
        plain,
        seconds,
        data,
        _home(arguments.home),
        getattr(arguments, "theme", None),
        getattr(arguments, "ascii", False),
        not getattr(arguments, "no_mouse", False),
    )


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= FASTEST:
        raise DemoRefused(
            f"--speed {text}: a number above 0 and up to {FASTEST:g} is expected, such as 60 (an hour a "
            "minute); faster, and the market would outrun every order"
        )
    return speed


def _balance(text: str) -> Decimal:
    try:
        balance = exactly(text)
    except ValueError:
        balance = Decimal(0)
    if balance < LEAST_BALANCE:
        raise DemoRefused(f"--balance {text}: at least {LEAST_BALANCE} USDT are expected, such as 100")
    return balance


def _seconds(seconds: float | None) -> float | None:
    if seconds is not None and not 0 < seconds < float("inf"):
        raise DemoRefused(f"--for {seconds:g}: a number of seconds above 0 is expected")
    return seconds


def _home(given: str | None) -> Path | None:
    """A folder of the trader's choice is kept. It must be a fresh one: no real journal is played upon."""
    if given is None:
        return None
    home = Path(given).expanduser().absolute()
    try:
        is_fresh = not home.exists() or (home.is_dir() and not any(home.iterdir()))
    except OSError as error:
        raise DemoRefused(f"--home {given} cannot be looked at ({error.strerror}): name another") from None
    if not is_fresh:
        raise DemoRefused(f"--home {given} holds something already: the demo needs a new or an empty folder")
    return home
