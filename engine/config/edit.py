"""Change single options in a trader's own file and leave every other byte as it is."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from engine.config.reading import read_options
from engine.config.refused import ConfigRefused
from engine.config.toml import toml


def change(file: Path, table: str, values: Mapping[str, object]) -> None:
    """Set `values` in `[table]`; the file and the table are made when they are missing.

    What would not be a right configuration is not written. Raises ConfigRefused.
    """
    try:
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        new = changed(old, table, values)
        beside = file.with_name(file.name + ".new")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(beside, "w", encoding="utf-8", opener=_private) as out:
            out.write(new)
            out.flush()
            os.fsync(out.fileno())
        try:
            read_options(beside, {})
            if file.exists():
                beside.chmod(file.stat().st_mode & 0o777)
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRefused(f"{file} cannot be changed ({error}): set [{table}] in it by hand") from None


def changed(text: str, table: str, values: Mapping[str, object]) -> str:
    """The text with these values in the table."""
    lines = text.splitlines()
    begin = next((n for n, line in enumerate(lines) if _header(line) == table), None)
    if begin is None:
        gap = [""] if lines and lines[-1].strip() else []
        lines += [*gap, f"[{table}]"]
        begin = len(lines) - 1
    end = next((n for n in range(begin + 1, len(lines)) if _header(lines[n]) is not None), len(lines))
    for name, value in values.items():
        said = f"{name} = {toml(value)}"
        at = next(
            (n for n in range(begin + 1, end) if re.match(rf"\s*{re.escape(name)}\s*=", lines[n])), None
        )
        if at is not None:
            lines[at] = said
        else:
            while end > begin + 1 and not lines[end - 1].strip():
                end -= 1
            lines.insert(end, said)
            end += 1
    return "\n".join(lines) + "\n"


def _header(line: str) -> str | None:
    found = re.match(r"\s*\[{1,2}\s*([\w.\- ]+?)\s*\]{1,2}", line)
    return found[1] if found else None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
