"""Reading a request's parameters: everything is text, case does not matter, numbers are strings or JSON
numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from engine.core.instrument import ZERO
from engine.simulator.errors import refusal

Params = Mapping[str, Any]

_CLIENT_OID: Final = re.compile(r"[\x21-\x7e]{1,50}")
"""At most 50 visible ASCII characters; anything else is Bitget's "Martian character" (WIRE §5)."""


def text(params: Params, name: str, default: str = "") -> str:
    """The parameter as stripped text; `default` when absent, null or empty."""
    value = params.get(name)
    return default if value is None or str(value).strip() == "" else str(value).strip()


def required(params: Params, name: str) -> str:
    """The parameter as text. Raises 40019 when it is missing."""
    value = text(params, name)
    if not value:
        raise refusal("40019", name)
    return value


def choice(params: Params, name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    """One of `allowed`, in lower case. Raises 40019 when missing without a default, 40017 for anything
    else."""
    value = text(params, name, default or "").lower()
    if not value:
        raise refusal("40019", name)
    if value not in allowed:
        raise refusal("40017", name)
    return value


def number(params: Params, name: str) -> Decimal | None:
    """A finite number that is not negative, None when absent or empty. Raises 40017 for anything else."""
    value = signed(params, name)
    if value is not None and value < ZERO:
        raise refusal("40017", name)
    return value


def signed(params: Params, name: str) -> Decimal | None:
    """A finite number, None when absent or empty. Raises 40017 for anything else."""
    value = text(params, name)
    if not value:
        return None
    try:
        parsed = Decimal(value)
    except InvalidOperation as unreadable:
        raise refusal("40017", name) from unreadable
    if not parsed.is_finite() or abs(parsed.adjusted()) > 15:
        raise refusal("40017", name)
    return parsed


def positive(params: Params, name: str) -> Decimal:
    """A number above zero. Raises 40019 when missing, 40017 when it is not one."""
    value = number(params, name)
    if value is None:
        raise refusal("40019", name)
    if value == ZERO:
        raise refusal("40017", name)
    return value


def price_or_none(params: Params, name: str) -> Decimal | None:
    """A price where 0 means "not set", as Bitget's execute prices do."""
    return number(params, name) or None


def whole(params: Params, name: str) -> int | None:
    """A whole number such as a time or an id, None when absent. Raises 40017 for anything else."""
    value = text(params, name)
    if not value:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 30:
        raise refusal("40017", name)
    return int(value)


def client_oid(params: Params, name: str = "clientOid") -> str:
    """The client's own id, empty when absent. Raises 40305 for one that Bitget would not take."""
    value = params.get(name)
    if value is None or value == "":
        return ""
    if not isinstance(value, str | int) or not _CLIENT_OID.fullmatch(str(value)):
        raise refusal("40305")
    return str(value)


def check_product(params: Params) -> None:
    """Raises 40020 when the request names another product than USDT-FUTURES."""
    if text(params, "productType", "USDT-FUTURES").upper() != "USDT-FUTURES":
        raise refusal("40020", "productType")


def check_coin(params: Params) -> None:
    """Raises 40020 when the request names another margin coin than USDT."""
    if text(params, "marginCoin", "USDT").upper() != "USDT":
        raise refusal("40020", "marginCoin")
