"""The port through which the engine reaches an exchange. Bitget over ccxt.pro is one implementation of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec.structs import replace

from engine.core.actions import PlaceMarket, Work
from engine.core.events import AnyBody, BalanceRead, FillsRead, OrdersRead, PositionsRead
from engine.core.exchange import Tick
from engine.core.instrument import Instrument

DATED = OrdersRead | PositionsRead | BalanceRead | FillsRead
"""Readings whose age matters."""


def dated(body: AnyBody, asked: int) -> AnyBody:
    """A reading with the moment at which it was asked for: its age is judged by the clock that its contents
    are held against. Anything else as it is.
    """
    return replace(body, asked=asked) if isinstance(body, DATED) else body


class Sink(Protocol):
    """Where a venue tells what happens. All calls return at once, in the event loop's own thread."""

    def tick(self, tick: Tick) -> None:
        """A price frame arrived. Called for every frame, in order."""

    def tell(self, body: AnyBody) -> None:
        """Anything else that the venue learnt by itself; what it read is `dated`."""

    def stamp(self) -> int:
        """The moment at which a reading is asked for, by the engine's clock: after all that was told."""


class VenueRefused(Exception):
    """The venue cannot be used as it is. The text says what is wrong and what to do; it holds no secret."""


class Venue(Protocol):
    """One account on one exchange."""

    @property
    def mode(self) -> str:
        """`LIVE`, `DEMO` or `SIM`, for the header of the desk."""

    @property
    def account(self) -> str:
        """A short stable name of the account made from the key, never the key; lock and client ids use it."""

    def market_ms(self) -> int:
        """The exchange's own clock now, milliseconds UTC, from its newest answer or frame."""

    def latency_ms(self) -> float:
        """Round trip of the newest REST answer; NaN before the first, and while requests get none."""

    def unanswered(self) -> str:
        """Why the newest request got no answer; empty when it got one. Without secrets."""

    def silence_ms(self, link: str) -> float:
        """How long the websocket `link` (`public`, `private`) has said nothing, not even a pong, or `rest`
        has answered nothing; NaN before its first word.
        """

    async def open(self, sink: Sink, symbols: tuple[str, ...], known: tuple[Instrument, ...] = ()) -> None:
        """Check keys, permissions, account kind, clock and modes; read the contracts, tell `InstrumentsRead`.
        One of `symbols` that is not listed is an error, unless it is `known` from before: then it is `off`.

        Raises VenueRefused with a sentence for the trader; retries a bad connection until cancelled.
        """

    async def run(self) -> None:
        """Keep both websockets: connect, log in, subscribe, reconnect with back-off; tell `LinkChanged`.

        Ends only by cancellation.
        """

    async def do(self, work: Work) -> tuple[AnyBody, ...]:
        """Carry one action out and return what became of it, as events.

        Never raises for what the exchange or the network does.

        A placing, moving or cancelling action gives one `Answered`. A `LookUp` gives one `LookedUp`, or
        `Answered` Unknown when it could not ask. A `Read` gives the asked-for events (`PositionsRead`,
        `OrdersRead`, `BalanceRead`, `FillSeen`… then `FillsRead`, `BillSeen`…) and an `Answered`: Accepted
        when everything was read, Unknown otherwise.
        """

    def have_ready(self, orders: Sequence[PlaceMarket]) -> None:
        """These may be asked for at any moment: what can be done for them beforehand is done now, and what
        was kept ready for others is dropped.
        """

    async def close(self) -> None:
        """Close all connections."""
