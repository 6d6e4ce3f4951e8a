"""A complete configuration with every option, its meaning, unit, bounds and default, made from the options
themselves.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.config.layers import Name
from engine.config.options import Options
from engine.config.sentences import must_be
from engine.config.toml import toml

HEAD = """\
# Ratchet's configuration. Every option is here with its default; delete what you do not change.
# Fractions are written as 0.2 or "20 %". Money is USDT, times are UTC. `ratchet config check` tells what
# is wrong.
# An environment variable wins over this file: RATCHET_LIMITS__DAILY_LOSS="10 %".
"""


def example() -> str:
    """The text of config.toml; loaded, it equals the defaults."""
    return "\n".join((HEAD, *_table(Options(), ())))


def _table(model: BaseModel, name: Name) -> Iterator[str]:
    fields = type(model).model_fields
    parts = {key: value for key in fields if isinstance(value := getattr(model, key), BaseModel | dict)}
    for key, found in fields.items():
        if key not in parts:
            yield from _option((*name, key), found, getattr(model, key))
    for key, part in parts.items():
        yield from _comment(fields[key].description or "")
        yield f"[{'.'.join((*name, key))}]"
        if isinstance(part, BaseModel):
            yield from _table(part, (*name, key))
        else:
            yield from (f"{each} = {toml(value)}" for each, value in part.items())
            yield ""


def _option(name: Name, found: FieldInfo, value: object) -> Iterator[str]:
    meaning = found.description or ""
    secret = name[0] == "bitget" and value == "" and name[-1] != "url"
    yield from _comment(meaning)
    bounds = must_be(name)
    if not secret and bounds not in {"true or false", "a text"}:
        yield from _comment(f"{bounds[0].upper()}{bounds[1:]}.")
    if secret:
        yield f'# {name[-1]} = "env:BITGET_API_{name[-1].upper()}"'
    elif value is None:
        yield f"# {name[-1]} = 1000"
    else:
        yield f"{name[-1]} = {toml(value)}"
    yield ""


def _comment(text: str) -> Iterator[str]:
    yield from textwrap.wrap(" ".join(text.split()), width=108, initial_indent="# ", subsequent_indent="# ")
