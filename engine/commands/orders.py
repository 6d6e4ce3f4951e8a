"""`ratchet orders`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import msgspec

from engine.api.client import Misread
from engine.api.door import NoEngine, Silent
from engine.commands.figures import UNKNOWN
from engine.commands.reading import engine_of, unread
from engine.commands.speech import DONE
from engine.commands.table import table
from engine.protocol import OrderView, Snapshot


def run(arguments: argparse.Namespace) -> int:
    engine = engine_of(arguments)
    orders = engine.orders()
    if isinstance(orders, NoEngine | Silent | Misread):
        return unread(orders)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(orders), indent=2).decode())
    else:
        print("\n".join((as_table(orders), *_caveat(engine.snapshot()))))
    return DONE


def _caveat(snapshot: Snapshot | NoEngine | Silent | Misread) -> Iterator[str]:
    """What was read before a break may be otherwise by now."""
    if not isinstance(snapshot, Snapshot):
        yield "whether that is all could not be asked any more"
    elif not snapshot.engine.reconciled:
        yield f"as it was before the break: not read again yet: {', '.join(snapshot.engine.unread)}"


def as_table(orders: tuple[OrderView, ...]) -> str:
    """One line an order; whose it is stands first."""
    if not orders:
        return "no orders rest on the exchange"
    head = ("WHOSE", "SYMBOL", "SIDE", "KIND", "WHY", "QTY", "TRIGGER", "PRICE", "ORDER", "CLIENT ID")
    return table(head, [_row(each) for each in orders], left=(0, 1, 2, 3, 4, 8, 9))


def _row(order: OrderView) -> tuple[str, ...]:
    return (
        "ours" if order.ours else "not ours",
        order.symbol,
        order.side.value.upper(),
        f"{order.kind}, {'reduces' if order.reduces else 'opens'}",
        order.why or UNKNOWN,
        "whole" if order.qty is None else f"{order.qty:,f}",
        UNKNOWN if order.trigger is None else f"{order.trigger:,f}",
        "market" if order.price is None else f"{order.price:,f}",
        order.order_id or UNKNOWN,
        order.client_id or UNKNOWN,
    )
