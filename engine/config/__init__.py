"""What the trader wrote, read once at the start: folders, options, keys.

Importing this package costs nothing: `load` brings pydantic in only when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.paths import Paths, find_paths, prepare_folders
from engine.config.refused import ConfigRefused

if TYPE_CHECKING:
    from engine.config.loaded import Loaded

__all__ = [
    "ConfigRefused",
    "Paths",
    "find_paths",
    "load",
    "prepare_folders",
]


def load(
    paths: Paths,
    *,
    bitget_url: str | None = None,
    demo: bool | None = None,
    read_only: bool | None = None,
) -> Loaded:
    """Everything that the engine starts with; the keyword arguments are the command line's and win over file
    and environment.

    Raises ConfigRefused with one sentence for each thing that is wrong.
    """
    from engine.config.reading import load_engine

    return load_engine(paths, bitget_url=bitget_url, demo=demo, read_only=read_only)
