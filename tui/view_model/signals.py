"""What the Signals screen says while no signal is configured: that nothing is missing, and what a signal
would be.
"""

from __future__ import annotations

from tui.view_model.ink import BLANK, Ink, Line, Span, line
from tui.view_model.scene import Scene

TRIGGERS = (
    ("COT bias", "who is long and short on CME: commercials against speculators, weekly"),
    ("Sentiment", "fear and greed, and what is said of the coin"),
    ("Funding", "what longs pay to shorts, against its own past"),
    ("Open interest", "whether new money comes with the move"),
)


def empty(scene: Scene, width: int) -> tuple[Line, ...]:
    """The whole page."""
    lines: list[Line] = [
        BLANK,
        line(Span("  No signal is configured on this engine.", Ink.BRIGHT)),
        BLANK,
        line("  The ladder needs none: it scales what you open. Nothing is missing."),
        line("  Entries are yours: open on Bitget, or by ticket (", Span("o", Ink.KEY), " on the Desk)."),
        BLANK,
        line(Span("  What will stand here when a source is configured", Ink.LABEL)),
    ]
    for name, words in TRIGGERS:
        lines.append(line(Span(f"   ○ {name:<15}", Ink.LABEL), words, Span("   unknown", Ink.WARN)))
    lines += [
        BLANK,
        line(
            Span(
                "  Each with its value, its threshold, aligned / not / unknown, and its age; below", Ink.LABEL
            )
        ),
        line(
            Span(
                "  them every signal that came, from the journal. Unknown never counts as aligned.", Ink.LABEL
            )
        ),
    ]
    if scene.snapshot is None:
        lines = [BLANK, line(Span("  Waiting for the engine.", Ink.LABEL))]
    return tuple(lines)
