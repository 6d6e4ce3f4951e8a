"""What an examination finds: one line a thing, how bad it is, and what to do."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Grade(StrEnum):
    """How bad it is: a `fail` keeps the engine from doing its work, a `warn` is yours to judge."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True):
    """One line. `todo` is empty when nothing is to be done."""

    name: str
    grade: Grade
    text: str
    todo: str = ""


def ok(name: str, text: str) -> Finding:
    return Finding(name, Grade.OK, text)


def warn(name: str, text: str, todo: str) -> Finding:
    return Finding(name, Grade.WARN, text, todo)


def fail(name: str, text: str, todo: str) -> Finding:
    return Finding(name, Grade.FAIL, text, todo)
