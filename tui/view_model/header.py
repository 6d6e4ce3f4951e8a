"""The top of the screen: whose money, may it trade, is everything connected, what time is it; and below it
what is wrong.
"""

from __future__ import annotations

from typing import Final

from engine.protocol import EngineView, LinkView, Mode
from tui.view_model.ink import Ink, Line, Span, cell, cells, joined, line, printable, spread, width_of
from tui.view_model.numbers import age, clock, date, latency
from tui.view_model.scene import STALE_MS, Freshness, Scene, mode_ink

FULL: Final = 100
"""From this width on the header has the day, and the latency of both links whatever else it tells."""


RESTS: Final = {"resting", "moving"}
"""The states of a stop that the exchange would trigger now."""


ACCOUNT: Final = 8
"""Cells of the account's name that a second clock does not take."""

APART: Final = 3
"""Cells between whose money it is and what it is connected to."""


def header(scene: Scene, width: int) -> Line:
    """One line: identity left, links and clocks right. Mode and kill state stand first, so that nothing ever
    cuts them.
    """
    account = line(Span(printable(_account(scene)), Ink.BRIGHT))
    badges = joined((line(Span(" RATCHET ", Ink.BRAND)), *_badges(scene)), " ")
    least = width_of(badges) + min(width_of(account), ACCOUNT) + 2
    links, gap = _links(scene, width), "   " if width >= FULL or not scene.market_apart else "  "
    told = [joined((links, clocks), gap) for clocks in _clocks(scene, width)]
    right = next((words for words in told if least + width_of(words) + APART <= width), told[-1])
    return spread(joined((badges, account), " "), (*right, Span(" ")), width)


def _account(scene: Scene) -> str:
    if scene.snapshot:
        return scene.snapshot.engine.account
    return scene.link.hello.account if scene.link.hello else ""


def _badges(scene: Scene) -> tuple[Line, ...]:
    mode = mode_of(scene)
    badge = line(Span(f" {mode}{_pace(scene)} ", mode_ink(mode))) if mode else ()
    watcher = line(Span(" READ-ONLY ", Ink.NOTICE)) if scene.read_only else ()
    return badge, _kill_state(scene), watcher


def mode_of(scene: Scene) -> Mode | None:
    """Whose money it is, as soon as anybody said so."""
    if scene.snapshot:
        return scene.snapshot.engine.mode
    return scene.link.hello.mode if scene.link.hello else None


def _pace(scene: Scene) -> str:
    """How fast a market with a time of its own runs: ` ×60`, or that it stands."""
    if scene.pace is None or scene.is_gone or not scene.market_apart:
        return ""
    return f" ×{scene.pace}" if scene.pace else " paused"


def _kill_state(scene: Scene) -> Line:
    if scene.snapshot is None:
        return ()
    engine = scene.snapshot.engine
    if engine.flattening:
        return line(Span(" FLATTENING ", Ink.ALARM))
    if engine.killed:
        return line(Span(" HALTED ", Ink.ALARM))
    return line(Span("AUTO" if engine.auto else "ASK", Ink.ACCENT))


def _links(scene: Scene, width: int) -> Line:
    return joined((_engine_link(scene, width), _exchange_link(scene, width)), "  ")


def _engine_link(scene: Scene, width: int) -> Line:
    link = scene.link
    if not link.is_up:
        tries = f" retry {link.retries}" if link.retries else ""
        return line(Span("engine ", Ink.LABEL), Span(f"✖ {link.state.value}{tries}", Ink.LOSS))
    silent = scene.freshness is not Freshness.FRESH
    dot = Span(f"○ {age(scene.elapsed_ms)}", Ink.WARN) if silent else Span("●", Ink.GAIN)
    took = f" {latency(link.latency_ms)}" if width >= FULL else ""
    return line(Span("engine ", Ink.LABEL), dot, Span(took, Ink.LABEL))


EXCHANGE_LINKS = ("public", "private", "rest")
"""The connections to Bitget; a phone or an alert service that is away is not Bitget's fault."""


def _exchange_link(scene: Scene, width: int) -> Line:
    """The engine's links to Bitget as one, named after the worst."""
    if scene.snapshot is None:
        return ()
    links = [link for link in scene.snapshot.links if link.name in EXCHANGE_LINKS]
    label = Span("Bitget ", Ink.LABEL)
    if down := [link for link in links if not link.up]:
        worst = max(down, key=lambda link: link.age_ms or 0)
        since = f" {age(_link_age(scene, worst))}" if worst.age_ms is not None else ""
        tries = f" retry {worst.retries}" if worst.retries else ""
        return line(label, Span(f"✖ {printable(worst.name)}{since}{tries}", Ink.LOSS))
    if scene.is_gone:
        return line(label, Span("? unknown", Ink.WARN))
    quiet = [link for link in links if link.name != "rest" and (_link_age(scene, link) or 0) > STALE_MS * 10]
    if quiet:
        worst = max(quiet, key=lambda link: link.age_ms or 0)
        return line(label, Span(f"○ {printable(worst.name)} {age(_link_age(scene, worst))}", Ink.WARN))
    if width < FULL and scene.market_apart:
        return line(label, Span("●", Ink.GAIN))
    slowest = max((link.latency_ms for link in links if link.latency_ms is not None), default=None)
    return line(label, Span("●", Ink.GAIN), Span(f" {latency(slowest)}", Ink.LABEL))


def _link_age(scene: Scene, link: LinkView) -> int | None:
    return None if link.age_ms is None else link.age_ms + scene.elapsed_ms


def _clocks(scene: Scene, width: int) -> tuple[Line, ...]:
    """The engine's own clock, as it was sent: it stands still when the engine does. With another market time
    both; and what there is room for in less room, the widest first.
    """
    if scene.snapshot is None:
        return ((),)
    engine = scene.snapshot.engine
    now = line(Span(clock(engine.now), Ink.BRIGHT if scene.link.is_up else Ink.FADED))
    zoned = line(*now, Span(" UTC", Ink.LABEL))
    if not scene.market_apart:
        return (line(Span(f"{date(engine.now)} ", Ink.LABEL), *zoned) if width >= FULL else zoned,)
    time, day = clock(engine.market), date(engine.market)
    told = time[:5] if width < FULL else f"{day if width >= 140 else day[5:]} {time}"
    market = line(Span("market ", Ink.LABEL), Span(told))
    return joined((market, zoned)), joined((market, now)), zoned


def banners(scene: Scene, width: int) -> tuple[Line, ...]:
    """What the trader must know before anything else, loudest first: one line each, over the whole width."""
    return tuple(line(cell(f" {printable(text)}", width, ink)) for ink, text in _warnings(scene, width))


def _warnings(scene: Scene, width: int) -> list[tuple[Ink, str]]:
    found: list[tuple[Ink, str]] = []
    if scene.is_gone and scene.snapshot is not None:
        found.append((Ink.ALARM, _gone(scene)))
    elif scene.freshness is not Freshness.FRESH and scene.snapshot is not None:
        found.append((Ink.ALARM, f"ENGINE SILENT for {age(scene.elapsed_ms)}: what you see is that old"))
    if scene.snapshot is None:
        return found
    engine = scene.snapshot.engine
    if engine.flattening:
        found.append(
            (
                Ink.ALARM,
                f"FLATTENING: closing every managed position at market until flat · {halted_by(engine)}",
            )
        )
    elif engine.killed:
        found.append((Ink.ALARM, _halted(scene, engine, width)))
    if engine.read_only:
        found.append((Ink.NOTICE, f"ENGINE READ-ONLY: {engine.read_only}"))
    found += [(Ink.NOTICE, text) for text in _doubts(scene, engine)]
    return found


def _halted(scene: Scene, engine: EngineView, width: int) -> str:
    """Who halted, what that means, how many stops stay, and what ends it; the meaning gives way."""
    stops = _stops(scene, ("no stop rests", "1 stop stays", "{} stops stay"))
    resumes = "" if scene.read_only else f"{scene.keys['resume']} resumes"
    who = f"HALTED {halted_by(engine)}"
    whole = " · ".join(words for words in (who, "no new risk", stops, resumes) if words)
    return whole if cells(whole) < width else " · ".join(words for words in (who, stops, resumes) if words)


def halted_by(engine: EngineView) -> str:
    """`by the desk on tty2 at 10:02:11`, and the reason when there is one."""
    who, colon, reason = engine.killed.partition(": ")
    at = f" at {clock(engine.killed_at)}" if engine.killed_at else ""
    return f"{who.replace('by desk ', 'by the desk ', 1)}{at}{colon}{reason}"


def _gone(scene: Scene) -> str:
    link = scene.link
    since = f"since {clock(link.since)} ({age(scene.now - link.since)})"
    stops = _stops(scene, ("no stop rested", "1 stop rested", "{} stops rested"))
    return f"ENGINE GONE {since} · retry {link.retries} · values are old{' · ' if stops else ''}{stops}"


def _stops(scene: Scene, words: tuple[str, str, str]) -> str:
    """How many stops rest on Bitget, as far as is known; nothing while nothing is under care."""
    held = [position for position in scene.positions if position.managed]
    count = sum(stop.state in RESTS for position in held for stop in position.stops)
    if not held:
        return ""
    return words[min(count, 2)].format(count)


def _doubts(scene: Scene, engine: EngineView) -> list[str]:
    assert scene.snapshot is not None
    texts: list[str] = []
    if engine.hindered:
        texts.append(f"NOTHING IS ADDED: {engine.hindered}")
    if not engine.reconciled:
        unread = ", ".join(engine.unread) or "the account"
        texts.append(f"NOT RECONCILED: reading {unread} · nothing is added until it is read")
    elif engine.unread:
        texts.append(f"NOT ALL IS READ: reading {', '.join(engine.unread)} · no rung runs until then")
    if unknown := scene.snapshot.unknown:
        first = unknown[0]
        more = f" · and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        since = age(engine.now - first.since)
        texts.append(
            f"OUTCOME UNKNOWN: {first.symbol} {first.what}, sent {since} ago ({first.cause}), looking it up"
            f"{more}"
        )
    texts += [
        f"LIMIT HIT: {limit.name} {limit.now}, limit {limit.limit}"
        for limit in scene.snapshot.limits
        if limit.hit
    ]
    return texts
