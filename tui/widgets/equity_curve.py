"""The equity curve, drawn by plotext in dots of an eighth of a cell."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text

from engine.protocol import EquityPoint
from tui.view_model.ink import Ink
from tui.view_model.numbers import clock, date, fixed, signed
from tui.view_model.scale import moments, padded
from tui.widgets.plotted import Plotted


class EquityCurve(Plotted):
    """Equity over time; the frame tells the newest and the way it came."""

    DEFAULT_CSS: ClassVar[str] = """
    EquityCurve { border: round $frame; border-title-color: $ink-label; border-subtitle-color: $ink-label; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._curve: tuple[EquityPoint, ...] = ()
        self._unread = ""

    def show(self, curve: tuple[EquityPoint, ...], unread: str = "") -> None:
        """Draw it; `unread` says why nobody knows it yet."""
        if (curve, unread) != (self._curve, self._unread):
            self._curve, self._unread = curve, unread
            self.refresh()

    def render(self) -> Text:
        curve = self._curve
        width, height = self.content_size.width, self.content_size.height
        if len(curve) < 2 or height < 3:
            self.entitle("Equity")
            words = self._unread or "The curve begins with the second minute of the journal."
            return Text(f"  {words}", self.style_of(Ink.LABEL))
        first, last = curve[0], curve[-1]
        since = f"{date(first.at)} {clock(first.at)[:5]}"
        self.entitle(f"Equity {fixed(last.equity, 2)} · {signed(last.equity - first.equity)} since {since}")
        plot = self.fresh_plot(width, height)
        worths = [point.equity for point in curve]
        self.number(plot, *padded(min(worths), max(worths)), height)
        xs = [point.at / 1000 for point in curve]
        rises = last.equity >= first.equity
        marker = "*" if self.is_ascii else "braille"
        plot.plot(
            xs,
            [float(worth) for worth in worths],
            marker=marker,
            color=self.paint(Ink.GAIN if rises else Ink.LOSS),
        )
        plot.hline(float(first.equity), self.paint(Ink.FAINT))
        times = moments(first.at, last.at, max(2, width // 24))
        plot.xticks([at / 1000 for at, _ in times], [words for _, words in times])
        return Text.from_ansi(str(plot.build()))
