"""A scenario from a seed: market, settings, hands, misfortunes, and when the machine goes down."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Final

from engine.core.events import (
    Approve,
    Breakeven,
    Deny,
    Enter,
    Exit,
    Flatten,
    Halt,
    Pause,
    Reduce,
    Resume,
    SetStopMode,
    Unpause,
)
from engine.core.instrument import Side
from engine.core.settings import (
    Add,
    Bank,
    Basis,
    Ladder,
    Limits,
    Managed,
    Rungs,
    Sequence,
    Settings,
    StopMode,
)

from .misfortune import OnDisk, OnFrame, OnLink, OnRequest
from .network import POSITIONS, Lag, Outage, Storm
from .scenario import Asked, Deed, DiskTrouble, Ending, Quoted, Scenario, Trouble

EVE_MS: Final = 1_746_403_200_000 - 90_000
"""Ninety seconds before a funding time that is also midnight UTC of a Monday."""
CALM_S: Final = 110.0
"""How long a run goes on after the last misfortune: longer than any request can stay unknown."""
MARKETS: Final = {
    "BTCUSDT": (Decimal(100_000), Decimal(20), Decimal("0.1"), Decimal("0.0001")),
    "ETHUSDT": (Decimal(3_000), Decimal(40), Decimal("0.01"), Decimal("0.01")),
}
"""Start price, leverage, tick and lot."""
_FIRST_FOUND: Final = (2690, 3724, 4000, 4996, 5147, 5249, 5503, 6254, 6516, 7156, 7487, 8583, 9224)
FOUND: Final = (
    *_FIRST_FOUND,
    11269,
    11803,
    12073,
    12081,
    22521,
    100284,
    200575,
    302565,
    303164,
    400458,
    400745,
    400918,
    501572,
    700526,
    701533,
    900452,
    901712,
    902597,
    903051,
    903248,
    904267,
    904447,
    904468,
    911979,
    923450,
)
"""Seeds beyond those of every change that failed once; what each of them found is a test of its own, too."""
READINGS: Final = (
    "v2/mix/order/fills",
    POSITIONS,
    "v2/mix/order/orders-plan-pending",
    "v2/mix/account/account",
    "v2/mix/account/bill",
)
REQUESTS: Final = tuple(what for what in OnRequest if what is not OnRequest.HIDDEN)
FRAMES: Final = tuple(what for what in OnFrame if what is not OnFrame.MALFORMED)
SELDOM: Final[dict[OnRequest | OnFrame, int]] = {
    OnRequest.REJECTED: 3,
    OnRequest.PARTIAL: 3,
    OnFrame.MISSING_CLOSE: 3,
    OnFrame.SWAPPED: 3,
}
"""What few requests or frames can meet, meets them more often."""


def chapter(seed: int) -> Scenario:
    """The scenario of a seed. Each kind of trouble is in some and not in others: many are nearly quiet."""
    chance = Random(f"{seed}:chapter")
    symbol = "ETHUSDT" if chance.random() < 0.3 else "BTCUSDT"
    side = Side.SHORT if chance.random() < 0.5 else Side.LONG
    busy = chance.uniform(40.0, 110.0)
    hedged = chance.random() < 0.25
    deeds = [*_opening(chance, symbol, side, hedged=hedged)]
    if chance.random() < 0.5:
        deeds += _hands(chance, symbol, side, busy, hedged=hedged)
    if chance.random() < 0.25:
        deeds += _world(chance, symbol, side, busy)
    deeds += _strangers(Random(f"{seed}:strangers"), symbol, side, busy)
    return Scenario(
        name=f"seed {seed}",
        settings=_settings(chance),
        seed=seed,
        start_ms=EVE_MS - chance.choice((0, 0, 40_000, 3_600_000)),
        balance=Decimal(chance.choice((100, 100, 150, 1000))),
        prices={name: market[0] for name, market in MARKETS.items()},
        quotes=_walk(chance, symbol, side, busy, busy + CALM_S),
        calm_at=busy,
        ends=busy + CALM_S,
        hedged=hedged,
        starts=chance.choice((0.0, 0.0, 6.0)),
        storm=_storm(chance, Random(f"{seed}:malformed"), busy),
        deeds=tuple(deeds),
        asked=(*_asked(chance, symbol, side, busy), *_entries(Random(f"{seed}:entries"), busy)),
        troubles=_troubles(chance, busy),
        outages=(*_outages(Random(f"{seed}:outages"), busy), *_hidden(Random(f"{seed}:hidden"), busy)),
        lags=_lags(Random(f"{seed}:lags"), busy),
        disk_troubles=_disk_troubles(Random(f"{seed}:disk trouble"), busy),
        endings=_endings(chance, busy),
    )


def _settings(chance: Random) -> Settings:
    ladder = Ladder(
        basis=chance.choices((Basis.FRONT_LEG, Basis.FIXED_GRID), (5, 1))[0],
        net=chance.random() < 0.1,
        sequence=chance.choices((Sequence.BANK_FIRST, Sequence.ADD_FIRST), (4, 1))[0],
        bank=chance.choices((Bank.FRONT, Bank.ALL, Bank.ORIGINAL), (5, 1, 1))[0],
        add=chance.choices((Add.FIRST_MARGIN, Add.PERCENT_OF_EQUITY), (5, 1))[0],
        stops=chance.choices(tuple(StopMode), (5, 1, 2, 2))[0],
        hard_stop=chance.random() < 0.2,
        rungs=chance.choices((Rungs.AUTO, Rungs.ASK), (6, 1))[0],
        approval_s=20,
        max_rungs=chance.choice((20, 20, 2)),
    )
    managed = tuple(Managed(name, market[1]) for name, market in MARKETS.items())
    return Settings("desk", managed, ladder, Limits())


def _opening(chance: Random, symbol: str, side: Side, *, hedged: bool) -> list[Deed]:
    price, leverage, _, lot = MARKETS[symbol]
    margin = Decimal(chance.choice(("10", "10", "8.3", "13")))
    qty = margin * leverage / price // lot * lot
    at = chance.uniform(1.0, 5.0)
    deeds = [Deed(at, "open", symbol, side, qty)]
    if hedged and chance.random() < 0.6:
        deeds.append(Deed(at + chance.uniform(0.0, 8.0), "open", symbol, side.opposite, qty))
    other = "BTCUSDT" if symbol == "ETHUSDT" else "ETHUSDT"
    if chance.random() < 0.25:
        price, leverage, _, lot = MARKETS[other]
        qty = margin * leverage / price // lot * lot
        deeds.append(Deed(at + chance.uniform(0.0, 20.0), "open", other, chance.choice(tuple(Side)), qty))
    return deeds


def _walk(chance: Random, symbol: str, side: Side, busy: float, ends: float) -> tuple[Quoted, ...]:
    """Prices: mostly in favour of the position, by rungs; then back through the stops, sometimes in gaps."""
    start, leverage, tick, _ = MARKETS[symbol]
    rung = float(1 / leverage)
    level, height, quotes, now = float(start), 0.0, [], 0.0
    corners = []
    while now < busy - 5:
        span = chance.uniform(4.0, 20.0)
        move = chance.choice((1.05, 1.1, 0.6, 2.2, 0.3, -0.4, -1.2, -2.4)) * rung * side.d
        height = max(min(height + move, 0.45), -0.45)
        corners.append((now + span, level * (1 + height), chance.random() < 0.12))
        now += span
    now, last = 0.0, level
    pace = chance.choice((0.5, 1.0, 1.0, 2.0))
    for at, target, gaps in corners:
        begin, origin = now, last
        while now < at:
            share = 1.0 if gaps else (now - begin) / (at - begin)
            last = origin + (target - origin) * share
            mark = Decimal(repr(round(last, 6))) // tick * tick
            off = chance.random()
            wild = mark + mark * Decimal("0.008") // tick * tick if off < 0.01 else None
            quotes.append(Quoted(now, symbol, mark, wild))
            now += pace * chance.uniform(0.6, 1.4)
    rest = quotes[-1].mark if quotes else start
    other = "BTCUSDT" if symbol == "ETHUSDT" else "ETHUSDT"
    beat = 0.0
    while beat < ends:
        if beat >= now:
            quotes.append(Quoted(beat, symbol, rest))
        quotes.append(Quoted(beat + 0.3, other, MARKETS[other][0]))
        beat += 1.5
    return tuple(quotes)


def _hands(chance: Random, symbol: str, side: Side, busy: float, *, hedged: bool) -> list[Deed]:
    """What the trader does to the position under care."""
    price, leverage, _, lot = MARKETS[symbol]
    size = Decimal(10) * leverage / price // lot * lot
    made = []
    for _ in range(chance.randint(1, 4)):
        what, amount = chance.choice(
            (
                ("open", size),
                ("open", size / 2 // lot * lot),
                ("close", Decimal("0.5")),
                ("close", Decimal("0.3")),
                ("close", Decimal(1)),
                ("flip", size),
                ("move stop", Decimal("0.2")),
                ("move stop", Decimal("-0.3")),
                ("cancel stop", Decimal(0)),
                ("own stop", size / 2 // lot * lot),
                ("leverage", leverage / 2),
                ("margin", Decimal(3)),
                ("auto margin", Decimal(1)),
                ("auto margin", Decimal(0)),
                ("limit order", size),
            )
        )
        on = side.opposite if hedged and chance.random() < 0.3 else side
        made.append(Deed(chance.uniform(6.0, busy), what, symbol, on, amount))
    return made


def _world(chance: Random, symbol: str, side: Side, busy: float) -> list[Deed]:
    """What nobody here does: funding, auto-deleveraging, transfers, clocks, maintenance."""
    _, _, _, lot = MARKETS[symbol]
    made = []
    for _ in range(chance.randint(1, 3)):
        what, amount = chance.choice(
            (
                ("adl", 5 * lot),
                ("funding rate", Decimal("0.0005")),
                ("funding rate", Decimal("-0.0003")),
                ("transfer", Decimal(25)),
                ("transfer", Decimal(-20)),
                ("clock", Decimal(5)),
                ("clock", Decimal(-5)),
                ("clock", Decimal(3600)),
                ("clock", Decimal(-3600)),
                ("maintenance", Decimal(1)),
            )
        )
        at = chance.uniform(2.0, busy)
        made.append(Deed(at, what, symbol, side, amount))
        if what == "maintenance":
            made.append(Deed(min(busy, at + 10.0), what, symbol, side, Decimal(0)))
    return made


def _strangers(chance: Random, symbol: str, side: Side, busy: float) -> list[Deed]:
    """Another engine or another bot on the account, and a margin mode that is changed between positions."""
    made = []
    for what in ("second engine", "another bot", "margin mode"):
        if chance.random() < 0.03:
            lot = MARKETS[symbol][3]
            made += [Deed(chance.uniform(4.0, busy), what, symbol, side, 2 * lot) for _ in range(2)]
    return made


def _storm(chance: Random, spoils: Random, busy: float) -> Storm:
    """Some kinds of misfortune, each with its own odds, for a part of the run."""
    requests: dict[OnRequest, float] = {}
    frames: dict[OnFrame, float] = {}
    if chance.random() < 0.6:
        for what in chance.sample(REQUESTS, chance.randint(1, 4)):
            requests[what] = chance.choice((0.01, 0.03, 0.1, 0.3)) * SELDOM.get(what, 1)
    if chance.random() < 0.5:
        for kind in chance.sample(FRAMES, chance.randint(1, 3)):
            frames[kind] = chance.choice((0.02, 0.1, 0.3)) * SELDOM.get(kind, 1)
    begins = chance.choice((0.0, chance.uniform(5.0, busy)))
    if spoils.random() < 0.15:
        frames[OnFrame.MALFORMED] = spoils.choice((0.02, 0.1, 0.3))
    return Storm(requests, frames, begins, busy)


def _troubles(chance: Random, busy: float) -> tuple[Trouble, ...]:
    if chance.random() < 0.65:
        return ()
    return tuple(
        Trouble(
            chance.uniform(3.0, busy),
            chance.choice(("private", "private", "public")),
            chance.choice(tuple(OnLink)),
            chance.uniform(0.5, 15.0),
        )
        for _ in range(chance.randint(1, 3))
    )


def _outages(chance: Random, busy: float) -> tuple[Outage, ...]:
    """One reading that Bitget refuses for long, in one of ten runs; half of them that of the trades."""
    if chance.random() < 0.9:
        return ()
    begins = chance.uniform(3.0, busy - 5.0)
    path = chance.choices(READINGS, (4, 1, 1, 1, 1))[0]
    return (Outage(path, begins, min(busy, begins + chance.choice((8.0, 25.0, 60.0)))),)


def _hidden(chance: Random, busy: float) -> tuple[Outage, ...]:
    """The list of positions comes back empty for a while, in one of ten runs."""
    if chance.random() < 0.9:
        return ()
    begins = chance.uniform(3.0, busy - 5.0)
    ends = min(busy, begins + chance.choice((1.0, 4.0, 12.0, 40.0)))
    return (Outage(POSITIONS, begins, ends, OnRequest.HIDDEN),)


def _lags(chance: Random, busy: float) -> tuple[Lag, ...]:
    """The prices come steadily late for a while, in one of ten runs."""
    if chance.random() < 0.9:
        return ()
    begins = chance.uniform(3.0, busy - 5.0)
    ends = min(busy, begins + chance.choice((10.0, 30.0, 60.0)))
    return (Lag(begins, ends, chance.choice((3.0, 7.0, 15.0, 40.0))),)


def _disk_troubles(chance: Random, busy: float) -> tuple[DiskTrouble, ...]:
    """A disk that is full or broken for a while, in one of six runs; all of it ends with the storm."""
    if chance.random() < 5 / 6:
        return ()
    made = []
    for at in _times(chance, 1.0, busy, chance.choice((1, 1, 2, 4))):
        seconds = min(chance.choice((0.2, 2.0, 8.0, 25.0)), busy - at)
        made.append(DiskTrouble(at, chance.choice(tuple(OnDisk)), seconds))
    return tuple(made)


def _asked(chance: Random, symbol: str, side: Side, busy: float) -> tuple[Asked, ...]:
    asked = [Asked(at, Approve("", 0)) for at in _times(chance, 3.0, busy, chance.randint(0, 6))]
    if chance.random() < 0.3:
        for at in _times(chance, 6.0, busy, chance.randint(1, 3)):
            command = chance.choice(
                (
                    Halt("proof"),
                    Flatten("proof"),
                    Resume(),
                    Pause(symbol, side),
                    Unpause(symbol, side),
                    Reduce(symbol, side, Decimal("0.4")),
                    Reduce(symbol, side, Decimal(1)),
                    Breakeven(symbol, side),
                    SetStopMode(symbol, side, chance.choice(tuple(StopMode))),
                )
            )
            asked.append(Asked(at, command))
    return tuple(asked)


def _entries(chance: Random, busy: float) -> tuple[Asked, ...]:
    """Entries that wait at the touch, in one of six runs: of most the rest is taken back after a moment."""
    if chance.random() < 5 / 6:
        return ()
    made = []
    for at in _times(chance, 3.0, busy, chance.randint(1, 4)):
        symbol, side = chance.choice(tuple(MARKETS)), chance.choice(tuple(Side))
        wait_s, tries = chance.choice((2, 5, 15)), chance.choice((1, 2, 3))
        enter = Enter(symbol, side, margin=Decimal(8), patient=True, wait_s=wait_s, tries=tries)
        made.append(Asked(at, enter))
        back = chance.choice((Deny("", 0), Deny("", 0), Deny("", 0), Exit(symbol, side), None))
        if back is not None:
            made.append(Asked(min(busy, at + chance.choice((0.01, 0.3, 2.0, 6.0))), back))
    return tuple(made)


def _endings(chance: Random, busy: float) -> tuple[Ending, ...]:
    """Crashes: at a time, or at a step; the machine comes back after a moment or after a minute."""
    if chance.random() < 0.45:
        return ()
    endings = []
    for at in _times(chance, 2.0, busy, chance.choice((1, 1, 1, 2, 3))):
        torn, clean = chance.random() < 0.6, chance.random() < 0.2
        down = chance.choice((0.1, 1.0, 3.0, 20.0, 45.0))
        if clean or chance.random() < 0.5:
            endings.append(Ending(at=at, down=down, torn=torn, clean=clean))
        else:
            endings.append(Ending(step=chance.randint(1, 900), down=down, torn=torn))
    return tuple(endings)


def _times(chance: Random, first: float, last: float, count: int) -> list[float]:
    return sorted(chance.uniform(first, last) for _ in range(count))
