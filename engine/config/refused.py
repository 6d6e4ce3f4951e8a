"""How a bad configuration is told."""

from __future__ import annotations


class ConfigRefused(Exception):
    """The configuration cannot be used: one sentence for each thing that is wrong, with what to do. Holds no
    secret.
    """

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences
