"""A request as it comes from a socket, checked before the engine sees it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Final, get_args
from uuid import uuid4

import msgspec

from engine.core.events import SignalHeard
from engine.protocol import (
    PROTOCOL,
    Answer,
    AnyCommand,
    Approve,
    Deny,
    Enter,
    Exit,
    Flatten,
    Flip,
    Halt,
    Reduce,
    Request,
    Verdict,
    exactly,
)

BODY_BYTES: Final = 64 * 1024
LARGEST: Final = Decimal(10) ** 15
DIGITS: Final = 40
WAIT_S: Final = 3600
TRIES: Final = 100
WITHIN_S: Final = 86_400
RUNGS: Final = 10_000
ID: Final = 64
BY: Final = 120
STOPPING: Final[dict[str, type[Halt | Flatten]]] = {"halt": Halt, "flatten": Flatten}
"""What a client of any protocol may ask for: no version may mean anything else by these words."""
WORDS: Final = tuple(str(each.__struct_config__.tag) for each in get_args(AnyCommand))


@dataclass(frozen=True, slots=True)
class Unfit:
    """A request that no engine would be asked: the HTTP status and the sentence for the client."""

    status: HTTPStatus
    answer: Answer


class _Envelope(msgspec.Struct):
    """What can be read of a request of any version."""

    id: str = ""
    by: msgspec.Raw = msgspec.Raw(b'""')
    protocol: int = PROTOCOL
    command: dict[str, msgspec.Raw] | None = None


def unfit(status: HTTPStatus, text: str, id: str = "") -> Unfit:
    return Unfit(status, Answer(id=id, verdict=Verdict.REFUSED, text=text))


def other_protocol(theirs: object, id: str = "") -> Unfit:
    """409: this engine and that client would misread each other."""
    return unfit(
        HTTPStatus.CONFLICT,
        f"this engine speaks protocol {PROTOCOL}, the client {theirs}: use the `ratchet` of the engine's "
        "own version, or restart the engine with the client's; `ratchet kill` halts it as it is",
        id,
    )


def parse(body: bytes, *, said: str = "") -> Request | Unfit:
    """The request, or 400 with what is wrong with it, or 409 for another protocol. `said` is the protocol
    that the client named beside it. Halt and flatten are taken from everybody.
    """
    try:
        envelope = msgspec.json.decode(body.decode(), type=_Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return unfit(
            HTTPStatus.BAD_REQUEST, f"the request is not a JSON object as the protocol has it: {error}"
        )
    if (theirs := said or str(envelope.protocol)) != str(PROTOCOL):
        return _stopping(envelope) or other_protocol(theirs, envelope.id)
    try:
        request = msgspec.json.decode(body, type=Request)
    except msgspec.ValidationError as error:
        return unfit(HTTPStatus.BAD_REQUEST, _told(envelope, error), envelope.id)
    if isinstance(request.command, Flip) and not _is_enter(envelope):
        text = 'the entry of a flip is a whole command: {"command": "enter", …}'
        return unfit(HTTPStatus.BAD_REQUEST, text, envelope.id)
    if fault := _fault(request) or _misspelt(envelope.command or {}, request.command):
        return unfit(HTTPStatus.BAD_REQUEST, fault, envelope.id)
    return request


def _stopping(envelope: _Envelope) -> Request | None:
    """The halt or flatten of a client of another protocol. What else it may say is left out, and an id that
    cannot be one replaced: asked for twice it does no harm.
    """
    if (kind := STOPPING.get(_word(envelope))) is None:
        return None
    id = envelope.id if 1 <= len(envelope.id) <= ID else uuid4().hex
    reason = _text((envelope.command or {}).get("reason"))
    return Request(id, _text(envelope.by)[:BY], kind(reason))


def _told(envelope: _Envelope, error: msgspec.ValidationError) -> str:
    word = _word(envelope)
    if not word or word in WORDS:
        return f"the request does not fit the protocol: {error}"
    near = difflib.get_close_matches(word, WORDS, n=1)
    advice = f"did you mean {near[0]}?" if near else f"the commands are {', '.join(WORDS)}"
    return f"unknown command {word[:40]!r}: {advice}"


def parse_signal(body: bytes) -> SignalHeard | Unfit:
    """What came from outside, as the journal is to keep it, or 400 with what is wrong with it."""
    try:
        signal = msgspec.json.decode(body, type=SignalHeard)
    except msgspec.DecodeError as error:
        return unfit(HTTPStatus.BAD_REQUEST, f"this is no signal as the journal has it: {error}")
    for name in ("price", "stop"):
        value = getattr(signal, name)
        if value is not None and not _is_plain(value):
            return unfit(HTTPStatus.BAD_REQUEST, _not_plain(name, value))
    if signal.times < 1:
        return unfit(HTTPStatus.BAD_REQUEST, f"times must be at least 1, got {signal.times}")
    return signal


def _word(envelope: _Envelope) -> str:
    return _text((envelope.command or {}).get("command"))


def _text(raw: msgspec.Raw | None) -> str:
    """What is written there, or nothing when it is no text."""
    try:
        return msgspec.json.decode(raw or b'""', type=str)
    except msgspec.DecodeError:
        return ""


def _is_enter(envelope: _Envelope) -> bool:
    """Whether the entry of a flip says that it is one; where only one command can stand, its name is not
    missed.
    """
    entry = msgspec.json.decode((envelope.command or {})["entering"], type=dict[str, msgspec.Raw])
    return bytes(entry.get("command", b"")) == b'"enter"'


def _misspelt(written: Mapping[str, msgspec.Raw], command: AnyCommand) -> str:
    """A number that was sent as a text which only a lenient reader takes for one."""
    for name in command.__struct_fields__:
        value, raw = getattr(command, name), written.get(name)
        if isinstance(value, Enter) and raw is not None:
            return _misspelt(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]), value)
        if isinstance(value, Decimal) and bytes(raw or b"").startswith(b'"'):
            try:
                exactly(text := _text(raw))
            except ValueError:
                return _not_plain(name, text)
    return ""


def _fault(request: Request) -> str:
    """What the types cannot say."""
    if not 1 <= len(request.id) <= ID:
        return f"the id must be 1 to {ID} characters of the client's choice, new for each new command"
    if len(request.by) > BY:
        return f"`by` names the client in at most {BY} characters"
    return _fault_of(request.command)


def _fault_of(command: AnyCommand) -> str:
    """Numbers that are none, or that nobody can mean."""
    if isinstance(command, Flip):
        return _fault_of_flip(command)
    if isinstance(command, Reduce) and not (_is_plain(command.fraction) and 0 < command.fraction <= 1):
        return f"reduce takes a fraction above 0 and at most 1, got {str(command.fraction)[:40]}"
    for name in command.__struct_fields__:
        value = getattr(command, name)
        if isinstance(value, Decimal) and not _is_plain(value):
            return _not_plain(name, value)
    if isinstance(command, Enter | Exit):
        for name, most in (("wait_s", WAIT_S), ("tries", TRIES)):
            if not 1 <= getattr(command, name) <= most:
                return f"{name} must be from 1 to {most}, got {getattr(command, name)}"
    if isinstance(command, Approve | Deny) and not 0 <= command.rung <= RUNGS:
        return f"rung must be from 1 to {RUNGS}, or 0 for an entry or an adoption, got {command.rung}"
    return ""


def _fault_of_flip(command: Flip) -> str:
    if not (_is_plain(command.share) and 0 < command.share <= 1):
        return f"flip takes a share above 0 and at most 1, got {str(command.share)[:40]}"
    if not 1 <= command.within_s <= WITHIN_S:
        return f"within_s must be from 1 to {WITHIN_S}, got {command.within_s}"
    return _fault_of(command.entering)


def _not_plain(name: str, value: Decimal | str) -> str:
    return f"{name} must be a plain number such as 95000.5, got {str(value)[:40]}"


def _is_plain(value: Decimal) -> bool:
    """A number that money can mean; written out it fits on a line."""
    _, digits, exponent = value.as_tuple()
    return isinstance(exponent, int) and exponent > -400 and len(digits) <= DIGITS and abs(value) <= LARGEST
