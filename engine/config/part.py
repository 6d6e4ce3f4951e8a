"""What the tables of the configuration are made of: numbers, references to secrets, and options that explain
themselves.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from engine.config import written
from engine.config.references import REFERENCE

Number = Annotated[Decimal, BeforeValidator(written.number)]
Whole = Annotated[int, BeforeValidator(written.number)]
Switch = Annotated[StrictBool, BeforeValidator(written.switch)]


def option(default: Any, unit: str, meaning: str) -> Any:
    """One option: its default, the unit (empty when it has none), and what it does, in a sentence."""
    return Field(default=default, description=meaning, json_schema_extra={"unit": unit})


def _reference(text: str) -> str:
    """Only a reference may be written; the text itself, which may be a secret, is in no message."""
    if text and not REFERENCE.fullmatch(text):
        raise ValueError(
            'holds something that is not a reference. Secrets are never written here: put "env:NAME", '
            '"credential:NAME" or "keyring:SERVICE/NAME". If a real secret stood in this file, make a new '
            "one where it came from and delete the old one"
        )
    return text


Reference = Annotated[str, AfterValidator(_reference)]


class Part(BaseModel):
    """A table of the configuration. An unknown key is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
