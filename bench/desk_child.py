"""The two desks that bench/desk.py compares, each a process: Ratchet's own as it is run, and the same rows in
Textual's DataTable.
"""

from __future__ import annotations

import sys
from pathlib import Path

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from engine.protocol import Snapshot
from tui import haste
from tui.app import RatchetDesk
from tui.client import EngineClient
from tui.view_model.positions import MEDIUM, Order, rows
from tui.view_model.scene import Scene


class TableDesk(App[None]):
    """The obvious way: every changed cell goes through `update_cell`."""

    def __init__(self, client: EngineClient, sample_s: float) -> None:
        super().__init__()
        self.client = client
        self.sample_s = sample_s
        self.cells: dict[tuple[str, str], str] = {}

    def compose(self) -> ComposeResult:
        yield DataTable[str](cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for column in MEDIUM:
            table.add_column(column.title, key=column.title, width=column.width)
        self.run_worker(self.client.watch())
        self.set_interval(self.sample_s, self.sample)

    def sample(self) -> None:
        snapshot, elapsed = self.client.newest()
        if isinstance(snapshot, Snapshot):
            self.show(Scene(self.client.link, snapshot, elapsed))

    def show(self, scene: Scene) -> None:
        table = self.query_one(DataTable)
        for row in rows(scene, Order.SYMBOL):
            key = row.position.key
            words = {column.title: column.words(row)[0] for column in MEDIUM}
            if key not in table.rows:
                table.add_row(*words.values(), key=key)
            for title, said in words.items():
                if self.cells.get((key, title)) != said:
                    self.cells[key, title] = said
                    table.update_cell(key, title, said)


def main() -> None:
    """`desk_child.py ours|table SOCKET SAMPLE_S`."""
    which, socket, sample_s = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    client = EngineClient(socket, by="bench")
    if which == "ours":
        haste.begin()
    desk: App[int] | App[None] = (
        RatchetDesk(client, sample_s=sample_s) if which == "ours" else TableDesk(client, sample_s)
    )
    desk.run()


if __name__ == "__main__":
    main()
