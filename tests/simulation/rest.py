"""What must be true at rest: exchange and belief are one, nothing is open, and the money adds up to the last
unit.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from engine.core.cycle import Cycle, Rest, key_of
from engine.core.decide import decide, first_state
from engine.core.events import FillSeen
from engine.core.fills import UNRECORDED
from engine.core.ids import cycle_in, is_ours
from engine.core.instrument import ZERO
from engine.core.shield import left_to
from engine.core.stops import is_nearer
from engine.journal import chain
from engine.simulator.plan_orders import PlanOrder

from .misfortune import OnRequest
from .money import never_cared_for, under_care
from .watch import Watch

if TYPE_CHECKING:
    from engine.core.state import State
    from engine.runtime.engine import Engine

    from .disk import Disk
    from .world import World

PRECISION = Decimal("1e-9")


def at_rest(world: World, watch: Watch, engine: Engine, disk: Disk) -> None:
    """Say every violation that is left when the storm is over and everybody had time."""
    state = engine.state
    if engine.unrecorded:
        watch.say(f"at rest: still nothing can be recorded: {engine.unrecorded}")
    if state.unread:
        watch.say(f"at rest: still unread: {', '.join(state.unread)}")
    for pending in state.pending.values():
        watch.say(f"at rest: {pending.work.id} is still {pending.known.value} ({pending.cause})")
    for flipping in state.flips.values():
        watch.say(f"at rest: the flip of {flipping.command.symbol} is neither entered nor refused")
    for entry in state.entries.values():
        watch.say(f"at rest: the entry or exit {entry.id} of {entry.symbol} is still on its way")
    for cycle in state.cycles.values():
        _cycle_at_rest(watch, cycle)
        if cycle.closing:
            watch.say(f"at rest: {cycle.symbol} {cycle.side.value} is still closing ({cycle.closing})")
    _positions_agree(world, watch, engine)
    if not state.read_only:
        _stops_agree(world, watch, engine)
        _stops_are_needed_and_there(world, watch, engine)
    _trades_are_booked(world, watch, engine)
    _money_adds_up(world, watch, engine)


def _cycle_at_rest(watch: Watch, cycle: Cycle) -> None:
    name = f"{cycle.symbol} {cycle.side.value}"
    if cycle.doubt is not None:
        watch.say(f"at rest: {name} is still in doubt: {cycle.doubt}")
    if cycle.rung is not None:
        watch.say(f"at rest: {name}: rung {cycle.rung.number} still at {cycle.rung.steps}")
    if cycle.close is not None:
        watch.say(f"at rest: {name}: the close {cycle.close.id} is still {cycle.close.stage.value}")
    for stop in cycle.stops:
        if stop.state is not Rest.RESTING:
            watch.say(f"at rest: {name}: stop {stop.client_id} is still {stop.state.value}")
    total = sum((leg.qty for leg in cycle.legs), ZERO)
    if total != cycle.held_qty:
        watch.say(f"at rest: {name}: the legs hold {total}, the cycle {cycle.held_qty}")


def _positions_agree(world: World, watch: Watch, engine: Engine) -> None:
    state = engine.state
    truth = {key_of(*key): p for key, p in world.account.positions.items()}
    for key, cycle in state.cycles.items():
        position = truth.pop(key, None)
        if position is None:
            watch.say(f"at rest: {key} is believed to hold {cycle.held_qty}, Bitget has none")
        elif position.qty != cycle.held_qty:
            watch.say(f"at rest: {key} is believed to hold {cycle.held_qty}, Bitget has {position.qty}")
        elif abs(position.average - cycle.held_entry) > PRECISION * position.average:
            watch.say(f"at rest: {key}: entry {cycle.held_entry} is believed, Bitget has {position.average}")
    for key, position in truth.items():
        stranger = state.unmanaged.get(key)
        if stranger is None:
            watch.say(f"at rest: {key} {position.qty} on Bitget is not known at all")


def _stops_agree(world: World, watch: Watch, engine: Engine) -> None:
    truth = {p.client_oid: (p.trigger, p.qty or None) for p in _own_plans(watch, engine)}
    state = engine.state
    known = [stop for cycle in state.cycles.values() for stop in cycle.stops]
    known += [stop for key in state.unmanaged for stop in left_to(state, key)]
    belief = {stop.client_id: (stop.trigger, stop.qty) for stop in known}
    for name in sorted(truth.keys() | belief.keys()):
        if truth.get(name) != belief.get(name):
            watch.say(
                f"at rest: stop {name} rests as {truth.get(name)} and is believed as {belief.get(name)}"
            )


def _own_plans(watch: Watch, engine: Engine) -> list[PlanOrder]:
    """What rests under our ids, but for what earlier care of a position left there as the trader's own and no
    cycle has taken over.
    """
    cycles = engine.state.cycles.values()
    given = {cycle for each in cycles for cycle in each.given}
    held = {stop.client_id for each in cycles for stop in each.stops}
    plans = watch.our_plans()
    return [p for p in plans if p.client_oid in held or cycle_in(p.client_oid) not in given]


def _stops_are_needed_and_there(world: World, watch: Watch, engine: Engine) -> None:
    for cycle in engine.state.cycles.values():
        key = (cycle.symbol, cycle.side)
        position = world.account.position(*key)
        if position is None or cycle.hands_off:
            continue
        if any(leg.locked for leg in cycle.legs) and watch.uncovered(key):
            watch.say(f"at rest: {watch.uncovered(key)} of {key[0]} {key[1].value} has no stop")
        liquidation = world.account.liquidation_price(position)
        for plan in _own_plans(watch, engine):
            mine = (plan.symbol, plan.side) == key and liquidation
            if mine and not is_nearer(cycle.side, plan.trigger, liquidation):
                watch.say(f"at rest: the stop at {plan.trigger} is beyond the liquidation {liquidation}")


def _trades_are_booked(world: World, watch: Watch, engine: Engine) -> None:
    managed = {m.symbol for m in engine.settings.managed}
    seen = set(engine.state.trades_seen)
    for fill in world.account.fills:
        if fill.symbol in managed and fill.trade_id not in seen:
            watch.say(f"at rest: trade {fill.trade_id} ({fill.qty} @ {fill.price}) was never booked")


def _money_adds_up(world: World, watch: Watch, engine: Engine) -> None:
    """Σ realised − fees + funding of all cycles = what the exchange booked for them, to the last unit."""
    cycles = [*engine.state.closed, *engine.state.cycles.values()]
    booked = sum((c.realised - c.fees + c.funding for c in cycles), ZERO)
    moved = under_care(world.account, cycles)
    told = any("booked result is incomplete" in line.text for line in engine.log.lines())
    if moved is not None and booked != moved and not told:
        watch.say(f"at rest: the cycles booked {booked}, the exchange {moved}: {moved - booked} is missing")


def the_never_met_is_told(world: World, watch: Watch, disk: Disk, engine: Engine) -> None:
    """Each trade that closed a position without care once, and no other, since the first start."""
    cycles = [*engine.state.closed, *engine.state.cycles.values()]
    if under_care(world.account, cycles) is None:
        return
    notes = [note for seq in range(1, len(disk) + 1) for note in disk.entry(seq).notes]
    told = Counter(note.facts["trade"] for note in notes if note.topic == "unclaimed")
    unmet = never_cared_for(world.account, cycles, since=engine.state.began)
    for name in sorted(told.keys() | unmet):
        if told[name] != (name in unmet):
            whose = "nobody's" if name in unmet else "a cycle's"
            watch.say(f"trade {name} closed {whose}, and was told {told[name]} times as not under care")


def hands_are_told_apart(world: World, watch: Watch, disk: Disk) -> None:
    """No order of ours was taken for the trader's, and no hand was blamed for what no hand did."""
    innocent = not any(deed in world.done for deed in ("move stop", "cancel stop", "close", "flip", "adl"))
    for seq in range(1, len(disk) + 1):
        entry = disk.entry(seq)
        body = entry.event.body
        for note in entry.notes:
            ours = isinstance(body, FillSeen) and is_ours(body.fill.client_id)
            is_lost = isinstance(body, FillSeen) and body.fill.client_id not in watch.unrecorded
            if is_lost and UNRECORDED in note.text:
                watch.say(f"an order of ours that was recorded is not known: {note.text}")
            if ours and note.topic == "trader":
                watch.say(f"an order of ours was taken for the trader's: {note.text}")
            blames = "put back once" in note.text or "leaves the stops to you" in note.text
            is_kept = OnRequest.HIDDEN in world.done and "kept until it is certain" in note.text
            if note.topic == "doubt" and "flip" not in world.done and not is_kept:
                watch.say(f"every trade can be read, and yet: {note.text}")
            if innocent and (blames or "you tightened" in note.text):
                watch.say(f"the trader was blamed: {note.text}")


def journal_holds(watch: Watch, disk: Disk, engine: Engine, replayed: dict[bytes, State]) -> None:
    """The chain is valid and only ever grew; fed to the core again it gives the same decisions and belief.

    `replayed` holds what journals up to a crash came to, by their last link, which stands for every byte
    before it: what many worlds have in common is fed once.
    """
    links, begun = disk.links(), max((size for size, _ in disk.seen), default=0)
    if links[-1] != disk.link or any(links[size] != known for size, known in disk.seen):
        watch.say("the journal's chain does not hold, or something of it was taken away or changed")
    known = next((size for size in range(begun, 0, -1) if links[size] in replayed), 0)
    state = replayed[links[known]] if known else first_state(engine.settings)
    for seq in range(known + 1, len(disk) + 1):
        entry = disk.entry(seq)
        decision = decide(state, entry.event)
        if (decision.actions, decision.notes) != (entry.actions, entry.notes):
            watch.say(f"the journal's entry {seq} is decided differently when it is replayed")
            return
        state = decision.state
        if seq == begun:
            replayed[links[seq]] = state
    if chain.write_state(state) != chain.write_state(engine.state):
        watch.say("the journal replayed does not give what the engine believes")
