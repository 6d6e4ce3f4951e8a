"""Signals from outside, as they are remembered: what came, what became of it, what the regime is now."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from engine.core.actions import Level
from engine.core.events import SignalHeard, SignalOutcome
from engine.core.state import Regime, State
from engine.core.turn import Turn
from engine.core.words import price

DEFINED: Final = frozenset({("buy", "long"), ("sell", "short"), ("buy", "flat"), ("sell", "flat")})
"""Pairs of action and sentiment that mean something."""

BELIEVED: Final = (SignalOutcome.ACCEPTED, SignalOutcome.NOTHING, SignalOutcome.REFUSED)
"""Outcomes of signals that were genuine and new, whatever the desk did with them."""

QUIET: Final = (SignalOutcome.ACCEPTED, SignalOutcome.NOTHING, SignalOutcome.DUPLICATE)
"""Outcomes that need nobody: what was accepted is told by what it became."""

REMEMBERED: Final = 1_000
"""Nonces and names that are kept. Who tells signals keeps fewer than half as many that it may tell again."""


def to_journal(state: State, signal: SignalHeard) -> SignalHeard | None:
    """What the journal is to have of a signal; None when it has it already.

    Of one that is under way nobody can tell any more what became of it, but for the commands that were done:
    one that was refused did nothing, and one that was told as accepted before was only sent again.
    """
    if signal.nonce and signal.nonce in state.signals_seen:
        return None
    if signal.outcome is not SignalOutcome.UNDER_WAY:
        return signal
    if signal.id not in state.commands_seen:
        text = f"nothing was done: {signal.text}"
        return replace(signal, outcome=SignalOutcome.REFUSED, text=text, became="")
    if signal.id in state.signals_seen:
        text = f"it was done before: {signal.text}"
        return replace(signal, outcome=SignalOutcome.DUPLICATE, text=text, became="")
    return replace(signal, outcome=SignalOutcome.ACCEPTED, text=f"it was done: {signal.text}")


def signal_heard(turn: Turn, signal: SignalHeard) -> None:
    """Tell it, remember it, and follow the regime of its symbol. One without a nonce is of an older journal,
    and not remembered.
    """
    if signal.nonce:
        name = (signal.id,) if signal.id and signal.outcome is SignalOutcome.ACCEPTED else ()
        turn.set(signals_seen=(*turn.state.signals_seen, signal.nonce, *name)[-REMEMBERED:])
    times = f" ({signal.times:,} times)" if signal.times > 1 else ""
    level = Level.CHATTER if signal.outcome in QUIET else Level.WARNING
    text = f"{said(signal)}: {signal.outcome.value}{times}. {_sentence(signal.text)}"
    turn.note("signal", level, text, symbol=signal.symbol, id=signal.id, outcome=signal.outcome.value)
    if signal.outcome in BELIEVED and (signal.action, signal.sentiment) in DEFINED:
        _follow(turn, signal)


def said(signal: SignalHeard) -> str:
    """`TradingView buy long BTCUSDT at 95,000.5, 'Long-1'`."""
    words = [signal.source, signal.action, signal.sentiment, signal.symbol]
    where = f" at {price(signal.price)}" if signal.price is not None else ""
    label = f", {signal.label!r}" if signal.label else ""
    return f"{' '.join(word for word in words if word)}{where}{label}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') or not text else '.'}"


def _follow(turn: Turn, signal: SignalHeard) -> None:
    """A strategy that changes its mind is news."""
    known = turn.state.regimes.get(signal.symbol)
    before = known.sentiment if known is not None else ""
    if before == signal.sentiment:
        return
    regime = Regime(signal.sentiment, turn.at, before)
    turn.set(regimes={**turn.state.regimes, signal.symbol: regime})
    turn.note(
        "regime",
        Level.MONEY if before else Level.CHATTER,
        f"{signal.symbol} regime {before or 'unknown'} → {signal.sentiment}: {said(signal)}.",
        symbol=signal.symbol,
        before=before,
        now=signal.sentiment,
    )
