"""One performance: the house is opened, the story is told or shown, everything is put away."""

from __future__ import annotations

import argparse
import asyncio
import sys

from msgspec.structs import replace

from engine.commands.speech import at_words
from engine.demo.ending import Ended, Endings
from engine.demo.hand import DemoHand
from engine.demo.house import House
from engine.demo.refused import NOT_UP, DemoRefused
from engine.demo.scenario import Scenario
from engine.demo.story import Story, result
from engine.demo.wish import Wish, wish_of
from engine.simulator.hand import HandError


def perform(arguments: argparse.Namespace) -> int:
    """The exit code of `ratchet demo`."""
    try:
        return _perform(wish_of(arguments))
    except DemoRefused as refused:
        return _complain(str(refused), refused.code)
    except HandError as error:
        return _complain(str(error), NOT_UP)
    except Ended as ended:
        return ended.code


def _perform(wish: Wish) -> int:
    print(at_words("\n".join(_announcement(wish)), sys.stdout), flush=True)
    with Endings() as endings, House(wish) as house, endings.deaf_afterwards():
        hand = DemoHand(house.exchange, house.symbols, balance=wish.balance, speed=wish.speed)
        scenario = _cast(wish.scenario, house.symbols)
        if wish.plain:
            return Story(house, hand, scenario, wish.balance).tell(wish.seconds)
        return _show(house, hand, scenario, wish)


def _show(house: House, hand: DemoHand, scenario: Scenario, wish: Wish) -> int:
    """The desk, then what became of it; after a signal there may be nobody left to read that."""
    from engine.demo.desk import show

    code = show(house, hand, scenario, wish)
    if lost := house.lost():
        return _complain(lost, NOT_UP)
    if code == 0:
        print(at_words(asyncio.run(result(hand.market, wish.balance)), sys.stdout))
    return code


def _cast(scenario: Scenario, symbols: tuple[str, ...]) -> Scenario:
    """Who plays: what the scenario is about, and of the trader's own data the first symbol."""
    if scenario.symbol in symbols:
        return scenario
    if scenario.symbol:
        raise DemoRefused(
            f"--scenario {scenario.name} is about {scenario.symbol}, and --data has {', '.join(symbols)}: "
            "leave one of the two out"
        )
    return replace(scenario, symbol=symbols[0])


def _announcement(wish: Wish) -> tuple[str, ...]:
    return (
        f"Ratchet demo, {wish.scenario.name}: {wish.scenario.story}, {wish.speed:g} times as fast.",
        "No key, no network, no real money: a simulated Bitget and an engine are starting on this machine.",
        _until(wish),
    )


def _until(wish: Wish) -> str:
    """How long it lasts, and how to leave it."""
    earlier = "Ctrl-C" if wish.plain else "`q`"
    if wish.seconds is None:
        return "`q` ends all of it, `?` explains the keys."
    return f"It ends by itself after {wish.seconds:g} s; {earlier} ends it earlier."


def _complain(text: str, code: int) -> int:
    print(at_words(f"ratchet demo: {text}", sys.stderr), file=sys.stderr)
    return code
