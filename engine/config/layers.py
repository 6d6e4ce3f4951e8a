"""The four places that an option may come from, one over the other, and which of them won."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic_settings import EnvSettingsSource, SettingsError

from engine.config.loaded import Source
from engine.config.options import Options
from engine.config.refused import ConfigRefused

Name = tuple[str, ...]
"""An option's place: `("limits", "daily_loss")`."""

PREFIX: Final = "RATCHET_"

ALIASES: Final[dict[Name, str]] = {("webhook", "ratio"): "MAX_PURCHASE_RATIO"}
"""Options that another variable may set as well, because that is what its users have in their scripts."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says. `lines` holds the line of each option of a file."""

    source: Source
    values: dict[str, Any]
    file: Path | None = None
    lines: Mapping[Name, int] = field(default_factory=dict)

    def has(self, name: Name) -> bool:
        at: Any = self.values
        for part in name:
            if not isinstance(at, dict) or part not in at:
                return False
            at = at[part]
        return True

    def where(self, name: Name) -> str:
        """The line, or the variable, in words; empty when it cannot be told."""
        if self.source is Source.ENVIRONMENT:
            own = PREFIX + "__".join(name).upper()
            return own if own in os.environ else ALIASES.get(name, own)
        if self.file is None:
            return ""
        line = self.lines.get(name) or self.lines.get(name[:1])
        return f"{self.file.name} line {line}" if line else self.file.name


@dataclass(frozen=True, slots=True)
class Layers:
    """All sources, weakest first."""

    layers: tuple[Layer, ...]

    def merged(self) -> dict[str, Any]:
        together: dict[str, Any] = {}
        for layer in self.layers:
            _lay_over(together, layer.values)
        return together

    def winner(self, name: Name) -> Layer | None:
        """The layer whose word holds; None when all are silent and the default holds."""
        return next((layer for layer in reversed(self.layers) if layer.has(name)), None)


def read_layers(file: Path | None, options: Mapping[str, dict[str, Any]]) -> Layers:
    """The file (None: no file), the environment and the command line's `options`. Raises ConfigRefused."""
    written = _read_file(file) if file is not None else Layer(Source.FILE, {})
    return Layers((written, _read_environment(), Layer(Source.OPTION, dict(options))))


def _lay_over(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _lay_over(below[key], value)
        else:
            below[key] = dict(value) if isinstance(value, dict) else value


def _read_file(file: Path) -> Layer:
    try:
        text = file.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text, parse_float=Decimal)
    except FileNotFoundError:
        raise ConfigRefused(
            f"there is no configuration at {file}: `ratchet config example` prints one to begin with"
        ) from None
    except IsADirectoryError:
        raise ConfigRefused(f"{file} is a folder, and the configuration is a file: move it away") from None
    except OSError as error:
        raise ConfigRefused(
            f"{file} cannot be read ({error.strerror}): check its owner and its mode"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigRefused(f"{file} is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        twice = tuple(f"{file.name} {each}" for each in _said_twice(text))
        fault = f"{file.name} is not TOML: {_place_of(error)}; strings need quotes"
        raise ConfigRefused(*(twice or (fault,))) from None
    return Layer(Source.FILE, values, file, dict(_lines(text)))


def _place_of(error: tomllib.TOMLDecodeError) -> str:
    """Where the text breaks, without the text itself: somebody may have pasted a secret there."""
    found = re.search(r"line \d+, column \d+", str(error))
    return f"it cannot be read from {found[0]} on" if found else "it ends too early"


def _said_twice(text: str) -> Iterator[str]:
    """Tables and options that stand there a second time, by their lines alone."""
    first: dict[Name, int] = {}
    for name, line in _lines(text):
        if (before := first.setdefault(name, line)) != line:
            yield f"line {line} names what line {before} has named already: keep one of the two"


def _lines(text: str) -> Iterator[tuple[Name, int]]:
    """The line of each table and key, as far as plain `[table]` and `key =` lines tell it."""
    table: Name = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[([\w.\- ]+)\]", line):
            table = tuple(part.strip() for part in header[1].split("."))
            yield table, number
        elif key := re.match(r"\s*([\w.\-]+|\"[^\"]+\")\s*=", line):
            yield (*table, *key[1].strip('"').split(".")), number


def _read_environment() -> Layer:
    """`RATCHET_LIMITS__DAILY_LOSS=0.1` and its kind. A variable that is meant for an option and names none
    is refused.
    """
    if strays := tuple(_strays()):
        raise ConfigRefused(*strays)
    try:
        values = EnvSettingsSource(Options)()
    except SettingsError:
        raise ConfigRefused(
            f"{' or '.join(_not_json())} is a list or a table and is not JSON: write it like "
            f"{PREFIX}LIMITS__WINDOWS='[\"Mon-Fri 08:00-22:00\"]'"
        ) from None
    for (table, option), variable in ALIASES.items():
        if variable in os.environ:
            values.setdefault(table, {}).setdefault(option, os.environ[variable])
    if isinstance(values.get("managed"), dict):
        values["managed"] = {symbol.upper(): leverage for symbol, leverage in values["managed"].items()}
    return Layer(Source.ENVIRONMENT, values)


def _not_json() -> Iterator[str]:
    """The variables that may be meant when pydantic could not read one: it does not say which."""
    for variable in sorted(os.environ):
        table, _, _ = variable.removeprefix(PREFIX).lower().partition("__")
        if variable.startswith(PREFIX) and table in Options.model_fields:
            try:
                json.loads(os.environ[variable])
            except ValueError:
                yield variable


def _strays() -> Iterator[str]:
    tables = [name for name in Options.model_fields if name != "account"]
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX):
            continue
        rest = variable.removeprefix(PREFIX).lower()
        table, two, _ = rest.partition("__")
        if two and table not in tables:
            yield f"{variable} names no table of the configuration: the tables are {', '.join(tables)}"
        elif not two and (near := next((t for t in tables if rest.startswith(f"{t}_")), None)):
            option = rest.removeprefix(f"{near}_").upper()
            yield f"{variable} is not read: write {PREFIX}{near.upper()}__{option}, with two underscores"
