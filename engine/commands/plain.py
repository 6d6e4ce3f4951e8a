"""What changed between two snapshots, in words that a screen reader says well: no tables, no arrows, no bare
minus signs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Final

from engine.commands.figures import (
    UNKNOWN,
    age,
    amount,
    clock,
    moment,
    percent,
    rungs,
    staleness,
    status,
    worse,
)
from engine.commands.particulars import of_account, of_limit, of_position
from engine.core.words import left_out, span
from engine.protocol import (
    AccountView,
    ApprovalView,
    Asks,
    ClosedView,
    EngineView,
    HalfView,
    Level,
    LinkView,
    LogLine,
    PositionView,
    Snapshot,
    on_its_way,
)

MARKET_APART_MS: Final = 60_000
RECENT: Final = 5
"""So many of the newest lines of the log are told to who begins to watch."""


def beginning(now: Snapshot) -> Iterator[str]:
    """All that holds, when watching begins."""
    engine = now.engine
    up = span(engine.now - engine.started)
    yield f"{engine.mode.value} account {engine.account}, engine {engine.version}, up {up}{_pace(engine)}"
    yield "rungs run by themselves" if engine.auto else "every rung asks first"
    yield from _engine(None, engine)
    yield from (_link(each) for each in now.links)
    yield from numbers(now)
    yield from (_approval(each, engine.now) for each in now.approvals)
    yield from (f"limit hit: {each.name}, {each.now}, limit {each.limit}" for each in now.limits if each.hit)
    yield from (
        f"unknown: {each.what} {each.symbol}, sent {span(engine.now - each.since)} ago, {each.cause}"
        for each in now.unknown
    )
    yield from (f"at {clock(line.at)}: {_line(line)}" for line in now.log[-RECENT:])


def _pace(engine: EngineView) -> str:
    """The market's own clock, where it is another than the engine's."""
    apart = abs(engine.market - engine.now) >= MARKET_APART_MS
    return f", market time {moment(engine.market)}" if apart else ""


def numbers(now: Snapshot) -> Iterator[str]:
    """The account and every position, in figures."""
    yield account(now.account)
    yield of_account(now.account)
    if missing := left_out(now.left_out):
        yield f"the worst case {missing}"
    yield from (of_limit(each) for each in now.limits)
    for each in now.positions:
        yield position(each)
        yield from of_position(each)
    yield from (on_its_way(each, now.engine.now) for each in now.coming)
    if not now.positions:
        yield "no open positions" if now.engine.reconciled else "positions not read yet"


def changes(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """What a trader cares for and did not know."""
    spoken = {line.symbol for line in _fresh(before, now)}
    yield from _engine(before.engine, now.engine, spoken)
    yield from _links(before.links, now.links)
    yield from _positions(before, now, spoken)
    yield from _approvals(before.approvals, now)
    yield from _limits(before, now)
    yield from _unknown(before, now)
    yield from _log(before, now)


def account(view: AccountView) -> str:
    return (
        f"equity {amount(view.equity)}, free {amount(view.free)}, "
        f"today {won(view.day_pnl)}{_share(view.day_return)}, "
        f"worst case {worst(view.worst_case)}, {view.cycles} of {view.max_cycles} cycles"
    )


def position(view: PositionView) -> str:
    decimals = view.price_decimals
    stale = staleness(view)
    price = f"mark {amount(view.mark, decimals)}" if not stale else f"{stale.lower()}, price not known"
    parts = [
        f"{name(view)}, {status(view)}",
        f"{amount(view.size, view.qty_decimals)} at {amount(view.entry, decimals)}",
        f"{amount(view.margin)} margin at {view.leverage.normalize():f}x",
        price,
    ]
    if not stale:
        parts.append(f"{won(view.unrealized_pnl)}, {won(view.unrealized_return, of_margin=True)}")
    if view.liquidation:
        away = "" if stale or view.distance is None else f", {_away(view)}"
        parts.append(f"liquidation {amount(view.liquidation, decimals)}{away}")
    if view.managed:
        parts.append(rungs(view.rungs))
        parts.append(f"worst case {worst(view.worst_case)}")
    if view.can_adopt:
        parts.append("can be adopted")
    return ", ".join(parts)


def _away(view: PositionView) -> str:
    """How far liquidation is, as a part of the mark and in price."""
    in_price = "" if view.distance_usdt is None else f", {amount(view.distance_usdt, view.price_decimals)}"
    return f"{percent(view.distance)}{in_price} away"


def name(view: PositionView | ApprovalView | ClosedView) -> str:
    return f"{view.symbol} {view.side.value}"


def won(value: Decimal | None, *, of_margin: bool = False) -> str:
    """`profit 4.97`, `loss 4.50`, `0.00`: the word carries the sign."""
    if value is None:
        return UNKNOWN if of_margin else "unknown"
    size = percent(abs(value)) if of_margin else amount(abs(value))
    if of_margin:
        return f"{size} of margin"
    return f"profit {size}" if value > 0 else f"loss {size}" if value < 0 else size


def worst(value: Decimal | None) -> str:
    """A worst case as `won` says it, to the cent, towards the worse."""
    return won(worse(value))


def _share(fraction: Decimal | None) -> str:
    return "" if fraction is None else f", {percent(abs(fraction))}"


def _engine(before: EngineView | None, now: EngineView, spoken: Collection[str] = ()) -> Iterator[str]:
    """The engine as such. `spoken` are the symbols ("" for the account) of which its log tells already."""
    if now.killed != (before.killed if before else "") and "" not in spoken:
        since = f", since {clock(now.killed_at)}" if now.killed_at else ""
        yield f"HALTED: {now.killed}{since}" if now.killed else "the halt is over: the ladder runs again"
    if now.flattening != (before.flattening if before else False):
        yield "FLATTENING: every managed position is being closed" if now.flattening else "flattening is over"
    if now.read_only != (before.read_only if before else ""):
        yield f"READ-ONLY: {now.read_only}" if now.read_only else "no longer read-only"
    if now.hindered != (before.hindered if before else ""):
        yield f"NOTHING IS ADDED: {now.hindered}" if now.hindered else "risk may be added again"
    if now.reconciled != (before.reconciled if before else True):
        yield (
            "everything is read: the desk knows what Bitget holds"
            if now.reconciled
            else f"not known for now: {', '.join(now.unread)}; nothing adds risk until it is read"
        )
    if before and before.started != now.started:
        yield f"the engine was started again, engine {now.version}"


def _links(before: tuple[LinkView, ...], now: tuple[LinkView, ...]) -> Iterator[str]:
    was = {each.name: each.up for each in before}
    yield from (_link(each) for each in now if was.get(each.name, True) != each.up)


def _link(link: LinkView) -> str:
    reason = f": {link.reason}" if link.reason else ""
    tried = f", retry {link.retries}" if link.retries else ""
    if not link.up:
        return f"LINK DOWN: {link.name}{reason}{tried}"
    took = f", {link.latency_ms:.0f} ms" if link.latency_ms is not None else ""
    heard = f", heard {age(link.age_ms)} ago" if link.age_ms is not None else ""
    return f"link {link.name} is up{heard}{took}{tried}"


def _positions(before: Snapshot, now: Snapshot, spoken: Collection[str]) -> Iterator[str]:
    was, present = {each.key: each for each in before.positions}, {each.key: each for each in now.positions}
    ended = {each.cycle: each for each in now.closed}
    for key, old in was.items():
        if key not in present and now.engine.reconciled:
            yield _gone(old, ended.get(old.cycle))
    for key, view in present.items():
        if key in was:
            if _condition(view) != _condition(was[key]) and view.symbol not in spoken:
                yield f"{name(view)} is {status(view)}"
            yield from _moved(was[key], view)
        else:
            yield f"new position: {position(view)}"


def _condition(view: PositionView) -> tuple[object, ...]:
    """What its status says, but for RISK-FREE, which is told with its number."""
    return view.managed, view.status, view.reason


def _gone(old: PositionView, ended: ClosedView | None) -> str:
    if ended is None:
        return f"{name(old)} is no longer open"
    exit_price = amount(ended.exit_price, old.price_decimals)
    return f"{name(old)} closed, {ended.ending}, at {exit_price}, {won(ended.result)}, {rungs(ended.rungs)}"


def _moved(old: PositionView, view: PositionView) -> Iterator[str]:
    who = name(view)
    if view.size != old.size:
        word = "grew" if view.size > old.size else "shrank"
        sizes = f"from {amount(old.size, old.qty_decimals)} to {amount(view.size, view.qty_decimals)}"
        yield f"{who} {word} {sizes}, entry {amount(view.entry, view.price_decimals)}"
    if view.rungs != old.rungs:
        yield f"{who} has {rungs(view.rungs)}"
    if view.leverage != old.leverage:
        yield f"{who} leverage is {view.leverage.normalize():f}"
    if view.blocked != old.blocked:
        state = f"blocked: {view.blocked}" if view.blocked else "free again"
        yield f"{who} next rung is {state}"
    if view.risk_free != old.risk_free:
        state = "RISK-FREE" if view.risk_free else "no longer risk-free"
        yield f"{who} is {state}, worst case {worst(view.worst_case)}"
    yield from _stops(who, old, view)
    stale = staleness(view)
    if bool(stale) != bool(staleness(old)):
        yield f"{who} price is not known, {stale.lower()}" if stale else f"{who} price is known again"


def _stops(who: str, old: PositionView, view: PositionView) -> Iterator[str]:
    """A stop is told by where it lies and what it covers, not by its order."""
    was = {(each.trigger, each.qty): each for each in old.stops}
    present = {(each.trigger, each.qty): each for each in view.stops}
    for place, stop in present.items():
        if place not in was:
            trigger, qty = amount(stop.trigger, view.price_decimals), amount(stop.qty, view.qty_decimals)
            yield f"{who} stop at {trigger} for {qty}, {stop.why}, {won(stop.result)} there"
    for place, stop in was.items():
        if place not in present:
            yield f"{who} stop at {amount(stop.trigger, old.price_decimals)} is gone"
    if old.stops and not view.stops:
        yield f"{who} has no stop now"


def _approvals(before: tuple[ApprovalView, ...], now: Snapshot) -> Iterator[str]:
    was, present = {(a.cycle, a.rung): a for a in before}, {(a.cycle, a.rung): a for a in now.approvals}
    yield from (_approval(each, now.engine.now) for key, each in present.items() if key not in was)
    yield from (
        f"{name(each)} {each.what} waits no longer" for key, each in was.items() if key not in present
    )


def _approval(wait: ApprovalView, now: int) -> str:
    then = worst(wait.worst_case_after)
    both = f"worst case {worst(wait.worst_case)}, then {then}"
    match wait.asks:
        case Asks.RUNG:
            does = f"adds {amount(wait.add_margin)} margin, banks {wait.bank_qty:,f}, {both}"
        case Asks.ENTRY:
            does = f"{_opening(wait)}, {both}, by {wait.by}"
        case Asks.ADOPTION:
            does = f"{_opening(wait)}, worst case {then}"
    band = f", while the mark is {_price(wait, wait.low)} to {_price(wait, wait.high)}" if wait.high else ""
    half = f", {_half(wait.half)}" if wait.half else ""
    return f"{name(wait)} {wait.what} asks: {does}{half}{band}; {span(wait.expires - now)} to answer"


def _half(half: HalfView) -> str:
    """What half of it would come to, or why half cannot be had."""
    if half.refused:
        return f"half cannot be had: {half.refused}"
    after = f", worst case then {worst(half.worst_case_after)}" if half.worst_case_after is not None else ""
    return f"half is {amount(half.margin)} margin{after}"


def _opening(wait: ApprovalView) -> str:
    """Size, margin, price and liquidation."""
    size = amount(wait.qty, wait.qty_decimals) if wait.qty is not None else UNKNOWN
    fee = f", fee {amount(wait.fee)}" if wait.fee is not None else ""
    stop = f", stop {_price(wait, wait.stop)}" if wait.stop is not None else ""
    times = f" at {wait.leverage.normalize():f}x" if wait.leverage is not None else ""
    return (
        f"{size} at {_price(wait, wait.price)}, {amount(wait.add_margin)} margin{times}, "
        f"liquidation {_price(wait, wait.liquidation)}{fee}{stop}"
    )


def _price(wait: ApprovalView, value: Decimal | None) -> str:
    return UNKNOWN if value is None else amount(value, wait.price_decimals)


def _limits(before: Snapshot, now: Snapshot) -> Iterator[str]:
    was = {each.name: each.hit for each in before.limits}
    for each in now.limits:
        if each.hit != was.get(each.name, False):
            state = "LIMIT HIT" if each.hit else "limit free again"
            yield f"{state}: {each.name}, {each.now}, limit {each.limit}"


def _unknown(before: Snapshot, now: Snapshot) -> Iterator[str]:
    was, present = {each.id: each for each in before.unknown}, {each.id: each for each in now.unknown}
    for id, each in present.items():
        if id not in was:
            yield f"UNKNOWN what became of {each.what} {each.symbol}: {each.cause}"
    yield from (f"known again: {each.what} {each.symbol}" for id, each in was.items() if id not in present)


def _log(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """The engine's own words, each once; a line that was already gone when we looked is owned up to."""
    fresh, last = _fresh(before, now), max((line.id for line in before.log), default=0)
    same = before.engine.started == now.engine.started
    if fresh and last and same and fresh[0].id > last + 1:
        yield f"{fresh[0].id - last - 1} lines of the log went by unread"
    yield from (_line(line) for line in fresh)


def _line(line: LogLine) -> str:
    loud = f"{line.level.value.upper()}: " if line.level in {Level.WARNING, Level.URGENT} else ""
    symbol = "" if line.symbol in line.text else f"{line.symbol} "
    return f"{loud}{symbol}{line.text}"


def _fresh(before: Snapshot, now: Snapshot) -> list[LogLine]:
    """The lines that were not there before. An engine that was started again counts from one again."""
    if before.engine.started != now.engine.started:
        return [line for line in now.log if line.at > before.engine.now]
    last = max((line.id for line in before.log), default=0)
    return [line for line in now.log if line.id > last]
