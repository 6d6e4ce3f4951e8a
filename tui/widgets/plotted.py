"""What is drawn by plotext, in the theme's own inks. The library is loaded at the first drawing only."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.widget import Widget

from tui.view_model.ink import Ink
from tui.view_model.scale import scale
from tui.widgets.inks import inks_of

if TYPE_CHECKING:
    from textual_plotext.plot import Plot

Paint = tuple[int, int, int] | int | str
"""A colour as plotext takes it."""


class Plotted(Widget):
    """A widget with a plot in it."""

    DEFAULT_CSS = "Plotted { color: $ink-text; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._plot: Plot | None = None
        self._words = ""

    @property
    def is_ascii(self) -> bool:
        """Whether nothing beyond ASCII may be drawn."""
        return bool(getattr(self.app, "ascii", False))

    def fresh_plot(self, width: int, height: int) -> Plot:
        """An empty plot of this many cells, without a frame, on the widget's own background."""
        from textual_plotext.plot import Plot

        plot = self._plot = self._plot or Plot()
        plot.clear_figure()
        plot.plotsize(width, height)
        plot._set_size(width, height)
        plot.canvas_color("default")
        plot.axes_color("default")
        plot.ticks_color(self.paint(Ink.LABEL))
        plot.frame(False)
        return plot

    def number(self, plot: Plot, low: Decimal, high: Decimal, height: int) -> None:
        """Round numbers beside the plot, which reaches from `low` to `high`."""
        plot.ylim(float(low), float(high))
        told = scale(low, high, max(2, min(8, height // 2)))
        plot.yticks([float(value) for value, _ in told], [words for _, words in told])

    def entitle(self, words: str) -> None:
        """Words in the frame; setting them paints the widget, so that only others are set."""
        if words != self._words:
            self._words = words
            self.border_title = Text(words)

    def style_of(self, ink: Ink) -> Style:
        if ink is Ink.TEXT:
            return Style.null()
        return inks_of(self.app)[ink]

    def paint(self, ink: Ink) -> Paint:
        """An ink as plotext wants it: its three parts, or the number of one of the terminal's own colours."""
        colour = self.style_of(ink).color
        if colour is None or colour.is_default:
            return "default"
        if colour.triplet is not None:
            return colour.triplet.red, colour.triplet.green, colour.triplet.blue
        return colour.number if colour.number is not None else Color.parse(colour.name).rgb
