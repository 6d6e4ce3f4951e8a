"""Answers and frames that do not say what they should: a number that is none, a field under another name."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

Field = tuple[dict[str, Any], str]


def spoiled(data: Any, chance: Random) -> Any:
    """`data`, decoded JSON, with one of its fields made unreadable; None when it has none."""
    data = copy.deepcopy(data)
    fields = list(_fields(data))
    if not fields:
        return None
    numbers = [(row, name) for row, name in fields if _is_number(name, row[name])]
    if numbers and chance.random() < 0.5:
        row, name = chance.choice(numbers)
        row[name] = chance.choice(("NaN", "Infinity", "-", "1e"))
    else:
        row, name = chance.choice(fields)
        row[f"{name}V3"] = row.pop(name)
    return data


def spoiled_frame(text: str, chance: Random) -> str:
    """A frame with one field of one of its rows made unreadable."""
    frame = json.loads(text)
    frame["data"] = spoiled(frame["data"], chance)
    return json.dumps(frame)


def _fields(data: Any) -> Iterator[Field]:
    if isinstance(data, list):
        for each in data:
            yield from _fields(each)
    elif isinstance(data, dict):
        for name, value in data.items():
            yield data, name
            yield from _fields(value)


def _is_number(name: str, value: Any) -> bool:
    """Ids look like numbers; that of another order is no malformed one, and nobody could tell."""
    if not isinstance(value, str) or name.endswith(("Id", "Oid")):
        return False
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False
