"""Repaints that cost what they change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class TouchedRows(Compositor):
    """Renders the rows that a repaint touches, of the widgets that are seen in them. Textual's renders every
    row of every widget for each repaint, and throws most of them away.
    """

    def _render_chops(
        self, crop: Region, is_rendered_line: Callable[[int], bool]
    ) -> Sequence[Mapping[int, Strip]]:
        cuts = self.cuts
        chops: list[dict[int, Strip | None]] = [dict.fromkeys(line_cuts[:-1]) for line_cuts in cuts]
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            left, right = shown.column_span
            ends = {
                y: [cut for cut in cuts[y] if left <= cut <= right]
                for y in shown.line_range
                if is_rendered_line(y)
            }
            rows = [y for y in ends if any(chops[y][cut] is None for cut in ends[y][:-1])]
            if not rows:
                continue
            top = rows[0]
            inside = Region(left - region.x, top - region.y, shown.width, rows[-1] - top + 1)
            strips = widget.render_lines(inside)
            for y in rows:
                pieces = strips[y - top].divide([cut - left for cut in ends[y][1:]])
                for cut, piece in zip(ends[y], pieces, strict=False):
                    if chops[y][cut] is None:
                        chops[y][cut] = piece
        return cast("Sequence[Mapping[int, Strip]]", chops)
