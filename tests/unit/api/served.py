"""A small engine in memory: it keeps a snapshot, decides plain commands, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import msgspec

from engine.api.remote import Remote
from engine.api.server import ControlSocket
from engine.api.stream import Stream
from engine.core.events import SignalHeard, SignalOutcome
from engine.core.settings import Settings
from engine.core.signals import to_journal
from engine.core.state import State
from engine.protocol import (
    PROTOCOL,
    AccountView,
    Answer,
    EngineView,
    EntryView,
    Flatten,
    FlipView,
    Halt,
    Hello,
    LegView,
    Level,
    LinkView,
    LogLine,
    Mode,
    ModeView,
    OrderView,
    PositionView,
    PreviewView,
    ReduceView,
    Request,
    Resume,
    Side,
    SignalsView,
    Snapshot,
    Status,
    StopMode,
    StopView,
    StoryLine,
    Verdict,
)

D = Decimal
NOW = 1_746_712_801_000
"""2025-05-08 14:00:01 UTC."""


def btc_short(**changes: object) -> PositionView:
    """LADDER's example A after its first rung, with the mark at 95,010.2."""
    position = PositionView(
        key="BTCUSDT:short",
        cycle="btc-1",
        managed=True,
        can_adopt=False,
        symbol="BTCUSDT",
        side=Side.SHORT,
        entry=D("96612.90"),
        mark=D("95010.2"),
        last=D("95010.0"),
        mark_age_ms=120,
        size=D("0.0031"),
        margin=D("14.975"),
        leverage=D(20),
        unrealized_pnl=D("4.96837"),
        unrealized_return=D("0.3317"),
        liquidation=D("100979.04"),
        distance=D("0.0628"),
        distance_usdt=D("5968.84"),
        status=Status.BREAKEVEN,
        reason="",
        blocked="",
        rungs=1,
        next_rung=None,
        worst_case=D("-4.4975"),
        risk_free=False,
        funding=D("-0.02"),
        fees=D("0.2967"),
        realized=D("5.0000"),
        breakeven=D("98071.2"),
        stop_mode=StopMode.LEG_ENTRY,
        legs=(
            LegView(1, D("0.0010"), D("100000"), D(20), D("5"), D("100000"), "trader", True),
            LegView(2, D("0.0021"), D("95000"), D(20), D("9.975"), D("99293.2"), "ladder", False),
        ),
        stops=(
            StopView(D("0.0021"), D("99293.2"), "own margin", 2, "resting", True, D("-9.02"), True),
            StopView(D("0.0010"), D("100000"), "entry", 1, "resting", True, D("0"), True),
        ),
        opened=NOW - 3_600_000,
        if_machine_dies="two stops rest on the exchange; worst case −4.50",
        price_decimals=1,
        qty_decimals=4,
    )
    return msgspec.structs.replace(position, **changes)


def entering(**changes: object) -> EntryView:
    """An entry that waits at the touch for twelve seconds, and has a part of what it wants."""
    entry = EntryView(
        id="kqzxn2v3h5a7c6de",
        symbol="ETHUSDT",
        side=Side.LONG,
        by="webhook, buy long",
        want=D("0.05"),
        filled=D("0.02"),
        price=D(2000),
        since=NOW - 12_000,
        attempt=1,
        tries=4,
    )
    return msgspec.structs.replace(entry, **changes)


def flipping() -> FlipView:
    """A short that is left for a long, which has 38 seconds to begin."""
    return FlipView("flip1", "BTCUSDT", Side.LONG, "webhook", NOW + 38_000, D("0.5"))


def snapshot(**changes: object) -> Snapshot:
    """A quiet account with one position."""
    value = Snapshot(
        version=1,
        engine=EngineView(
            version="0.1.0",
            account="main",
            mode=Mode.SIM,
            started=NOW - 7_200_000,
            now=NOW,
            market=NOW,
            reconciled=True,
            unread=(),
            killed="",
            flattening=False,
            read_only="",
            auto=True,
        ),
        links=(LinkView("public", True, 90, 14.0, 0), LinkView("private", True, 400, 14.0, 0)),
        account=AccountView(
            equity=D("109.7033"),
            free=D("89.7283"),
            day_pnl=D("9.7033"),
            day_return=D("0.097"),
            week_pnl=D("9.7033"),
            week_return=D("0.097"),
            worst_case=D("-4.4975"),
            deployed=D("0.137"),
            leverage=D("2.69"),
            funding=D("-0.02"),
            cycles=1,
            max_cycles=2,
            risk_free=0,
        ),
        positions=(btc_short(),),
        approvals=(),
        limits=(),
        unknown=(),
        closed=(),
        log=(LogLine(1, NOW, NOW, Level.MONEY, "BTCUSDT", "rung 1 done: banked +5.00"),),
    )
    return msgspec.structs.replace(value, **changes)


class EngineFace:
    """`Served`, in memory. Commands change the snapshot; a request id seen before gets the same answer."""

    def __init__(self, first: Snapshot | None = None) -> None:
        self.now = first or snapshot()
        self.asked: list[Request] = []
        self.answers: dict[str, Answer] = {}
        self.snapshots_made = 0
        self.journal: list[SignalHeard] = []
        self.done: set[str] = set()
        """The commands that were done, by their ids."""
        self._news = asyncio.Event()

    @property
    def version(self) -> int:
        return self.now.version

    def hello(self) -> Hello:
        return Hello(PROTOCOL, "0.1.0", "main", Mode.SIM, 4711)

    def snapshot(self) -> Snapshot:
        self.snapshots_made += 1
        return self.now

    async def changed(self, after: int) -> int:
        while self.version <= after:
            await self._news.wait()
        return self.version

    def change(self, **changes: object) -> None:
        """The next version of the snapshot."""
        self.now = msgspec.structs.replace(self.now, version=self.version + 1, **changes)
        self._news.set()
        self._news = asyncio.Event()

    async def command(self, request: Request) -> Answer:
        self.asked.append(request)
        if request.id not in self.answers:
            self.answers[request.id] = Answer(request.id, *self._decide(request))
        return self.answers[request.id]

    def _decide(self, request: Request) -> tuple[Verdict, str]:
        engine = self.now.engine
        match request.command:
            case Halt() | Flatten():
                killed = msgspec.structs.replace(engine, killed=f"{request.by}: {request.command.reason}")
                self.change(engine=killed)
                return Verdict.DONE, "halted: nothing adds risk until you resume; stops stay"
            case Resume() if not engine.killed:
                return Verdict.REFUSED, "nothing is halted"
            case Resume():
                self.change(engine=msgspec.structs.replace(engine, killed=""))
                return Verdict.DONE, "resumed"
            case _:
                return Verdict.DONE, f"{type(request.command).__name__.lower()}: done"

    def preview(self, symbol: str, side: Side, parts: tuple[Decimal, ...]) -> PreviewView:
        """At the mark, with fees of 0.06 %; the worst case of what is left in proportion."""
        position = next(each for each in self.now.positions if (each.symbol, each.side) == (symbol, side))
        assert position.breakeven is not None
        worst, mark = position.worst_case or D(0), position.mark or D(0)
        whole = StopView(position.size, position.breakeven, "cycle", None, "wanted", False, D(0), True)
        passed = side.d * (mark - position.breakeven) < 0
        return PreviewView(
            symbol,
            side,
            position.cycle,
            position.mark,
            StopMode.LEG_ENTRY,
            worst,
            (ModeView(StopMode.CYCLE_BREAKEVEN, D(0), (whole,) if position.rungs else (), passed),),
            tuple(_closing(position, part, mark, worst) for part in parts) if mark else (),
        )

    def orders(self) -> tuple[OrderView, ...]:
        return (
            OrderView(
                "BTCUSDT",
                "loss_plan",
                Side.SHORT,
                True,
                D("0.0021"),
                D("99293.2"),
                None,
                "1234567",
                "btc1-r1-s2",
                True,
                "own margin",
            ),
        )

    async def signals(self) -> SignalsView:
        return self.regimes()

    def regimes(self) -> SignalsView:
        return SignalsView(())

    async def heard(self, signal: SignalHeard) -> None:
        accepted = [each.id for each in self.journal if each.outcome is SignalOutcome.ACCEPTED]
        told = (*(each.nonce for each in self.journal), *accepted)
        known = State(Settings("main"), commands_seen=tuple(self.done), signals_seen=told)
        if (new := to_journal(known, signal)) is not None:
            self.journal.append(new)

    async def why(self, name: str) -> list[StoryLine]:
        if name not in {"BTCUSDT", "BTCUSDT:short", "btc-1"}:
            return []
        return [StoryLine(1, NOW, "event", "mark 95,000.0 reached rung 1", Level.MONEY)]


def _closing(position: PositionView, part: Decimal, mark: Decimal, worst: Decimal) -> ReduceView:
    qty = (position.size * part).quantize(D(1).scaleb(-position.qty_decimals), ROUND_DOWN)
    result = position.side.d * qty * (mark - position.entry) - D("0.0006") * qty * mark
    left, freed = position.size - qty, position.margin * qty / position.size
    then = worst * left / position.size if left else position.realized - position.fees + result
    refused = "" if qty else "0 is below Bitget's minimum of 0.0001"
    return ReduceView(part, qty, left, result, freed, position.liquidation, then, refused)


@asynccontextmanager
async def behind(face: EngineFace) -> AsyncIterator[Remote]:
    """The engine as the process at the doors has it: behind its control socket."""
    with tempfile.TemporaryDirectory(prefix="rt") as folder:
        path = Path(folder) / "e"
        async with ControlSocket(face, path), Remote(path) as remote:
            yield remote


@contextmanager
def living_engine(socket: Path, face_of: type[EngineFace] = EngineFace) -> Iterator[EngineFace]:
    """An engine on `socket` in a loop of its own, for clients in other processes."""
    ready, faces = threading.Event(), list[tuple[EngineFace, asyncio.AbstractEventLoop, asyncio.Event]]()

    async def live() -> None:
        face, end = face_of(), asyncio.Event()
        async with ControlSocket(face, socket, stream=Stream(face, interval_s=0.01)) as control:
            drawing = asyncio.create_task(control.run())
            faces.append((face, asyncio.get_running_loop(), end))
            ready.set()
            await end.wait()
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    assert ready.wait(60), "the engine did not come up"
    face, loop, end = faces[0]
    try:
        yield face
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(60)
        assert not thread.is_alive()
