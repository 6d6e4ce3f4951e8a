"""What the phone is shown when it asks: status, positions, results, limits, health. Fixed columns, true
numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from engine.core.words import amount, at_worst, count, left_out, money, percent, price, rungs, sentence, size
from engine.notify.layout import clock
from engine.notify.telegram.lateness import span
from engine.notify.telegram.markup import bold, escaped
from engine.protocol import Coming, FlipView, LimitView, PositionView, Snapshot, StoryLine, on_its_way

STORY_LINES = 30


def status(snapshot: Snapshot) -> str:
    engine, account = snapshot.engine, snapshot.account
    state = "HALTED " + engine.killed if engine.killed else "read-only" if engine.read_only else "trading"
    if not engine.reconciled:
        state += f", not reconciled (unread: {', '.join(engine.unread)})"
    lines = [
        bold(f"{engine.account} · {engine.mode.value} · {state}"),
        f"Equity {_amount(account.equity)}, free {_amount(account.free)} USDT",
        f"Today {_money(account.day_pnl)} ({_percent(account.day_return)}), "
        f"week {_money(account.week_pnl)} ({_percent(account.week_return)})",
        f"Worst case {_worst(account.worst_case)}, {account.cycles} of {account.max_cycles} cycles, "
        f"{account.risk_free} risk-free",
        *_left_out(snapshot),
    ]
    lines += [escaped(_short(position)) for position in snapshot.positions]
    lines += [escaped(on_its_way(each, engine.now)) for each in snapshot.coming]
    lines += [escaped(f"⚠️ {limit.name} reached: {limit.now}") for limit in snapshot.limits if limit.hit]
    return "\n".join(lines)


def positions(snapshot: Snapshot) -> list[str]:
    """A block a position and each thing on its way, and what the worst case does not tell."""
    coming = (_coming(each, snapshot.engine.now) for each in snapshot.coming)
    return [*map(_position, snapshot.positions), *coming, *_left_out(snapshot)] or ["Nothing is open."]


def results(snapshot: Snapshot) -> list[str]:
    """Day, week, and the last cycles that ended."""
    account = snapshot.account
    head = (
        f"{bold('Results')}\nToday {_money(account.day_pnl)} ({_percent(account.day_return)})\n"
        f"Week {_money(account.week_pnl)} ({_percent(account.week_return)})\n"
        f"Funding of open cycles {money(account.funding)}"
    )
    ended = [
        escaped(
            f"{each.symbol} {each.side.value} {money(each.result)} ({each.ending}, {rungs(each.rungs)})\n"
            f"{clock(each.closed)}"
        )
        for each in snapshot.closed[:15]
    ]
    return [head, *ended]


def limits(snapshot: Snapshot) -> str:
    lines = [
        escaped(f"{'🛑 ' if each.hit else ''}{each.name}: {each.now}, limit {each.limit}{_room(each)}")
        for each in snapshot.limits
    ]
    return "\n".join((bold("Limits"), *lines))


def health(snapshot: Snapshot) -> str:
    engine = snapshot.engine
    lines = [f"{engine.version}, up {span(engine.now - engine.started)}"]
    for link in snapshot.links:
        age = "never heard" if link.age_ms is None else f"heard {span(link.age_ms)} ago"
        latency = "" if link.latency_ms is None else f", {link.latency_ms:.0f} ms"
        reason = f" ({link.reason})" if link.reason and not link.up else ""
        lines.append(f"{link.name}: {'up' if link.up else 'DOWN'}{reason}, {age}{latency}")
    lines += [
        f"No certain answer: {each.what} {each.symbol} for {span(engine.now - each.since)} ({each.cause})"
        for each in snapshot.unknown
    ]
    unread = f": {', '.join(engine.unread)} unread" if engine.unread else ""
    lines.append(f"{'Reconciled' if engine.reconciled else 'Not reconciled'}{unread}")
    return "\n".join((bold("Health"), *map(escaped, lines)))


def story(name: str, lines: list[StoryLine]) -> list[str]:
    """The newest lines of a story, oldest of them first."""
    if not lines:
        return [escaped(f"The journal knows nothing of {name}.")]
    newest = lines[-STORY_LINES:]
    steps = count(len(lines), "step")
    told = steps if newest == lines else f"the last {len(newest)} of {steps}"
    return [bold(f"{name}: {told}"), *map(escaped, _by_day(newest))]


def _by_day(lines: list[StoryLine]) -> Iterator[str]:
    """Each step with its time, under its day; times are UTC."""
    day = ""
    for each in lines:
        moment = clock(each.at)
        if moment[:10] != day:
            day = moment[:10]
            yield f"{day}, UTC"
        yield f"{moment[11:19]} {each.what}: {each.text}"


def _room(limit: LimitView) -> str:
    return f", {limit.left}" if limit.left else ""


def _short(position: PositionView) -> str:
    worst = "" if position.worst_case is None else f", worst case {at_worst(position.worst_case)}"
    state = position.status.value if position.status else "UNMANAGED"
    return f"{position.symbol} {position.side.value} {state} {_money(position.unrealized_pnl)}{worst}"


def _position(position: PositionView) -> str:
    state = position.status.value if position.status else "UNMANAGED"
    reason = f" ({position.reason})" if position.reason else ""
    title = bold(f"{position.side.value.upper()} {position.symbol} · {state}{reason}")
    return "\n".join((title, *map(escaped, _about(position))))


def _coming(of: Coming, now: int) -> str:
    does = "FLIPPING" if isinstance(of, FlipView) else "ENTERING" if of.opens else "LEAVING"
    title = bold(f"{of.side.value.upper()} {of.symbol} · {does}")
    lines = (
        f"{sentence(of.told)}, {of.when(now)}",
        f"Asked for by {of.by}",
        f"/deny {of.symbol} {of.side.value} takes it back",
    )
    return "\n".join((title, *map(escaped, lines)))


def _about(position: PositionView) -> Iterator[str]:
    mark = "unknown" if position.mark is None else price(position.mark)
    yield f"Entry {price(position.entry)}, mark {mark}"
    yield (
        f"Size ${amount(position.size * position.entry)} notional "
        f"(${amount(position.margin)} @ {size(position.leverage)}x), {size(position.size)}"
    )
    if position.mark is not None:
        yield f"Unrealised {_money(position.unrealized_pnl)} ({_percent(position.unrealized_return)})"
    away = "" if position.distance is None else f" ({percent(position.distance)} away)"
    yield f"Liquidation {price(position.liquidation)}{away}" if position.liquidation else "No liquidation"
    for leg in position.legs:
        stop = "liquidation" if leg.stop is None else price(leg.stop)
        yield f"Leg {leg.number}: {size(leg.qty)} @ {price(leg.entry)}, stop {stop}"
    if position.next_rung is not None:
        rung = position.next_rung
        deed = f"bank {size(rung.bank_qty)}, add ${amount(rung.add_margin)}"
        yield f"Rung {rung.number} at {price(rung.trigger)}: {deed}"
    if position.blocked:
        yield f"Blocked: {position.blocked}"
    if position.worst_case is not None:
        yield f"Worst case {at_worst(position.worst_case)}{', RISK-FREE' if position.risk_free else ''}"
    yield f"{'If this machine dies: ' if position.managed else ''}{position.if_machine_dies}"


def _left_out(snapshot: Snapshot) -> list[str]:
    missing = left_out(snapshot.left_out)
    return [f"⚠️ The worst case {missing}"] if missing else []


def _money(value: Decimal | None) -> str:
    return "unknown" if value is None else money(value)


def _worst(value: Decimal | None) -> str:
    return "unknown" if value is None else at_worst(value)


def _amount(value: Decimal | None) -> str:
    return "unknown" if value is None else amount(value)


def _percent(value: Decimal | None) -> str:
    return "unknown" if value is None else percent(value)
