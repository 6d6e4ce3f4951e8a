"""What is wrong with a configuration, as sentences: what must be there, what was found, what to do."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from engine.config.layers import Layers, Name
from engine.config.options import Options
from engine.config.toml import toml

HIDDEN: Final = ("bitget", "account", "rest", "webhook", "telegram", "notify", "watch")
"""Tables whose values are never repeated: somebody may have put a secret there."""

LONG: Final = 42
"""Characters from which on a value is not repeated: no sentence needs a number of a hundred digits."""


def sentences(error: ValidationError, layers: Layers) -> Iterator[str]:
    """One sentence for each error."""
    for each in error.errors(include_url=False):
        name = tuple(part for part in each["loc"] if isinstance(part, str))
        winner = layers.winner(name)
        where = winner.where(name) if winner else ""
        yield f"{where}: {_sentence(name, each)}" if where else _sentence(name, each)


def _sentence(name: Name, error: ErrorDetails) -> str:
    dotted = ".".join(name)
    if error["type"] == "extra_forbidden":
        return _unknown(name)
    if error["type"] == "value_error" and (found := _field(name)) and _kind(found) not in (Decimal, int):
        return f"{dotted} {error['ctx']['error']}"
    return f"{dotted} must be {must_be(name)}{_got(name, error['input'])}"


def _got(name: Name, value: object) -> str:
    if name[0] in HIDDEN or isinstance(value, dict) or len(toml(value)) > LONG:
        return ""
    text = ", got nothing" if value == "" else f", got {toml(value)}"
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    percent = Decimal(str(value)) if is_number else Decimal(0)
    if _is_fraction(name) and percent.is_finite() and 1 <= percent < 100:
        return f'{text}: for {percent:f} % write {format(percent / 100, "f")} or "{percent:f} %"'
    near = _nearest(str(value), choices(name))
    return f"{text}: did you mean {toml(near)}?" if near else text


def must_be(name: Name) -> str:
    """What an option must be, in words, from its type, bounds and unit."""
    if name[0] == "managed":
        return (
            "a whole leverage from 1 to 150, as in BTCUSDT = 20"
            if len(name) > 1
            else "a table: write [managed], then BTCUSDT = 20"
        )
    found = _field(name)
    if found is None:
        return "a text" if len(name) > 1 else "a known option"
    kind = _kind(found)
    if get_origin(kind) is dict:
        return f"a table: write [{'.'.join(name)}] and its lines below"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"a table: write [{'.'.join(name)}] and its options below"
    if name == ("account",):
        return "a name of 1 to 20 letters, digits, - and _"
    if options := choices(name):
        return f"one of {', '.join(toml(each) for each in options)}"
    unit = (found.json_schema_extra or {}).get("unit", "")  # type: ignore[union-attr]
    return " ".join(part for part in (_of_kind(kind), _bounds(found), f"({unit})" if unit else "") if part)


def _of_kind(kind: Any) -> str:
    words = {bool: "true or false", int: "a whole number", Decimal: "a number", str: "a text"}
    if kind in words:
        return words[kind]
    of = get_args(kind)[0]
    few = get_args(of) if get_origin(of) is Literal else ()
    return f"a list of {', '.join(toml(each) for each in few) or 'texts'}"


def _bounds(found: FieldInfo) -> str:
    words = []
    for bound in _metadata(found):
        match bound:
            case Gt(gt):
                words.append(f"above {gt}")
            case Ge(ge):
                words.append(f"of at least {ge}")
            case Lt(lt):
                words.append(f"below {lt}")
            case Le(le):
                words.append(f"at most {le}")
            case _:
                pass
    return " and ".join(words)


def choices(name: Name) -> tuple[str, ...]:
    """The words of an option that takes one of a few; empty for any other."""
    found = _field(name)
    kind = _kind(found) if found else None
    return (
        tuple(str(each.value) for each in kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()
    )


def _unknown(name: Name) -> str:
    table = _model(name[:-1])
    key, siblings = name[-1], tuple(table.model_fields) if table else ()
    elsewhere = [
        top
        for top, found in Options.model_fields.items()
        if isinstance(kind := _kind(found), type) and issubclass(kind, BaseModel) and key in kind.model_fields
    ]
    if near := _nearest(key, siblings):
        return f"unknown option {'.'.join(name)}: did you mean {near}?"
    if elsewhere:
        return f"unknown option {'.'.join(name)}: {key} belongs under [{elsewhere[0]}]"
    return f"unknown option {'.'.join(name)}: here are known {', '.join(siblings)}"


def _nearest(word: str, words: tuple[str, ...]) -> str | None:
    return next(iter(difflib.get_close_matches(word, words, n=1, cutoff=0.6)), None)


def _is_fraction(name: Name) -> bool:
    found = _field(name)
    extra = found.json_schema_extra if found else None
    return isinstance(extra, dict) and str(extra.get("unit", "")).startswith("fraction")


def _model(name: Name) -> type[BaseModel] | None:
    model: type[BaseModel] = Options
    for part in name:
        found = model.model_fields.get(part)
        kind = _kind(found) if found else None
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return None
        model = kind
    return model


def _field(name: Name) -> FieldInfo | None:
    model = _model(name[:-1])
    return model.model_fields.get(name[-1]) if model else None


def _kind(found: FieldInfo) -> Any:
    """The bare type: without Annotated, and without None."""
    return _bare(found.annotation)[0]


def _metadata(found: FieldInfo) -> tuple[Any, ...]:
    return (*found.metadata, *_bare(found.annotation)[1])


def _bare(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without its wrappings, and the metadata that was in them."""
    if hasattr(annotation, "__metadata__"):
        kind, inner = _bare(annotation.__origin__)
        return kind, (*inner, *annotation.__metadata__)
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(each for each in get_args(annotation) if each is not type(None)))
    return annotation, ()
