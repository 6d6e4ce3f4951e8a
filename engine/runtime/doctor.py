"""`ratchet doctor`: everything that must be right before the engine trades, each with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from engine.config.loaded import Loaded
from engine.config.paths import Paths
from engine.config.refused import ConfigRefused
from engine.core.ids import cycle_in, is_ours
from engine.core.instrument import Instrument
from engine.core.positions import unfit_because
from engine.core.state import State
from engine.runtime import machine
from engine.runtime.finding import Finding, fail, ok, warn
from engine.runtime.new_key import differences, proof
from engine.runtime.settings import keys_of
from engine.venue.look import Look, Seen, SymbolTerms
from engine.venue.port import VenueRefused
from engine.venue.preflight import SKEW_LIMIT_MS

SKEW_WARN_MS: Final = 1_000
HEDGE: Final = "hedge_mode"
FUTURES: Final = frozenset({"coor", "coow", "cpor", "cpow"})
"""Bitget's words for reading and writing futures orders and positions."""
ENOUGH: Final = (
    "look at Bitget, API management: this key needs Futures read and write, and must not have Withdraw"
)

AGAIN: Final = "mend this, then run it again: what comes after it could not be looked at"


async def examine(paths: Paths, loaded: Loaded | ConfigRefused) -> list[Finding]:
    """Everything that can be looked at now. Nothing is changed, on this machine or on Bitget."""
    found = list(machine.machine(paths))
    account = None if isinstance(loaded, ConfigRefused) else keys_of(loaded).account
    journal = await machine.journal(paths, account)
    found.append(journal.finding)
    if isinstance(loaded, ConfigRefused):
        todo = "`ratchet config example` explains every option"
        return [*(fail("configuration", each, todo) for each in loaded.sentences), *found]
    return [*_configuration(loaded), *found, *await _venue(loaded, journal)]


def _configuration(loaded: Loaded) -> Iterator[Finding]:
    whose = "paper on another Bitget" if loaded.bitget_url else "Bitget demo" if loaded.demo else "LIVE"
    symbols = ", ".join(f"{m.symbol} {m.leverage:f}x" for m in loaded.settings.managed)
    yield ok("configuration", f"right: account {loaded.settings.account}, {whose}, {symbols}")
    for each in loaded.effective:
        table, _, part = each.name.partition(".")
        if table == "bitget" and part in ("key", "secret", "passphrase"):
            yield ok("keys", f"{part} {each.value}")
    if loaded.read_only:
        yield warn("read-only", "the engine would send nothing", "remove engine.read_only to trade")


async def _venue(loaded: Loaded, journal: machine.JournalSeen) -> list[Finding]:
    keys = keys_of(loaded)
    symbols = tuple(m.symbol for m in loaded.settings.managed)
    found: list[Finding] = []
    async with Look(keys, url=loaded.bitget_url, demo=loaded.demo) as look:
        step = "clock"
        try:
            found.append(_clock(await look.skew_ms()))
            step = "key"
            await look.may_trade()
            found.append(ok("key", "accepted; a classic account; it may trade futures"))
            found.append(await _permissions(look))
            step = "symbols"
            instruments = await look.instruments(symbols)
            found.append(_symbols(instruments))
            step = "account"
            seen = await look.account(symbols)
            if journal.is_anothers and journal.believed is not None:
                step = "new key"
                found.append(await _new_key(look, journal.believed, seen))
        except VenueRefused as refused:
            return [*found, fail(step, str(refused), AGAIN)]
    state = State(loaded.settings, instruments={i.symbol: i for i in instruments})
    return [*found, *_account(loaded, seen), *_positions(state, seen), _orders(seen, journal.believed)]


async def _permissions(look: Look) -> Finding:
    """What a key may do beyond futures, a thief of it may do too."""
    try:
        may = await look.authorities()
    except VenueRefused as refused:
        return warn("permissions", f"what the key may do besides cannot be seen: {refused}", ENOUGH)
    more = sorted(set(may) - FUTURES)
    if more:
        return warn("permissions", f"the key may do more than trade futures: {', '.join(more)}", ENOUGH)
    return ok("permissions", "futures only, no withdrawal")


async def _new_key(look: Look, believed: State, seen: Seen) -> Finding:
    """Whether the other key's journal is of this account. Raises VenueRefused."""
    if differs := await differences(look, believed, seen.positions):
        return fail("new key", f"not one of the journal's account: {differs}", "use a key of that account")
    return warn("new key", proof(believed), "start once with `ratchet engine --new-key`: the journal goes on")


def _symbols(instruments: tuple[Instrument, ...]) -> Finding:
    suspended = [f"{each.symbol} is '{each.status}'" for each in instruments if each.status != "normal"]
    if suspended:
        todo = "nothing: they are watched, and traded again when Bitget opens them"
        return warn("symbols", f"{', '.join(suspended)} on Bitget", todo)
    return ok("symbols", f"{', '.join(each.symbol for each in instruments)} can be traded")


def _clock(skew_ms: int) -> Finding:
    text = f"this machine is {abs(skew_ms)} ms {'ahead of' if skew_ms > 0 else 'behind'} Bitget"
    todo = "set the clock: timedatectl set-ntp true"
    if abs(skew_ms) > SKEW_LIMIT_MS:
        return fail("clock", text, todo)
    return warn("clock", text, todo) if abs(skew_ms) > SKEW_WARN_MS else ok("clock", text)


def _account(loaded: Loaded, seen: Seen) -> Iterator[Finding]:
    mode = next(iter(seen.terms.values())).pos_mode
    yield ok("account", f"equity {seen.equity} USDT")
    yield ok("position mode", "hedge" if mode == HEDGE else "one-way")
    for managed in loaded.settings.managed:
        yield _terms(managed.symbol, managed.leverage, seen.terms[managed.symbol])


def _terms(symbol: str, wanted: Decimal, terms: SymbolTerms) -> Finding:
    name = f"{symbol} mode"
    if terms.margin_mode != "isolated":
        todo = f"set {symbol} to isolated on Bitget: the ladder leaves crossed positions alone"
        return warn(name, f"margin mode {terms.margin_mode}", todo)
    set_to = {terms.isolated_long_lever, terms.isolated_short_lever}
    text = f"isolated, {' / '.join(f'{each:g}x' for each in sorted(set_to))}"
    if set_to != {float(wanted)}:
        todo = f"set {symbol} to {wanted:f}x on Bitget, or change [managed]: another leverage blocks rungs"
        return warn(name, f"{text}, configured {wanted:f}x", todo)
    return ok(name, text)


def _positions(state: State, seen: Seen) -> Iterator[Finding]:
    """What the engine would do with each open position."""
    if not seen.positions:
        yield ok("positions", "none open")
    for position in seen.positions:
        what = f"{position.symbol} {position.side.value} {position.qty:f} at {position.entry:f}"
        if position.auto_margin:
            yield warn("positions", f"{what}: auto-add-margin is on", "switch it off on Bitget")
            continue
        reason, can_adopt = unfit_because(state, position)
        if not reason:
            yield ok("positions", f"{what}: would be taken under care")
        else:
            todo = "`ratchet adopt` takes it" if can_adopt else "it is shown and never touched"
            yield warn("positions", f"{what}: unmanaged, {reason}", todo)


def _orders(seen: Seen, believed: State | None) -> Finding:
    """Whose orders rest: ours, the trader's own, or those of a Ratchet that this journal does not know."""
    believing = (*believed.cycles.values(), *believed.closed) if believed else ()
    known = {cycle.id for cycle in believing}
    ours = [each for each in seen.orders if is_ours(each.client_id)]
    strange = [each for each in ours if cycle_in(each.client_id) not in known]
    text = f"{len(seen.orders)} rest: {len(ours) - len(strange)} of this journal's, "
    text += f"{len(seen.orders) - len(ours)} yours, {len(strange)} of another Ratchet"
    if strange:
        todo = "end the other engine; if it is gone for good, start with --take-over"
        return fail("orders", text, todo)
    return ok("orders", text)
