"""The numbered screens: which one is in front, and how another comes there."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from textual.app import App

from tui.pages import PAGES
from tui.screens.page import Page

if TYPE_CHECKING:
    from tui.view_model.footer import Tab


class Book:
    """A screen is loaded and made at its first time, for the desk must be up at once, and then kept."""

    def __init__(self, app: App[int]) -> None:
        self._app = app
        self._pages: dict[int, Page] = {}

    @property
    def front(self) -> Page | None:
        """The screen in front, with or without a dialog over it."""
        pages = (screen for screen in reversed(self._app.screen_stack) if isinstance(screen, Page))
        return next(pages, None)

    @property
    def tabs(self) -> tuple[Tab, ...]:
        """All screens for the bottom line."""
        front = self.front
        return tuple((door.number, door.name, self._pages.get(door.number) is front) for door in PAGES)

    def first(self) -> Page:
        """The first page, which nothing lies under."""
        return self._opened(1)

    def go_to(self, number: int) -> Page:
        """Bring a screen to the front: the Desk lies under all others, which take each other's place."""
        page, first = self._opened(number), self._opened(1)
        if self.front is page:
            return page
        if page is first:
            self._app.pop_screen()
        elif self.front is first:
            self._app.push_screen(page)
        else:
            self._app.switch_screen(page)
        return page

    def _opened(self, number: int) -> Page:
        page = self._pages.get(number)
        if page is None:
            door = PAGES[number - 1]
            page = getattr(importlib.import_module(f"tui.screens.{door.module}"), door.kind)()
            self._pages[number] = page
            self._app.install_screen(page, door.name)
        return page

    def tell_story(self, name: str, whose: str = "") -> None:
        """The Journal, on the story of a symbol, a cycle or an order; `whose` says it in words."""
        from tui.screens.journal import JournalScreen

        page = self.go_to(4)
        assert isinstance(page, JournalScreen)
        self._app.call_after_refresh(page.tell, name, whose)
