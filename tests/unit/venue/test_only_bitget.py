"""An engine loads Bitget's client, not a hundred exchanges that it never speaks to."""

from __future__ import annotations

import subprocess
import sys

ASKED = """
import sys
import engine.venue.bitget
loaded = (name for name in sys.modules if name.startswith("ccxt."))
print(sorted(name for name in loaded if name.rpartition(".")[2] in ("binance", "okx", "bitget")))
"""
AFTERWARDS = """
import engine.venue.bitget
import ccxt.async_support.okx
print(ccxt.async_support.okx.okx.__name__)
"""


def printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_no_other_exchange_is_loaded() -> None:
    names = ["ccxt.abstract.bitget", "ccxt.async_support.bitget", "ccxt.bitget", "ccxt.pro.bitget"]
    assert printed(ASKED) == repr(names)


def test_another_exchange_can_still_be_loaded_by_whoever_asks_for_it() -> None:
    assert printed(AFTERWARDS) == "okx"
