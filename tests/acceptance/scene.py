"""One desk at work: the engine in process on a simulated Bitget, a trader with plain ccxt, and a clock that
can be moved on.

The market is ideal (no spread, no slippage, no funding) unless a scene asks for another one, so that the
numbers are those of the worked examples.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import ccxt.async_support

from engine.core.cycle import Cycle
from engine.core.decide import Decision
from engine.core.events import AnyCommand, Commanded, Timer
from engine.core.exchange import Tick
from engine.core.instrument import Side
from engine.core.settings import Ladder, Limits, Settings
from engine.journal.replay import replay
from engine.journal.sqlite import SqliteJournal
from engine.protocol import AccountView, Mode
from engine.runtime.clock import Clock
from engine.runtime.engine import Engine
from engine.runtime.snapshot import snapshot_of
from engine.simulator.quote import Quote
from engine.simulator.server import SimulatedBitget
from engine.venue.bitget import Bitget, Patience
from engine.venue.keys import Keys
from tests.replay.stage import Stage, stage

PATIENCE_S = 60.0
BTC, ETH = "BTCUSDT", "ETHUSDT"
AT_CCXT = {BTC: "BTC/USDT:USDT", ETH: "ETH/USDT:USDT", "SOLUSDT": "SOL/USDT:USDT"}
PRICES = {BTC: Decimal(100_000), ETH: Decimal(3_000), "SOLUSDT": Decimal(150)}


def trader_of(sim: SimulatedBitget) -> Any:
    """A plain ccxt client with the keys of `sim`, as a person's own script would make one."""
    client = ccxt.async_support.bitget(
        {
            "apiKey": sim.key,
            "secret": sim.secret,
            "password": sim.passphrase,
            "enableRateLimit": False,
            "options": {"defaultType": "swap", "uta": False, "fetchMarkets": {"types": ["swap"]}},
        }
    )
    client.urls["api"] = {name: sim.url for name in client.urls["api"] if name not in ("ws", "demo")}
    client.has["fetchCurrencies"] = False
    return client


@dataclass
class Scene:
    """Everything on stage, in the trader's words. Prices and sizes may be given as text."""

    on: Stage
    trader: Any
    clock: Ahead

    # -- what the trader and the market do -------------------------------------------------------------------

    async def mark(self, price: str, symbol: str = BTC) -> None:
        """The market moves to exactly `price`."""
        await self.on.hand.mark(symbol, Decimal(price))

    async def order(
        self,
        side: str,
        qty: str,
        symbol: str = BTC,
        kind: str = "market",
        price: str | None = None,
        **more: Any,
    ) -> Any:
        """The trader orders with ccxt, isolated."""
        params = {"marginMode": "isolated", "hedged": False, **more}
        return await self.trader.create_order(
            AT_CCXT[symbol], kind, side, float(qty), float(price) if price else None, params
        )

    async def moves_stop(self, trigger: str, to: str) -> None:
        """The trader drags the stop at `trigger` in the app."""
        row = next(row for row in self.plans() if row["triggerPrice"] == trigger)
        ids = {"symbol": BTC, "productType": "USDT-FUTURES", "marginCoin": "USDT", "orderId": row["orderId"]}
        await self.trader.private_mix_post_v2_mix_order_modify_tpsl_order(
            ids | {"triggerPrice": to, "triggerType": "mark_price", "size": row["size"]}
        )

    async def cancels_stop(self, trigger: str) -> None:
        row = next(row for row in self.plans() if row["triggerPrice"] == trigger)
        params = {"planType": row["planType"], "trigger": True}
        await self.trader.cancel_order(row["orderId"], AT_CCXT[BTC], params)

    async def opens(
        self, side: Side = Side.SHORT, qty: str = "0.002", leverage: int = 20, symbol: str = BTC
    ) -> Cycle:
        """The trader opens by hand, and the engine has taken the position under care."""
        await self.on.hand.leverage(symbol, Decimal(leverage))
        await self.order("buy" if side is Side.LONG else "sell", qty, symbol)
        await self.until(lambda: symbol in self.on.cycles(), f"{symbol} is adopted")
        await self.on.at_rest()
        return self.cycle(symbol)

    async def opens_and_climbs(self, *marks: str) -> Cycle:
        """Example A: short from 100,000 at 20x, then one rung at each of these marks."""
        await self.opens()
        for mark in marks or ("95000",):
            done = self.cycle().rungs + 1
            await self.mark(mark)
            await self.until(
                lambda done=done: self.cycle().rungs == done and not self.cycle().rung, f"rung {done}"
            )
            await self.on.at_rest()
        return self.cycle()

    def thin_market(
        self,
        mark: Decimal,
        *,
        last: Decimal | None = None,
        bid: Decimal | None = None,
        ask: Decimal | None = None,
        bid_size: str = "1000",
        ask_size: str = "1000",
        symbol: str = BTC,
    ) -> None:
        """One tick with exactly this mark, last and touch, and nothing behind the touch."""
        market = self.on.sim.market
        bids, asks = ((bid or mark, Decimal(bid_size)),), ((ask or mark, Decimal(ask_size)),)
        self.on.sim.world.show(Quote(symbol, market.now_ms + 1, mark, mark, last or mark, bids, asks))
        self.on.sim.streams.flush()

    async def sees(self, mark: Decimal, symbol: str = BTC) -> None:
        """The engine sees a price that the exchange does not act on."""
        engine = self.on.engine
        engine.tick(Tick(symbol, mark, mark, engine.now()))
        await asyncio.sleep(0)

    async def looks_at_the_contracts(self) -> None:
        """What happens every minute: the contracts are read again."""
        venue = self.on.engine.venue
        assert isinstance(venue, Bitget)
        await venue.look_at_contracts()

    def account_view(self) -> AccountView:
        return snapshot_of(self.on.engine, Mode.SIM).account

    @asynccontextmanager
    async def another_engine(self, folder: Path, **more: Any) -> AsyncIterator[Engine]:
        """A second engine on the same account, with a journal of its own."""
        sim = self.on.sim
        venue = Bitget(Keys(sim.key, sim.secret, sim.passphrase), url=sim.url)
        journal = await SqliteJournal.open(folder / "state.db", account=venue.account)
        engine = Engine(self.on.engine.settings, venue, journal, version="second", **more)
        running = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await venue.close()
            await journal.close()

    def asks(self, command: AnyCommand) -> Any:
        """The trader asks the engine; returns when it is decided and durable."""
        return self.on.engine.command(Commanded(uuid4().hex, "cli on test", command))

    async def is_told(self, command: AnyCommand) -> str:
        """The answer to a command, or the refusal."""
        decision: Decision = await self.asks(command)
        return decision.refused or decision.answer

    # -- what is so ------------------------------------------------------------------------------------------

    def cycle(self, symbol: str = BTC) -> Cycle:
        """The open cycle of `symbol`, else the last one that ended."""
        state = self.on.engine.state
        every = [*state.closed, *state.cycles.values()]
        return next(c for c in reversed(every) if c.symbol == symbol)

    def plans(self, symbol: str = BTC) -> list[dict[str, Any]]:
        """The plan and TP/SL orders that rest on the exchange, highest trigger first."""
        rows = [r for r in self._account()["plan_orders"] if r["symbol"] == symbol]
        return sorted(rows, key=lambda r: -Decimal(r["triggerPrice"]))

    def stops(self, symbol: str = BTC) -> list[str]:
        """What rests on the exchange as TP/SL, highest trigger first: `0.001 @ 100000`, or `all @ 100000`."""
        rows = self.plans(symbol)
        sized = [r["size"] if r["planType"] in ("loss_plan", "profit_plan") else "all" for r in rows]
        return [f"{size} @ {r['triggerPrice']}" for size, r in zip(sized, rows, strict=True)]

    def believed(self, symbol: str = BTC) -> list[str]:
        """The stops that Ratchet believes in, in the same words."""
        resting = sorted(self.cycle(symbol).stops, key=lambda stop: -stop.trigger)
        return [
            f"{'all' if s.qty is None else s.qty.normalize()} @ {s.trigger.normalize():f}" for s in resting
        ]

    def held(self, symbol: str = BTC) -> Decimal:
        """What the exchange holds of `symbol`, signed: short is negative."""
        rows = [r for r in self._account()["positions"] if r["symbol"] == symbol]
        return sum((Side(r["holdSide"]).d * Decimal(r["total"]) for r in rows), Decimal(0))

    def working(self) -> list[dict[str, Any]]:
        """The normal orders that rest on the exchange."""
        return list(self._account()["orders"])

    def sent(self, path: str = "place-order") -> list[dict[str, Any]]:
        """The requests to `path` that the exchange has seen, with their outcomes."""
        rows = self.on.sim._rest.log.rows(0)
        return [row for row in rows if row["path"].endswith(path)]

    def _account(self) -> Any:
        return self.on.sim.exchange.state()["accounts"][self.on.sim.keys[0].account_id]

    def told(self) -> list[str]:
        """What the trader was told so far."""
        return [line.text for line in self.on.engine.log.lines()]

    def was_told(self, words: str) -> bool:
        return any(words in line for line in self.told())

    def fault_after(self, is_so: Callable[[], bool], fault: dict[str, Any]) -> Callable[[], bool]:
        """Arm a fault in the very operation of the exchange after which `is_so`.

        The answer tells whether that has been, however short it lasted.
        """
        struck = asyncio.Event()

        def look(_: object) -> None:
            if is_so():
                leave()
                self.fault(fault)
                struck.set()

        leave = self.on.sim.exchange.subscribe(look)
        return struck.is_set

    def fault(self, *faults: dict[str, Any]) -> None:
        self.on.sim.faults.add(faults)

    def legs(self, symbol: str = BTC) -> list[str]:
        """The ledger: `0.001 @ 100000`, oldest leg first."""
        return [f"{leg.qty.normalize()} @ {leg.entry.normalize():f}" for leg in self.cycle(symbol).legs]

    # -- waiting ---------------------------------------------------------------------------------------------

    async def until(self, is_so: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
        """Wait until `is_so`, or fail with `what` and everything that was told."""
        give_up = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < give_up, "\n".join([f"it never came to this: {what}", *self.told()])
            await asyncio.sleep(0.005)

    async def is_told_that(self, words: str) -> None:
        await self.until(lambda: self.was_told(words), f"“{words}” is told")

    async def later(self, seconds: float, *, prices_come: bool = True) -> None:
        """So much time passes for the engine, the last of it a tick of its timer; prices come all along."""
        self.clock.ahead_ms += int(seconds * 1000)
        engine = self.on.engine
        if prices_come:
            for tick in engine.prices.newest():
                engine.tick(tick)
        engine.take(Timer())
        await asyncio.sleep(0)

    async def quiet(self, seconds: float = 0.3) -> None:
        """Real time in which something that must not happen could happen."""
        await asyncio.sleep(seconds)


class Ahead(Clock):
    """The engine's clock, moved on by hand."""

    ahead_ms = 0

    def __call__(self) -> int:
        return super().__call__() + self.ahead_ms


@asynccontextmanager
async def scene(
    folder: Path,
    ladder: Ladder | None = None,
    limits: Limits | None = None,
    settings: Settings | None = None,
    patience: Patience | None = None,
    **simulated: Any,
) -> AsyncIterator[Scene]:
    """The curtain rises on 100 USDT, BTC at 100,000 and ETH at 3,000; nothing is open."""
    chosen = settings or Settings("main", ladder=ladder or Ladder(), limits=limits or Limits())
    market = {
        "balance": Decimal(100),
        "markets": PRICES,
        "ideal": True,
        "maintenance": Decimal("0.004"),
        **simulated,
    }
    clock = Ahead()
    async with stage(folder, chosen, clock=clock, patience=patience, **market) as on:
        trader = trader_of(on.sim)
        try:
            await trader.load_markets()
            yield Scene(on, trader, clock)
        finally:
            await trader.close()
    lived = await asyncio.to_thread(replay, folder / "state.db")
    assert not lived.difference, f"the journal decides otherwise: {lived.difference}"
