"""The equity curve, drawn by plotext in dots of an eighth of a cell."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text

from engine.protocol import EquityPoint
from tui.view_model.ink import Ink
from tui.view_model.numbers import clock, date, fixed, signed
from tui.widgets.plotted import Plotted


class EquityCurve(Plotted):
    """Equity over time; the frame tells the newest and the way it came."""

    DEFAULT_CSS: ClassVar[str] = """
    EquityCurve { border: round $frame; border-title-color: $ink-label; border-subtitle-color: $ink-label; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._curve: tuple[EquityPoint, ...] = ()

    def show(self, curve: tuple[EquityPoint, ...]) -> None:
        if curve != self._curve:
            self._curve = curve
            self.refresh()

    def render(self) -> Text:
        curve = self._curve
        width, height = self.content_size.width, self.content_size.height
        if len(curve) < 2 or height < 3:
            self.entitle("Equity")
            return Text("  The curve begins with the second minute of the journal.", self.style_of(Ink.LABEL))
        first, last = curve[0], curve[-1]
        self.entitle(
            f"Equity {fixed(last.equity, 2)} · {signed(last.equity - first.equity)} since {date(first.at)}"
        )
        plot = self.fresh_plot(width, height)
        xs = [point.at / 1000 for point in curve]
        rises = last.equity >= first.equity
        marker = "*" if self.is_ascii else "braille"
        plot.plot(
            xs,
            [float(p.equity) for p in curve],
            marker=marker,
            color=self.paint(Ink.GAIN if rises else Ink.LOSS),
        )
        plot.hline(float(first.equity), self.paint(Ink.FAINT))
        places = [curve[round(k * (len(curve) - 1) / 4)].at for k in range(5)]
        is_long = last.at - first.at > 2 * 86_400_000
        plot.xticks(
            [at / 1000 for at in places], [date(at)[5:] if is_long else clock(at)[:5] for at in places]
        )
        return Text.from_ansi(str(plot.build()))
