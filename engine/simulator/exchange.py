"""A Bitget in memory (interface; the body is being written)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from engine.core.instrument import Side
from engine.simulator.contract import Contract
from engine.simulator.push import Push
from engine.simulator.quote import Quote


class Exchange:
    """Contracts come from `Contract.from_wire(row, tiers)`."""

    now_ms: int

    def __init__(self, contracts: Sequence[Contract], *, seed: int = 0, ideal: bool = False, now_ms: int = 0,
                 hold_funding: bool = False) -> None: raise NotImplementedError
    def open_account(self, account_id: str, balance: Decimal, *, position_mode: str = "one_way_mode",
                     taker: Decimal | None = None, maker: Decimal | None = None) -> object: raise NotImplementedError
    def on_quote(self, quote: Quote) -> None: raise NotImplementedError
    def advance(self, now_ms: int) -> None: raise NotImplementedError
    def set_funding_rate(self, symbol: str, rate: Decimal) -> None: raise NotImplementedError
    def funding_rate(self, symbol: str) -> Decimal: raise NotImplementedError
    def next_funding_time(self, symbol: str) -> int: raise NotImplementedError
    def subscribe(self, push: Callable[[Push], None]) -> Callable[[], None]: raise NotImplementedError
    def force_adl(self, account_id: str, symbol: str, side: Side, qty: Decimal) -> None: raise NotImplementedError
    def contract(self, symbol: str) -> dict[str, Any]: raise NotImplementedError
    def tiers(self, symbol: str) -> list[dict[str, Any]]: raise NotImplementedError
    def state(self) -> dict[str, Any]: raise NotImplementedError
