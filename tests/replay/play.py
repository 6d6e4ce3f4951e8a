"""One replay: the engine on the wire and the reference beside it, over the same recorded market."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from engine.core.events import FillSeen
from engine.core.exchange import Cause
from engine.core.instrument import Side
from engine.core.ledger import net_so_far
from engine.core.settings import Limits, Managed, Settings
from engine.simulator.candles import Recording
from engine.simulator.feed import Halt
from engine.simulator.server import load
from engine.simulator.world import World
from tests.replay.reference import Book, Paper, Trade
from tests.replay.stage import Stage, stage

BALANCE = Decimal(100)
LEVERAGE = {"BTCUSDT": Decimal(20), "ETHUSDT": Decimal(40)}
STEPS = 0
"""Ticks between two corners of a minute: four prices a minute are the recording, nothing made up."""


@dataclass(frozen=True)
class Told:
    """What one side says happened: trades in order, and the stops that rested after each change."""

    trades: list[Trade]
    stops: list[tuple[str, int, dict[int, Decimal]]]
    ended: Mapping[str, str]
    rungs: Mapping[str, int]
    paid: Mapping[str, Decimal]


@dataclass(frozen=True)
class Replayed:
    """Both stories, and the account at the end as the exchange has it: `equity`, and `balance` without open
    profit.
    """

    mine: Told
    reference: Told
    equity: Decimal
    balance: Decimal
    notes: list[str]
    last_ms: int


async def replay(
    folder: Path,
    files: Sequence[Path],
    sides: Mapping[str, Side],
    *,
    start: int | None = None,
    until: int | None = None,
    seed: int = 0,
    tell: Callable[[str], None] | None = None,
) -> Replayed:
    """Open `sides` by hand with 10 USDT each at the first tick, then let everything happen to the end."""
    recordings = [load(file) for file in files]
    generous = Limits(daily_loss=Decimal("0.9"), kill_below=Decimal("0.05"))
    managed = tuple(Managed(symbol, LEVERAGE[symbol]) for symbol in sides)
    settings = Settings("main", managed=managed, limits=generous)
    market = {"data": recordings, "start": start, "seed": seed, "steps": STEPS}
    async with stage(folder, settings, balance=BALANCE, **market) as on:
        sizes = {}
        for symbol, side in sides.items():
            await on.hand.open(symbol, side, LEVERAGE[symbol], margin=Decimal(10))
            sizes[symbol] = Decimal((await on.hand.position(symbol, side))["total"])
        while len(on.cycles()) < len(sides):
            await on.reconcile()
        stops: list[tuple[str, int, dict[int, Decimal]]] = []
        while await on.play(until_ms=until) not in (Halt.END, Halt.TIME):
            _note_stops(on, stops)
            if tell is not None:
                _tell_progress(on, tell)
        mine = await _told(on, stops)

        account = on.sim.exchange.account(on.sim.keys[0].account_id)
        equity, balance = account.equity(), account.wallet
        notes = [line.text for line in on.engine.log.lines()]
        last = on.sim.market.now_ms

    told = recompute(recordings, sides, sizes, start=start, until=until, seed=seed)
    return Replayed(mine, told, equity, balance, notes, last)


def _note_stops(on: Stage, stops: list[tuple[str, int, dict[int, Decimal]]]) -> None:
    for symbol, cycle in on.cycles().items():
        resting = {stop.leg or 0: stop.trigger for stop in cycle.stops}
        before = next((seen for name, _, seen in reversed(stops) if name == symbol), {})
        if resting != before:
            stops.append((symbol, on.sim.market.now_ms, resting))


def _tell_progress(on: Stage, tell: Callable[[str], None]) -> None:
    """A line for each day, with what was told in it that concerns money."""
    day = datetime.fromtimestamp(on.sim.market.now_ms / 1000, UTC)
    if day.hour == 0 and day.minute == 0:
        marks = ", ".join(f"{tape.symbol} {tape.quote.mark}" for tape in on.sim.market)
        balance = on.engine.state.balance
        equity = f"{balance.equity:.2f}" if balance else "unknown"
        tell(f"{day:%Y-%m-%d}  {marks}  equity {equity}")


async def _told(on: Stage, stops: list[tuple[str, int, dict[int, Decimal]]]) -> Told:
    """The trades are told apart by their ids: one that was read as well as pushed is in the journal twice."""
    trades: dict[str, Trade] = {}
    async for recorded in on.engine.journal.read(limit=1_000_000):
        body = recorded.entry.event.body
        if isinstance(body, FillSeen) and body.fill.cause is not Cause.LIQUIDATION:
            fill = body.fill
            trades[fill.trade_id] = Trade(fill.symbol, fill.buy, fill.qty, fill.price, fill.at)
    cycles = [*on.engine.state.cycles.values(), *on.engine.state.closed]
    return Told(
        list(trades.values()),
        stops,
        {c.symbol: c.closed_reason for c in cycles},
        {c.symbol: c.rungs for c in cycles},
        {c.symbol: net_so_far(c) for c in cycles},
    )


def recompute(
    recordings: Sequence[Recording],
    sides: Mapping[str, Side],
    sizes: Mapping[str, Decimal],
    *,
    start: int | None,
    until: int | None,
    seed: int,
) -> Told:
    """The same market once more, every tick of it, through the reference."""
    world = World(recordings, start_ms=start, seed=seed, steps=STEPS)
    papers, stops = {}, []
    for symbol, side in sides.items():
        contract = world.exchange.contract(symbol)
        lot = Decimal(contract["sizeMultiplier"])
        tick = Decimal(contract["priceEndStep"]).scaleb(-int(contract["pricePlace"]))
        paper = Paper(symbol, side.d, LEVERAGE[symbol], tick, lot)
        quote = world.market[symbol].quote
        paper.open(sizes[symbol], quote, Book(quote))
        papers[symbol] = paper
    while (ts := world.next_ms()) is not None and (until is None or ts <= until):
        if ts >= world.funding.due_ms:
            for symbol, paper in papers.items():
                paper.fund(world.market[symbol].quote.mark, world.exchange.funding_rate(symbol))
                _note(paper, world.funding.due_ms, stops)
            world.wait_until(world.funding.due_ms)
        quote = world.step()
        if quote is None or quote.symbol not in papers:
            continue
        paper = papers[quote.symbol]
        if paper.ended:
            if all(p.ended for p in papers.values()):
                break
            continue
        book = Book(quote)
        paper.on_quote(quote, book)
        paper.rung(quote, book)
        _note(paper, quote.ts, stops)
    trades = [trade for paper in papers.values() for trade in paper.trades]
    return Told(
        trades,
        stops,
        {s: p.ended for s, p in papers.items()},
        {s: p.rungs for s, p in papers.items()},
        {s: p.paid for s, p in papers.items()},
    )


def _note(paper: Paper, ts: int, stops: list[tuple[str, int, dict[int, Decimal]]]) -> None:
    before = next((seen for name, _, seen in reversed(stops) if name == paper.symbol), {})
    if paper.qty and paper.stops != before:
        stops.append((paper.symbol, ts, dict(paper.stops)))
