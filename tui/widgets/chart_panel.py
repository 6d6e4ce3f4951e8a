"""The chart of the selected position, drawn by plotext: loaded when it is opened first, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.text import Text

from engine.protocol import ChartView, PositionView
from tui.view_model.chart import LABELS, Picture, below, labelled, picture, span, ticks, title
from tui.view_model.ink import Ink, Line, cropped, printable
from tui.view_model.scale import padded
from tui.view_model.scene import Scene
from tui.widgets.plotted import Plotted

if TYPE_CHECKING:
    from textual_plotext.plot import Plot


class ChartPanel(Plotted):
    """Candles, levels and fills; under them how near liquidation came."""

    DEFAULT_CSS: ClassVar[str] = """
    ChartPanel { border: round $frame; border-title-color: $ink-label; border-subtitle-color: $ink-label; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._position: PositionView | None = None
        self._chart: ChartView | None = None
        self._trouble = ""
        self._apart = False

    def show(
        self, scene: Scene, position: PositionView | None, chart: ChartView | None, trouble: str = ""
    ) -> None:
        """Draw again when something of it is another."""
        shown = position, chart, trouble, scene.market_apart
        if shown != (self._position, self._chart, self._trouble, self._apart):
            self._position, self._chart, self._trouble, self._apart = shown
            self.refresh()

    def render(self) -> Text:
        position, chart = self._position, self._chart
        if position is None or chart is None or chart.symbol != position.symbol:
            self.entitle("Chart")
            return Text(f"  {printable(self._trouble) or 'Reading the marks.'}", self.style_of(Ink.LABEL))
        width, height = self.content_size.width, self.content_size.height
        shown = picture(chart, position, int(width * (1 - LABELS)) - 8)
        self.entitle(printable(title(chart, shown, position, apart=self._apart)))
        if len(shown.candles) < 2 or height < 5:
            return Text(
                "  The chart begins with the engine: two minutes of marks make it.", self.style_of(Ink.LABEL)
            )
        drawn = Text.from_ansi(self._draw(shown, position, width, height - 2).rstrip("\n"))
        under = (self._inked(cropped(words, width)) for words in below(chart, position, shown, width))
        return Text("\n").join((drawn, *under))

    def _inked(self, words: Line) -> Text:
        return Text.assemble(*((span.text, self.style_of(span.ink)) for span in words))

    def _draw(self, shown: Picture, position: PositionView, width: int, height: int) -> str:
        """The picture as text with colours."""
        plot = self.fresh_plot(width, height)
        left, right = span(len(shown.candles), width * (1 - LABELS))
        self._candles(plot, shown)
        prices = [each for c in shown.candles for each in (c.high, c.low)] + [r.price for r in shown.rules]
        low, high = padded(min(prices), max(prices))
        self.number(plot, low, high, height)
        row = (high - low) / max(1, height - 2)
        for rule, named in labelled(shown.rules, row, position.price_decimals, int(width * 0.6)):
            paint = self.paint(rule.ink)
            plot.hline(float(rule.price), paint)
            words = f" {named} "
            at = right - cell_len(words) * (right - left) / width
            plot.text(words, at, float(rule.price), color=paint)
        for mark in shown.marks:
            plot.scatter([mark.at], [float(mark.price)], marker=mark.glyph, color=self.paint(mark.ink))
        plot.xlim(left, right)
        numbers = ticks(shown.candles, max(2, width // 16))
        plot.xticks([k for k, _ in numbers], [words for _, words in numbers])
        return str(plot.build())

    def _candles(self, plot: Plot, shown: Picture) -> None:
        """Bodies and wicks as vertical strokes, each in the colour of its minute."""
        for rises, ink in ((True, Ink.GAIN), (False, Ink.LOSS)):
            chosen = [(k, c) for k, c in enumerate(shown.candles) if (c.close >= c.open) is rises]
            for part, marker in (((lambda c: (c.low, c.high)), "│"), ((lambda c: (c.open, c.close)), "█")):
                for k, candle in chosen:
                    ends = [float(value) for value in part(candle)]  # type: ignore[no-untyped-call]
                    plot.plot([k, k], ends, marker=marker, color=self.paint(ink))
