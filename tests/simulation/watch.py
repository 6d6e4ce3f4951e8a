"""The invariants that hold at every step: what may be sent, what may be executed, and what must rest all the
time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from engine.core.actions import CancelStop, MoveStop, PlaceLimit, PlaceMarket, PlaceStop
from engine.core.cycle import Cycle, key_of
from engine.core.events import Answered
from engine.core.exchange import Refused
from engine.core.ids import ENTRY_PREFIX, is_entry, is_ours
from engine.core.instrument import ZERO, Side
from engine.core.pending import DUPLICATE
from engine.core.settings import Basis, Sequence, Settings
from engine.core.stops import is_nearer
from engine.simulator.plan_orders import PlanOrder, PlanType
from engine.venue.malformed import Malformed, shaped
from engine.venue.orders import CANCEL_STOP, MOVE_STOP, PLACE, PLACE_STOP, SET_LEVERAGE
from engine.venue.prices import LAG_MS, PriceRow

from .misfortune import SECOND

if TYPE_CHECKING:
    from engine.journal.port import Entry
    from engine.runtime.engine import Engine

    from .disk import Disk
    from .world import World

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
TICK_AGE_S: Final = 5.0
ON_ITS_WAY_S: Final = 1.0
"""How long a decision may take from the engine to the wire: journal, lanes."""
NEEDED: Final = {
    "v2/mix/position/all-position": 1,
    "v2/mix/account/account": 1,
    "v2/mix/order/orders-pending": 1,
    "v2/mix/order/orders-plan-pending": 3,
}
"""What must have been read since the start, or since the private link was lost, before risk is added."""

LOSSES: Final = (PlanType.LOSS, PlanType.POS_LOSS)

Key = tuple[str, Side]


class Dated(msgspec.Struct):
    """A frame's own moment, the exchange's clock."""

    ts: int


def opens(params: Mapping[str, Any]) -> bool:
    """Whether an order makes a position larger."""
    return params.get("reduceOnly") == "NO" or params.get("tradeSide") == "open"


class Watch:
    """Looks at every request and every change. `violations` are sentences; an empty list is the proof.

    `killed` is whether a halt was acknowledged, `is_owed` whether from memory only: a crash forgets that one.
    `patience_s` is how long a position of the ladder may lack a stop while the engine lives and tries.
    """

    def __init__(self, world: World, settings: Settings, *, patience_s: float) -> None:
        self.violations: list[str] = []
        self.engine: Engine | None = None
        self.disk: Disk
        self.killed = False
        self.is_owed = False
        self.unrecorded: set[str] = set()
        self.by_hand = False
        self.exits = 0
        self.counts: dict[str, int] = defaultdict(int)
        self.longest_uncovered = 0.0
        self._world = world
        self._settings = settings
        self._patience_s = patience_s
        self._booted = 0.0
        self._bodies: dict[str, dict[str, Any]] = {}
        self._priced: dict[str, float] = {}
        self._told_ms = 0
        self._read: dict[str, set[str]] = defaultdict(set)
        self._is_connected = False
        self._decided: dict[str, float] = {}
        self._fills = 0
        self._accepted: dict[str, None] = {}
        self._denied: dict[str, float] = {}
        self._executed: dict[str, Decimal] = defaultdict(Decimal)
        self._held: dict[Key, Decimal] = {}
        self._covered: dict[Key, Decimal] = {}
        self._uncovered_since: dict[Key, float] = {}
        self._laddered: dict[str, list[tuple[str, Decimal]]] = {}
        self._asked_at: dict[str, Decimal] = {}
        self._leg_of: dict[str, int | None] = {}
        self._parts: dict[str, tuple[str, tuple[tuple[int, Decimal], ...]]] = {}

    def say(self, what: str) -> None:
        """A violation, told once."""
        line = f"{self._world.timeline.now:.3f} s: {what}"
        if all(known.partition(": ")[2] != what for known in self.violations):
            self.violations.append(line)

    def __getstate__(self) -> dict[str, Any]:
        """Without what belongs to one life of the engine, and without what was only counted: the next life
        begins with `booted`.
        """
        left = self.__dict__ | {"engine": None, "_booted": 0.0, "_read": defaultdict(set), "_priced": {}}
        left.pop("disk", None)
        return left | {
            "_told_ms": 0,
            "_is_connected": False,
            "_decided": {},
            "counts": defaultdict(int),
            "longest_uncovered": 0.0,
        }

    def booted(self, engine: Engine, disk: Disk) -> None:
        """A new life of the engine."""
        self.engine, self.disk = engine, disk
        if self.is_owed:
            self.killed = self.is_owed = False
        self._booted = self._world.timeline.now
        self._read.clear()
        self._priced.clear()
        self._told_ms = 0
        self._is_connected = False
        self._decided.clear()

    def began_again(self) -> None:
        """The disk relented: the engine goes on from what is recorded, and has to read everything again."""
        self.is_owed = False
        self._booted = self._world.timeline.now
        self._read.clear()
        self.counts["the journal refused and was mended"] += 1

    # -- what reaches the engine --------------------------------------------------------------------------

    def priced(self, symbol: str, frame: str) -> None:
        """A price came. One of a moment that is long past, by what REST has told, is none."""
        if msgspec.json.decode(frame, type=Dated).ts >= self._told_ms - LAG_MS:
            self._priced[symbol] = self._world.timeline.now

    def told_price(self, rows: Any) -> None:
        """REST told the moment of the newest price."""
        with suppress(Malformed):
            for row in shaped("symbol-price", rows, list[PriceRow]):
                self._told_ms = row.ts

    def was_read(self, path: str, params: Mapping[str, Any]) -> None:
        self._read[path].add(str(params.get("planType", "")))

    def connected(self) -> None:
        self._is_connected = True

    def disconnected(self) -> None:
        """What was decided before is on its way to the wire."""
        self._is_connected = False
        self._read.clear()
        on_their_way = self.engine.state.pending if self.engine else ()
        self._decided = dict.fromkeys(on_their_way, self._world.timeline.now)

    def was_denied(self, entry: str) -> None:
        """The trader took the rest of an entry back, and was told that it is."""
        self._denied.setdefault(f"{ENTRY_PREFIX}{entry}-", self._world.timeline.now)

    # -- what the engine sends ----------------------------------------------------------------------------

    def sent(self, path: str, params: Mapping[str, Any]) -> None:
        """A request that changes something leaves the machine."""
        self.counts[path.rpartition("/")[2]] += 1
        self._note_legs()
        refused_at = self.disk.refused_at
        is_late = refused_at is not None and self._world.timeline.now - refused_at > ON_ITS_WAY_S
        is_late = (
            is_late and path != SET_LEVERAGE
        )  # one action with the margin mode, and leaves after its answer
        if is_late and not self._may_go_unrecorded(path, params):
            self.say(f"{path} was sent while nothing could be recorded")
        if path in (PLACE, PLACE_STOP):
            self._check_denied(str(params.get("clientOid", "")))
            self._check_name(path, params)
        if path == PLACE:
            self._check_market(params)
        elif not self._is_intended(path, params) and not self._may_go_unrecorded(path, params):
            self.say(f"{path} was sent before it was journalled: {dict(params)}")

    def _check_denied(self, name: str) -> None:
        """Nothing of an entry that was taken back leaves any more, not even once again."""
        since = next((at for prefix, at in self._denied.items() if name.startswith(prefix)), None)
        if since is not None and self._world.timeline.now - since > ON_ITS_WAY_S:
            self.say(f"order {name} left after its entry was taken back")

    def _check_exits(self) -> None:
        """Only an exit closes what an entry has filled; taking back its rest leaves it."""
        for cycle in self.engine.state.cycles.values() if self.engine and not self.exits else ():
            if cycle.closing.startswith("exit"):
                self.say(
                    f"{cycle.symbol} {cycle.side.value} is closed ({cycle.closing}): nobody asked for it"
                )

    def _check_name(self, path: str, params: Mapping[str, Any]) -> None:
        name = str(params.get("clientOid", ""))
        if not NAME.fullmatch(name) or not (is_ours(name) or is_entry(name)):
            self.say(f"{name!r} is no client order id of ours")
        if self._may_go_unrecorded(path, params):
            self.unrecorded.add(name)
            return
        body = dict(params) | {"path": path}
        known = self._bodies.setdefault(name, body)
        if known != body:
            self.say(f"the client order id {name} was used for two orders: {known} and {body}")

    def _may_go_unrecorded(self, path: str, params: Mapping[str, Any]) -> bool:
        """What the trader has asked for to lose less: closing, and taking entries off the market."""
        by_heart = self.engine is not None and self.engine.by_heart
        return by_heart and path not in (PLACE_STOP, MOVE_STOP) and not (path == PLACE and opens(params))

    def _check_market(self, params: Mapping[str, Any]) -> None:
        name, adds = params["clientOid"], opens(params)
        work = self.disk.intended.get(name)
        is_told = work is not None or name in self.disk.armed
        if not is_told and not self._may_go_unrecorded(PLACE, params):
            self.say(f"order {name} was sent before it was journalled")
        sent = (adds, Decimal(params["size"]))
        if isinstance(work, PlaceMarket | PlaceLimit) and (work.opens, work.qty) != sent:
            self.say(f"order {name} was journalled as {work} and sent as {dict(params)}")
        if adds:
            self._check_adding(params)

    def _check_adding(self, params: Mapping[str, Any]) -> None:
        """Nothing that adds risk while killed, limited, stale or unreconciled; nor before the rest is
        covered.
        """
        engine, now, symbol = self.engine, self._world.timeline.now, params["symbol"]
        assert engine is not None
        if tick := engine.prices.of(symbol):
            self._asked_at[params["clientOid"]] = tick.mark
        state = engine.state
        if self.killed:
            self.say("an order that adds risk left after the kill switch was acknowledged")
        if state.day.limit_hit:
            self.say("an order that adds risk left although the daily limit is hit")
        if state.read_only:
            self.say("an order that adds risk left a read-only engine")
        if now - self._priced.get(symbol, -1e9) > TICK_AGE_S + ON_ITS_WAY_S:
            self.say("an order that adds risk left on a stale price")
        was_decided = now - self._decided.get(params["clientOid"], -1e9) <= ON_ITS_WAY_S
        missing = [path for path, kinds in NEEDED.items() if len(self._read[path]) < kinds]
        if missing and not was_decided:
            self.say(f"an order that adds risk left unreconciled: {', '.join(missing)}")
        if not self._is_connected and not was_decided:
            self.say("an order that adds risk left while the private stream was down")
        cycle = self._cycle_of(params["clientOid"])
        if cycle is None or self.is_touched(10.0):
            return
        if state.settings.ladder.sequence is Sequence.BANK_FIRST:
            held, covered = self._cover_of((cycle.symbol, cycle.side))
            if covered < held:
                self.say(f"the add left while only {covered} of {held} was covered")

    def _cycle_of(self, name: str) -> Cycle | None:
        cycles = self.engine.state.cycles.values() if self.engine else ()
        return next((c for c in cycles if name.startswith(f"rt-{c.id}-")), None)

    def _is_intended(self, path: str, params: Mapping[str, Any]) -> bool:
        if path == PLACE_STOP:
            work = self.disk.intended.get(params["clientOid"])
            size = Decimal(params["size"]) if "size" in params else None
            return isinstance(work, PlaceStop) and (work.qty, work.trigger) == (
                size,
                Decimal(params["triggerPrice"]),
            )
        works = reversed(self.disk.intended.values())
        if path == MOVE_STOP:
            asked = (Decimal(params["size"]) if params["size"] else None, Decimal(params["triggerPrice"]))
            names = (params.get("orderId"), params.get("clientOid"))
            return any(
                isinstance(w, MoveStop)
                and (w.qty, w.trigger) == asked
                and (w.order_id in names or w.client_id in names)
                for w in works
            )
        if path == CANCEL_STOP:
            order_id = params["orderIdList"][0].get("orderId")
            return any(isinstance(w, CancelStop) and w.order_id == order_id for w in works)
        return True

    def _note_legs(self) -> None:
        """Remember which leg a stop or a closing order was meant for."""
        for cycle in self.engine.state.cycles.values() if self.engine else ():
            for stop in cycle.stops:
                self._leg_of.setdefault(stop.client_id, stop.leg)
            for order in (cycle.close, cycle.rung.bank if cycle.rung else None):
                if order is not None and order.parts:
                    self._parts[order.id] = (cycle.id, order.parts)

    # -- what the exchange does ---------------------------------------------------------------------------

    def executed(self, path: str, params: Mapping[str, Any], *, refused: bool) -> None:
        """The exchange carried a request of ours out, or refused it."""
        if refused:
            return
        self._accepted[str(params.get("clientOid", ""))] = None
        if path == PLACE and not (params.get("reduceOnly") == "NO" or params.get("tradeSide") == "open"):
            for key, held in self._positions().items():
                if held > self._held.get(key, ZERO):
                    self.say(f"the reduce-only order {params['clientOid']} opened {key[0]} {key[1].value}")
        if path == CANCEL_STOP and not self.is_touched(5.0):
            for key, before in self._covered.items():
                held, covered = self._cover_of(key)
                if held and covered < before and self._needs_stops(key):
                    self.say(f"cancelling a stop left {held - covered} of {key[0]} {key[1].value} uncovered")

    def _needs_stops(self, key: Key) -> bool:
        """Whether the ladder has a stop for it: before the first rung liquidation is the stop, by design."""
        cycle = self.engine.state.cycles.get(key_of(*key)) if self.engine else None
        is_young = cycle is not None and not cycle.rungs and not any(leg.locked for leg in cycle.legs)
        return not is_young or self._settings.ladder.hard_stop

    def recorded(self, entries: Iterable[Entry]) -> None:
        """What the engine takes for refused was refused; a second time under the same name does not count."""
        for entry in entries:
            body = entry.event.body
            if not isinstance(body, Answered) or not isinstance(body.outcome, Refused):
                continue
            if body.outcome.code not in DUPLICATE and body.id in self._accepted:
                self.say(f"{body.id} is taken for refused ({body.outcome.code}), and was accepted")

    def look(self) -> None:
        """After every change: sizes, live ids, cover."""
        self._note_legs()
        self._count_fills()
        self._check_exits()
        held = self._positions()
        self._check_live_ids()
        for key in set(held) | set(self._held):
            self._check_cover(key)
        self._held = held
        self._covered = {key: self._cover_of(key)[1] for key in sorted(held)}

    def _positions(self) -> dict[Key, Decimal]:
        return {key: p.qty for key, p in self._world.account.positions.items()}

    def _count_fills(self) -> None:
        account = self._world.account
        while self._fills < len(account.fills):
            fill = account.fills[self._fills]
            self._fills += 1
            order = account.orders[fill.order_id]
            name = order.client_oid
            if not (is_ours(name) or is_entry(name)):
                continue
            self._executed[name] += fill.qty
            work = self.disk.intended.get(name)
            if isinstance(work, PlaceMarket | PlaceLimit) and self._executed[name] > work.qty:
                self.say(f"{name} executed {self._executed[name]}, intended {work.qty}")
            if is_entry(name):
                self.counts["entered" if not order.is_closing else "left"] += 1
                at = account.position(fill.symbol, order.side)
                if at is not None and not order.is_closing and (adds := self._laddered.get(at.pos_id)):
                    adds.append((name, fill.price))  # the next trigger is measured from it
            elif not order.is_closing:
                self._count_add(name, fill.symbol, order.side, fill.price)

    def _count_add(self, name: str, symbol: str, side: Side, price: Decimal) -> None:
        """Two adds of a ladder lie a whole trigger apart: a trader's price for each leg, never twice the
        same. One that came late to the exchange is judged by the price at which it was sent.
        """
        position = self._world.account.position(symbol, side)
        if position is None:
            return
        adds = self._laddered.setdefault(position.pos_id, [])
        if any(known == name for known, _ in adds):
            return
        ladder = self._settings.ladder
        if adds and ladder.basis is Basis.FRONT_LEG and not self.is_touched(60.0):
            apart = side.d * (self._asked_at.get(name, price) - adds[-1][1]) / adds[-1][1]
            if apart < Decimal("0.9") * ladder.roe / position.leverage:
                self.say(
                    f"add {name} at {price} follows {adds[-1][0]} at {adds[-1][1]}: no trigger lies between"
                )
        adds.append((name, price))
        self.counts["adds"] += 1

    def _check_live_ids(self) -> None:
        live: dict[tuple[str, int | None], str] = {}
        for plan in self.our_plans():
            cycle = plan.client_oid[3:].split("-", 1)[0]
            if plan.client_oid not in self._leg_of:
                continue
            step = (cycle, self._leg_of[plan.client_oid])
            if step in live:
                self.say(f"two stops for leg {step[1]} rest at once: {live[step]} and {plan.client_oid}")
            live[step] = plan.client_oid

    def our_plans(self) -> list[PlanOrder]:
        """Every live stop that this engine placed."""
        books = self._world.account.waiting.values()
        return [p for b in books for p in b.values() if is_ours(p.client_oid) and p.client_oid != SECOND]

    def _cover_of(self, key: Key) -> tuple[Decimal, Decimal]:
        """What is held and what of it stops of ours protect: before liquidation, each for its size."""
        account = self._world.account
        position = account.position(*key)
        if position is None:
            return ZERO, ZERO
        end, held = account.liquidation_price(position), position.qty
        stops = [p for p in self.our_plans() if (p.symbol, p.side) == key and p.plan_type in LOSSES]
        holds = (p for p in stops if not end or is_nearer(p.side, p.trigger, end))
        covered = sum((p.qty or held for p in holds), ZERO)
        return held, min(held, covered)

    def uncovered(self, key: Key) -> Decimal:
        """How much of a position no stop protects."""
        held, covered = self._cover_of(key)
        return held - covered

    def _check_cover(self, key: Key) -> None:
        position = self._world.account.position(*key)
        now = self._world.timeline.now
        is_due = position is not None and position.pos_id in self._laddered and self.must_cover(key)
        if is_due and self.uncovered(key):
            since = self._uncovered_since.setdefault(key, now)
            span = now - max(since, self._booted)
            self.longest_uncovered = max(self.longest_uncovered, span)
            if span > self._patience_s:
                self.say(f"{key[0]} {key[1].value} lacked a stop for more than {self._patience_s:.0f} s")
        else:
            self._uncovered_since.pop(key, None)

    def must_cover(self, key: Key) -> bool:
        """Whether this engine is there and has the stops in its hands."""
        if self.engine is None:
            return False
        cycle = self.engine.state.cycles.get(key_of(*key))
        return cycle is None or not (cycle.hands_off or cycle.closing or self.engine.state.read_only)

    def is_touched(self, seconds: float) -> bool:
        """Whether the trader's hand was at work so recently that both may be right."""
        return self._world.timeline.now - self._world.touched_at < seconds
