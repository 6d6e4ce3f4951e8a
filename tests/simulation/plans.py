"""The plans of the exhaustive matrix: six short stories in a calm market, each with one thing that must not go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from engine.core.events import Approve, Flatten
from engine.core.instrument import Side
from engine.core.settings import Ladder, Rungs, Settings
from engine.venue.orders import CANCEL_STOP, MOVE_STOP, PLACE, PLACE_STOP

from .chapters import EVE_MS
from .misfortune import REJECTS, OnRequest
from .network import Strike
from .run import Run
from .scenario import Asked, Deed, Ending, Quoted, Scenario

WRITES: Final = (PLACE, PLACE_STOP, MOVE_STOP, CANCEL_STOP)
CALM_S: Final = 75.0
"""How long a plan goes on after its last move: longer than a request can stay unknown."""
DOWN_S: Final = 1.0


def _path(*corners: tuple[float, str]) -> tuple[Quoted, ...]:
    """A price a second, straight from corner to corner (seconds, price), and then standing still."""
    quotes = []
    (now, last), *rest = [(at, Decimal(price)) for at, price in corners]
    for until, price in rest:
        begin, origin = now, last
        while now < until:
            share = Decimal(repr(round((now - begin) / (until - begin), 6)))
            quotes.append(Quoted(now, "BTCUSDT", (origin + (price - origin) * share).quantize(Decimal("0.1"))))
            now += 1.0
        last = price
    quotes.append(Quoted(now, "BTCUSDT", last))
    while now < corners[-1][0] + CALM_S:
        now += 2.0
        quotes.append(Quoted(now, "BTCUSDT", last))
    return tuple(quotes)


def _plan(name: str, *corners: tuple[float, str], **more: object) -> Scenario:
    ends = corners[-1][0]
    plain = Scenario(
        name=name,
        settings=Settings("desk"),
        seed=1,
        start_ms=EVE_MS - 3_600_000,
        balance=Decimal(100),
        prices={"BTCUSDT": Decimal(100_000), "ETHUSDT": Decimal(3_000)},
        quotes=_path(*corners),
        calm_at=ends,
        ends=ends + CALM_S,
        deeds=(SHORT,),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


SHORT: Final = Deed(2.0, "open", "BTCUSDT", Side.SHORT, Decimal("0.0020"))
ASKING: Final = Settings("desk", ladder=Ladder(rungs=Rungs.ASK))
PLANS: Final = {
    plan.name: plan
    for plan in (
        _plan("adoption", (0, "100000"), (6, "100000")),
        _plan("rung", (0, "100000"), (4, "100000"), (8, "94500"), (10, "94500")),
        _plan("stop move", (0, "100000"), (4, "100000"), (8, "94500"), (12, "94500"), (14, "89500"), (17, "89500")),
        _plan(
            "kill",
            (0, "100000"),
            (4, "100000"),
            (8, "94500"),
            (12, "94500"),
            (14, "94600"),
            asked=(Asked(11.0, Flatten("proof")),),
        ),
        _plan(
            "approval",
            (0, "100000"),
            (4, "100000"),
            (8, "94800"),
            (13, "94800"),
            settings=ASKING,
            asked=(Asked(9.6, Approve("", 0)),),
        ),
        _plan(
            "manual close",
            (0, "100000"),
            (4, "100000"),
            (8, "94500"),
            (13, "94500"),
            deeds=(SHORT, Deed(10.5, "close", "BTCUSDT", Side.SHORT, Decimal(1))),
        ),
    )
}


def requests_of(plan: Scenario) -> list[tuple[str, int]]:
    """Every request that changes something, in the plan without misfortune: path and number. Adoption only reads."""
    run = Run(plan)
    outcome = run.outcome()
    assert not outcome.violations, (plan.name, outcome.violations)
    made = run.world.requests_made
    writes = [(path, number + 1) for path in WRITES for number in range(made.get(path, 0))]
    return writes or [(path, number + 1) for path in sorted(made) for number in range(made[path])]


def steps_of(plan: Scenario) -> int:
    """How many steps the plan takes, until it is calm."""
    run = Run(replace(plan, ends=plan.calm_at))
    return run.outcome().steps[0]


def cells(plan: Scenario, *, stride: int = 1, offset: int = 0) -> Iterator[Scenario]:
    """Every fault on every request, and every step a crash: all of them, or every `stride`-th of the product."""
    requests = requests_of(plan)
    strikes: list[tuple[Strike, ...]] = [()]
    for path, number in requests:
        for what in OnRequest:
            if (what is not OnRequest.REJECTED or path in REJECTS) and (what is not OnRequest.PARTIAL or path == PLACE):
                strikes.append((Strike(path, number, what),))
    steps = steps_of(plan)
    made = 0
    for strike in strikes:
        for step in (None, *range(1, steps + 1)):
            made += 1
            if made % stride != offset % stride:
                continue
            torn = made % 2 == 0
            endings = () if step is None else (Ending(step=step, down=DOWN_S, torn=torn),)
            names = ", ".join(f"{s.what.value} on {s.path} #{s.number}" for s in strike) or "no fault"
            crash = "no crash" if step is None else f"crash before step {step} ({'torn' if torn else 'landed'})"
            yield replace(plan, name=f"{plan.name}: {names}, {crash}", strikes=strike, endings=endings)
