"""A desk that stood still and goes on. One that was asked to (SIGTSTP) gave the terminal back first. One that
was made to (SIGSTOP) could not: a shell had the terminal meanwhile, and the desk begins anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.driver import Driver


def standing_driver(kind: type[Driver]) -> type[Driver]:
    """A driver that takes the terminal once, and says when it has it again: what was on it is gone. `kind`
    alone takes it a second time after SIGSTOP, and gives it back as it had made it.
    """

    class Standing(kind):  # type: ignore[valid-type, misc]
        _has_terminal = False

        def start_application_mode(self) -> None:
            super().start_application_mode()
            self._has_terminal = True

        def stop_application_mode(self) -> None:
            self._has_terminal = False
            super().stop_application_mode()

        def resume_application_mode(self) -> None:
            if self._has_terminal:
                self.suspend_application_mode()
            super().resume_application_mode()
            self.send_message(self.SignalResume())

    return Standing
