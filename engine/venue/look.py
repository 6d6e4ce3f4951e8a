"""A look at an account without trading on it: what a person asks before the engine starts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec

from engine.core.exchange import Position, RestingOrder
from engine.core.instrument import Instrument, Side
from engine.venue.backoff import Backoff
from engine.venue.client import make_client
from engine.venue.keys import Keys
from engine.venue.lanes import PERIOD_S
from engine.venue.malformed import Malformed, Row, shaped
from engine.venue.outcomes import UNDECIDED, NoAnswer, Refusal
from engine.venue.port import VenueRefused
from engine.venue.preflight import ONLINE, Preflight, sentence
from engine.venue.reads import Reads
from engine.venue.rest import PRODUCT, Clock, Rest
from engine.venue.rows import OrderDetail
from engine.venue.trades import Trades

T = TypeVar("T")

PATIENCE_S: Final = 10.0
"""An account that does not answer for so long is not there."""


class SymbolTerms(Row, frozen=True, kw_only=True):
    """How the account would trade one symbol (account/account): margin mode, leverage of both sides, mode."""

    margin_mode: str
    pos_mode: str
    isolated_long_lever: float = 0.0
    isolated_short_lever: float = 0.0


class KeyInfo(Row, frozen=True, kw_only=True):
    """What the key may, in Bitget's words (v2/spot/account/info): four letters for each permission."""

    authorities: tuple[str, ...]


class EndedPosition(Row, frozen=True, kw_only=True):
    """A position that was closed (position/history-position, which writes `ctime`)."""

    symbol: str
    hold_side: Side
    opened: int = msgspec.field(name="ctime")


class EndedPositions(Row, frozen=True, kw_only=True):
    """The newest of them first."""

    list: tuple[EndedPosition, ...] | None


class Seen(msgspec.Struct, frozen=True):
    """The account as it is: terms by symbol, equity, and what is open and resting."""

    terms: dict[str, SymbolTerms]
    equity: str
    positions: tuple[Position, ...]
    orders: tuple[RestingOrder, ...]


class Look:
    """Reads only. Every method raises VenueRefused with a sentence."""

    def __init__(self, keys: Keys, *, url: str, demo: bool) -> None:
        self._client = make_client(keys, url=url, demo=demo, timeout_s=PATIENCE_S, ping_s=PATIENCE_S)
        self._rest = Rest(self._client, keys, Clock(), PATIENCE_S)
        self._preflight = Preflight(self._rest, Backoff(0.25, 1.0))
        nobody = Trades(lambda _: None, self._no_order, lambda: None, Clock().now_ms)
        self._reads = Reads(self._rest, nobody, Clock().now_ms, lambda _: None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def skew_ms(self) -> int:
        """How far this machine's clock is ahead of the exchange's."""
        return await self._once(self._rest.follow_clock)

    async def may_trade(self) -> None:
        """Account kind, key and permission, as at the engine's start."""
        await self._once(self._preflight.check)

    async def authorities(self) -> tuple[str, ...]:
        """What the key may: `coor` is reading futures orders, `coow` writing them."""
        told = await self._once(lambda: self._rest.get("v2/spot/account/info", {}))
        try:
            return shaped("account info", told, KeyInfo).authorities
        except Malformed as error:
            raise VenueRefused(f"Bitget did not answer as it should ({error}).") from None

    async def instruments(self, symbols: tuple[str, ...]) -> tuple[Instrument, ...]:
        return await self._once(lambda: self._preflight.instruments(symbols))

    async def account(self, symbols: tuple[str, ...]) -> Seen:
        """Everything that is set, open and resting."""
        terms = {symbol: await self._once(partial(self._terms, symbol)) for symbol in symbols}
        self._reads.symbols = symbols
        balance = await self._once(self._reads.balance)
        positions = await self.positions()
        orders = await self._once(self._reads.orders)
        return Seen(terms, f"{balance.balance.equity:,.2f}", positions, orders.orders)

    async def positions(self) -> tuple[Position, ...]:
        """Every position that is open now."""
        return (await self._once(self._reads.positions)).positions

    async def ended(self, symbol: str) -> tuple[EndedPosition, ...]:
        """The positions of `symbol` that were closed last; Bitget tells of three months."""
        asked = {"symbol": symbol, "productType": PRODUCT, "limit": "100"}
        return await self._once(lambda: self._ended(asked))

    async def _ended(self, asked: dict[str, str]) -> tuple[EndedPosition, ...]:
        told = await self._rest.get("v2/mix/position/history-position", asked)
        return shaped("history-position", told, EndedPositions).list or ()

    async def _terms(self, symbol: str) -> SymbolTerms:
        asked = {"symbol": symbol, "productType": PRODUCT, "marginCoin": "USDT"}
        return shaped("account", await self._rest.get("v2/mix/account/account", asked), SymbolTerms)

    async def _once(self, step: Callable[[], Awaitable[T]]) -> T:
        """The engine asks until it is answered; a person wants to know after ten seconds. Until then what
        Bitget found too often is asked again: an engine may just have used up the account's share.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    try:
                        return await step()
                    except NoAnswer as error:
                        if error.cause != UNDECIDED["429"]:
                            raise
                    await asyncio.sleep(PERIOD_S)
        except Refusal as refusal:
            raise VenueRefused(sentence(refusal)) from None
        except TimeoutError:
            raise VenueRefused(f"Bitget cannot be reached: no answer within 10 s; {ONLINE}.") from None
        except NoAnswer as error:
            raise VenueRefused(f"Bitget cannot be reached ({error}): {ONLINE}.") from None
        except Malformed as error:
            raise VenueRefused(f"Bitget did not answer as it should ({error}).") from None

    async def _no_order(self, symbol: str, order_id: str) -> OrderDetail:
        raise NoAnswer(f"order {order_id} of {symbol} is not asked for")
