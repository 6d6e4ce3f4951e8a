"""What an engine answers when its desk asks once: previews of example A's short, past cycles, a chart."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal as D

from aiohttp import web

from engine.protocol import (
    Candle,
    ChartView,
    CycleStory,
    CycleView,
    Enter,
    EquityPoint,
    Level,
    LimitView,
    ModeView,
    OptionView,
    PastLeg,
    PreviewView,
    ReduceView,
    RungView,
    SettingsView,
    Side,
    SignalsView,
    StopMode,
    StopView,
    StoryLine,
    TicketView,
    TradeView,
)
from tests.desk.scenes import BTC, NOW

HOUR = 3_600_000
MARKET = NOW - 86_400_000 * 3


def preview(request: web.Request) -> PreviewView:
    """What each choice does to the short; a part that is asked for is computed at the mark."""
    parts = [D(text) for text in request.query.getall("part", ["0.25", "0.5", "0.75", "1"])]
    return PreviewView(
        "BTCUSDT",
        Side.SHORT,
        "c1",
        BTC.mark,
        StopMode.LEG_ENTRY,
        D("-4.4975"),
        (
            ModeView(StopMode.LEG_ENTRY, D("-4.4975"), BTC.stops),
            ModeView(StopMode.LEG_NET, D("-4.3821"), (_stop("0.0010", "99881.4", "net", 1, "0.1186"),)),
            ModeView(
                StopMode.CYCLE_BREAKEVEN, D("-0.0012"), (_stop("0.0031", "98071.2", "cycle", None, "-4.52"),)
            ),
            ModeView(
                StopMode.PREVIOUS_ENTRY,
                D("-6.1"),
                (_stop("0.0031", "100000.0", "previous entry", None, "-10.5"),),
            ),
        ),
        tuple(_reduced(part) for part in parts),
    )


def _stop(qty: str, trigger: str, why: str, leg: int | None, result: str) -> StopView:
    return StopView(D(qty), D(trigger), why, leg, "wanted", False, D(result), True)


def _reduced(part: D) -> ReduceView:
    qty = (BTC.size * part).quantize(D("0.0001"), "ROUND_FLOOR")
    assert BTC.mark is not None
    return ReduceView(
        part,
        qty,
        BTC.size - qty,
        (BTC.entry - BTC.mark) * qty,
        BTC.margin * part,
        D(0) if part == 1 else BTC.liquidation,
        D("-2.2"),
        "" if qty else "0 is below Bitget's minimum of 0.0001",
    )


def ticket(enter: Enter) -> TicketView:
    """An entry at 95,010: ten times its margin, unless the trader says otherwise."""
    price, leverage = D("95010.2"), enter.leverage or D(20)
    qty = enter.qty or ((enter.margin or D(0)) * leverage / price).quantize(D("0.0001"), "ROUND_FLOOR")
    margin = qty * price / leverage
    return TicketView(
        enter.symbol,
        enter.side,
        price,
        qty,
        qty * price,
        margin,
        leverage,
        qty * price * D("0.0006"),
        qty,
        price,
        price * (1 - D("0.95") / leverage * enter.side.d),
        D("0.95") / leverage,
        -margin - qty * price * D("0.0006"),
        D(0),
        D("89.7283") - margin,
        (
            LimitView("entry margin", "10.97 (10.0 %)", f"{margin:.2f}", margin > D("10.97")),
            LimitView("cycles", "2", "3", True),
        ),
        ("more than 10 % of the equity in one entry.",) if margin > D("10.97") else (),
        "" if enter.symbol == "BTCUSDT" else f"{enter.symbol} is not under care.",
        1,
        4,
    )


def _cycle(number: int, net: str, **changes: object) -> CycleView:
    ended = NOW - number * 9 * HOUR
    values: dict[str, object] = {
        "cycle": f"past{number}",
        "symbol": "BTCUSDT" if number % 2 else "ETHUSDT",
        "side": Side.SHORT if number % 3 else Side.LONG,
        "status": "CLOSED",
        "reason": "stop" if D(net) < 0 else "closed by the trader",
        "opened": ended - 3 * HOUR - number * 400_000,
        "closed": ended,
        "rungs": number % 4,
        "first_margin": D(10),
        "start_equity": D(100),
        "peak_qty": D("0.0043"),
        "realised": D(net) + D("0.31"),
        "fees": D("0.29"),
        "funding": D("-0.02"),
        "net": D(net),
        "r": D(net) / 10,
        "exit_price": D("94328.5"),
    }
    return CycleView(**{**values, **changes})  # type: ignore[arg-type]


CYCLES = (
    _cycle(0, "2.97", cycle="c1", symbol="BTCUSDT", side=Side.SHORT, status="BREAKEVEN", reason="", closed=0),
    *(
        _cycle(k, net)
        for k, net in enumerate(("11.20", "-4.51", "2.97", "-9.83", "6.40", "0.12", "-1.75"), 1)
    ),
)

STORY = CycleStory(
    CYCLES[1],
    (
        PastLeg(
            1,
            NOW - 12 * HOUR,
            "trader",
            D("0.0020"),
            D(0),
            D("100000.0"),
            D(20),
            D("10.0"),
            D("5.0"),
            D("0.12"),
            D("-0.01"),
            True,
        ),
        PastLeg(
            2,
            NOW - 11 * HOUR,
            "ladder",
            D("0.0021"),
            D(0),
            D("95000.0"),
            D(20),
            D("9.975"),
            D("6.5"),
            D("0.12"),
            D("-0.01"),
            True,
        ),
    ),
    (
        RungView(
            1,
            NOW - 11 * HOUR,
            D("95000.0"),
            D("0.0010"),
            D("94998.2"),
            D("5.00"),
            D("9.94"),
            D("0.0021"),
            D("95000.4"),
            D("9.975"),
            D("-10.12"),
            "",
        ),
    ),
    (
        TradeView(
            NOW - 12 * HOUR, True, False, D("0.0020"), D("100000.0"), D("0.12"), D(0), "order", False, "1001"
        ),
        TradeView(
            NOW - 11 * HOUR,
            False,
            True,
            D("0.0010"),
            D("94998.2"),
            D("0.057"),
            D("5.00"),
            "order",
            True,
            "1002",
        ),
        TradeView(
            NOW - 11 * HOUR + 400,
            True,
            False,
            D("0.0021"),
            D("95000.4"),
            D("0.1197"),
            D(0),
            "order",
            True,
            "1003",
        ),
        TradeView(
            NOW - 9 * HOUR, False, True, D("0.0031"), D("94328.5"), D("0.17"), D("6.20"), "stop", True, "1004"
        ),
    ),
)

CURVE = tuple(
    EquityPoint(
        NOW - (300 - k) * 600_000, D(str(round(100 + k * 0.03 + 3 * math.sin(k / 19), 4))), D("14.98")
    )
    for k in range(300)
)


def _candle(k: int) -> Candle:
    at = MARKET - MARKET % 60_000 - (120 - k) * 60_000
    opens, closes = (D(str(round(95_400 - k * 3.2 + 160 * math.sin(x / 9), 1))) for x in (k, k + 1))
    return Candle(at, opens, max(opens, closes) + 12, min(opens, closes) - 14, closes)


CHART = ChartView(
    "BTCUSDT",
    tuple(_candle(k) for k in range(120)),
    (
        TradeView(
            _candle(20).at, False, True, D("0.0010"), D("95410.0"), D("0.06"), D("5.0"), "order", True, "1"
        ),
        TradeView(
            _candle(20).at, True, False, D("0.0021"), D("95408.0"), D("0.12"), D(0), "order", True, "2"
        ),
    ),
)

WHY = (
    StoryLine(101, NOW - 7_200_000, "event", "a fill of 0.0020 at 100,000.0, by the trader's hand"),
    StoryLine(
        101, NOW - 7_200_000, "decided", "BTCUSDT short is under care: 0.0020 at 100,000.0.", Level.MONEY
    ),
    StoryLine(140, NOW - 23_000, "event", "the mark reached 95,000.0"),
    StoryLine(
        140, NOW - 23_000, "decided", "BTCUSDT short: rung 1 begins: bank 0.0010, add 9.98 USDT.", Level.MONEY
    ),
    StoryLine(140, NOW - 23_000, "sent", "buy 0.0010 at market, reduce-only, to bank half of leg 1"),
    StoryLine(141, NOW - 22_700, "answered", "taken as order 1002"),
    StoryLine(142, NOW - 22_400, "filled", "0.0010 at 94,998.2, fee 0.06, profit 5.00"),
    StoryLine(
        143,
        NOW - 22_100,
        "decided",
        "the private stream was away for 2 s; everything was read again.",
        Level.WARNING,
    ),
)

SETTINGS = SettingsView(
    (
        OptionView("account", '"main"', "file", "line 1"),
        OptionView("bitget.key", '"env:BITGET_KEY"', "file", "line 4"),
        OptionView("ladder.roe", "1", "default"),
        OptionView("ladder.stops", '"leg_entry"', "default"),
        OptionView("limits.daily_loss", "0.1", "environment", "RATCHET_LIMITS__DAILY_LOSS"),
        OptionView("limits.max_cycles", "2", "default"),
        OptionView("desk.theme", '"ratchet-dark"', "option", "--theme"),
    ),
    (("configuration", "~/.config/ratchet/ratchet.toml"), ("journal", "~/.local/state/ratchet/state.db")),
)

LOOKS: dict[str, object | Callable[[web.Request], object]] = {
    "/v1/preview/BTCUSDT/short": preview,
    "/v1/history": CYCLES,
    "/v1/history/past1": STORY,
    "/v1/equity": CURVE,
    "/v1/signals": SignalsView(()),
    "/v1/chart/BTCUSDT": CHART,
    "/v1/why/c1": WHY,
    "/v1/settings": SETTINGS,
}
