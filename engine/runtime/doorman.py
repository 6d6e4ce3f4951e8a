"""The process at the doors: it judges who comes, answers from what it has just read, and passes the rest on.

It knows the engine by its control socket and its journal, tells it by its standard output that it lives, and
ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from engine.api.remote import Remote
from engine.api.rest.gate import Gate
from engine.api.rest.route import Route
from engine.api.rest.server import RestServer
from engine.api.rest.tokens import Scope, Tokens
from engine.loop import run
from engine.runtime.doors import Orders
from engine.runtime.logfile import logging_where_it_goes
from engine.runtime.processors import move_to
from engine.runtime.window import Window
from engine.webhook.alert import Message
from engine.webhook.carrying import Outcome, Terms
from engine.webhook.hook import PATH, Hook
from engine.webhook.spool import Spool

logger = logging.getLogger("ratchet.rest")

NICE: Final = 10
"""How far it stands back where processors are few: the engine goes first. (It then waits for one half as long
as with 5, and no less with more; and a tenth of a processor is left for the doors on a machine that is full.)
"""

PR_SET_PDEATHSIG: Final = 1
OOM_SCORE: Final = "500"


def main() -> None:
    """Read the orders, then work until the engine is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # whoever ends the engine by them, with all that belongs to it, ends this one by the engine
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICE)
    _go_first()
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=Orders)
    move_to(orders.processors)
    with logging_where_it_goes(Path(orders.log)):
        run(_serve(orders))


def _go_first() -> None:
    """Where Linux is: the engine's end is the end of this one also when it is stopped or stuck, for it has
    the port; and where memory is short, the one that strangers talk to is ended before the one that trades.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)


async def _serve(orders: Orders) -> None:
    async with Window(Path(orders.socket), Path(orders.journal)) as engine:
        hook = _hook(orders, engine)
        async with _server(orders, hook, engine) as server, asyncio.TaskGroup() as group:
            parts = [group.create_task(server.run(), name="rest")]
            parts.append(group.create_task(_beat(orders.beat_s), name="beat"))
            if hook is not None:
                parts.append(group.create_task(hook.run(), name="webhook"))
            await _end_of_input()
            for part in parts:
                part.cancel()


async def _beat(every_s: float) -> None:
    """A sign of life for the engine; a loop that is stuck gives none."""
    out = sys.stdout.fileno()
    os.set_blocking(out, False)
    while True:
        with suppress(OSError):
            os.write(out, b".")
        await asyncio.sleep(every_s)


async def _end_of_input() -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            loop.remove_reader(sys.stdin.fileno())
            ended.set()

    loop.add_reader(sys.stdin.fileno(), read)
    await ended.wait()


def _hook(orders: Orders, engine: Remote) -> Hook | None:
    wanted = orders.webhook
    if wanted is None:
        return None
    terms = Terms(**{name: getattr(wanted, name) for name in Terms._fields})
    spool = Spool(Path(orders.spool))
    return Hook(engine, terms, wanted.token, addresses=wanted.addresses, spool=spool)


def _server(orders: Orders, hook: Hook | None, engine: Remote) -> RestServer:
    wanted = orders.rest
    tokens = Tokens({Scope[scope.upper()]: secret for scope, secret in wanted.tokens.items()})
    return RestServer(
        Gate(tokens, per_minute=wanted.requests_per_minute, open_page=wanted.open_page),
        behind=engine if wanted.on else None,
        bind=wanted.bind,
        tls=wanted.secure(),
        routes=() if hook is None else (webhook_route(hook),),
        version=orders.version,
        listening=socket.socket(fileno=orders.listens),
    )


def webhook_route(hook: Hook) -> Route:
    """The webhook as the server knows it. Its token is in the body, so it judges by itself who comes."""
    return Route(
        "POST",
        PATH,
        hook.take,
        "An alert of TradingView, as JSON or text; its token is in the body",
        Outcome,
        needs=None,
        takes=Message,
        refuses=(202, 400, 401, 403, 408, 409, 413, 422, 503),
        paced=False,
        answers_refusals=True,
        unread=hook.unread,
    )


if __name__ == "__main__":
    main()
