"""The command line as its user meets it: words in, sentences and exit codes out, over a real socket."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from served import EngineFace, btc_short, snapshot

from engine.cli import main
from engine.protocol import (
    Adopt,
    ApprovalView,
    Approve,
    Breakeven,
    Deny,
    Flatten,
    Halt,
    Pause,
    Reduce,
    SetStopMode,
    Side,
    StopMode,
    UnknownView,
    Unpause,
)

Captured = pytest.CaptureFixture[str]
Ratchet = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("RATCHET_HOME", str(home))


def test_a_kill_halts_and_says_who_asked_and_why(face: EngineFace, capsys: Captured) -> None:
    assert main(["kill", "--reason", "news"]) == 0
    assert capsys.readouterr().out == "halted: nothing adds risk until you resume; stops stay\n"
    assert face.asked[0].command == Halt("news")
    assert face.asked[0].by.startswith("cli, ")


def test_a_kill_can_flatten(face: EngineFace) -> None:
    assert main(["kill", "--flatten"]) == 0
    assert face.asked[0].command == Flatten("")


def test_two_kills_are_two_requests(face: EngineFace) -> None:
    assert main(["kill"]) == main(["kill"]) == 0
    assert len({asked.id for asked in face.asked}) == 2


def test_a_refusal_is_told_with_its_reason_and_code_4(face: EngineFace, capsys: Captured) -> None:
    assert main(["resume"]) == 4
    assert capsys.readouterr().err == "ratchet: refused: nothing is halted\n"


def test_without_an_engine_a_kill_says_what_is_left_to_do(ratchet: Ratchet, home: Path) -> None:
    ran = ratchet("kill")
    assert ran.returncode == 3
    assert ran.stdout == ""
    assert f"no engine runs here: there is no socket at {home}/engine.sock" in ran.stderr
    assert "nothing was sent: positions and stops are on Bitget as they were" in ran.stderr


def test_a_kill_that_gets_no_answer_claims_nothing(
    home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(home / "engine.sock"))
        hung.listen()
        monkeypatch.setattr("engine.commands.kill.ANSWER_S", 0.2)
        assert main(["kill"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "nobody knows whether it was carried out" in captured.err


@pytest.mark.parametrize("words", ["status", "positions", "orders", "why BTCUSDT", "pause BTCUSDT", "watch"])
def test_every_command_without_an_engine_ends_with_3(words: str, capsys: Captured) -> None:
    assert main(words.split()) == 3
    captured = capsys.readouterr()
    assert "no engine runs here" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    "words",
    [
        *("zzz", "kill now", "reduce BTCUSDT", "stops BTCUSDT nonsense", "pause"),
        *("config", "config check a b", "watch --every soon", "positions --js"),
    ],
)
def test_wrong_usage_ends_with_2(words: str, capsys: Captured) -> None:
    assert main(words.split()) == 2
    assert "usage:" in capsys.readouterr().err


def test_exit_codes_reach_the_shell(face: EngineFace, ratchet: Ratchet) -> None:
    assert ratchet("kill").returncode == 0
    assert ratchet("zzz").returncode == 2
    assert ratchet("kill", "--home", "/nowhere/at/all").returncode == 3
    assert ratchet("resume").returncode == 0
    assert ratchet("resume").returncode == 4


def test_help_is_about_every_command(capsys: Captured) -> None:
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    for word in (
        *("engine", "status", "kill", "resume", "watch"),
        *("simulator", "hand", "demo", "journal", "config"),
    ):
        assert f"\n    {word} " in told
    assert "3 no engine answers" in told


def test_the_home_may_stand_before_or_after_the_command(
    face: EngineFace, home: Path, ratchet: Ratchet
) -> None:
    elsewhere = {"RATCHET_HOME": "/nowhere"}
    assert ratchet("--home", str(home), "kill", env=elsewhere).returncode == 0
    assert ratchet("kill", "--home", str(home), env=elsewhere).returncode == 0
    assert ratchet("kill", env=elsewhere).returncode == 3


def test_positions_are_an_aligned_table(face: EngineFace, capsys: Captured) -> None:
    assert main(["positions"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert row.split() == [
        "BTCUSDT",
        "SHORT",
        "BREAKEVEN",
        "96,612.9",
        "95,010.2",
        "0.0031",
        "14.98",
        "20x",
        "+4.97",
        "+33.2",
        "%",
        "100,979.0",
        "6.3",
        "%",
        "−4.50",
        "1",
        "--",
    ]
    assert head.index("ENTRY") + len("ENTRY") == row.index("96,612.9") + len("96,612.9")


def test_positions_as_json_are_exact(face: EngineFace, capsys: Captured) -> None:
    assert main(["positions", "--json"]) == 0
    (position,) = json.loads(capsys.readouterr().out)
    assert position["symbol"] == "BTCUSDT"
    assert position["side"] == "short"
    assert position["entry"] == "96612.90"
    assert position["unrealized_pnl"] == "4.96837"
    assert position["unrealized_pnl_pct"] == "33.17"
    assert position["distance_pct"] == "6.28"
    assert position["status"] == "BREAKEVEN"
    assert position["worst_case"] == "-4.4975"
    assert position["legs"][1] == {"qty": "0.0021", "entry": "95000", "stop": "99293.2"}
    assert position["stops"][1] == {"qty": "0.0010", "trigger": "100000", "why": "entry"}
    assert position["next_trigger"] is None


def told_of(face: EngineFace, capsys: Captured, **changes: object) -> str:
    face.change(positions=(btc_short(**changes),))
    assert main(["positions"]) == 0
    return capsys.readouterr().out


def test_a_stale_mark_is_told_and_gives_no_distance(face: EngineFace, capsys: Captured) -> None:
    told = told_of(face, capsys, mark_age_ms=4000)
    assert "BTCUSDT:short: STALE 4 s: the price is not known" in told
    assert "95,010.2" in told
    assert "6.3 %" not in told


def test_a_dead_mark_gives_no_value_that_hangs_on_it(face: EngineFace, capsys: Captured) -> None:
    told = told_of(face, capsys, mark_age_ms=11_000)
    assert "STALE 11 s" in told
    for value in ("95,010.2", "+4.97", "33.2", "6.3 %"):
        assert value not in told
    assert "96,612.9" in told


def test_a_missing_mark_is_unknown_not_zero(face: EngineFace, capsys: Captured) -> None:
    unknown = dict.fromkeys(("mark", "mark_age_ms", "unrealized_pnl", "unrealized_return", "distance"))
    told = told_of(face, capsys, **unknown)
    assert "NO MARK" in told
    assert "0.00" not in told.replace("0.0031", "")


def test_an_unmanaged_position_says_why(face: EngineFace, capsys: Captured) -> None:
    told = told_of(face, capsys, managed=False, status=None, reason="margin is cross", worst_case=None)
    assert "UNMANAGED(margin is cross)" in told
    assert main(["positions", "--json"]) == 0
    (position,) = json.loads(capsys.readouterr().out)
    assert (position["status"], position["reason"], position["worst_case"]) == (
        "UNMANAGED",
        "margin is cross",
        None,
    )


def test_no_positions_is_said_only_when_it_is_known(face: EngineFace, capsys: Captured) -> None:
    face.change(positions=())
    assert main(["positions"]) == 0
    assert capsys.readouterr().out == "no open positions\n"
    unread = msgspec.structs.replace(face.now.engine, reconciled=False, unread=("positions",))
    face.change(engine=unread)
    assert main(["positions"]) == 0
    assert capsys.readouterr().out == "positions are not read yet: unknown\n"


def test_status_tells_mode_money_and_halt(face: EngineFace, capsys: Captured) -> None:
    assert main(["status"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("SIM        account main, engine 0.1.0, up 2 h 0 min\nTRADING")
    assert "equity 109.70  free 89.73  day +9.70 (+9.7 %)" in told
    main(["kill", "--reason", "news"])
    capsys.readouterr()
    assert main(["status"]) == 0
    told = capsys.readouterr().out
    assert "HALTED " in told
    assert "TRADING" not in told
    assert main(["status", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out, type=type(face.now)) == face.now


def test_status_tells_what_the_worst_case_leaves_out(face: EngineFace, capsys: Captured) -> None:
    assert main(["status"]) == 0
    assert "leaves out" not in capsys.readouterr().out
    strangers = [btc_short(key=f"{symbol}:short", symbol=symbol, managed=False) for symbol in ("ETH", "SOL")]
    face.change(positions=(btc_short(), *strangers))
    assert main(["status"]) == 0
    told = capsys.readouterr().out.splitlines()
    [risk] = [number for number, line in enumerate(told) if line.startswith("risk       worst case −4.50")]
    assert told[risk + 1] == "           the worst case leaves out 2 positions not under care"


def test_status_tells_what_is_not_known_and_what_happens_if_the_machine_dies(
    face: EngineFace, capsys: Captured
) -> None:
    now = snapshot()
    unknown = UnknownView("c1-r1-add", "PlaceMarket", "BTCUSDT", now.engine.now - 4_000, "no answer in time")
    engine = msgspec.structs.replace(
        now.engine, hindered="the disk is nearly full", reconciled=False, unread=("orders",)
    )
    face.now = snapshot(engine=engine, unknown=(unknown,))
    assert main(["status"]) == 0
    told = capsys.readouterr().out
    assert (
        "HINDERED   the disk is nearly full; nothing adds risk until then, what rests on Bitget stays" in told
    )
    assert "READING    not yet known: orders; nothing adds risk until then" in told
    assert "UNKNOWN    PlaceMarket BTCUSDT c1-r1-add, for 4 s: no answer in time" in told
    assert "link       public, heard 0.1 s ago" in told
    assert "If this machine died now:" in told
    assert "  BTCUSDT short\n    Two stops rest on the exchange; worst case" in told
    assert "TRADING" not in told


def test_status_tells_that_trades_are_not_read_although_all_else_is(
    face: EngineFace, capsys: Captured
) -> None:
    engine = msgspec.structs.replace(snapshot().engine, reconciled=True, unread=("trades",))
    face.now = snapshot(engine=engine)
    assert main(["status"]) == 0
    told = capsys.readouterr().out
    assert "UNREAD     trades since the last break; no rung runs until then" in told


def test_orders_and_stories_are_printed(face: EngineFace, capsys: Captured) -> None:
    assert main(["orders"]) == 0
    assert (
        "ours   BTCUSDT  SHORT  loss_plan, reduces  own margin  0.0021  99,293.2" in capsys.readouterr().out
    )
    assert main(["orders", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["client_id"] == "btc1-r1-s2"
    assert main(["why", "BTCUSDT:short"]) == 0
    assert "2025-05-08 14:00:01  event     mark 95,000.0 reached rung 1" in capsys.readouterr().out
    assert main(["why", "nothing"]) == 2
    assert "knows no symbol, cycle or order 'nothing'" in capsys.readouterr().err


def test_orders_of_before_a_break_are_told_as_that(face: EngineFace, capsys: Captured) -> None:
    broken = msgspec.structs.replace(face.now.engine, reconciled=False, unread=("orders", "balance"))
    face.change(engine=broken)
    assert main(["orders"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "as it was before the break: not read again yet: orders, balance"


BTC = ("BTCUSDT", Side.SHORT)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("adopt BTCUSDT", Adopt(*BTC)),
        ("pause btcusdt", Pause(*BTC)),
        ("unpause BTCUSDT --side short", Unpause(*BTC)),
        ("breakeven BTCUSDT:short", Breakeven(*BTC)),
        ("reduce BTCUSDT 50%", Reduce(*BTC, Decimal("0.5"))),
        ("reduce BTCUSDT 0.25", Reduce(*BTC, Decimal("0.25"))),
        ("reduce BTCUSDT 100%", Reduce(*BTC, Decimal(1))),
        ("stops BTCUSDT cycle_breakeven", SetStopMode(*BTC, StopMode.CYCLE_BREAKEVEN)),
    ],
)
def test_a_position_is_steered_by_its_symbol(face: EngineFace, words: str, command: object) -> None:
    assert main(words.split()) == 0
    assert [asked.command for asked in face.asked] == [command]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("pause BTCUSD", "no match for BTCUSD: did you mean BTCUSDT?"),
        ("pause ETHUSDT", "no match for ETHUSDT; open: BTCUSDT"),
        ("pause BTCUSDT --side long", "BTCUSDT is short, not long"),
        ("pause BTCUSDT:up", "'up' is no side: write long or short"),
        ("approve BTCUSDT", "no match for BTCUSDT; waiting for a yes: nothing"),
        *(
            (f"reduce BTCUSDT {part}", "reduce takes a part")
            for part in ("50", "0", "nan", "half", "101%", "inf")
        ),
    ],
)
def test_what_names_no_one_position_is_sent_nowhere(
    face: EngineFace, capsys: Captured, words: str, sentence: str
) -> None:
    assert main(words.split()) == 2
    assert sentence in capsys.readouterr().err
    assert face.asked == []


def test_long_and_short_of_one_symbol_must_be_told_apart(face: EngineFace, capsys: Captured) -> None:
    face.change(positions=(btc_short(), btc_short(key="BTCUSDT:long", side=Side.LONG)))
    assert main(["pause", "BTCUSDT"]) == 2
    assert "is open long and short: add --side long or --side short" in capsys.readouterr().err
    assert main(["pause", "BTCUSDT", "--side", "long"]) == 0
    assert face.asked[0].command == Pause("BTCUSDT", Side.LONG)


def test_a_rung_that_asks_gets_its_answer(face: EngineFace) -> None:
    worth = Decimal(1)
    wait = ApprovalView(
        "btc-1", 2, *BTC, worth, worth, worth, worth, face.now.engine.now + 60_000, worth, worth
    )
    face.change(approvals=(wait,))
    assert main(["approve", "BTCUSDT"]) == main(["deny", "BTCUSDT"]) == 0
    assert [asked.command for asked in face.asked] == [Approve("btc-1", 2), Deny("btc-1", 2)]


def test_the_desk_without_an_engine_or_a_terminal_says_how(ratchet: Ratchet, home: Path) -> None:
    ran = ratchet()
    assert ran.returncode == 3
    assert f"start one with `ratchet --home {home} engine`" in ran.stderr
    assert "ratchet demo" in ran.stderr


def test_the_desk_without_a_terminal_points_to_watch(face: EngineFace, ratchet: Ratchet) -> None:
    ran = ratchet()
    assert ran.returncode == 2
    assert "ratchet watch --plain" in ran.stderr


def test_a_port_that_cannot_be_is_told_with_those_that_can(capsys: Captured) -> None:
    assert main(["telegram", "fake", "--port", "99999"]) == 2
    assert "'99999' is not a port; write a number from 0 (any free one) to 65535" in capsys.readouterr().err


def test_an_engine_without_keys_says_what_it_looked_for(ratchet: Ratchet) -> None:
    ran = ratchet("engine")
    assert ran.returncode == 2
    assert "bitget.key is missing: looked in env:BITGET_API_KEY" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_config_example_check_and_path(ratchet: Ratchet, home: Path) -> None:
    example = ratchet("config", "example")
    (home / "config.toml").write_text(example.stdout)
    checked = ratchet("config", "check", env={"BITGET_API_SECRET": "SuperSecret77"})
    assert checked.returncode == 0
    assert f"{home}/config.toml: right" in checked.stdout
    assert "found in env:BITGET_API_SECRET" in checked.stdout
    assert "SuperSecret77" not in checked.stdout + checked.stderr
    assert str(home / "engine.sock") in ratchet("config", "path").stdout


def test_config_check_of_a_wrong_file_ends_with_2_and_every_sentence(
    ratchet: Ratchet, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[limits]\ndaily_loss = 0\n[bitget]\nsecret = 'SuperSecret77'\n")
    ran = ratchet("config", "check", str(wrong))
    assert ran.returncode == 2
    assert "wrong.toml line 2: limits.daily_loss must be" in ran.stderr
    assert "wrong.toml line 4: bitget.secret holds something that is not a reference" in ran.stderr
    assert "SuperSecret77" not in ran.stdout + ran.stderr
    assert ran.stdout == ""


def test_a_home_too_long_for_a_socket_ends_with_2(capsys: Captured, tmp_path: Path) -> None:
    assert main(["kill", "--home", str(tmp_path / ("x" * 120))]) == 2
    assert "and the system allows 107" in capsys.readouterr().err


def test_a_journal_that_is_not_there_ends_with_2(capsys: Captured) -> None:
    assert main(["journal", "verify"]) == 2
    assert "no journal" in capsys.readouterr().err


def test_an_export_never_writes_over_a_file(capsys: Captured, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    assert main(["journal", "export", "--out", str(precious)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert precious.read_text() == "precious"
    nowhere = tmp_path / "nowhere" / "export"
    assert main(["journal", "export", "--out", str(nowhere)]) == 2
    assert capsys.readouterr().err == (
        f"ratchet: {nowhere} could not be written to its end (No such file or directory): name another file\n"
    )


def test_an_empty_account_is_unknown_not_zero(face: EngineFace, capsys: Captured) -> None:
    unknown = msgspec.structs.replace(snapshot().account, equity=None, day_pnl=None, day_return=None)
    face.change(account=unknown)
    assert main(["status"]) == 0
    assert "equity --  free 89.73  day -- (--)" in capsys.readouterr().out
