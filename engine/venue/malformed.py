"""Numbers off the wire: read exactly, or refused by name. A number that cannot be read is never a zero."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec

Shape = TypeVar("Shape")


class Malformed(Exception):
    """A frame or row that does not say what it must. The text names where and which field, no value."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The base of all rows: the wire's camelCase, and every Decimal finite.

    A number that may be blank on the wire is declared `str` and read with `number` or `number_or`.
    """

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not value.is_finite():
                raise ValueError(f"{name} is not a finite number")


def shaped(where: str, value: Any, shape: type[Shape]) -> Shape:
    """`value`, decoded JSON, as `shape`; integers may be strings. Raises Malformed naming the field."""
    try:
        return msgspec.convert(value, shape, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(where, str(error)) from None


def number(where: str, field: str, text: str) -> Decimal:
    """A required number. Raises Malformed when it is blank, not a number or not finite."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise Malformed(where, f"{field} is {'missing' if not text else 'not a number'}") from None
    if not value.is_finite():
        raise Malformed(where, f"{field} is not a finite number")
    return value


def number_or(where: str, field: str, text: str | None, blank: Decimal) -> Decimal:
    """A number that the wire leaves blank when it has none: then `blank`. Raises Malformed for garbage."""
    return number(where, field, text) if text else blank


def plain(value: Decimal) -> str:
    """`value` as the wire wants it, without an exponent. Raises ValueError for what is no positive number."""
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{value} is not a positive number")
    return format(value.normalize(), "f")
