"""Bugs from the field, planted one at a time: defects that another bot shipped, or that this one once had.

A plant replaces a function of the engine while scenarios run. The proof is worth what it catches of them. In
brackets is the public thread that tells of the bug, or the seed that found it here; one without them was this
engine's own.
"""

from __future__ import annotations

from . import ledger, orders, risk, stops
from .bed import PLANTED, bug

__all__ = ["PLANTED", "bug", "ledger", "orders", "risk", "stops"]
