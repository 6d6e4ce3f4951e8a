"""Every fault of a request, and what the venue makes of it: one try, and the truth about what is known."""

from __future__ import annotations

import asyncio
import logging
from decimal import Decimal as D
from typing import Any, NoReturn

import pytest
from watched import BRIEF, asked, opened, outcome, read, running

from engine.core.actions import LookUp, MoveStop, PlaceMarket, PlaceStop, Read, Reading
from engine.core.events import Answered, FillSeen, FillsRead, LookedUp, OrdersRead, PositionsRead
from engine.core.exchange import Accepted, OrderState, Refused, Unknown
from engine.core.instrument import Side
from engine.simulator.private import PrivateEndpoints
from engine.simulator.server import ACCOUNT, SimulatedBitget

PLACE = "v2/mix/order/place-order"
OPEN = PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, D("0.001"))
FIND = LookUp("find-1", "open-1", "BTCUSDT", False, 0)

UNDECIDED: list[tuple[dict[str, Any], bool]] = [
    ({"fault": "lost"}, False),
    ({"fault": "response_lost"}, True),
    ({"fault": "response_lost", "hang": True}, True),
    ({"fault": "late", "delay_ms": 1300}, True),
    ({"fault": "late", "delay_ms": 1300, "before": True}, True),
    ({"fault": "too_many"}, False),
    ({"fault": "server_error", "status": 502}, False),
    ({"fault": "server_error", "status": 500, "executed": True}, True),
    ({"fault": "server_error", "status": 504, "executed": True}, True),
    ({"fault": "malformed"}, True),
    ({"fault": "reject", "code": "40015"}, False),
    ({"fault": "reject", "code": "40725"}, False),
    ({"fault": "reject", "code": "40008"}, False),
]


@pytest.mark.parametrize(("fault", "executed"), UNDECIDED, ids=str)
async def test_pitfall_8_an_open_question_is_sent_once_and_ended_by_a_look_up(
    fault: dict[str, Any], executed: bool
) -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim, patience=BRIEF) as (venue, _):
        sim.faults.add({"path": PLACE, **fault})
        assert isinstance(await outcome(venue, OPEN), Unknown)
        while executed and not sim.exchange.snapshot("1"):  # noqa: ASYNC110 - the exchange tells nobody
            await asyncio.sleep(0.01)
        assert len(await asked(sim, PLACE)) == 1
        [found] = await venue.do(FIND)
        assert isinstance(found, LookedUp)
        assert (found.row is not None) == executed
        if found.row is not None:
            assert (found.row.state, found.row.filled) == (OrderState.FILLED, D("0.001"))


@pytest.mark.parametrize("code", ["40762", "40774", "45110", "45117", "22002", "40200", "40786"])
async def test_pitfall_10_a_business_code_refuses_whatever_class_ccxt_gives_it(code: str) -> None:
    async with SimulatedBitget() as sim, opened(sim) as (venue, _):
        sim.faults.add({"fault": "reject", "path": PLACE, "code": code, "msg": "no"})
        assert await outcome(venue, OPEN) == Refused(code, "no")


async def test_429_says_rate_limited() -> None:
    async with SimulatedBitget() as sim, opened(sim) as (venue, _):
        sim.faults.add({"fault": "too_many", "path": PLACE})
        assert await outcome(venue, OPEN) == Unknown("rate limited")


async def test_a_client_id_is_used_once_and_the_second_is_refused_as_a_duplicate() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        assert isinstance(await outcome(venue, OPEN), Accepted)
        again = await outcome(venue, OPEN)
        assert isinstance(again, Refused)
        assert again.code == "40786"


async def test_a_doubled_request_executes_once() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        sim.faults.add({"fault": "doubled", "path": PLACE})
        assert isinstance(await outcome(venue, OPEN), Accepted)
        [body], _ = await read(venue, Reading.POSITIONS)
        assert isinstance(body, PositionsRead)
        assert body.positions[0].qty == D("0.001")


async def test_pitfall_1_and_2_margin_mode_and_position_mode_are_in_every_order() -> None:
    for mode, shape in (
        ("one_way_mode", {"side": "buy", "reduceOnly": "NO"}),
        ("hedge_mode", {"side": "buy", "tradeSide": "open"}),
    ):
        async with SimulatedBitget(ideal=True, position_mode=mode) as sim, opened(sim) as (venue, _):
            await outcome(venue, OPEN)
            [request] = await asked(sim, PLACE)
            assert request["params"] == {
                "symbol": "BTCUSDT",
                "productType": "USDT-FUTURES",
                "marginMode": "isolated",
                "marginCoin": "USDT",
                "orderType": "market",
                "size": "0.001",
                "clientOid": "open-1",
                **shape,
            }


async def test_pitfall_5_a_stop_says_its_kind_and_trigger_type_itself() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        await outcome(venue, OPEN)
        await outcome(venue, PlaceStop("stop-1", "BTCUSDT", Side.LONG, D("0.001"), D("99000.5")))
        [request] = await asked(sim, "v2/mix/order/place-tpsl-order")
        assert request["params"] == {
            "symbol": "BTCUSDT",
            "productType": "USDT-FUTURES",
            "marginCoin": "USDT",
            "planType": "loss_plan",
            "triggerPrice": "99000.5",
            "triggerType": "mark_price",
            "executePrice": "0",
            "holdSide": "buy",
            "size": "0.001",
            "clientOid": "stop-1",
        }


async def test_a_mode_changed_by_hand_is_read_again_after_the_refusal() -> None:
    async with SimulatedBitget(ideal=True) as sim, running(sim) as (venue, told):
        PrivateEndpoints(sim.exchange, ACCOUNT).set_position_mode(
            {"productType": "USDT-FUTURES", "posMode": "hedge_mode"}
        )
        refused = await outcome(venue, OPEN)
        assert isinstance(refused, Refused)
        assert refused.code == "40774"
        await told.one(OrdersRead)
        again = PlaceMarket("open-2", "BTCUSDT", Side.LONG, True, D("0.001"))
        assert isinstance(await outcome(venue, again), Accepted)


async def test_a_number_that_is_none_is_not_sent() -> None:
    async with SimulatedBitget() as sim, opened(sim) as (venue, _):
        for qty in (D("NaN"), D(0), D(-1)):
            refused = await outcome(venue, PlaceMarket("open-1", "BTCUSDT", Side.LONG, True, qty))
            assert isinstance(refused, Refused)
            assert "not sent" in refused.message
        bad = await outcome(venue, MoveStop("m", "1", "s", "BTCUSDT", Side.LONG, None, D("NaN")))
        assert isinstance(bad, Refused)
        assert await asked(sim, PLACE) == []


@pytest.mark.parametrize("fault", ["lost", "malformed", "server_error", "too_many"])
async def test_a_look_up_that_cannot_ask_says_unknown(fault: str) -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim, patience=BRIEF) as (venue, _):
        sim.faults.add({"fault": fault, "path": "v2/mix/order/detail"})
        assert isinstance(await outcome(venue, FIND), Unknown)
        [found] = await venue.do(FIND)
        assert found == LookedUp("find-1", "open-1", None)


async def test_a_look_up_waits_as_long_as_it_was_told() -> None:
    async with SimulatedBitget() as sim, opened(sim) as (venue, _):
        started = asyncio.get_running_loop().time()
        await venue.do(LookUp("find-1", "open-1", "BTCUSDT", False, 150))
        assert asyncio.get_running_loop().time() - started >= 0.15


@pytest.mark.parametrize(
    ("path", "field", "what"),
    [
        ("v2/mix/position/all-position", "marginSize", Reading.POSITIONS),
        ("v2/mix/account/account", "accountEquity", Reading.BALANCE),
        ("v2/mix/order/fills", "price", Reading.FILLS),
        ("v2/mix/account/bill", "amount", Reading.BILLS),
        ("v2/mix/order/orders-plan-pending", "triggerPrice", Reading.ORDERS),
    ],
)
@pytest.mark.parametrize("garble", [{}, {"renamed_to": "other"}])
async def test_a_garbled_number_makes_the_reading_unknown_and_never_a_zero(
    path: str, field: str, what: Reading, garble: dict[str, str]
) -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        await outcome(venue, OPEN)
        await outcome(venue, PlaceStop("stop-1", "BTCUSDT", Side.LONG, D("0.001"), D(99000)))
        sim.faults.add({"fault": "garbled", "path": path, "field": field, "count": None, **garble})
        bodies, unknown = await read(venue, what)
        assert bodies == []
        assert isinstance(unknown, Unknown)
        assert what.value in unknown.cause
        sim.faults.clear()
        bodies, complete = await read(venue, what)
        assert bodies
        assert isinstance(complete, Accepted)


async def test_one_reading_that_fails_does_not_take_the_others_with_it() -> None:
    async with SimulatedBitget() as sim, opened(sim) as (venue, _):
        sim.faults.add({"fault": "server_error", "path": "v2/mix/position/all-position"})
        bodies, unknown = await read(venue, Reading.POSITIONS, Reading.ORDERS)
        assert [type(body) for body in bodies] == [OrdersRead]
        assert isinstance(unknown, Unknown)


async def test_many_trades_are_read_page_by_page_with_their_client_ids() -> None:
    async with SimulatedBitget(balance=D(10_000), ideal=True) as sim, opened(sim) as (venue, _):
        endpoints = PrivateEndpoints(sim.exchange, ACCOUNT)
        body = {
            "symbol": "BTCUSDT",
            "productType": "USDT-FUTURES",
            "marginMode": "isolated",
            "marginCoin": "USDT",
        }
        for number in range(230):
            side = "buy" if number % 2 == 0 else "sell"
            endpoints.place_order(
                {**body, "orderType": "market", "side": side, "size": "0.001", "clientOid": f"c{number}"}
            )
        bodies, complete = await read(venue, Reading.FILLS)
        assert isinstance(complete, Accepted)
        assert bodies[-1] == FillsRead(0)
        fills = [each.fill for each in bodies if isinstance(each, FillSeen)]
        assert [fill.client_id for fill in fills] == [f"c{number}" for number in range(230)]
        assert len(await asked(sim, "v2/mix/order/detail")) == 0


async def test_no_secret_is_ever_written_or_raised(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with SimulatedBitget(ideal=True) as sim, running(sim, patience=BRIEF) as (venue, told):
        told_texts: list[str] = []
        for fault in (
            {"fault": "lost"},
            {"fault": "server_error"},
            {"fault": "malformed"},
            {"fault": "too_many"},
        ):
            sim.faults.add({"path": PLACE, **fault})
            told_texts.append(repr(await outcome(venue, OPEN)))
        leak = f"signature {sim.secret} of {sim.key} with {sim.passphrase}"
        sim.faults.add({"fault": "reject", "path": PLACE, "code": "40009", "msg": leak})
        told_texts.append(repr(await outcome(venue, OPEN)))
        sim.faults.add({"fault": "disconnect"})
        await told.until(lambda: told.links("private")[-2:] == [False, True])
        text = "\n".join([caplog.text, *told_texts, repr(told.bodies), repr(venue)])
        for secret in (sim.key, sim.secret, sim.passphrase):
            assert secret not in text


async def test_a_cancelled_request_is_cancelled_and_not_swallowed() -> None:
    async with SimulatedBitget() as sim, opened(sim) as (venue, _):
        sim.faults.add({"fault": "lost", "path": PLACE})
        task = asyncio.create_task(venue.do(OPEN))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_five_orders_in_a_row_leave_without_ccxts_hundred_milliseconds() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):

        async def throttled(cost: object = None) -> NoReturn:
            raise AssertionError("ccxt's own limiter: 400 ms for five orders")

        venue._client.throttle = throttled
        for number in range(5):
            order = PlaceMarket(f"open-{number}", "BTCUSDT", Side.LONG, True, D("0.0001"))
            assert isinstance(await outcome(venue, order), Accepted)


async def test_a_reducing_order_does_not_wait_behind_reads() -> None:
    async with SimulatedBitget(ideal=True) as sim, opened(sim) as (venue, _):
        await outcome(venue, OPEN)
        sim.faults.add({"fault": "late", "method": "GET", "delay_ms": 60_000, "count": None})
        reads = [asyncio.create_task(venue.do(Read(f"r{n}", (Reading.ORDERS,)))) for n in range(12)]
        await asyncio.sleep(0.05)
        bank = PlaceMarket("bank-1", "BTCUSDT", Side.LONG, False, D("0.001"))
        assert isinstance(await outcome(venue, bank), Accepted)
        assert not any(each.done() for each in reads)
        for each in reads:
            each.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


async def test_a_short_burst_of_reads_stays_within_bitgets_limits() -> None:
    async with SimulatedBitget() as sim, opened(sim) as (venue, _):
        answers = await asyncio.gather(
            *(venue.do(Read(f"r{n}", (Reading.POSITIONS, Reading.BALANCE))) for n in range(8))
        )
        for answer in answers:
            last = answer[-1]
            assert isinstance(last, Answered)
            assert isinstance(last.outcome, Accepted)
