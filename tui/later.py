"""Modules that are read when something of them is wanted. Half of what a library imports is for another day,
and a desk must be up at once.

Nothing is ever missing: whoever asks such a module for a name gets it, and what a library needs while it is
imported is simply not put off, whatever its version.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.machinery import PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

PUT_OFF: Final = frozenset(
    {
        *("asyncio.format_helpers", "asyncio.sslproto", "asyncio.staggered", "ssl"),
        *("bz2", "ipaddress", "linecache", "locale", "lzma", "mimetypes", "tokenize"),
        *("msgspec.inspect", "msgspec.msgpack", "msgspec.toml", "msgspec.yaml"),
        *("difflib", "pickle", "platformdirs", "rich.table", "textual.types"),
    }
)
"""What no desk needs until something goes wrong, is copied, or is asked for by name."""

SAME_NAMES: Final[Mapping[str, str]] = {"textual.types": "textual._types"}
"""Where the names of a module that only hands on are made: they are taken from there, and what it hands on
besides, such as half a dozen widgets, stays where it is.
"""

ONLY_CALLED: Final[Mapping[str, frozenset[str]]] = {
    "difflib": frozenset({"get_close_matches"}),
    "pickle": frozenset({"dumps", "loads"}),
    "platformdirs": frozenset({"user_downloads_path"}),
    "rich.table": frozenset({"Table"}),
}
"""What libraries take by name from a module and call long after, or never: they get a stand-in, and it is
read at the first call.
"""

_one_at_a_time: Final = RLock()
_being_read: Final[list[ModuleType]] = []


class _Unread(ModuleType):
    """There when it is imported, read when somebody wants something of it."""

    def __getattr__(self, name: str) -> Any:
        near = sys.modules.get(SAME_NAMES.get(self.__name__, ""))
        if near is not None and name in vars(near):
            return vars(near)[name]
        if name in ONLY_CALLED.get(self.__name__, ()) and self not in _being_read:
            return partial(self._call, name)
        if name == "__path__" or not self._is_read():
            raise AttributeError(f"module {self.__name__!r} has no {name!r}")
        return getattr(self, name)

    def _call(self, name: str, *args: Any, **named: Any) -> Any:
        """Read it if nobody has, and call what was wanted of it."""
        _Unread._is_read(self)
        return getattr(self, name)(*args, **named)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__"):
            self._is_read()
        ModuleType.__setattr__(self, name, value)

    def __dir__(self) -> Iterable[str]:
        self._is_read()
        return ModuleType.__dir__(self)

    def _is_read(self) -> bool:
        """Read it, unless that is what is being done."""
        with _one_at_a_time:
            if type(self) is not _Unread:
                return True
            spec = self.__spec__
            if self in _being_read or spec is None or spec.loader is None:
                return False
            _being_read.append(self)
            try:
                spec.loader.exec_module(self)
            finally:
                _being_read.remove(self)
            self.__class__ = ModuleType  # type: ignore[assignment]
            return True


class _Postponing:
    """Makes the module and leaves the reading to it. A loader by its shape: `importlib.abc` itself imports
    half of what is put off here.
    """

    def __init__(self, reader: Loader) -> None:
        self._reader = reader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._reader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._reader
        module.__class__ = _Unread


class _Found:
    """Finds what is put off where everything is found."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in PUT_OFF else None
        if spec is None or spec.loader is None:
            return None
        spec.loader = cast("Loader", _Postponing(spec.loader))
        return spec


@contextmanager
def putting_off() -> Iterator[None]:
    """What is imported inside reads the modules of `PUT_OFF` later. Those that are there already stay."""
    found = _Found()
    sys.meta_path.insert(0, found)
    try:
        yield
    finally:
        sys.meta_path.remove(found)


def unread() -> frozenset[str]:
    """The modules that are imported and were not read until now."""
    return frozenset(name for name in PUT_OFF if type(sys.modules.get(name)) is _Unread)
