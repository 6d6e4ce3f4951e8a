"""The snapshot as Prometheus text (exposition format 0.0.4). What is unknown is left out, never zero."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from engine.protocol import LinkView, PositionView, Snapshot

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Value = Decimal | float | None
Samples = Iterable[tuple[dict[str, str], Value]]


def prometheus(snapshot: Snapshot, answered: dict[int, int]) -> str:
    """Everything that is measured; `answered` counts this server's answers by HTTP status."""
    families = (
        *_engine(snapshot),
        *_money(snapshot),
        *_trading(snapshot),
        *_positions(snapshot.positions),
        *_links(snapshot.links),
        (
            "rest_answers_total",
            "counter",
            "Answers of this server",
            [({"status": str(k)}, float(v)) for k, v in answered.items()],
        ),
    )
    return "".join(_family(*family) for family in families)


Family = tuple[str, str, str, Samples]


def _engine(snapshot: Snapshot) -> Iterator[Family]:
    engine = snapshot.engine
    names = {"version": engine.version, "account": engine.account, "mode": engine.mode.value}
    yield "info", "gauge", "Who is measured", [(names, 1)]
    yield _one("uptime_seconds", "Since the engine started", (engine.now - engine.started) / 1000)
    yield _one("reconciled", "1 when everything was read from the exchange", float(engine.reconciled))
    yield _one("halted", "1 when the kill switch is on", float(bool(engine.killed)))
    yield _one("orders_pending", "Actions on their way to the exchange", engine.pending)
    yield _one("orders_unknown", "Actions whose outcome nobody knows yet", len(snapshot.unknown))
    yield _one("journal_waiting", "Entries that wait for the disk", engine.unwritten)
    hit = [({"limit": limit.name}, float(limit.hit)) for limit in snapshot.limits]
    yield "limit_hit", "gauge", "1 when a limit is hit", hit


def _money(snapshot: Snapshot) -> Iterator[Family]:
    account, missing = snapshot.account, snapshot.left_out
    worst = None if missing else account.worst_case
    yield _one("equity_usdt", "Equity of the account", account.equity)
    yield _one("free_usdt", "Free margin", account.free)
    yield _one("day_pnl_usdt", "Result of the UTC day", account.day_pnl)
    yield _one("day_return_ratio", "Result of the UTC day over its first equity", account.day_return)
    yield _one("week_pnl_usdt", "Result of the UTC week", account.week_pnl)
    yield _one("week_return_ratio", "Result of the UTC week over its first equity", account.week_return)
    yield _one("worst_case_usdt", "Result if every stop that rests fills now", worst)
    yield _one("worst_case_leaves_out", "Open positions not under care, whose worst case is unknown", missing)
    yield _one("deployed_ratio", "Margin in use over equity", account.deployed)
    yield _one("leverage_ratio", "Notional over equity", account.leverage)


def _trading(snapshot: Snapshot) -> Iterator[Family]:
    closed, managed = snapshot.closed, [p for p in snapshot.positions if p.managed]
    won = sum(1 for cycle in closed if cycle.result > 0)
    funding = sum((c.funding for c in closed), Decimal(0)) + sum((p.funding for p in managed), Decimal(0))
    fees = sum((c.fees for c in closed), Decimal(0)) + sum((p.fees for p in managed), Decimal(0))
    rungs = [c.rungs for c in closed] + [p.rungs for p in managed]
    yield (
        "closed_cycles",
        "gauge",
        "Ended cycles that are remembered, by result",
        [({"result": "won"}, won), ({"result": "lost"}, len(closed) - won)],
    )
    yield _one(
        "win_rate_ratio", "Won over all remembered ended cycles", won / len(closed) if closed else None
    )
    yield _one(
        "rungs_average", "Scale-ins of a cycle, on average", sum(rungs) / len(rungs) if rungs else None
    )
    yield _one("funding_usdt", "Funding paid and received, open and remembered cycles", funding)
    yield _one("fees_usdt", "Fees, open and remembered cycles", fees)
    yield _one("liquidation_risk_usdt", "Loss from the marks to liquidation, all positions", _risk(snapshot))


def _risk(snapshot: Snapshot) -> Decimal | None:
    """Unknown as soon as one position's mark is."""
    total = Decimal(0)
    for position in snapshot.positions:
        if position.liquidation:
            if position.distance_usdt is None:
                return None
            total += position.distance_usdt * position.size
    return total


def _positions(positions: tuple[PositionView, ...]) -> Iterator[Family]:
    def each(name: str) -> Samples:
        return [({"symbol": p.symbol, "side": p.side.value}, getattr(p, name)) for p in positions]

    yield "position_size", "gauge", "Size, base coin", each("size")
    yield "position_margin_usdt", "gauge", "Margin", each("margin")
    yield "position_unrealized_usdt", "gauge", "Unrealised result at the mark", each("unrealized_pnl")
    yield "position_liquidation_distance_ratio", "gauge", "Mark to liquidation over mark", each("distance")
    yield "position_worst_case_usdt", "gauge", "Result if every stop that rests fills", each("worst_case")
    yield "position_rungs", "gauge", "Scale-ins so far", each("rungs")


def _links(links: tuple[LinkView, ...]) -> Iterator[Family]:
    def each(number: str, unit: float = 1) -> Samples:
        values = [(link.name, getattr(link, number)) for link in links]
        return [({"link": name}, None if value is None else value * unit) for name, value in values]

    yield "link_up", "gauge", "1 when a connection is up", each("up")
    yield "link_age_seconds", "gauge", "Since its newest frame or answer", each("age_ms", 0.001)
    yield "link_latency_seconds", "gauge", "Its latency", each("latency_ms", 0.001)
    yield "link_retries_total", "counter", "Times it was opened again", each("retries")


def _one(name: str, meaning: str, value: Value) -> Family:
    return name, "gauge", meaning, [({}, value)]


def _family(name: str, kind: str, meaning: str, samples: Samples) -> str:
    lines = [
        f"ratchet_{name}{_labels(labels)} {_number(value)}\n"
        for labels, value in samples
        if value is not None
    ]
    head = f"# HELP ratchet_{name} {meaning}.\n# TYPE ratchet_{name} {kind}\n"
    return head + "".join(lines) if lines else ""


def _labels(labels: dict[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: Decimal | float) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else f"{float(value):.12g}"
