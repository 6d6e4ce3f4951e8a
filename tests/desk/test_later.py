"""Modules that are read when something of them is wanted: nothing is ever missing, and no desk reads them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desk.engine_face import EngineFace
from tests.desk.terminal import ROOT, terminal
from tui.later import ONLY_CALLED, PUT_OFF, SAME_NAMES


def told(script: str) -> str:
    """What a fresh Python prints."""
    words = (sys.executable, "-c", script)
    return subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


LATER = """
from tui import later
with later.putting_off():
    import {name} as module
assert {name!r} in later.unread()
"""
ALL_OF_IT = """
import {name} as module, types
print([(name, type(getattr(module, name)).__name__) for name in dir(module)])
print(type(module) is types.ModuleType)
"""


@pytest.mark.parametrize("name", sorted(PUT_OFF))
def test_a_module_that_was_put_off_is_the_one_that_it_would_have_been(name: str) -> None:
    usual = told(ALL_OF_IT.format(name=name))
    assert told(LATER.format(name=name) + ALL_OF_IT.format(name=name)) == usual


def test_what_is_set_in_one_before_it_is_read_stays() -> None:
    later = LATER.format(name="mimetypes")
    assert told(
        later + "module.knownfiles = []\nprint(module.knownfiles, module.guess_type('a.png')[0])"
    ) == ("[] image/png")


def test_a_module_that_goes_round_to_itself_is_read_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "locale.py").write_text("import other\nmade = 1\n")
    (tmp_path / "other.py").write_text("import locale\nassert not hasattr(locale, 'made')\n")
    script = f"""
import sys; from tui import later
sys.path.insert(0, {str(tmp_path)!r})
with later.putting_off():
    import locale
print(locale.made)
"""
    assert told(script) == "1"


@pytest.mark.parametrize(("handed_on", "made"), SAME_NAMES.items())
def test_a_name_that_is_handed_on_is_the_same_where_it_is_made(handed_on: str, made: str) -> None:
    script = f"""
import {handed_on}, {made}
shared = [name for name in vars({made}) if name in vars({handed_on}) and not name.startswith("__")]
print(len(shared), all(vars({made})[name] is vars({handed_on})[name] for name in shared))
"""
    count, same = told(script).split()
    assert int(count) >= 1
    assert same == "True"


@pytest.mark.parametrize(
    ("taken", "called"),
    [
        ("from difflib import get_close_matches", "get_close_matches('halt', ['help', 'halts'])"),
        ("from pickle import dumps, loads", "loads(dumps({'line': 3}))"),
        ("from platformdirs import user_downloads_path", "user_downloads_path()"),
        ("from rich.table import Table", "[column.header for column in Table('LEG', 'SIZE').columns]"),
    ],
)
def test_what_is_only_called_is_read_at_the_call(taken: str, called: str) -> None:
    later = f"""
from tui import later
with later.putting_off():
    {taken}
assert len(later.unread()) == 1
print({called}, {called})
assert not later.unread()
"""
    assert told(later) == told(f"{taken}\nprint({called}, {called})")


RUN = """
import sys; from pathlib import Path; from tui import later, run
code = run.run_desk(Path(sys.argv[1]))
Path(sys.argv[2]).write_text("\\n".join(later.unread()))
sys.exit(code)
"""


async def test_a_desk_that_draws_halts_and_closes_reads_none_of_them(socket: Path, tmp_path: Path) -> None:
    unread = tmp_path / "unread"
    async with EngineFace(socket) as face, terminal("-c", RUN, str(socket), str(unread)) as held:
        await held.until(b"nearest liquidation first")
        held.type(b"\x0b")
        await asyncio.wait_for(face.heard.wait(), 60)
        held.type(b"q")
        assert await asyncio.wait_for(held.process.wait(), 60) == 0
    left = set(unread.read_text().split())
    assert left >= {"ssl", "asyncio.sslproto", "textual.types", "msgspec.inspect", "locale"}
    assert left >= ONLY_CALLED.keys()
