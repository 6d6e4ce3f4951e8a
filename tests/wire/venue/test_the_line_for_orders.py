"""The connection that is kept open for orders, against servers that answer as real ones do at times."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal as D
from pathlib import Path
from typing import NoReturn

import pytest
from watched import asked, outcome, running

from engine.core.actions import PlaceMarket
from engine.core.exchange import Accepted, Unknown
from engine.core.instrument import Side
from engine.simulator.server import SimulatedBitget
from engine.venue import line as the_line
from engine.venue.keys import Keys
from engine.venue.line import Line
from engine.venue.orders import PLACE
from engine.venue.rest import Ready
from engine.venue.signing import Signed, Signer
from tests.certificate import certificate

ORDER = Signed("POST", "/api/v2/order", {"ACCESS-KEY": "k", "Accept-Encoding": "gzip"}, b'{"size":"1"}')
YES = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
NO = b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"
ONE = PlaceMarket("bank-1", "BTCUSDT", Side.LONG, True, D("0.001"))
TWO = PlaceMarket("bank-2", "BTCUSDT", Side.LONG, True, D("0.001"))


class Exchange:
    """It answers each request with the next of its `answers`, in the pieces that were given; `None` among
    them ends the connection.
    """

    def __init__(self, *answers: tuple[bytes | None, ...]) -> None:
        self.answers = list(answers)
        self.heard: list[bytes] = []
        self.talks: list[asyncio.Task[None]] = []

    @property
    def connections(self) -> int:
        return len(self.talks)

    @asynccontextmanager
    async def listening(self, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        """The port that it listens on."""

        def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.talks.append(asyncio.create_task(self._talk(reader, writer)))

        server = await asyncio.start_server(taken, "127.0.0.1", port, ssl=tls)
        yield int(server.sockets[0].getsockname()[1])
        server.close()
        await asyncio.gather(*self.talks)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heard.append(head + await reader.readexactly(len(ORDER.body or b"")))
                for piece in self.answers.pop(0):
                    if piece is None:
                        raise ConnectionError
                    writer.write(piece)
                    await asyncio.sleep(0.01)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def never() -> NoReturn:
    raise AssertionError("no TLS was asked for")


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - a line tells nobody
            await asyncio.sleep(0.01)


async def until_free(line: Line) -> None:
    await until(lambda: line.is_free)


@asynccontextmanager
async def a_line_to(exchange: Exchange) -> AsyncIterator[Line]:
    """A line that is open, for a letter was written for it."""
    async with exchange.listening() as port, kept(Line(f"http://127.0.0.1:{port}", never)) as line:
        await until_free(line)
        yield line


@asynccontextmanager
async def kept(line: Line) -> AsyncIterator[Line]:
    line.letter(ORDER)
    keeping = asyncio.create_task(line.keep())
    yield line
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def test_one_connection_carries_one_order_after_the_other() -> None:
    exchange = Exchange((YES,), (NO,))
    async with a_line_to(exchange) as line:
        assert await line.ask(line.letter(ORDER)) == (200, b"yes")
        assert await line.ask(line.letter(ORDER)) == (400, b"no")
    assert exchange.connections == 1
    [first, second] = exchange.heard
    assert first == second
    assert first.startswith(b"POST /api/v2/order HTTP/1.1\r\n")
    assert first.endswith(b'Content-Length: 12\r\n\r\n{"size":"1"}')
    assert b"gzip" not in first, "what comes is read as it is"


async def test_an_answer_may_come_in_pieces_and_after_a_word_in_between() -> None:
    exchange = Exchange((b"HTTP/1.1 103 Early Hints\r\n\r\n", YES[:20], YES[20:]), (YES,))
    async with a_line_to(exchange) as line:
        asking = asyncio.create_task(line.ask(line.letter(ORDER)))
        await asyncio.sleep(0)
        assert not line.is_free, "it carries one at a time"
        assert await asking == (200, b"yes")
        assert line.is_free


@pytest.mark.parametrize("pieces", [(None,), (YES[:-1], None), (b"SSH-2.0-OpenSSH_9.6\r\n\r\n",)])
async def test_an_answer_that_is_none_is_said_and_the_next_order_has_a_new_connection(
    pieces: tuple[bytes | None, ...],
) -> None:
    exchange = Exchange(pieces, (YES,))
    async with a_line_to(exchange) as line:
        with pytest.raises(ConnectionError, match="cut off"):
            await line.ask(line.letter(ORDER))
        assert not line.is_free
        await until_free(line)
        assert await line.ask(line.letter(ORDER)) == (200, b"yes")
    assert exchange.connections == 2


async def test_a_late_answer_is_not_taken_for_that_to_the_next_order() -> None:
    exchange = Exchange((), (YES,))
    async with a_line_to(exchange) as line:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.ask(line.letter(ORDER)), 0.05)
        assert not line.is_free
        await until_free(line)
        assert await line.ask(line.letter(ORDER)) == (200, b"yes")
    assert exchange.connections == 2


async def test_a_connection_that_the_exchange_wants_to_end_is_not_used_again() -> None:
    exchange = Exchange((YES.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), None))
    async with a_line_to(exchange) as line:
        assert await line.ask(line.letter(ORDER)) == (200, b"yes")
        assert not line.is_free


async def test_one_that_lay_silent_too_long_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(the_line, "LOOK_S", 0.01)
    monkeypatch.setattr(the_line, "IDLE_S", 0.05)
    exchange = Exchange()
    async with a_line_to(exchange):
        await until(lambda: exchange.connections >= 3)


async def test_where_nothing_is_armed_no_connection_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(the_line, "LOOK_S", 0.01)
    async with a_line_to(Exchange()) as line:
        monkeypatch.setattr(the_line, "WANTED_S", 0.2)
        await until(lambda: not line.is_free)


async def test_where_nobody_listens_it_tries_again() -> None:
    async with Exchange().listening() as port:
        pass
    exchange = Exchange((YES,))
    async with kept(Line(f"http://127.0.0.1:{port}", never)) as line:
        await asyncio.sleep(0.1)
        assert not line.is_free
        async with exchange.listening(port):
            await until_free(line)
            assert await line.ask(line.letter(ORDER)) == (200, b"yes")
            line._hang_up()


async def test_it_speaks_tls_with_whom_it_can_trust_and_with_nobody_else(tmp_path: Path) -> None:
    file = certificate(tmp_path)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(file, tmp_path / "key.pem")
    exchange = Exchange((YES,))
    async with exchange.listening(tls=theirs) as port:
        address = f"https://127.0.0.1:{port}"
        async with kept(Line(address, lambda: ssl.create_default_context(cafile=file))) as line:
            await until_free(line)
            assert await line.ask(line.letter(ORDER)) == (200, b"yes")
        async with kept(Line(address, ssl.create_default_context)) as line:
            await asyncio.sleep(0.3)
            assert not line.is_free
    assert len(exchange.heard) == 1


def test_no_secret_is_seen_in_what_lies_ready() -> None:
    keys = Keys("the-key", "the-secret", "the-passphrase")
    signed = Signer(keys, demo=False).post("v2/order", {"size": "1"}, "1746712867000")
    letter = Line("http://127.0.0.1:1", never).letter(signed)
    assert b"the-passphrase" in letter.text
    shown = repr(Ready("v2/order", signed, letter, 0.0))
    assert "the-" not in shown
    assert signed.headers["ACCESS-SIGN"] not in shown


def test_what_would_end_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="header"):
        Line("http://127.0.0.1:1", never).letter(ORDER._replace(headers={"ACCESS-KEY": "k\r\nsize: 9"}))


async def test_an_armed_order_goes_over_the_line_and_a_second_one_beside_it() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, _):
        venue.have_ready([ONE, TWO])
        line = venue._rest.line
        await until_free(line)
        first = asyncio.create_task(outcome(venue, ONE))
        await asyncio.sleep(0)
        assert not line.is_free
        assert isinstance(await outcome(venue, TWO), Accepted)
        assert isinstance(await first, Accepted)
        assert {row["params"]["clientOid"] for row in await asked(sim, PLACE)} == {"bank-1", "bank-2"}


async def test_an_armed_order_whose_answer_is_lost_is_unknown_and_never_sent_twice() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, _):
        venue.have_ready([ONE])
        await until_free(venue._rest.line)
        sim.faults.add([{"fault": "response_lost", "path": PLACE}])
        assert isinstance(await outcome(venue, ONE), Unknown)
        assert len(await asked(sim, PLACE)) == 1
