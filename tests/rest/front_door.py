"""A server over a small engine in memory, on a free port of this machine."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "api"))

from served import EngineFace as BareFace
from served import behind

from engine.api.rest.gate import Gate
from engine.api.rest.route import Route
from engine.api.rest.server import RestServer
from engine.api.rest.tokens import Scope, Tokens
from engine.protocol import CycleView

SECRETS = {
    Scope.READ: "look-look-look-look-1",
    Scope.KILL: "kill-kill-kill-kill-2",
    Scope.TRADE: "deal-deal-deal-deal-3",
}


class EngineFace(BareFace):
    """With a journal's past."""

    past: tuple[CycleView, ...] = ()

    async def history(self) -> tuple[CycleView, ...]:
        return self.past


@asynccontextmanager
async def opened(
    face: EngineFace,
    *,
    per_minute: int = 60_000,
    open_page: bool = False,
    body_s: float = 10.0,
    wrong_per_minute: int = 10,
    silent_s: float = 15.0,
    most: int = 256,
    routes: tuple[Route, ...] = (),
) -> AsyncIterator[RestServer]:
    gate = Gate(
        Tokens(SECRETS),
        per_minute=per_minute,
        open_page=open_page,
        body_s=body_s,
        wrong_per_minute=wrong_per_minute,
    )
    async with (
        behind(face) as engine,
        RestServer(
            gate,
            behind=engine,
            port=0,
            version="0.1.0",
            silent_s=silent_s,
            most=most,
            routes=routes,
        ) as server,
    ):
        yield server


def bearer(scope: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRETS[scope]}"}
