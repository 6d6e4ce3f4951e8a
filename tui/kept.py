"""What the trader chose at the desk and wants to find again: its theme, its keymap and whether the chart is
open, in a small file of the desk's own. The trader's configuration is never rewritten.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Final

THEME: Final = "theme"
KEYMAP: Final = "keymap"
CHART: Final = "chart"
ABOUT: Final = (
    "# What was chosen at the desk. config.toml comes first; delete this file to forget the choice.\n"
)


class Kept:
    """The choices in `file`; without one they last as long as the desk. A file that cannot be read or
    written becomes a sentence in `problem`, and never stops the desk.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.problem = ""
        self._chosen: dict[str, str] = {}
        self._chosen = self._read()

    @property
    def name(self) -> str:
        """The file's name, empty without one."""
        return self._file.name if self._file else ""

    def choice(self, what: str) -> str:
        """The theme or the keymap that was chosen last, or how the chart was left; empty when none was."""
        return self._chosen.get(what, "")

    def keep(self, what: str, name: str) -> str:
        """Remember `name`, also for the next desk. Returns what went wrong in words, or nothing."""
        import json

        self._chosen = {**self._read(), what: name}
        if self._file is None:
            return ""
        lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in self._chosen.items())
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            fresh.write_text(ABOUT + "".join(lines), "utf-8")
            fresh.chmod(0o600)
            fresh.replace(self._file)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            return f"{self._file.name} cannot be written ({error.strerror})"
        return ""

    def _read(self) -> dict[str, str]:
        """What the file says now: another desk may have written it since."""
        if self._file is None:
            return self._chosen
        try:
            table = tomllib.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            self.problem = f"{self._file.name}: {error}; delete it, or choose again with t and m in Settings"
            return {}
        return {key: value for key in (THEME, KEYMAP, CHART) if isinstance(value := table.get(key), str)}
