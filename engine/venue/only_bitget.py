"""ccxt with Bitget's client and none of the other hundred exchanges: a third of a second and 60 MB less.

`ccxt` and `ccxt.pro` import every exchange that they know. While they are imported here, each other one is
an empty module; where ccxt was imported before, it is taken as it is.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Final

EXCHANGE: Final = re.compile(r"ccxt(?:\.async_support|\.pro)?\.(?P<name>\w+)")
NEEDED: Final = frozenset({"abstract", "async_support", "base", "bitget", "pro", "static_dependencies"})


class _Empty(Loader):
    """Another exchange: there when it is named, and nothing in it."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = ModuleType(spec.name)
        setattr(module, spec.name.rpartition(".")[2], None)
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Others(MetaPathFinder):
    """Finds every exchange but Bitget, and finds it empty."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        asked = EXCHANGE.fullmatch(fullname)
        return ModuleSpec(fullname, _Empty()) if asked and asked["name"] not in NEEDED else None


@contextmanager
def _without_others() -> Iterator[None]:
    others = _Others()
    sys.meta_path.insert(0, others)
    try:
        yield
    finally:
        sys.meta_path.remove(others)
        for name, module in list(sys.modules.items()):
            if isinstance(getattr(module, "__loader__", None), _Empty):
                del sys.modules[name]


if "ccxt" not in sys.modules:
    with _without_others():
        importlib.import_module("ccxt.pro")

import ccxt  # noqa: E402
import ccxt.pro  # noqa: E402

__all__ = ["ccxt"]
