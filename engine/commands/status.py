"""`ratchet status`: what a trader asks first, in a few lines."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import msgspec

from engine.commands.figures import age, amount, percent, signed, signed_percent, worse
from engine.commands.positions import as_table
from engine.commands.reading import engine_of, unread
from engine.commands.speech import DONE
from engine.core.words import left_out, sentence, span
from engine.protocol import AccountView, EngineView, LimitView, LinkView, Snapshot


def run(arguments: argparse.Namespace) -> int:
    snapshot = engine_of(arguments).snapshot()
    if not isinstance(snapshot, Snapshot):
        return unread(snapshot)
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(snapshot), indent=2).decode())
    else:
        print("\n".join(as_lines(snapshot)))
    return DONE


def as_lines(snapshot: Snapshot) -> Iterator[str]:
    yield from _engine(snapshot.engine)
    yield from _links(snapshot.links)
    yield from _account(snapshot.account)
    if missing := left_out(snapshot.left_out):
        yield f"{'':<10} the worst case {missing}"
    yield from _limits(snapshot.limits)
    for each in snapshot.unknown:
        waited = span(snapshot.engine.now - each.since)
        yield f"UNKNOWN    {each.what} {each.symbol} {each.id}, for {waited}: {each.cause}"
    for wait in snapshot.approvals:
        left = span(wait.expires - snapshot.engine.now)
        yield f"ASKS       {wait.symbol} {wait.side.value} {wait.what} waits for your yes, {left} left"
    yield ""
    yield as_table(snapshot)
    if snapshot.positions:
        yield ""
        yield "If this machine died now:"
    for position in snapshot.positions:
        yield f"  {position.symbol} {position.side.value}"
        yield f"    {sentence(position.if_machine_dies)}"


def _engine(engine: EngineView) -> Iterator[str]:
    up = span(engine.now - engine.started)
    yield f"{engine.mode.value:<10} account {engine.account}, engine {engine.version}, up {up}"
    if engine.killed:
        what = "FLATTENING" if engine.flattening else "HALTED"
        yield f"{what:<10} {engine.killed}; `ratchet resume` ends it"
    if engine.read_only:
        yield f"READ-ONLY  {engine.read_only}"
    if not engine.reconciled:
        yield f"READING    not yet known: {', '.join(engine.unread)}; nothing adds risk until then"
    elif engine.unread:
        yield f"UNREAD     {', '.join(engine.unread)} since the last break; no rung runs until then"
    if engine.hindered:
        yield f"HINDERED   {engine.hindered}; nothing adds risk until then, what rests on Bitget stays"
    if not (engine.killed or engine.read_only or engine.hindered) and engine.reconciled:
        yield f"TRADING    rungs run {'by themselves' if engine.auto else 'after your yes'}"


def _links(links: tuple[LinkView, ...]) -> Iterator[str]:
    for link in links:
        latency = "" if link.latency_ms is None else f", {link.latency_ms:.0f} ms"
        retries = f", {link.retries} {'retry' if link.retries == 1 else 'retries'}" if link.retries else ""
        reason = f", {link.reason}" if link.reason else ""
        heard = "never heard" if link.age_ms is None else f"heard {age(link.age_ms)} ago"
        state = "link" if link.up else "LINK DOWN"
        yield f"{state:<10} {link.name}, {heard}{latency}{retries}{reason}"


def _account(account: AccountView) -> Iterator[str]:
    yield (
        f"account    equity {amount(account.equity)}  free {amount(account.free)}  "
        f"day {signed(account.day_pnl)} ({signed_percent(account.day_return)})  "
        f"week {signed(account.week_pnl)} ({signed_percent(account.week_return)})"
    )
    yield (
        f"risk       worst case {signed(worse(account.worst_case))}  deployed {percent(account.deployed)}  "
        f"leverage {amount(account.leverage, 1)}x  funding {signed(account.funding)}  "
        f"{account.cycles} of {account.max_cycles} cycles, {account.risk_free} risk-free"
    )


def _limits(limits: tuple[LimitView, ...]) -> Iterator[str]:
    for limit in limits:
        left = f", {limit.left}" if limit.left else ""
        word = "LIMIT HIT" if limit.hit else "limit"
        yield f"{word:<10} {limit.name}: {limit.now}, limit {limit.limit}{left}"
