"""One turn of the engine: the state as it is being changed by one event, and what comes out of it."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from engine.core.actions import Level, LookUp, Note, Read, Reading, Work
from engine.core.cycle import Cycle, key_of
from engine.core.events import Event
from engine.core.exchange import Tick
from engine.core.instrument import Instrument
from engine.core.state import Pending, State


class Turn:
    """Collects while `decide` runs; it lives no longer than that."""

    def __init__(self, state: State, event: Event) -> None:
        self.state = state
        self.event = event
        self.at = event.at
        self.market = event.market or event.at
        self.actions: list[Work] = []
        self.notes: list[Note] = []
        self._readings: set[Reading] = set()

    def set(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)

    def put(self, cycle: Cycle) -> None:
        key = key_of(cycle.symbol, cycle.side)
        if self.state.cycles.get(key) != cycle:
            self.set(cycles={**self.state.cycles, key: cycle})

    def cycle(self, cycle_id: str) -> Cycle | None:
        """The open cycle with this id."""
        return next((c for c in self.state.cycles.values() if c.id == cycle_id), None)

    def instrument(self, symbol: str) -> Instrument:
        return self.state.instruments[symbol]

    def fresh_tick(self, symbol: str) -> Tick | None:
        """The newest tick, if it is young enough and mark and last agree: what a decision that adds risk may
        use.
        """
        tick, limits = self.event.tick(symbol), self.state.settings.limits
        if tick is None or self.at - tick.arrived > limits.tick_age_s * 1000:
            return None
        return tick if abs(tick.last - tick.mark) <= tick.mark * limits.price_sanity else None

    def mark(self, symbol: str) -> Decimal | None:
        """The newest mark while it is young; a wild last price does not matter to what reduces risk."""
        tick = self.event.tick(symbol)
        if tick is None or self.at - tick.arrived > self.state.settings.limits.tick_age_s * 1000:
            return None
        return tick.mark

    def send(self, work: Work, cycle: str) -> None:
        """Send an action whose outcome must be known."""
        old = self.state.pending.get(work.id)
        first = old.first_sent if old else self.at
        sends = old.sends + 1 if old else 1
        unsure = self.at if old is None else old.unsure if old.refused else old.sent
        pending = Pending(
            work, cycle, first, self.at, sends, lookups=old.lookups if old else 0, unsure=unsure
        )
        self.set(pending={**self.state.pending, work.id: pending})
        self.actions.append(work)

    def forget(self, action_id: str) -> None:
        if action_id in self.state.pending:
            self.set(pending={k: v for k, v in self.state.pending.items() if k != action_id})

    def look_up(self, client_id: str, symbol: str, *, stop: bool, after_ms: int) -> None:
        self.actions.append(LookUp(f"find:{client_id}", client_id, symbol, stop, after_ms))

    def ask(self, *readings: Reading) -> None:
        """Ask for a reading; asked for several times in one turn it is one action."""
        self._readings.update(readings)

    def note(
        self,
        topic: str,
        level: Level,
        text: str,
        cycle: Cycle | None = None,
        *,
        symbol: str = "",
        **facts: object,
    ) -> None:
        """Tell the trader; about a `cycle`, about a `symbol`, or about the account."""
        self.notes.append(
            Note(
                topic,
                level,
                text,
                cycle.symbol if cycle else symbol,
                cycle.id if cycle else "",
                {name: str(value) for name, value in facts.items()},
            )
        )

    def finish(self) -> None:
        """Turn what was asked for into readings: each of its own, so that none waits for another's answer.

        The id of a reading of trades or bills says up to which moment of the exchange it is complete.
        """
        for what in Reading:
            if what in self._readings:
                since = {Reading.FILLS: self.state.fills_since, Reading.BILLS: self.state.bills_since}.get(
                    what, 0
                )
                self.actions.append(Read(f"read:{what.value}:{self.event.market}:{self.at}", (what,), since))
