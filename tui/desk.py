"""What a screen may ask of the desk that it is a page of."""

from __future__ import annotations

from typing import Any, Protocol, cast

from textual.screen import Screen

from tui.client import EngineClient
from tui.lending import Lending
from tui.looks import Looks
from tui.orders import Orders
from tui.view_model.ink import Line
from tui.view_model.scene import Scene


class Desk(Protocol):
    """The application as its screens see it. `scene` is the newest, and is shown to the screen in front;
    nothing is drawn before the desk `has_looked`.
    """

    client: EngineClient
    orders: Orders
    looks: Looks
    lending: Lending
    scene: Scene
    has_looked: bool
    read_only: bool

    def is_in_front(self, screen: Screen[None]) -> bool:
        """Whether this is the numbered screen in front, with or without a dialog over it. None is while the
        desk closes: its parts are taken away one by one.
        """
        ...

    def foot_line(self, width: int) -> Line:
        """The bottom line as it is now."""
        ...

    def tell_story(self, name: str, whose: str = "") -> None:
        """The Journal, on the story of a symbol, a cycle or an order; `whose` says it in words."""
        ...


def desk_of(screen: Screen[Any]) -> Desk:
    """The desk that a screen is on."""
    return cast("Desk", screen.app)
