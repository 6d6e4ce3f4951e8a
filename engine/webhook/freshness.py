"""Whether an alert is new: not late, not from the future, and not seen before."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final

from engine.webhook.alert import Alert

WINDOW_S: Final = 60
"""Within it the same alert is dropped, also when it tells neither id nor time."""

AHEAD_S: Final = 60
"""How far another clock may be ahead of ours."""

REMEMBERED: Final = 10_000


def lateness(alert: Alert, now: int, *, late_s: int, require_time: bool) -> str:
    """Why the alert is refused for its time, empty when it is not. A bar's time is its opening: with the
    bar's `interval`, its alert may come until the bar has ended.
    """
    told = alert.fired if alert.fired is not None else alert.bar
    if told is None:
        return 'the alert tells no time: add "timenow": "{{timenow}}"' if require_time else ""
    grace = late_s + (alert.bar_s or 0 if alert.fired is None else 0)
    age_s = (now - told) / 1000
    if age_s > grace:
        hint = (
            ""
            if alert.fired is not None
            else '; add "timenow": "{{timenow}}", because a bar has the time it began'
        )
        return f"the alert is {age_s:.0f} s old, and at most {grace} s are taken{hint}"
    if age_s < -AHEAD_S:
        return f"the alert is {-age_s:.0f} s in the future: check the clocks"
    return ""


def name_of(alert: Alert, fields: dict[str, str], now: int) -> str:
    """The same name for the same alert, of 42 characters; the engine does a command of one name once, also
    after a restart. It is made of the id and the bar, else of the body and its time; an alert that tells
    nothing of both is the same within one minute.
    """
    if alert.id:
        what: object = ["id", alert.id, alert.symbol, alert.action, alert.sentiment, alert.bar]
    else:
        left_out = {"token", "timenow"} if alert.bar is not None else {"token"}
        body = {key: value for key, value in fields.items() if key not in left_out}
        is_timeless = alert.bar is None and alert.fired is None
        what = ["body", body, now // (WINDOW_S * 1000) if is_timeless else None]
    return f"w-{sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:40]}"


class Seen:
    """The alerts of the last minute, and what became of each."""

    def __init__(self, window_s: int = WINDOW_S) -> None:
        self.window_ms = window_s * 1000
        self._seen: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"<Seen {len(self._seen)} alerts>"

    def is_again(self, name: str, now: int) -> bool:
        """Whether `name` came within the window; if not, it is remembered from now on."""
        for old, at in list(self._seen.items()):
            if now - at <= self.window_ms and len(self._seen) <= REMEMBERED:
                break
            del self._seen[old]
        if name in self._seen:
            return True
        self._seen[name] = now
        return False

    def forget(self, name: str) -> None:
        """The alert did nothing; it may come again."""
        self._seen.pop(name, None)
