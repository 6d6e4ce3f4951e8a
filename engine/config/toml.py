"""A value as it stands in TOML."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum


def toml(value: object) -> str:
    """Strings, numbers, bools, lists of them and flat tables; None, which TOML does not have, is `(none)`."""
    match value:
        case None:
            return "(none)"
        case bool():
            return "true" if value else "false"
        case Enum():
            return toml(value.value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            return format(value, "f") if value.is_finite() else str(value).lower()
        case int() | float():
            return str(value)
        case list() | tuple():
            return f"[{', '.join(toml(each) for each in value)}]"
        case dict():
            return f"{{ {', '.join(f'{key} = {toml(each)}' for key, each in value.items())} }}"
        case _:
            return json.dumps(str(value), ensure_ascii=False)
