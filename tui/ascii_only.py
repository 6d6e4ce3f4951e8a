"""`--ascii`: one filter under everything that is drawn, so that nothing beyond ASCII can leave, whoever drew
it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

LIKENESS: Final = str.maketrans(
    {
        **dict.fromkeys("─━═╌┄▔▁", "-"),
        **dict.fromkeys("│┃║▏▕▎▍▌▐", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋", "+"),
        **dict.fromkeys("█▇▆▅▄▃▂▊▋▉■", "#"),
        **{
            "−": "-",
            "–": "-",
            "—": "-",
            "×": "x",
            "✖": "X",
            "●": "*",
            "○": "o",
            "◎": "@",
            "□": "?",
            "·": "|",
        },
        **{
            "▸": ">",
            "◂": "<",
            "▲": "^",
            "▼": "v",
            "↑": "^",
            "↓": "v",
            "→": ">",
            "↻": "R",
            "✓": "+",
            "‼": "!",
        },
        **{"…": "~", "“": '"', "”": '"', "’": "'", "▶": ">"},
    }
)


@lru_cache(4096)
def plain(text: str) -> str:
    """`text` in ASCII and in as many cells: look-alikes where there are some, question marks elsewhere."""
    if text.isascii():
        return text
    alike = text.translate(LIKENESS)
    return "".join(c if c.isascii() else "?" + " " * (cell_len(c) - 1) if cell_len(c) else "" for c in alike)


class AsciiOnly(LineFilter):
    """Translates every segment on its way to the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(plain(text), style, control) for text, style, control in segments]
