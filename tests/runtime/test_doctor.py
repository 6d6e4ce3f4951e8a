"""The doctor on a real simulated Bitget: what is wrong is found, and told with what to do about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from engine.config.loaded import Loaded
from engine.config.paths import find_paths
from engine.config.references import Keys
from engine.config.refused import ConfigRefused
from engine.core.instrument import Side
from engine.core.settings import Managed, Settings
from engine.journal.lock import EngineLock, lock_beside
from engine.journal.sqlite import SqliteJournal
from engine.runtime.doctor import examine
from engine.runtime.finding import Finding, Grade
from engine.runtime.machine import machine
from engine.simulator.hand import Hand
from engine.simulator.server import SimulatedBitget

ROOT = Path(__file__).parents[2]
BTC = "BTCUSDT"


@pytest.fixture
async def sim() -> AsyncIterator[SimulatedBitget]:
    async with SimulatedBitget(speed=0, ideal=True, markets={BTC: Decimal(100_000)}) as sim:
        yield sim


def loaded(sim: SimulatedBitget, home: Path, secret: str = "") -> Loaded:
    return Loaded(
        settings=Settings("main", managed=(Managed(BTC, Decimal(20)),)),
        keys=Keys(sim.key, secret or sim.secret, sim.passphrase),
        paths=find_paths(str(home)),
        bitget_url=sim.url,
    )


async def looked_at(sim: SimulatedBitget, home: Path, secret: str = "") -> dict[str, Finding]:
    """The findings by name; of several with one name the gravest."""
    order = [Grade.OK, Grade.WARN, Grade.FAIL]
    found = await examine(find_paths(str(home)), loaded(sim, home, secret))
    return {each.name: each for each in sorted(found, key=lambda each: order.index(each.grade))}


async def test_a_sound_account_is_told_line_by_line(sim: SimulatedBitget, tmp_path: Path) -> None:
    async with Hand(sim.url, sim.keys[0]) as hand:
        await hand.leverage(BTC, Decimal(20))
    found = await looked_at(sim, tmp_path)
    assert not [each for each in found.values() if each.grade is Grade.FAIL]
    assert found["key"].text == "accepted; a classic account; it may trade futures"
    assert found[f"{BTC} mode"] == Finding(f"{BTC} mode", Grade.OK, "isolated, 20x")
    assert found["position mode"].text == "one-way"
    assert found["positions"].text == "none open"
    assert found["orders"].text == "0 rest: 0 of this journal's, 0 yours, 0 of another Ratchet"
    assert found["journal"].text.startswith("none yet")
    assert found["permissions"] == Finding("permissions", Grade.OK, "futures only, no withdrawal")


async def test_a_key_that_may_more_than_futures_is_told(sim: SimulatedBitget, tmp_path: Path) -> None:
    own = {"fault": "garbled", "path": "v2/spot/account/info", "field": "authorities"}
    sim.faults.add(own | {"value": ["coow", "stow", "wwow"], "count": 1})
    told = (await looked_at(sim, tmp_path))["permissions"]
    assert told.grade is Grade.WARN
    assert told.text == "the key may do more than trade futures: stow, wwow"
    assert "must not have Withdraw" in told.todo
    sim.faults.add({"fault": "reject", "path": "v2/spot/account/info", "code": "40014", "count": 1})
    assert "cannot be seen" in (await looked_at(sim, tmp_path))["permissions"].text


async def test_a_suspended_symbol_is_told(sim: SimulatedBitget, tmp_path: Path) -> None:
    own = {"fault": "garbled", "path": "v2/mix/market/contracts", "field": "symbolStatus"}
    sim.faults.add(own | {"value": "maintain"})
    told = (await looked_at(sim, tmp_path))["symbols"]
    assert (told.grade, f"{BTC} is 'maintain'" in told.text) == (Grade.WARN, True)


async def test_a_wrong_secret_ends_the_look_with_a_sentence_and_no_secret(
    sim: SimulatedBitget, tmp_path: Path
) -> None:
    found = await looked_at(sim, tmp_path, secret="wrong-secret-value")
    assert found["key"].grade is Grade.FAIL
    assert "signature" in found["key"].text
    told = msgspec.json.encode(list(found.values())).decode()
    assert not [each for each in (sim.key, sim.secret, sim.passphrase, "wrong-secret") if each in told]


async def test_wrong_leverage_and_what_would_become_of_positions_and_orders(
    sim: SimulatedBitget, tmp_path: Path
) -> None:
    async with Hand(sim.url, sim.keys[0]) as hand:
        await hand.open(BTC, Side.SHORT, Decimal(10), size=Decimal("0.002"))
        await hand.move_stop(BTC, Decimal(101_000))
        found = await looked_at(sim, tmp_path)
    assert found[f"{BTC} mode"].grade is Grade.WARN
    assert "configured 20x" in found[f"{BTC} mode"].text
    assert found["positions"].text == f"{BTC} short 0.002 at 100000: would be taken under care"
    assert found["orders"].text == "1 rest: 0 of this journal's, 1 yours, 0 of another Ratchet"


async def test_what_bitget_finds_too_often_is_asked_again(sim: SimulatedBitget, tmp_path: Path) -> None:
    """An engine that has just ended may have used up what the account may ask in a second."""
    sim.faults.add([{"fault": "too_many", "path": "v2/mix/position/all-position", "count": 2}])
    assert (await looked_at(sim, tmp_path))["positions"].text == "none open"


async def test_orders_of_an_unknown_ratchet_are_a_fail(sim: SimulatedBitget, tmp_path: Path) -> None:
    async with Hand(sim.url, sim.keys[0]) as hand:
        await hand.open(BTC, Side.SHORT, Decimal(20), size=Decimal("0.002"))
        terms = {"symbol": BTC, "productType": "USDT-FUTURES", "marginCoin": "USDT", "planType": "loss_plan"}
        order = {"triggerPrice": "101000", "triggerType": "mark_price", "size": "0.001", "holdSide": "sell"}
        await hand._post("v2/mix/order/place-tpsl-order", terms | order | {"clientOid": "rt-abcdefgh-s1"})
    found = await looked_at(sim, tmp_path)
    assert found["orders"].grade is Grade.FAIL
    assert "--take-over" in found["orders"].todo


@pytest.mark.parametrize(
    ("fault", "words"),
    [("no_trade_permission", "may not trade futures"), ("unified_account", "Unified Trading Account")],
)
async def test_a_key_or_account_that_cannot_trade_is_told_in_a_sentence(
    sim: SimulatedBitget, tmp_path: Path, fault: str, words: str
) -> None:
    sim.faults.add([{"fault": fault}])
    found = await looked_at(sim, tmp_path)
    assert found["key"].grade is Grade.FAIL
    assert words in found["key"].text


async def test_a_clock_that_is_wrong_is_told_with_the_cure(sim: SimulatedBitget, tmp_path: Path) -> None:
    sim.faults.add([{"fault": "clock_skew", "ms": -3_000}])
    found = await looked_at(sim, tmp_path)
    assert found["clock"].grade is Grade.WARN
    assert "ahead of Bitget" in found["clock"].text
    assert "timedatectl" in found["clock"].todo


async def test_files_that_others_can_write_and_a_second_engine_are_found(
    sim: SimulatedBitget, tmp_path: Path
) -> None:
    os.chmod(tmp_path, 0o777)  # noqa: PTH101 - one system call on a local folder
    with EngineLock(lock_beside(find_paths(str(tmp_path)).database), "main"):
        found = await looked_at(sim, tmp_path)
        assert found["engine"].text == f"one holds the journal (pid {os.getpid()}) and does not answer"
    assert found["files"].grade is Grade.FAIL
    assert found["files"].todo == f"chmod go-w {tmp_path}"
    assert (await looked_at(sim, tmp_path))["engine"].text == "none runs here: the lock is free"


def test_a_folder_in_which_no_journal_can_be_made_is_a_fail() -> None:
    user = os.geteuid()
    os.seteuid(user or 4343)
    try:
        [disk] = [each for each in machine(find_paths("/usr")) if each.name == "disk"]
    finally:
        os.seteuid(user)
    assert (disk.grade, disk.text) == (Grade.FAIL, "/usr cannot be written")


async def test_a_wrong_configuration_is_told_and_the_machine_is_looked_at_all_the_same(
    tmp_path: Path,
) -> None:
    found = await examine(find_paths(str(tmp_path)), ConfigRefused("bitget.key is missing: put it there"))
    assert found[0] == Finding(
        "configuration",
        Grade.FAIL,
        "bitget.key is missing: put it there",
        "`ratchet config example` explains every option",
    )
    assert {"versions", "disk", "engine", "journal"} <= {each.name for each in found}


async def test_a_journal_of_another_account_is_a_fail(sim: SimulatedBitget, tmp_path: Path) -> None:
    """The engine would refuse it: with a new simulator, or a new key, in the old folder."""
    await (await SqliteJournal.open(tmp_path / "state.db", account="before")).close()
    told = (await looked_at(sim, tmp_path))["journal"]
    assert told.grade is Grade.FAIL
    assert "is the journal of account before, not of" in told.text
    assert "choose another folder" in told.text


def test_the_command_ends_with_4_when_something_is_wrong(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RATCHET", "BITGET", "CREDENTIALS"))}
    command = [sys.executable, "-m", "engine.cli", "--home", str(tmp_path), "doctor", "--json"]
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**kept, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert ran.returncode == 4, ran.stderr
    rows = json.loads(ran.stdout)
    assert rows[0]["grade"] == "fail"
    assert "bitget.key is missing" in rows[0]["text"]
