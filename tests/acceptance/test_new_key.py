"""A key is changed with a position open: the journal goes on under the new one, for no other account."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from shutil import copy2
from typing import Any

import pytest

from engine.core.instrument import Side
from engine.journal.owner import owner
from engine.journal.sqlite import SqliteJournal
from engine.simulator.hand import Hand
from engine.simulator.signing import Key, new_key
from engine.venue.keys import Keys
from tests.acceptance.house import House, house

BTC = "BTCUSDT"
FIRST, SECOND, STRANGER = new_key("1"), new_key("1"), new_key("2")


@contextmanager
def bitget(folder: Path) -> Iterator[House]:
    """BTC at 100,000; the account with 100 USDT has two keys, and there is another account."""
    with house(
        folder,
        keys=(FIRST, SECOND, STRANGER),
        markets={BTC: Decimal(100_000), "ETHUSDT": Decimal(3_000)},
        ideal=True,
        maintenance=Decimal("0.004"),
    ) as home:
        yield home


def name(key: Key) -> str:
    return Keys(key.key, key.secret, key.passphrase).account


def variables(key: Key) -> dict[str, str]:
    return {
        "BITGET_API_KEY": key.key,
        "BITGET_API_SECRET": key.secret,
        "BITGET_API_PASSPHRASE": key.passphrase,
    }


def use(home: House, key: Key) -> None:
    """The trader puts another key into the environment."""
    home.environment |= variables(key)


def by_hand(home: House, deed: Callable[[Hand], Awaitable[Any]], key: Key = FIRST) -> None:
    async def act() -> None:
        async with Hand(home.street.sim.url, key) as hand:
            await deed(hand)

    asyncio.run(act())


def opens(home: House, key: Key = FIRST) -> None:
    by_hand(home, lambda hand: hand.open(BTC, Side.SHORT, Decimal(20), size=Decimal("0.002")), key)


def has_opened(home: House) -> None:
    """A short of 0.002 is under care."""
    home.begin()
    opens(home)

    def is_under_care() -> bool:
        now = shown(home)
        return [p["managed"] for p in now["positions"]] == [True] and not now["engine"]["unwritten"]

    home.until(is_under_care, "it is under care")


def falls(home: House, to: str, rungs: int) -> None:
    """The market moves, and so many rungs are done, each of their stops resting."""
    by_hand(home, lambda hand: hand.mark(BTC, Decimal(to)))

    def is_done() -> bool:
        now = shown(home)
        [row] = now["positions"]
        rest = [stop for stop in row["stops"] if stop["state"] == "resting" and stop["confirmed"]]
        written = not now["engine"]["unwritten"]
        return written and row["rungs"] == rungs and row["next_rung"] is not None and len(rest) == rungs + 1

    home.until(is_done, f"rung {rungs} is done")


def shown(home: House) -> Any:
    return json.loads(home.ratchet("status", "--json").stdout)


def ladder(home: House) -> dict[str, Any]:
    """What must go on: the halt, and of the position the legs, the stops, the next rung and the money."""
    now = shown(home)
    [row] = now["positions"]
    kept = (
        "cycle",
        "size",
        "entry",
        "rungs",
        "next_rung",
        "worst_case",
        "stop_mode",
        "legs",
        "stops",
        "fees",
    )
    return {part: row[part] for part in kept} | {"halt": now["engine"]["killed"]}


def goes_on(home: House, before: dict[str, Any]) -> None:
    home.until(lambda: ladder(home) == before, "it is as it was before")


def whose(home: House) -> str:
    with closing(sqlite3.connect(f"{home.database.as_uri()}?mode=ro", uri=True)) as db:
        return owner(db, home.database)


def doctor(home: House, key: Key) -> dict[str, Any]:
    """What the doctor finds with `key`, by name."""
    told = home.ratchet("doctor", "--bitget-url", home.street.sim.url, "--json", **variables(key))
    return {each["name"]: each for each in json.loads(told.stdout)}


async def begun(database: Path) -> None:
    """A first start that died before it could write that it started."""
    await (await SqliteJournal.open(database, account=name(FIRST))).close()


def exported(home: House) -> str:
    to = home.folder / "story.jsonl"
    to.unlink(missing_ok=True)
    assert home.ratchet("journal", "export", "--out", str(to)).returncode == 0
    return to.read_text()


def is_sound(home: House) -> None:
    """Every entry is as it was written, and decided again equal."""
    for deed in ("verify", "replay"):
        done = home.ratchet("journal", deed)
        assert done.returncode == 0, done


def test_the_ladder_goes_on_under_a_new_key_exactly_as_it_was(tmp_path: Path) -> None:
    with bitget(tmp_path) as home:
        has_opened(home)
        falls(home, "95000", rungs=1)
        assert home.ratchet("kill", "--reason", "the key expires").returncode == 0
        before = ladder(home)
        assert "the key expires" in before["halt"]
        assert [len(before[each]) for each in ("legs", "stops")] == [2, 2]
        assert home.end() == 0

        use(home, SECOND)
        written = home.database.read_bytes()
        told = home.refused()
        assert f"is the journal of account {name(FIRST)}, not of {name(SECOND)}" in told
        assert "`ratchet engine --new-key`" in told
        found = doctor(home, SECOND)
        assert [found[each]["grade"] for each in ("journal", "orders")] == ["fail", "ok"], found
        assert f"the same: {BTC} short was opened there at the very moment" in found["new key"]["text"]
        assert "`ratchet engine --new-key`" in found["new key"]["todo"]
        assert home.database.read_bytes() == written

        home.begin("--new-key")
        assert whose(home) == name(SECOND)
        goes_on(home, before)
        story = exported(home)
        assert f"the journal of account {name(FIRST)} goes on as {name(SECOND)}" in story
        assert not [
            part for part in (*variables(FIRST).values(), *variables(SECOND).values()) if part in story
        ]
        assert home.end() == 0
        is_sound(home)

        assert "new key" not in doctor(home, SECOND)
        home.begin()
        goes_on(home, before)
        assert home.ratchet("resume").returncode == 0
        falls(home, "90250", rungs=2)
        assert home.end() == 0
        is_sound(home)

        use(home, FIRST)
        assert f"is the journal of account {name(SECOND)}, not of {name(FIRST)}" in home.refused()
        home.begin("--new-key")
        assert whose(home) == name(FIRST)
        assert home.end() == 0
        is_sound(home)


def test_a_key_of_another_account_is_refused_with_what_differs(tmp_path: Path) -> None:
    with bitget(tmp_path) as home:
        has_opened(home)
        assert home.end() == 0
        written = home.database.read_bytes()
        told = home.refused("--new-key", **variables(STRANGER))
        assert f"{BTC} short was opened " in told
        assert "is not in their account, neither open nor closed" in told
        by_hand(home, lambda hand: hand.mark(BTC, Decimal(100_001)))
        opens(home, STRANGER)
        told = home.refused("--new-key", **variables(STRANGER))
        assert "not one of the journal's account" in doctor(home, STRANGER)["new key"]["text"]
        assert " by the journal, and " in told and " in their account. So they are keys of another" in told
        assert home.database.read_bytes() == written
        assert whose(home) == name(FIRST)
        home.begin()


def test_a_position_that_was_closed_meanwhile_proves_the_account_too(tmp_path: Path) -> None:
    """Its stop was met while no engine ran, and the old key has expired: the trader is not locked out."""
    with bitget(tmp_path) as home:
        has_opened(home)
        falls(home, "95000", rungs=1)
        assert home.end() == 0
        by_hand(home, lambda hand: hand.mark(BTC, Decimal(101_000)))
        assert home.street.account()["positions"] == []
        use(home, SECOND)
        home.begin("--new-key")
        home.until(lambda: home.positions() == [], "it is known to be closed")
        assert home.end() == 0
        is_sound(home)


def test_with_nothing_open_the_word_alone_stands_and_the_journal_says_so(tmp_path: Path) -> None:
    with bitget(tmp_path) as home:
        home.begin()
        assert home.end() == 0
        use(home, SECOND)
        home.begin("--new-key")
        assert home.end() == 0
        assert "for that --new-key alone stands" in exported(home)
        is_sound(home)


@pytest.mark.parametrize(
    ("environment", "faults", "words"),
    [
        ({}, [{"fault": "network_down", "ms": 60_000}], "Bitget cannot be reached"),
        ({"BITGET_API_SECRET": "s" * 64}, [], "the API secret does not belong to this key"),
        ({}, [{"fault": "no_trade_permission"}], "This API key may not trade futures"),
    ],
    ids=["network", "secret", "permission"],
)
def test_a_key_that_cannot_be_checked_is_refused(
    tmp_path: Path, environment: dict[str, str], faults: list[dict[str, Any]], words: str
) -> None:
    with bitget(tmp_path) as home:
        home.has_lived()
        home.street.fault(*faults)
        written = home.database.read_bytes()
        assert words in home.refused("--new-key", **(variables(SECOND) | environment))
        assert (home.database.read_bytes(), whose(home)) == (written, name(FIRST))


def test_an_engine_that_runs_under_the_old_key_keeps_its_account(tmp_path: Path) -> None:
    """In its own folder, and where a copy of its journal lies."""
    with bitget(tmp_path) as home:
        home.has_lived()
        other = House(tmp_path / "o", home.street, XDG_RUNTIME_DIR=str(tmp_path / "o"))
        other.folder.mkdir()
        copy2(home.database, other.database)
        running = home.begin()
        for each in (home, other):
            told = each.refused("--new-key", **variables(SECOND))
            assert f"(pid {running.pid}, account {name(FIRST)})" in told
            assert whose(each) == name(FIRST)
        assert home.end() == 0


def test_the_option_needs_a_journal_and_is_no_harm_where_it_is_not_needed(tmp_path: Path) -> None:
    with bitget(tmp_path) as home:
        assert "There is no journal at" in home.refused("--new-key")
        asyncio.run(begun(home.database))
        assert "has no entry yet" in home.refused("--new-key", **variables(SECOND))
        home.has_lived()
        home.begin("--new-key")
        assert (whose(home), home.end()) == (name(FIRST), 0)


def test_a_change_that_cannot_be_written_whole_is_not_there_at_all(tmp_path: Path) -> None:
    with bitget(tmp_path) as home:
        home.has_lived()
        with closing(sqlite3.connect(home.database, isolation_level=None)) as db:
            db.execute("CREATE TRIGGER full BEFORE INSERT ON keys BEGIN SELECT RAISE(ABORT, 'full'); END")
        assert "nothing of this was recorded" in home.refused("--new-key", **variables(SECOND))
        assert whose(home) == name(FIRST)
        assert "--new-key" not in exported(home)
        is_sound(home)


@pytest.mark.parametrize("after_s", [0.3, 0.6, 0.9, 1.2])
def test_killed_at_any_moment_it_belongs_to_one_of_the_two(tmp_path: Path, after_s: float) -> None:
    with bitget(tmp_path) as home:
        has_opened(home)
        before = ladder(home)
        home.kill_9()
        use(home, SECOND)
        started = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "engine", "--new-key", "--bitget-url", home.street.sim.url],
            env=home.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(after_s)
        started.send_signal(signal.SIGKILL)
        started.wait()
        assert whose(home) in (name(FIRST), name(SECOND))
        is_sound(home)
        home.begin("--new-key")
        assert whose(home) == name(SECOND)
        goes_on(home, before)


def test_a_name_that_was_written_in_by_hand_is_seen(tmp_path: Path) -> None:
    with bitget(tmp_path) as home:
        home.has_lived()
        with closing(sqlite3.connect(home.database, isolation_level=None)) as db:
            db.execute("INSERT INTO keys VALUES (1, ?, x'00')", (name(STRANGER),))
        told = home.refused(**variables(STRANGER))
        assert "damaged: the account that it goes on under is not what was written" in told
