"""What is done without a journal: what the trader asks for to lose less. A disk that is full must not keep a
position open.

The engine then goes on with what it believes, and adds nothing. When the journal writes again it begins anew
with what was recorded, and what had to be true from then on is asked for once more: the same orders have the
same names, and are found.
"""

from __future__ import annotations

from typing import Final

from engine.core.actions import CancelOrder, CancelStop, LookUp, PlaceLimit, PlaceMarket, Read, Work
from engine.core.events import AnyCommand, Deny, Exit, Flatten, Halt, Hindered, Reduce
from engine.core.sweep import is_swept

HINDERED: Final = Hindered("the journal cannot be written")
ANSWER: Final = (
    "The journal cannot be written: this is done from memory, and recorded when it writes again. Should the "
    "engine end before that, ask again."
)


def may_be_done(command: AnyCommand) -> bool:
    """Whether it can only lower what is at risk."""
    return isinstance(command, Halt | Flatten | Reduce | Exit | Deny)


def lowers_risk(work: Work) -> bool:
    """Whether this is sent without a journal: what closes, what takes an entry off the market, and questions.
    Stops stay where they are.
    """
    match work:
        case PlaceMarket() | PlaceLimit():
            return not work.opens
        case CancelStop():
            return is_swept(work)
        case _:
            return isinstance(work, CancelOrder | Read | LookUp)


def is_owed(command: AnyCommand) -> bool:
    """Whether it holds until it is reached: then it is asked for again. A part that was closed is closed."""
    return may_be_done(command) and not (isinstance(command, Reduce) and command.fraction < 1)
