"""The effective options and the engine's files, as a client sees them."""

from __future__ import annotations

from engine.config.loaded import Loaded
from engine.protocol import OptionView, SettingsView


def settings_of(loaded: Loaded) -> SettingsView:
    """Every option with the layer that it comes from. Keys are references here, never the secrets."""
    options = tuple(
        OptionView(each.name, each.value, each.source.value, each.where) for each in loaded.effective
    )
    paths = loaded.paths
    files = (
        ("configuration", str(paths.config)),
        ("journal", str(paths.database)),
        ("control socket", str(paths.socket)),
        ("logs", str(paths.logs)),
    )
    return SettingsView(options, files)
