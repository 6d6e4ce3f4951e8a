"""`ratchet hand`: what a trader does at the exchange's app, done to the simulated exchange."""

from __future__ import annotations

import argparse
import json
import os
import sys
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engine.core.instrument import Side
    from engine.simulator.hand import Hand

URL_VARIABLE: Final = "RATCHET_SIM_URL"
KEY_VARIABLES: Final = {
    "key": "BITGET_API_KEY",
    "secret": "BITGET_API_SECRET",
    "passphrase": "BITGET_API_PASSPHRASE",
}


def add_hand_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `hand` to the command line; its `func` takes the parsed arguments and returns the exit code."""
    parser = subparsers.add_parser(
        "hand",
        help="trade by hand on the simulated exchange",
        description=f"Trade by hand on the simulated exchange at --url or {URL_VARIABLE}, with the key from "
        f"the options or {', '.join(KEY_VARIABLES.values())}. Any host but this machine is refused.",
    )
    parser.add_argument(
        "--url", default=os.environ.get(URL_VARIABLE), help=f"as the simulator printed it ({URL_VARIABLE})"
    )
    for name, variable in KEY_VARIABLES.items():
        parser.add_argument(f"--{name}", help=f"default: {variable}")
    parser.add_argument("--json", action="store_true", help="print the exchange's answer as JSON")
    does = parser.add_subparsers(dest="deed", required=True, metavar="deed")

    opens = _deed(does, "open", "open a position at market, isolated")
    opens.add_argument("side", choices=["long", "short"])
    opens.add_argument("--leverage", type=_number, required=True)
    _how_much(opens)

    adds = _deed(does, "add", "add to the position at market", sided=True)
    _how_much(adds)

    closes = _deed(does, "close", "close the position at market, or a part of it", sided=True)
    closes.add_argument(
        "--part", type=_part, default="100%", help="a share such as 50%%, or a size (default 100%%)"
    )

    moves = _deed(does, "move-stop", "move the stops of the position, or place one", sided=True)
    moves.add_argument("price", type=_number)

    _deed(does, "cancel-stops", "cancel the stops of a symbol", sided=True)

    sets = _deed(does, "leverage", "set the leverage of a symbol", sided=True)
    sets.add_argument("leverage", type=_number)

    margins = _deed(does, "margin", "move margin into the position, or out of it", sided=True)
    margins.add_argument("amount", type=_signed, help="USDT, such as 5 or -5")

    marks = _deed(does, "mark", "move the market to exactly this price")
    marks.add_argument("price", type=_number)

    does.add_parser("state", help="what the exchange has: balance, positions, orders")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Do the deed. Returns 0; 2 when something is missing, 3 when no simulator answers, 4 after a refusal.

    What went wrong is said on stderr.
    """
    import asyncio

    from engine.simulator.hand import Hand, HandError, NobodyThere
    from engine.simulator.signing import Key

    keys = {
        name: getattr(arguments, name) or os.environ.get(variable) for name, variable in KEY_VARIABLES.items()
    }
    missing = [KEY_VARIABLES[name] for name, value in keys.items() if not value]
    if not arguments.url:
        missing.insert(0, URL_VARIABLE)
    if missing and not (arguments.url and arguments.deed in ("mark", "state")):
        return _complain(f"{', '.join(missing)} missing; the simulator prints them when it starts", 2)
    try:
        key = Key(keys["key"] or "", keys["secret"] or "", keys["passphrase"] or "")
        print(asyncio.run(_work(Hand(arguments.url, key), arguments)))
    except ValueError as error:
        return _complain(str(error), 2)
    except NobodyThere as missing:
        return _complain(str(missing), 3)
    except HandError as refused:
        return _complain(str(refused), 4)
    return 0


async def _work(hand: Hand, arguments: argparse.Namespace) -> str:
    async with hand:
        answer, said = await _done(hand, arguments)
    return json.dumps(answer) if arguments.json else said


async def _done(hand: Hand, arguments: argparse.Namespace) -> tuple[Any, str]:
    """Do what `arguments.deed` says; the exchange's answer, and a sentence about it."""
    from engine.core.instrument import Side

    symbol = getattr(arguments, "symbol", "").upper()
    named = getattr(arguments, "side", None)
    side: Side | None = Side(named) if named else None
    match arguments.deed:
        case "open":
            assert side is not None
            order = await hand.open(
                symbol, side, arguments.leverage, margin=arguments.margin, size=arguments.size
            )
            if await hand.holds(symbol, side):
                return order, f"opened {side} {_filled(order)}"
            return order, f"reduced {side.opposite}, as one-way mode does: {_filled(order)}"
        case "add":
            order = await hand.add(symbol, side, margin=arguments.margin, size=arguments.size)
            return order, f"added {_filled(order)}"
        case "close":
            order = await hand.close(symbol, side, arguments.part)
            return order, f"closed {_filled(order)}"
        case "move-stop":
            stops = await hand.move_stop(symbol, arguments.price, side)
            return stops, f"{symbol}: stop at {arguments.price}"
        case "cancel-stops":
            cancelled = await hand.cancel_stops(symbol, side)
            return cancelled, f"{symbol}: {len(cancelled)} stops cancelled"
        case "leverage":
            return await hand.leverage(symbol, arguments.leverage, side), f"{symbol}: {arguments.leverage}x"
        case "margin":
            await hand.margin(symbol, arguments.amount, side)
            position = await hand.position(symbol, side)
            return position, f"{symbol}: margin {position['marginSize']} USDT"
        case "mark":
            moved = await hand.mark(symbol, arguments.price)
            return moved, f"{symbol}: mark {moved['mark']}"
        case _:
            state = await hand.state()
            state.pop("requests", None)
            return state, json.dumps(state, indent=2)


def _filled(order: dict[str, Any]) -> str:
    got = f"{order['baseVolume']} of {order['size']} {order['symbol']}"
    return f"{got} at {order['priceAvg']} ({order['state']})"


def _deed(
    does: argparse._SubParsersAction[argparse.ArgumentParser], name: str, says: str, *, sided: bool = False
) -> argparse.ArgumentParser:
    parser = does.add_parser(name, help=says, description=says)
    parser.add_argument("symbol", help="such as BTCUSDT")
    if sided:
        parser.add_argument("--side", choices=["long", "short"], help="needed when both are open")
    return parser


def _how_much(parser: argparse.ArgumentParser) -> None:
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument("--margin", type=_number, help="USDT of margin")
    amount.add_argument("--size", type=_number, help="base coin")


def _number(text: str) -> Decimal:
    value = _finite(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}: a number above 0 is expected")
    return value


def _signed(text: str) -> Decimal:
    value = _finite(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r}: a number above or below 0 is expected")
    return value


def _finite(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r}: a number is expected")
    return value


def _part(text: str) -> str:
    _number(text.removesuffix("%"))
    return text


def _complain(why: str, code: int) -> int:
    print(f"ratchet hand: {why}", file=sys.stderr)
    return code
