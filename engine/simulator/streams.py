"""What the websockets are told: public channels conflated, private ones as the exchange pushes them."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from engine.simulator import faults as fault
from engine.simulator.armed import Faults
from engine.simulator.book import checksum
from engine.simulator.chart import GRANULARITIES
from engine.simulator.market_rows import candle_row, level_rows, stream_ticker_row, trade_row
from engine.simulator.public import PRODUCT
from engine.simulator.push import Push
from engine.simulator.push_rows import account_row
from engine.simulator.quote import Quote
from engine.simulator.world import World

PUSH_EVERY_S: Final = 0.1
_TRADES_SHOWN: Final = 50
_CANDLES_SHOWN: Final = 500
_BOOKS: Final = {"books": None, "books1": 1, "books5": 5, "books15": 15}
PRIVATE_CHANNELS: Final = frozenset(
    {"positions", "account", "orders", "orders-algo", "fill", "positions-history"}
)
PUBLIC_CHANNELS: Final = frozenset(
    {"ticker", "trade", *_BOOKS, *(f"candle{granularity}" for granularity in GRANULARITIES)}
)


class Topic(NamedTuple):
    """A channel of a symbol, or of an account ("" for public channels). `about` is instId or coin."""

    channel: str
    about: str
    account_id: str = ""

    def arg(self) -> dict[str, str]:
        """As Bitget echoes it."""
        name = "coin" if self.channel == "account" else "instId"
        return {"instType": PRODUCT, "channel": self.channel, name: self.about}


class Reader(Protocol):
    """A connection that takes frames."""

    def tell(self, topic: Topic, symbol: str, frame: str) -> None: ...


class Streams:
    """Who reads what, and the frames for them.

    Public frames leave at once when the last ones left more than `push_every_s` ago, and are conflated
    otherwise: the newest state always arrives. `flush` sends what is waiting now.
    """

    def __init__(
        self,
        world: World,
        accounts: Sequence[str],
        faults: Faults,
        push_every_s: float = PUSH_EVERY_S,
    ) -> None:
        self._world = world
        self._accounts = accounts
        self._faults = faults
        self._push_every_s = push_every_s
        self._readers: dict[Topic, list[Reader]] = {}
        self._topics: dict[str, set[Topic]] = defaultdict(set)
        self._moved: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._flushed_s = float("-inf")
        self._book_sent: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        self._trades_sent: dict[str, int] = {}
        self._bar_sent: dict[Topic, int] = {}
        self._positions: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._stale: dict[Topic, str] = {}
        self._ends: list[Callable[[], None]] = [
            world.market.follow(self._on_quote),
            world.exchange.subscribe(self._on_push),
        ]
        faults.on_stale(self._remember)

    def close(self) -> None:
        """Follow the market and the exchange no more."""
        for end in self._ends:
            end()
        if self._timer is not None:
            self._timer.cancel()

    def join(self, topic: Topic, reader: Reader) -> None:
        """Tell `reader` the snapshot of `topic` and everything that follows."""
        symbol = topic.about if topic.channel in PUBLIC_CHANNELS else ""
        if symbol:
            self._catch_up(topic)
        self._readers.setdefault(topic, []).append(reader)
        if symbol:
            self._topics[symbol].add(topic)
        stale = self._stale.get(topic)
        if stale is not None and self._faults.strike_stream(fault.StaleSnapshot, topic.channel, symbol):
            reader.tell(topic, symbol, stale)
        elif (frame := self._snapshot(topic)) is not None:
            reader.tell(topic, symbol, frame)

    def leave(self, topic: Topic, reader: Reader) -> None:
        """Tell `reader` nothing more of `topic`."""
        readers = self._readers.get(topic, [])
        if reader in readers:
            readers.remove(reader)
        if not readers:
            self._readers.pop(topic, None)
            self._topics[topic.about].discard(topic)

    def flush(self) -> None:
        """Send what the public channels have not been told yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._flushed_s = asyncio.get_running_loop().time()
        moved, self._moved = self._moved, set()
        for symbol in moved:
            for topic in list(self._topics.get(symbol, ())):
                self._tell(topic, symbol, self._update(topic))
            self._trades_sent[symbol] = self._world.market[symbol].trades_seen

    def _on_quote(self, quote: Quote) -> None:
        if not self._topics.get(quote.symbol):
            return
        self._moved.add(quote.symbol)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            wait = max(0.0, self._flushed_s + self._push_every_s - loop.time())
            self._timer = loop.call_later(wait, self.flush)

    def _on_push(self, push: Push) -> None:
        if push.channel == "positions":
            before, self._positions[push.account_id] = self._positions[push.account_id], push.rows
            gone = {_position(row) for row in before} - {_position(row) for row in push.rows}
            if gone and self._faults.strike_stream(fault.MissingClose, "positions", push.symbol):
                return
        for topic, readers in list(self._readers.items()):
            if topic.account_id != push.account_id or topic.channel != push.channel:
                continue
            if topic.about not in ("default", push.symbol) and topic.channel != "account":
                continue
            rows = push.rows
            if topic.about not in ("default", "USDT"):
                rows = [row for row in rows if row.get("instId", row.get("symbol")) == topic.about]
            frame = self._frame("snapshot", topic, rows)
            for reader in list(readers):
                reader.tell(topic, push.symbol, frame)

    def _tell(self, topic: Topic, symbol: str, frame: str | None) -> None:
        if frame is not None:
            for reader in list(self._readers.get(topic, ())):
                reader.tell(topic, symbol, frame)

    def _remember(self, stale: fault.StaleSnapshot) -> None:
        for topic in [*self._readers, *self._account_topics()]:
            symbol = topic.about if topic.channel in PUBLIC_CHANNELS else ""
            if stale.matches(topic.channel, symbol) and (frame := self._snapshot(topic)) is not None:
                self._stale[topic] = frame

    def _account_topics(self) -> list[Topic]:
        return [
            Topic(channel, "default", account_id)
            for account_id in self._accounts
            for channel in ("positions", "account")
        ]

    def _frame(self, action: str, topic: Topic, rows: Sequence[Any]) -> str:
        return json.dumps(
            {"action": action, "arg": topic.arg(), "data": rows, "ts": self._world.market.now_ms},
            separators=(",", ":"),
        )

    def _catch_up(self, topic: Topic) -> None:
        """Readers of a topic share its deltas: those that are there hear the rest before another joins."""
        if self._readers.get(topic):
            self.flush()
        elif topic.channel == "books":
            self._book_sent.pop(topic.about, None)

    def _snapshot(self, topic: Topic) -> str | None:
        tape = self._world.market[topic.about] if topic.channel in PUBLIC_CHANNELS else None
        match topic.channel:
            case "positions" | "account":
                return self._frame("snapshot", topic, self._exchange_rows(topic))
            case "trade" if tape is not None:
                self._trades_sent.setdefault(topic.about, tape.trades_seen)
                rows = [trade_row(trade) for trade in reversed(tape.trades)]
                return self._frame("snapshot", topic, rows[:_TRADES_SHOWN])
            case "books" if tape is not None:
                return self._frame("snapshot", topic, [self._whole_book(topic.about)])
            case channel if channel.startswith("candle") and tape is not None:
                bars = tape.chart.bars(channel.removeprefix("candle"), _CANDLES_SHOWN)
                self._bar_sent[topic] = bars[-1].ts if bars else 0
                return self._frame(
                    "snapshot", topic, [_candle(candle_row(bar, None, tape.tick)) for bar in bars]
                )
            case _ if tape is not None:
                return self._update(topic)
            case _:
                return None

    def _exchange_rows(self, topic: Topic) -> list[dict[str, Any]]:
        exchange = self._world.exchange
        if topic.channel == "account":
            return [account_row(exchange.account(topic.account_id))]
        rows = exchange.snapshot(topic.account_id)
        self._positions[topic.account_id] = rows
        return rows if topic.about == "default" else [row for row in rows if row["instId"] == topic.about]

    def _update(self, topic: Topic) -> str | None:
        tape = self._world.market[topic.about]
        match topic.channel:
            case "ticker":
                return self._frame("snapshot", topic, [stream_ticker_row(tape, self._world)])
            case "trade":
                fresh = tape.trades_seen - self._trades_sent.get(topic.about, tape.trades_seen)
                if not fresh:
                    return None
                newest = list(tape.trades)[-fresh:][::-1]
                return self._frame("update", topic, [trade_row(trade) for trade in newest])
            case "books":
                return self._frame("update", topic, [self._book_change(topic.about)])
            case channel if channel in _BOOKS:
                levels = _BOOKS[channel]
                bids, asks = level_rows(tape.quote.bids[:levels]), level_rows(tape.quote.asks[:levels])
                return self._frame("snapshot", topic, [_book(bids, asks, bids, asks, tape.quote.ts)])
            case channel:
                bars = tape.chart.bars(channel.removeprefix("candle"), 1_000, self._bar_sent.get(topic, 0))
                if not bars:
                    return None
                self._bar_sent[topic] = bars[-1].ts
                return self._frame(
                    "update", topic, [_candle(candle_row(bar, None, tape.tick)) for bar in bars]
                )

    def _whole_book(self, symbol: str) -> dict[str, Any]:
        """The book as its readers have it; the newest when there are none."""
        quote = self._world.market[symbol].quote
        if symbol not in self._book_sent:
            self._book_sent[symbol] = (_levels(quote.bids), _levels(quote.asks))
        bids, asks = ([[price, size] for price, size in side.items()] for side in self._book_sent[symbol])
        return _book(bids, asks, bids, asks, quote.ts)

    def _book_change(self, symbol: str) -> dict[str, Any]:
        quote = self._world.market[symbol].quote
        now = (_levels(quote.bids), _levels(quote.asks))
        before = self._book_sent.get(symbol, ({}, {}))
        self._book_sent[symbol] = now
        bids, asks = (_difference(old, new) for old, new in zip(before, now, strict=True))
        return _book(bids, asks, level_rows(quote.bids), level_rows(quote.asks), quote.ts)


def _levels(side: Sequence[Any]) -> dict[str, str]:
    return {row[0]: row[1] for row in level_rows(side)}


def _difference(old: dict[str, str], new: dict[str, str]) -> list[list[str]]:
    gone = [[price, "0"] for price in old if price not in new]
    return gone + [[price, size] for price, size in new.items() if old.get(price) != size]


def _book(
    bids: list[list[str]],
    asks: list[list[str]],
    all_bids: list[list[str]],
    all_asks: list[list[str]],
    ts: int,
) -> dict[str, Any]:
    return {"asks": asks, "bids": bids, "checksum": checksum(all_bids, all_asks), "seq": ts, "ts": str(ts)}


def _candle(row: list[str]) -> list[str]:
    return [*row, row[-1]]


def _position(row: dict[str, Any]) -> tuple[str, str]:
    return str(row.get("instId", row.get("symbol"))), str(row.get("holdSide"))
