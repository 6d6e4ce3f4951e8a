"""The numbered screens: which one is in front, and how another comes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.pages import PAGES
from tui.screens.page import Page

if TYPE_CHECKING:
    from tui.app import RatchetDesk
    from tui.view_model.footer import Tab


class Book:
    """A screen is made at its first time and kept after that."""

    def __init__(self, desk: RatchetDesk) -> None:
        self._desk = desk
        self._pages: dict[int, Page] = {}

    @property
    def front(self) -> Page | None:
        """The screen in front, with or without a dialog over it."""
        pages = (screen for screen in reversed(self._desk.screen_stack) if isinstance(screen, Page))
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
            self._desk.pop_screen()
        elif self.front is first:
            self._desk.push_screen(page)
        else:
            self._desk.switch_screen(page)
        return page

    def _opened(self, number: int) -> Page:
        page = self._pages.get(number)
        if page is None:
            door = PAGES[number - 1]
            page = self._pages[number] = door.open()
            self._desk.install_screen(page, door.name)
        return page

    def tell_story(self, name: str, whose: str = "") -> None:
        """The Journal, on the story of a symbol, a cycle or an order; `whose` says it in words."""
        from tui.screens.journal import JournalScreen

        page = self.go_to(4)
        assert isinstance(page, JournalScreen)
        self._desk.call_after_refresh(page.tell, name, whose)
