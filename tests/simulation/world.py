"""The world: an exchange, a market that moves, a trader with two hands, and whatever else happens to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from engine.backtest.venue import InProcessBitget
from engine.core.instrument import Side
from engine.runtime.clock import Clock
from engine.simulator.catalogue import recorded_contracts
from engine.simulator.contract import Contract
from engine.simulator.errors import BitgetError
from engine.simulator.exchange import Exchange
from engine.simulator.private import PrivateEndpoints
from engine.simulator.quote import Quote

from .virtual_time import Timeline

if TYPE_CHECKING:
    from .network import Network
    from .watch import Watch

ACCOUNT = "desk"
COMMON = {"productType": "USDT-FUTURES", "marginCoin": "USDT"}
DEEP = Decimal(500)
THIN = Decimal("0.3")
"""The share of an order that a thin book fills."""


@cache
def contract(symbol: str) -> Contract:
    """On the recorded terms. Raises ValueError when there are none."""
    return recorded_contracts([symbol])[0]


class World:
    """Everything that goes on when the engine is down. `watch` looks at it after every change. `happened`
    counts what there was to tell, `done` names the deeds that took place: by them the desk is judged.
    """

    def __init__(
        self,
        timeline: Timeline,
        *,
        start_ms: int,
        seed: int,
        balance: Decimal,
        hedged: bool,
        prices: Mapping[str, Decimal],
        leverages: Mapping[str, Decimal],
    ) -> None:
        self.timeline = timeline
        self.start_ms = start_ms
        self.skew_ms = 0
        self.exchange = Exchange([contract(symbol) for symbol in prices], seed=seed, now_ms=start_ms)
        mode = "hedge_mode" if hedged else "one_way_mode"
        self.account = self.exchange.open_account(ACCOUNT, balance, position_mode=mode)
        self.hand = PrivateEndpoints(self.exchange, ACCOUNT)
        self.hedged = hedged
        self.watch: Watch
        self.venue: InProcessBitget | None = None
        self.network: Network | None = None
        self.requests_made: dict[str, int] = {}
        self.happened: Counter[str] = Counter()
        self.done: list[str] = []
        self.touched_at = -1e9
        self.bots = 0
        for symbol, price in prices.items():
            self.quote(symbol, price)
            self.hand.set_margin_mode({"symbol": symbol, "marginMode": "isolated", **COMMON})
            self.hand.set_leverage({"symbol": symbol, "leverage": str(leverages[symbol]), **COMMON})

    def __getstate__(self) -> dict[str, Any]:
        """The world without an engine in it, and without what was only counted."""
        counted = {"requests_made": {}, "happened": Counter()}
        return self.__dict__ | {"venue": None, "network": None} | counted

    def stands_still(self) -> bool:
        """Whether all that is planned is a price that stays where it is."""
        return all(
            isinstance(act, partial) and act.func == self.quote and act.args[1] == self.mark(act.args[0])
            for act in self.timeline.planned()
        )

    # -- time and market ----------------------------------------------------------------------------------

    def machine_clock(self) -> Clock:
        """A new clock on the engine's machine, whose time of day may be wrong and may be set at any time."""
        return Clock(self._wall_ns, lambda: round(self.timeline.now * 1e9))

    def _wall_ns(self) -> int:
        return (self.start_ms + self.skew_ms) * 1_000_000 + round(self.timeline.now * 1e9)

    def catch_up(self) -> None:
        """The exchange's clock is the true one."""
        self.exchange.advance(self.start_ms + round(self.timeline.now * 1000))

    def quote(self, symbol: str, mark: Decimal, *, last: Decimal | None = None) -> None:
        """The market moves, and tells."""
        self.catch_up()
        tick = self.exchange.floor.listings[symbol].contract.instrument.tick
        last = mark if last is None else last
        quote = Quote(
            symbol=symbol,
            ts=self.exchange.now_ms,
            mark=mark,
            index=mark,
            last=last,
            bids=((last - tick, DEEP),),
            asks=((last + tick, DEEP),),
        )
        self.exchange.on_quote(quote)
        if self.venue is not None:
            self.venue.price(quote)
        if hasattr(self, "watch"):
            self.look()

    def mark(self, symbol: str) -> Decimal:
        return self.exchange.floor.listings[symbol].current().mark

    @contextmanager
    def thin(self, params: Mapping[str, Any], *, when: bool) -> Iterator[None]:
        """For one request the book holds less than the order wants."""
        symbol = str(params.get("symbol", ""))
        listing = self.exchange.floor.listings.get(symbol)
        if not when or listing is None or "size" not in params or listing.quote is None:
            yield
            return
        lot = listing.contract.instrument.lot
        cap = max(lot, listing.contract.instrument.floor_qty(Decimal(params["size"]) * THIN))
        deep = listing.quote
        bids, asks = ((deep.bid, cap),), ((deep.ask, cap),)
        listing.quote = Quote(deep.symbol, deep.ts, deep.mark, deep.index, deep.last, bids, asks)
        try:
            yield
        finally:
            listing.quote = deep

    # -- who is there -------------------------------------------------------------------------------------

    def is_alive(self, network: Network) -> bool:
        """Whether this network belongs to the engine that runs now."""
        return self.network is network

    def struck(self, what: str) -> None:
        """Count a misfortune."""
        self.happened[str(what)] += 1

    def look(self) -> None:
        """Something may have changed: the invariants are checked."""
        self.watch.look()

    # -- the trader's hands -------------------------------------------------------------------------------

    def by_hand(self, act: str, **params: Any) -> bool:
        """Do something on the exchange as the trader does in the app. Returns whether Bitget took it."""
        self.catch_up()
        self.touched_at = self.timeline.now
        self.watch.by_hand = True
        try:
            getattr(self.hand, act)(params | COMMON)
        except BitgetError:
            return False
        finally:
            self.watch.by_hand = False
            self.look()
        self.happened[f"by hand: {act}"] += 1
        return True

    def open(self, symbol: str, side: Side, qty: Decimal) -> bool:
        """A market order that opens or adds."""
        way = {"tradeSide": "open"} if self.hedged else {}
        return self.by_hand(
            "place_order",
            symbol=symbol,
            side="buy" if side is Side.LONG else "sell",
            size=str(qty),
            orderType="market",
            marginMode="isolated",
            **way,
        )

    def close(self, symbol: str, side: Side, qty: Decimal) -> bool:
        """A market order that closes."""
        long = side is Side.LONG
        if self.hedged:
            way = {"side": "buy" if long else "sell", "tradeSide": "close"}
        else:
            way = {"side": "sell" if long else "buy", "reduceOnly": "YES"}
        return self.by_hand(
            "place_order", symbol=symbol, size=str(qty), orderType="market", marginMode="isolated", **way
        )

    def flip(self, symbol: str, side: Side, qty: Decimal) -> bool:
        """One-way: an order against the position that is larger than it."""
        return self.open(symbol, side.opposite, qty)

    def move_stop(self, symbol: str, order_id: str, trigger: Decimal, qty: Decimal) -> bool:
        sized = {"size": str(qty)} if qty else {"size": ""}
        return self.by_hand(
            "modify_tpsl_order",
            symbol=symbol,
            orderId=order_id,
            triggerPrice=str(trigger),
            triggerType="mark_price",
            executePrice="0",
            **sized,
        )

    def cancel_stop(self, symbol: str, order_id: str, kind: str) -> bool:
        return self.by_hand(
            "cancel_plan_order", symbol=symbol, planType=kind, orderIdList=[{"orderId": order_id}]
        )
