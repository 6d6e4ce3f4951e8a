"""Trades that closed what no cycle held. One may still claim them while the row of its position is on its
way; what nobody has claimed was not under care, and the trader hears what it came to.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from engine.core.actions import Level, Reading
from engine.core.another import is_anothers
from engine.core.events import PositionsRead
from engine.core.exchange import Cause, Fill, Position
from engine.core.ids import is_ours
from engine.core.in_order import meaning
from engine.core.state import State, Unclaimed
from engine.core.turn import Turn
from engine.core.words import FORCED, money, price, size

KEPT: Final = 50


def unclaimed(turn: Turn, fill: Fill) -> None:
    """Nobody's yet: the position that it closed a part of has not been seen."""
    if turn.state.settings.leverage_of(fill.symbol) is not None:
        turn.set(unclaimed=(*turn.state.unclaimed, Unclaimed(fill, turn.at))[-KEPT:])
        turn.ask(Reading.POSITIONS)


def tell_unclaimed(turn: Turn, read: PositionsRead) -> None:
    """Tell what stays nobody's although all positions were read since, each trade once. What was before the
    first reading is no news.
    """
    if not (read.rest and turn.event.market):
        return
    asked, began = read.asked or turn.at, turn.state.began or turn.event.market
    known: list[Unclaimed] = []
    for each in turn.state.unclaimed:
        is_news = not each.is_nobodys and each.since < asked
        if is_news and each.fill.at >= began:
            _tell(turn, each.fill)
        known.append(replace(each, is_nobodys=True) if is_news else each)
    turn.set(began=began, unclaimed=tuple(known))


def is_of_before(turn: Turn, position: Position) -> bool:
    """Whether a frame is older than the trade that closed its position, or a part of it, unseen."""
    return any(
        u.is_nobodys
        and u.fill.symbol == position.symbol
        and meaning(turn, u.fill)[0] is position.side
        and position.opened <= u.fill.at
        and 0 < position.updated <= u.fill.at
        for u in turn.state.unclaimed
    )


def _tell(turn: Turn, fill: Fill) -> None:
    side, _ = meaning(turn, fill)
    level = Level.URGENT if fill.cause in FORCED or is_ours(fill.client_id) else Level.MONEY
    what = f"{size(fill.qty)} {FORCED.get(fill.cause, 'closed')} @ {price(fill.price)}"
    whole = f"{what} ({money(fill.profit)}){_by(turn.state, fill)}, in a position that was not under care."
    text = f"{fill.symbol} {side.value}: {whole}"
    turn.note("unclaimed", level, text, symbol=fill.symbol, trade=fill.trade_id)


def _by(state: State, fill: Fill) -> str:
    match fill.cause:
        case Cause.STOP:
            return " by a stop"
        case Cause.TAKE_PROFIT:
            return " by a take profit"
        case Cause.ORDER if is_anothers(state, fill.client_id):
            return " by an order of another Ratchet"
        case Cause.ORDER if is_ours(fill.client_id):
            return " by a late order of an earlier cycle"
        case _:
            return ""
