"""What a halt takes off the market: the entries that were working when it came. Those made later are the
trader's.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from engine.core.actions import CancelOrder, CancelStop, Reading
from engine.core.another import still_obeys
from engine.core.events import OrdersRead
from engine.core.exchange import RestingOrder
from engine.core.limits import BY_LIMIT
from engine.core.turn import Turn

SWEPT: Final = "cancel:"


def sweep_known(turn: Turn) -> None:
    """Cancel the entries that are known, and read the orders again: some may be too young to be known."""
    for order in turn.state.working.values():
        _cancel(turn, order)
    turn.ask(Reading.ORDERS)


def sweep_read(turn: Turn, read: OrdersRead) -> None:
    """The first reading after the halt says what there was; what is still there of it is cancelled again."""
    kill = turn.state.kill
    if kill is None or not _may_sweep(turn) or read.asked < kill.at or kill.left == ():
        return
    here = turn.state.working
    left = tuple(here) if kill.left is None else tuple(order_id for order_id in kill.left if order_id in here)
    turn.set(kill=replace(kill, left=left))
    for order_id in left:
        _cancel(turn, here[order_id])


def is_swept(work: CancelStop) -> bool:
    """Whether it takes an entry off the market that waits for its trigger, and no stop."""
    return work.id.startswith(SWEPT)


def _may_sweep(turn: Turn) -> bool:
    """Beside another engine only the trader's own halt does."""
    kill, state = turn.state.kill, turn.state
    by_hand = kill is not None and kill.by != BY_LIMIT
    return not state.read_only or (by_hand and still_obeys(state))


def _cancel(turn: Turn, order: RestingOrder) -> None:
    if not _may_sweep(turn):
        return
    if order.trigger is None:
        work: CancelOrder | CancelStop = CancelOrder(f"{SWEPT}{order.order_id}", order.order_id, order.symbol)
    else:
        work = CancelStop(
            f"{SWEPT}{order.order_id}", order.order_id, order.client_id, order.symbol, order.kind
        )
    if work.id not in turn.state.pending:
        turn.send(work, "")
