"""The command line: what words there are, and which module carries each out.

Nothing heavy is imported here. `ratchet kill` has to be answered while a slow machine still loads anything
else.

Exit codes: 0 done · 2 wrong usage or input · 3 no engine answers · 4 the engine refused, with its reason.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any, Final

from engine.commands.streams import give_up_output, is_of_output, prepare
from engine.config.refused import ConfigRefused

DONE: Final = 0
WRONG: Final = 2
INTERRUPTED: Final = 130

FOREIGN: Final = {
    "simulator": "a simulated Bitget on this machine, on recorded markets",
    "hand": "play the trader's hand on a simulated Bitget",
}
"""Commands whose options belong to the simulator: it adds them itself, and only when one of them is called.
"""

Parsers = Any
"""argparse's subparsers, whose class has no public name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    prepare()
    try:
        arguments = _understood(given)
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except SystemExit as usage:
        return usage.code if isinstance(usage.code, int) else WRONG if usage.code else DONE
    except ConfigRefused as refused:
        for sentence in refused.sentences:
            print(f"ratchet: {sentence}", file=sys.stderr)
        return WRONG
    except OSError as error:
        if not is_of_output(error):
            raise
        give_up_output()
        if isinstance(error, BrokenPipeError):
            return DONE
        lost = "the answer could not be written; what was asked of an engine, it does all the same"
        print(f"ratchet: {lost} ({error.strerror})", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        return INTERRUPTED


def _understood(given: Sequence[str]) -> argparse.Namespace:
    """What was typed. What is not known is told with the usage of the command that it was typed at."""
    parser = _parser(given)
    arguments, unknown = parser.parse_known_args(given)
    if unknown:
        at = getattr(arguments, "parser", parser)
        at.error(f"unrecognized arguments: {' '.join(unknown)}")
    return arguments


def _port(text: str) -> int:
    return int(importlib.import_module("engine.simulator.cli").port(text))


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write a number of seconds") from None


def _user(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a user id; write a whole number")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    if hasattr(arguments, "func"):
        return int(arguments.func(arguments) or DONE)
    return int(importlib.import_module(f"engine.commands.{arguments.module}").run(arguments))


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ratchet",
        description="A trading desk for the terminal. Without a command it opens the desk.",
        epilog="Exit codes: 0 done, 2 wrong usage or input, 3 no engine answers, 4 refused by the engine.",
        allow_abbrev=False,
    )
    parser.set_defaults(module="desk")
    parser.add_argument("--version", action="store_const", const="version", dest="module")
    _add_home(parser, None)
    parser.add_argument("--theme", metavar="NAME", help="the desk's theme")
    parser.add_argument("--ascii", action="store_true", help="draw the desk with plain ASCII only")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--read-only", action="store_true", help="show everything, send nothing")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_engine(commands)
    _add_looking(commands)
    _add_doctor(commands)
    _add_web(commands)
    _add_reducing(commands)
    _add_steering(commands)
    _add_files(commands)
    _add_telegram(commands)
    _add_webhook(commands)
    _add_demo(commands)
    _add_foreign(commands, given)
    return parser


def _add_home(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "--home",
        metavar="DIR",
        default=default,
        help="one folder for configuration, journal, socket and logs (also RATCHET_HOME)",
    )


def _add(commands: Parsers, name: str, module: str, meaning: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=meaning, description=_sentence(meaning), allow_abbrev=False
    )
    command.set_defaults(module=module, command=name, parser=command)
    _add_home(command, argparse.SUPPRESS)
    return command


def _add_part(parts: Parsers, name: str, meaning: str) -> argparse.ArgumentParser:
    """The second word of a command of two, such as `journal verify`."""
    part: argparse.ArgumentParser = parts.add_parser(name, help=meaning, description=_sentence(meaning))
    part.set_defaults(parser=part)
    _add_home(part, argparse.SUPPRESS)
    return part


def _sentence(meaning: str) -> str:
    return f"{meaning[0].upper()}{meaning[1:]}{'' if meaning.endswith('?') else '.'}"


def _add_engine(commands: Parsers) -> None:
    engine = _add(commands, "engine", "engine", "run the engine: the one program that trades")
    engine.add_argument("--bitget-url", metavar="URL", help="another Bitget, such as `ratchet simulator`")
    engine.add_argument("--demo", action="store_true", help="Bitget's own demo trading")
    engine.add_argument(
        "--take-over",
        action="store_true",
        help="trade although orders of another Ratchet are on the account: it must not run any more",
    )
    engine.add_argument(
        "--new-key",
        action="store_true",
        help="go on with the journal of another API key of the same account, which what is open must prove",
    )
    engine.add_argument(
        "--read-only", action="store_true", default=argparse.SUPPRESS, help="watch, and never send an order"
    )


def _add_looking(commands: Parsers) -> None:
    for name, module, meaning in (
        ("status", "status", "account, engine, connections, limits and positions, in short"),
        ("positions", "positions", "every position, managed or not"),
        ("orders", "orders", "every order that rests on the exchange"),
    ):
        command = _add(commands, name, module, meaning)
        command.add_argument("--json", action="store_true", help="as JSON, numbers as decimal strings")
    why = _add(commands, "why", "why", "the story of a symbol, a cycle or an order, from the journal")
    why.add_argument("name", metavar="SYMBOL", help="a symbol, a cycle or an order id")
    why.add_argument("--json", action="store_true", help="as JSON")
    watch = _add(commands, "watch", "watch", "tell every change, line by line, until Ctrl-C")
    watch.add_argument(
        "--plain", action="store_true", help="in words, for screen readers and pipes (always so)"
    )
    watch.add_argument(
        "--every",
        metavar="SECONDS",
        type=_seconds,
        default=60.0,
        help="tell the numbers this often (0: never)",
    )


def _add_doctor(commands: Parsers) -> None:
    doctor = _add(commands, "doctor", "doctor", "is everything right before the engine trades, line by line")
    doctor.add_argument("--bitget-url", metavar="URL", help="another Bitget, such as `ratchet simulator`")
    doctor.add_argument("--demo", action="store_true", help="Bitget's own demo trading")
    doctor.add_argument("--json", action="store_true", help="as JSON")


def _add_web(commands: Parsers) -> None:
    web = _add(commands, "web", "web", "the desk in a browser on this machine; it only watches")
    web.add_argument("--port", metavar="N", type=_port, default=8737, help="where it listens (8737)")
    web.add_argument("--trade", action="store_true", help="let the browser act, not only watch")


def _add_reducing(commands: Parsers) -> None:
    kill = _add(commands, "kill", "kill", "halt: nothing that adds risk from now on; stops stay")
    kill.add_argument("--flatten", action="store_true", help="and close every managed position at market")
    kill.add_argument("--reason", metavar="TEXT", default="", help="for the journal")
    _add(commands, "resume", "kill", "end the halt")


def _add_steering(commands: Parsers) -> None:
    for name, meaning in (
        ("adopt", "take an unmanaged position under care"),
        ("pause", "stop scaling a position; its stops stay"),
        ("unpause", "scale a position again"),
        ("breakeven", "put one stop for the whole position at its breakeven, now"),
        ("release", "let a position go: its stops stay as they rest, and are yours"),
        ("approve", "yes to what waits: a rung, an entry, an adoption"),
        ("deny", "no to what waits; of what is on its way, what is not filled is taken back"),
        ("reduce", "close a part of a position at market"),
        ("stops", "change where the stops of a position lie"),
    ):
        command = _add(commands, name, "steer", meaning)
        command.add_argument("symbol", metavar="SYMBOL", help="such as BTCUSDT")
        if name == "reduce":
            command.add_argument(
                "part", metavar="PART", help='how much of it, such as 50%% or 0.5; "100%%" is all'
            )
        if name == "approve":
            command.add_argument("--half", action="store_true", help="add half as much")
        if name == "stops":
            command.add_argument(
                "mode",
                metavar="MODE",
                choices=("leg_entry", "leg_net", "cycle_breakeven", "previous_entry"),
                help="leg_entry, leg_net, cycle_breakeven or previous_entry",
            )
        command.add_argument("--side", choices=("long", "short"), help="needed only where both are open")


def _add_files(commands: Parsers) -> None:
    config = _add(commands, "config", "configuration", "check the configuration, or begin one")
    what = config.add_subparsers(title="what", metavar="WHAT", required=True, dest="what")
    check = _add_part(what, "check", "is it right, what holds, and from where each value comes")
    check.add_argument("file", metavar="FILE", nargs="?", help="instead of the one in its folder")
    _add_part(what, "example", "a complete configuration, explained")
    _add_part(what, "path", "where everything is")
    journal = _add(commands, "journal", "journal", "verify, export or replay the journal")
    deed = journal.add_subparsers(title="what", metavar="WHAT", required=True, dest="what")
    _add_part(deed, "verify", "read all of it and check that nothing was changed")
    _add_part(deed, "replay", "decide all of it again: the same decisions, belief and tables?")
    export = _add_part(deed, "export", "all of it as JSON lines, to the standard output")
    export.add_argument("--out", metavar="FILE", help="to a file instead, which must not exist yet")


def _add_telegram(commands: Parsers) -> None:
    telegram = _add(commands, "telegram", "telegram", "the desk on your phone: set it up, test it, play it")
    what = telegram.add_subparsers(title="what", metavar="WHAT", required=True, dest="what")
    _add_part(what, "setup", "from a bot's token to the first message, in a minute")
    _add_part(what, "test", "send a test message, and a test of every other alert")
    fake = _add_part(what, "fake", "a Telegram on this machine, with you as the phone")
    fake.add_argument("--port", type=_port, default=8081, help="where it listens (8081; 0: any free one)")
    fake.add_argument("--user", type=_user, default=7, help="the user id that types (7)")


def _add_webhook(commands: Parsers) -> None:
    webhook = _add(commands, "webhook", "webhook", "TradingView's alerts: try whether one would arrive")
    what = webhook.add_subparsers(title="what", metavar="WHAT", required=True, dest="what")
    meaning = "send one alert as TradingView does; without --action it means nothing and trades nothing"
    test = _add_part(what, "test", meaning)
    test.add_argument("--action", choices=("buy", "sell"), help="a real alert: it trades")
    test.add_argument("--sentiment", choices=("long", "short", "flat"), help="what to be afterwards")
    test.add_argument("--ticker", metavar="TICKER", default="BTCUSDT", help="such as BTCUSDT.P")
    test.add_argument("--price", metavar="PRICE", help="the price of the alert")
    test.add_argument("--stop", metavar="PRICE", help="the stop to place with the entry")
    test.add_argument("--url", metavar="URL", help="where TradingView sends to, instead of this machine")


def _add_demo(commands: Parsers) -> None:
    demo = _add(commands, "demo", "demo", "a simulated Bitget, an engine on it and the desk, without any key")
    demo.add_argument("--plain", action="store_true", help="line by line instead of the desk")
    demo.add_argument(
        "--for", dest="seconds", metavar="SECONDS", type=_seconds, help="end by itself after this time"
    )
    demo.add_argument(
        "--speed", metavar="X", help="market time over real time, such as 60 (an hour a minute)"
    )
    demo.add_argument(
        "--data",
        metavar="FILE",
        nargs="+",
        action="extend",
        help="one-minute candles of your own, such as BTCUSDT-mine.csv.gz",
    )
    demo.add_argument(
        "--scenario",
        metavar="NAME",
        help="what the market does: rally (unless you say otherwise), reversal, fall",
    )
    demo.add_argument("--balance", metavar="USDT", help="what the account begins with (100)")


def _add_foreign(commands: Parsers, given: Sequence[str]) -> None:
    for name, meaning in FOREIGN.items():
        if name in given:
            getattr(importlib.import_module("engine.simulator.cli"), f"add_{name}_parser")(commands)
        else:
            commands.add_parser(name, help=meaning, add_help=False)


if __name__ == "__main__":
    sys.exit(main())
