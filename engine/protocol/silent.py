"""What a client says when the engine says nothing."""

from __future__ import annotations


class NotAnswering(Exception):
    """The engine did not answer; the text says how."""
