"""The plans of the exhaustive matrix: short stories in a calm market, each about one thing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from engine.core.events import Approve, Deny, Enter, Flatten, Flip, Halt
from engine.core.instrument import Side
from engine.core.settings import Ladder, Limits, Rungs, Settings
from engine.venue.orders import CANCEL_STOP, MOVE_STOP, PLACE, PLACE_STOP

from .chapters import EVE_MS
from .misfortune import OnLink, OnRequest
from .network import POSITIONS, Lag, Outage, Strike, can_strike
from .run import Run
from .scenario import Asked, Deed, Ending, Quoted, Scenario, Trouble

WRITES: Final = (PLACE, PLACE_STOP, MOVE_STOP, CANCEL_STOP)
CALM_S: Final = 75.0
"""How long a plan goes on after its last move: longer than a request can stay unknown."""
FOUND_S: Final = 7.0
"""How long a crash may come after the last move: a request that nobody answered is given up, looked up, and
made good by then.
"""
DOWN_S: Final = 1.0
BEAT_S: Final = 1.0
"""A machine that went down is up again at a full second."""
BILLS: Final = "v2/mix/account/bill"
FILLS: Final = "v2/mix/order/fills"


def _path(*corners: tuple[float, str]) -> tuple[Quoted, ...]:
    """A price a second, straight from corner to corner (seconds, price), and then standing still."""
    quotes = []
    (now, last), *rest = [(at, Decimal(price)) for at, price in corners]
    for until, price in rest:
        begin, origin = now, last
        while now < until:
            share = Decimal(repr(round((now - begin) / (until - begin), 6)))
            quotes.append(
                Quoted(now, "BTCUSDT", (origin + (price - origin) * share).quantize(Decimal("0.1")))
            )
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
        spared_at=ends + FOUND_S,
        ends=ends + CALM_S,
        deeds=(SHORT,),
    )
    return replace(plain, **more)


SHORT: Final = Deed(2.0, "open", "BTCUSDT", Side.SHORT, Decimal("0.0020"))
FLIP: Final = Flip(
    Enter("BTCUSDT", Side.LONG, patient=True, wait_s=2, tries=2), share=Decimal("0.1"), within_s=50
)
ASKING: Final = Settings("desk", ladder=Ladder(rungs=Rungs.ASK))
PLANS: Final = {
    plan.name: plan
    for plan in (
        _plan("adoption", (0, "100000"), (6, "100000")),
        _plan("rung", (0, "100000"), (4, "100000"), (8, "94500"), (10, "94500")),
        _plan(
            "stop move",
            (0, "100000"),
            (4, "100000"),
            (8, "94500"),
            (12, "94500"),
            (14, "89500"),
            (17, "89500"),
        ),
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
            "flip",
            (0, "100000"),
            (4, "100000"),
            (16, "100100"),
            (20, "100100"),
            asked=(Asked(5.0, FLIP),),
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

RUNG: Final = ((0, "100000"), (4, "100000"), (8, "94500"), (13, "94500"))
BOTH_SIDES: Final = ((0, "100000"), (100, "100000"))
"""Long enough for the funding of midnight, at 90 s."""
HEDGED: Final = {"start_ms": EVE_MS, "hedged": True}
BOTH_OPEN: Final = (
    SHORT,
    Deed(4.0, "open", "BTCUSDT", Side.LONG, Decimal("0.0030")),
    Deed(5.0, "funding rate", "BTCUSDT", amount=Decimal("0.0005")),
)
UNSEEN: Final = {
    "settings": Settings("desk", ladder=Ladder(hard_stop=True)),
    "deeds": (
        SHORT,
        Deed(8.0, "close", "BTCUSDT", Side.SHORT, Decimal(1)),
        Deed(10.0, "open", "BTCUSDT", Side.SHORT, Decimal("0.0010")),
    ),
    "endings": (Ending(at=6.0, down=6.0),),
}
"""Closed and opened again while nobody looks."""
LOST_BILLS: Final = tuple(Strike(BILLS, number, OnRequest.LOST) for number in range(1, 5))
"""All tries of the first reading of bills in every life."""
STORIES: Final = {
    plan.name: plan
    for plan in (
        _plan("a halt before the crossing", *RUNG, asked=(Asked(5.0, Halt("proof")),)),
        _plan(
            "a halt, a restart, and the crossing",
            *RUNG,
            asked=(Asked(5.0, Halt("proof")),),
            endings=(Ending(at=6.0, down=0.2),),
        ),
        _plan(
            "the crossing while the account is not heard, and then no price",
            *RUNG,
            troubles=(
                Trouble(6.5, "private", OnLink.DISCONNECT, 9.0),
                Trouble(9.5, "public", OnLink.STALL, 25.0),
            ),
        ),
        _plan(
            "a hard stop whose cancelling is lost",
            *RUNG,
            settings=Settings("desk", ladder=Ladder(hard_stop=True)),
            strikes=(Strike(CANCEL_STOP, 1, OnRequest.LOST),),
        ),
        _plan(
            "a bank that arrives late, and its repeat refused",
            *RUNG,
            strikes=(Strike(PLACE, 1, OnRequest.LATE), Strike(PLACE, 2, OnRequest.REJECTED)),
        ),
        _plan(
            "another engine appears in the middle of a rung",
            *RUNG,
            deeds=(SHORT, Deed(8.1, "second engine", "BTCUSDT", Side.SHORT, Decimal("0.0002"))),
            strikes=(Strike(PLACE_STOP, 2, OnRequest.LOST),),
        ),
        _plan(
            "another engine appears in the middle of a rung, and the market passes the place of its stop",
            *RUNG[:2],
            (8, "94500"),
            (9, "94500"),
            (10, "100600"),
            (70, "100600"),
            settings=Settings("desk", ladder=Ladder(hard_stop=True)),
            deeds=(SHORT, Deed(8.1, "second engine", "BTCUSDT", Side.SHORT, Decimal("0.0002"))),
            strikes=(Strike(PLACE_STOP, 2, OnRequest.LOST),),
        ),
        _plan(
            "an add that is lost, and then no price",
            *RUNG,
            strikes=(Strike(PLACE_STOP, 1, OnRequest.REJECTED), Strike(PLACE, 2, OnRequest.LOST)),
            troubles=(Trouble(8.1, "public", OnLink.STALL, 25.0),),
        ),
        _plan(
            "a stop that is lost, while the market passes its place",
            (0, "100000"),
            (4, "100000"),
            (8, "94500"),
            (9, "94500"),
            (10, "100600"),
            (70, "100600"),
            strikes=(Strike(PLACE_STOP, 1, OnRequest.LOST),),
        ),
        _plan(
            "a stop that Bitget cannot carry out, because it is maintained",
            (0, "100000"),
            (4, "100000"),
            (8, "94500"),
            (13, "94500"),
            (20, "99500"),
            (30, "99500"),
            deeds=(
                SHORT,
                Deed(14.0, "maintenance", "BTCUSDT", Side.SHORT, Decimal(1)),
                Deed(28.0, "maintenance", "BTCUSDT", Side.SHORT, Decimal(0)),
            ),
        ),
        _plan(
            "funding, while the other side of the symbol is not under care",
            (0, "100000"),
            (30, "100000"),
            start_ms=EVE_MS,
            hedged=True,
            settings=Settings("desk", limits=Limits(max_cycles=1)),
            deeds=(
                SHORT,
                Deed(4.0, "open", "BTCUSDT", Side.LONG, Decimal("0.0020")),
                Deed(5.0, "funding rate", "BTCUSDT", amount=Decimal("0.0005")),
            ),
        ),
        _plan(
            "funding of a long, told by its row before the end of the short is known",
            *BOTH_SIDES,
            **HEDGED,
            deeds=(*BOTH_OPEN, Deed(20.0, "close", "BTCUSDT", Side.SHORT, Decimal(1))),
            endings=(Ending(at=10.0, down=85.0),),
            strikes=LOST_BILLS,
        ),
        _plan(
            "funding of both sides, one of which is closed before its row has told it",
            *BOTH_SIDES,
            **HEDGED,
            deeds=(*BOTH_OPEN, Deed(90.1, "close", "BTCUSDT", Side.SHORT, Decimal(1))),
        ),
        _plan(
            "funding of both sides, one of which is closed while nobody looks",
            *BOTH_SIDES,
            **HEDGED,
            deeds=(*BOTH_OPEN, Deed(92.0, "close", "BTCUSDT", Side.SHORT, Decimal(1))),
            endings=(Ending(at=10.0, down=85.0),),
        ),
        _plan(
            "closed and opened again while nobody looks, with a hard stop, and the trades told late",
            (0, "100000"),
            (20, "100000"),
            **UNSEEN,
            strikes=tuple(Strike(FILLS, number, OnRequest.LOST) for number in range(1, 4)),
        ),
        _plan(
            "a stop is carried out unheard, and its trades cannot be read",
            *RUNG[:3],
            (12, "94500"),
            (16, "98900"),
            (70, "98900"),
            troubles=(Trouble(12.5, "private", OnLink.DISCONNECT, 8.0),),
            outages=(Outage(FILLS, 12.0, 60.0),),
        ),
        _plan(
            "closed and opened again while the trades cannot be read",
            (0, "100000"),
            (60, "100000"),
            **UNSEEN,
            outages=(Outage(FILLS, 7.0, 50.0),),
        ),
        _plan(
            "closed by hand, and opened again by an add that is late, while the trades cannot be read",
            *RUNG[:2],
            (8, "94500"),
            (70, "94500"),
            deeds=(SHORT, Deed(10.0, "close", "BTCUSDT", Side.SHORT, Decimal(1))),
            troubles=(Trouble(9.0, "private", OnLink.DISCONNECT, 12.0),),
            strikes=(Strike(PLACE, 2, OnRequest.LATE),),
            outages=(Outage(FILLS, 9.0, 60.0),),
            patience_s=15.0,
        ),
        _plan(
            "closed and opened again smaller while the account is not heard, and closed before it is read",
            (0, "100000"),
            (20, "100000"),
            deeds=(
                SHORT,
                Deed(8.0, "close", "BTCUSDT", Side.SHORT, Decimal(1)),
                Deed(9.0, "open", "BTCUSDT", Side.SHORT, Decimal("0.0010")),
                Deed(14.0, "close", "BTCUSDT", Side.SHORT, Decimal(1)),
            ),
            troubles=(Trouble(6.5, "private", OnLink.DISCONNECT, 5.0),),
            strikes=tuple(Strike(FILLS, number, OnRequest.LOST) for number in range(29, 36)),
        ),
        _plan(
            "the list of positions is empty for long, and the stream does not say so",
            (0, "100000"),
            (30, "100000"),
            (34, "94500"),
            (39, "94500"),
            outages=(Outage(POSITIONS, 3.5, 25.0, OnRequest.HIDDEN),),
        ),
        _plan(
            "prices that come steadily late tell of a crossing that is long over",
            (0, "100000"),
            (4, "100000"),
            (8, "94500"),
            (11, "94500"),
            (13, "99500"),
            (40, "99500"),
            lags=(Lag(5.0, 40.0, 15.0),),
        ),
        _plan(
            "an entry that is lost, and its rest taken back before that is known",
            (0, "100000"),
            (20, "100000"),
            asked=(
                Asked(5.0, Enter("BTCUSDT", Side.SHORT, qty=Decimal("0.0010"), patient=True)),
                Asked(6.0, Deny("", 0)),
            ),
            strikes=(Strike(PLACE, 1, OnRequest.LOST),),
        ),
        _plan(
            "a rung beside the trader's own stop for the whole position",
            *RUNG,
            deeds=(SHORT, Deed(5.0, "own stop", "BTCUSDT", Side.SHORT)),
        ),
        _plan(
            "a position of one lot",
            *RUNG,
            deeds=(SHORT, Deed(5.0, "close", "BTCUSDT", Side.SHORT, Decimal("0.95"))),
        ),
        _plan("an add that is filled in part", *RUNG, strikes=(Strike(PLACE, 2, OnRequest.PARTIAL),)),
    )
}


def requests_of(plan: Scenario) -> list[tuple[str, int]]:
    """Every request that changes something (path, number) in the undisturbed plan. Adoption only reads."""
    run = Run(plan)
    outcome = run.outcome()
    assert not outcome.violations, (plan.name, outcome.violations)
    made = run.requests
    if not any(made.get(path) for path in WRITES):
        run = Run(replace(plan, ends=plan.calm_at))
        run.outcome()
        made = run.requests
    writes = [(path, number + 1) for path in WRITES for number in range(made.get(path, 0))]
    return writes or [(path, number + 1) for path in sorted(made) for number in range(made[path])]


def strikes_of(plan: Scenario) -> list[tuple[Strike, ...]]:
    """Nothing, and every fault on every request."""
    strikes: list[tuple[Strike, ...]] = [()]
    for path, number in requests_of(plan):
        strikes += [(Strike(path, number, what),) for what in OnRequest if can_strike(what, path)]
    return strikes


def steps_of(plan: Scenario) -> int:
    """How many steps the plan takes, until no crash comes any more."""
    run = Run(replace(plan, ends=plan.spared_at or plan.calm_at))
    return run.outcome().steps[0]


def crash(step: int, *, torn: bool) -> Ending:
    return Ending(step=step, down=DOWN_S, torn=torn, beat=BEAT_S)


def cell(plan: Scenario, strikes: tuple[Strike, ...], ending: Ending | None) -> Scenario:
    """One cell of the matrix, to be played whole."""
    name = f"{plan.name}: {told(strikes)}, {_ended(ending)}"
    return replace(plan, name=name, strikes=strikes, endings=() if ending is None else (ending,))


def told(strikes: tuple[Strike, ...]) -> str:
    return ", ".join(f"{s.what.value} on {s.path} #{s.number}" for s in strikes) or "no fault"


def _ended(ending: Ending | None) -> str:
    if ending is None:
        return "no crash"
    return f"crash before step {ending.step} ({'torn' if ending.torn else 'landed'})"


def cell_named(name: str) -> Scenario:
    """The cell with this name. Raises ValueError when the matrix has none."""
    for plan in PLANS.values():
        if not name.startswith(f"{plan.name}: "):
            continue
        for strikes in strikes_of(plan):
            begin = f"{plan.name}: {told(strikes)}, "
            if name == f"{begin}no crash":
                return cell(plan, strikes, None)
            crashed = re.fullmatch(re.escape(begin) + r"crash before step ([0-9]+) \((torn|landed)\)", name)
            if crashed is not None:
                return cell(plan, strikes, crash(int(crashed[1]), torn=crashed[2] == "torn"))
    raise ValueError(f"the matrix has no cell {name!r}: give a name as `make prove ARGS=--matrix` prints it")


def cells(plan: Scenario, *, stride: int = 1) -> Iterator[Scenario]:
    """Every fault on every request with a crash at every step, each to be played whole: every `stride`-th."""
    steps = steps_of(plan)
    made = 0
    for strikes in strikes_of(plan):
        for step in (None, *range(1, steps + 1)):
            made += 1
            if made % stride == 0:
                yield cell(plan, strikes, None if step is None else crash(step, torn=made % 2 == 0))
