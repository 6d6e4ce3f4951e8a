"""The one way in which a command fails."""


class CommandRefused(Exception):
    """The command cannot be carried out; the text says why and what to do."""
