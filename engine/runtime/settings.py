"""What was configured, as the account's key and as a client sees it."""

from __future__ import annotations

from engine.config.loaded import Loaded
from engine.protocol import OptionView, SettingsView
from engine.venue.keys import Keys


def keys_of(loaded: Loaded) -> Keys:
    """The account's key, in the exchange's hands: it signs with it and names the account after it."""
    return Keys(loaded.keys.key, loaded.keys.secret, loaded.keys.passphrase)


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
