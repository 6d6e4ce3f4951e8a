"""Snapshots as an engine would send them: the ladder's example A after its first rung, and what can go wrong
with it.
"""

from __future__ import annotations

from decimal import Decimal as D

from msgspec.structs import replace

from engine.protocol import (
    AccountView,
    ApprovalView,
    EngineView,
    EntryView,
    Hello,
    LegView,
    Level,
    LimitView,
    LinkView,
    LogLine,
    Mode,
    NextRungView,
    PositionView,
    Side,
    Snapshot,
    Status,
    StopMode,
    StopView,
)

NOW = 1_746_713_001_000
"""2025-05-08 14:03:21 UTC."""

HELLO = Hello(protocol=1, version="0.1.0", account="main", mode=Mode.SIM, pid=4711, hand=True)

BTC = PositionView(
    key="BTCUSDT:short",
    cycle="c1",
    managed=True,
    can_adopt=False,
    symbol="BTCUSDT",
    side=Side.SHORT,
    entry=D("96612.9032"),
    mark=D("95010.2"),
    last=D("95011.0"),
    mark_age_ms=180,
    size=D("0.0031"),
    margin=D("14.975"),
    leverage=D(20),
    unrealized_pnl=D("4.9684"),
    unrealized_return=D("0.3318"),
    liquidation=D("100979.0"),
    distance=D("0.06282"),
    distance_usdt=D("5968.8"),
    status=Status.BREAKEVEN,
    reason="",
    blocked="",
    rungs=1,
    next_rung=NextRungView(2, D("90250.0"), D("0.0010"), D("9.93"), D("2.9733")),
    worst_case=D("-4.4975"),
    risk_free=False,
    funding=D("-0.0214"),
    fees=D("0.2967"),
    realized=D("5.0000"),
    breakeven=D("98071.2"),
    stop_mode=StopMode.LEG_ENTRY,
    legs=(
        LegView(1, D("0.0010"), D("100000.0"), D(20), D("10.0"), D("100000.0"), "trader", True),
        LegView(2, D("0.0021"), D("95000.0"), D(20), D("9.975"), D("99293.2"), "ladder", False),
    ),
    stops=(
        StopView(D("0.0021"), D("99293.2"), "own margin", 2, "resting", True, D("-9.0157"), True),
        StopView(D("0.0010"), D("100000.0"), "entry", 1, "resting", True, D("0"), True),
    ),
    opened=NOW - 7_200_000,
    if_machine_dies="2 stops rest on Bitget, nearest 99,293.2; no further rung; at worst −4.50 USDT.",
    price_decimals=1,
    qty_decimals=4,
)

ETH = replace(
    BTC,
    key="ETHUSDT:long",
    cycle="c2",
    symbol="ETHUSDT",
    side=Side.LONG,
    entry=D("1827.29"),
    mark=D("1841.02"),
    last=D("1841.05"),
    mark_age_ms=240,
    size=D("0.21"),
    margin=D("9.5932"),
    leverage=D(40),
    unrealized_pnl=D("2.8833"),
    unrealized_return=D("0.3006"),
    liquidation=D("1789.85"),
    distance=D("0.02779"),
    distance_usdt=D("51.17"),
    status=Status.ACTIVE,
    rungs=0,
    next_rung=NextRungView(1, D("1872.97"), D("0.10"), D("9.59"), D("-4.41")),
    worst_case=D("-9.8264"),
    funding=D("0"),
    fees=D("0.2302"),
    realized=D("0"),
    breakeven=D("1828.39"),
    legs=(LegView(1, D("0.21"), D("1827.29"), D(40), D("9.5932"), None, "trader", False),),
    stops=(),
    opened=NOW - 3_100_000,
    if_machine_dies="no stop rests, liquidation at 1,789.85 is the stop; at worst −9.83 USDT.",
    price_decimals=2,
    qty_decimals=2,
)

STRANGER = replace(
    ETH,
    key="SOLUSDT:long",
    cycle="",
    managed=False,
    can_adopt=True,
    symbol="SOLUSDT",
    entry=D("172.410"),
    mark=D("170.120"),
    size=D("3.5"),
    margin=D("30.17"),
    leverage=D(20),
    unrealized_pnl=D("-8.015"),
    unrealized_return=D("-0.2657"),
    liquidation=D("164.512"),
    distance=D("0.03296"),
    distance_usdt=D("5.608"),
    status=None,
    reason="SOLUSDT is not in the list of managed symbols",
    next_rung=None,
    worst_case=None,
    breakeven=None,
    stop_mode=None,
    legs=(),
    if_machine_dies="Ratchet does not touch this position.",
    price_decimals=3,
    qty_decimals=1,
)

RISK_FREE = replace(
    BTC,
    mark=D("90120.5"),
    entry=D("93357.46"),
    size=D("0.0043"),
    margin=D("20.0719"),
    unrealized_pnl=D("13.9189"),
    unrealized_return=D("0.6935"),
    liquidation=D("97576.5"),
    distance=D("0.08273"),
    distance_usdt=D("7456.0"),
    rungs=2,
    next_rung=NextRungView(3, D("85737.5"), D("0.0011"), D("9.86"), D("12.429")),
    worst_case=D("2.9733"),
    risk_free=True,
    fees=D("0.4700"),
    realized=D("11.3629"),
    breakeven=D("95833.2"),
    legs=(
        LegView(1, D("0.0010"), D("100000.0"), D(20), D("10.0"), D("97088.6"), "trader", True),
        LegView(2, D("0.0011"), D("95000.0"), D(20), D("9.975"), D("95000.0"), "ladder", True),
        LegView(3, D("0.0022"), D("90250.0"), D(20), D("9.9275"), D("94328.5"), "ladder", False),
    ),
    stops=(
        StopView(D("0.0022"), D("94328.5"), "own margin", 3, "resting", True, D("-8.9727"), True),
        StopView(D("0.0011"), D("95000.0"), "entry", 2, "resting", True, D("0"), True),
        StopView(D("0.0010"), D("97088.6"), "guard", 1, "resting", True, D("2.9114"), True),
    ),
    if_machine_dies="3 stops rest on Bitget, nearest 94,328.5; no further rung; at worst +2.97 USDT.",
)

LOG = (
    LogLine(
        1, NOW - 7_200_000, NOW - 7_200_000, Level.MONEY, "BTCUSDT", "short seen: 0.0020 @ 100,000.0, adopted"
    ),
    LogLine(
        2, NOW - 3_101_000, NOW - 3_101_000, Level.MONEY, "ETHUSDT", "long seen: 0.21 @ 1,827.29, adopted"
    ),
    LogLine(3, NOW - 23_000, NOW - 23_000, Level.CHATTER, "BTCUSDT", "mark 95,000.0 reached rung 1"),
    LogLine(
        4,
        NOW - 22_000,
        NOW - 22_000,
        Level.MONEY,
        "BTCUSDT",
        "rung 1 done: banked +5.00, margin released 5.00, stop leg 1 at 100,000.0, leg 2 at 99,293.2",
    ),
    LogLine(
        5, NOW - 9_000, NOW - 9_000, Level.WARNING, "ETHUSDT", "price sanity: last and mark differ by 0.41 %"
    ),
)

ACCOUNT = AccountView(
    equity=D("109.7033"),
    free=D("89.7283"),
    day_pnl=D("9.7033"),
    day_return=D("0.0970"),
    week_pnl=D("9.7033"),
    week_return=D("0.0970"),
    worst_case=D("-14.3239"),
    deployed=D("0.2239"),
    leverage=D("6.22"),
    funding=D("-0.0214"),
    cycles=2,
    max_cycles=2,
    risk_free=0,
)

ENGINE = EngineView(
    version="0.1.0",
    account="main",
    mode=Mode.SIM,
    started=NOW - 7_300_000,
    now=NOW,
    market=NOW - 86_400_000 * 3,
    reconciled=True,
    unread=(),
    killed="",
    flattening=False,
    read_only="",
    auto=True,
)

LINKS = (
    LinkView("public", True, 120, 14.0, 0),
    LinkView("private", True, 400, 16.0, 0),
    LinkView("rest", True, 900, 41.0, 0),
)

APPROVAL = ApprovalView(
    cycle="c2",
    rung=1,
    symbol="ETHUSDT",
    side=Side.LONG,
    add_margin=D("9.59"),
    bank_qty=D("0.10"),
    low=D("1863.61"),
    high=D("1882.33"),
    expires=NOW + 42_000,
    worst_case=D("-9.8264"),
    worst_case_after=D("-4.41"),
)

LIMITS = (
    LimitView("daily loss", "10.97 (10.0 %)", "0.00", False, "10.97 left today"),
    LimitView("kill below", "80.00", "109.70", False, "29.70 above it"),
    LimitView("cycles", "2", "2", False, "0 free"),
)

LIVE = Snapshot(1, ENGINE, LINKS, ACCOUNT, (BTC, ETH), (), LIMITS, (), (), LOG)

KILLED = replace(
    LIVE,
    version=2,
    engine=replace(ENGINE, killed="by desk on pts/3", killed_at=NOW - 4_000),
    log=(
        *LOG,
        LogLine(
            6,
            NOW - 4_000,
            NOW - 4_000,
            Level.URGENT,
            "",
            "halted by desk on pts/3: nothing adds risk, stops stay",
        ),
    ),
)

EMPTY = replace(
    LIVE,
    version=3,
    positions=(),
    account=replace(ACCOUNT, cycles=0, worst_case=D(0), deployed=D(0), leverage=D(0)),
    log=LOG[:1],
)

UNMANAGED = replace(LIVE, version=4, positions=(STRANGER, BTC))

ASKING = replace(LIVE, version=5, approvals=(APPROVAL,), engine=replace(ENGINE, auto=False))

FREE = replace(
    LIVE,
    version=6,
    positions=(RISK_FREE, ETH),
    account=replace(ACCOUNT, equity=D("124.2550"), worst_case=D("-6.8531"), risk_free=1),
)

ENTERING = EntryView(
    id="kqzxn2v3h5a7c6de",
    symbol="ETHUSDT",
    side=Side.LONG,
    by="webhook, buy long",
    want=D("0.05"),
    filled=D(0),
    price=D("2000.00"),
    since=NOW - 12_000,
    attempt=1,
    tries=4,
)
"""An entry that waits at the touch, of which nothing is filled."""

COMING = replace(LIVE, version=8, positions=(BTC,), entries=(ENTERING,))

REAL_MONEY = replace(LIVE, version=7, engine=replace(ENGINE, mode=Mode.LIVE, market=NOW))


def crowd(count: int, tick: int = 0) -> Snapshot:
    """`count` positions whose marks move with `tick`: a day on which everything is open."""
    rows = tuple(crowd_row(k, tick) for k in range(count))
    return replace(LIVE, version=100 + tick, positions=rows, engine=replace(ENGINE, now=NOW + tick * 100))


def crowd_row(k: int, tick: int) -> PositionView:
    """Row `k` of the crowd after `tick` moves."""
    side = Side.LONG if k % 2 else Side.SHORT
    mark = D("95010.2") + D((tick * (k + 3)) % 997) / 10
    pnl = (mark - BTC.entry) * side.d * BTC.size
    return replace(
        BTC,
        key=f"C{k:02}USDT:{side}",
        cycle=f"c{k}",
        symbol=f"C{k:02}USDT",
        side=side,
        mark=mark,
        unrealized_pnl=pnl,
        unrealized_return=pnl / BTC.margin,
        distance=D("0.02") + D(k) / 1000,
    )
