"""`ratchet telegram setup | test | fake`, and what stands in the configuration afterwards."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.config.edit import change, changed
from engine.config.paths import find_paths
from engine.config.reading import default_file, read_options, telling_of
from engine.config.refused import ConfigRefused
from engine.notify.telegram.fake import FakeTelegram, Shown
from engine.notify.telegram.fake_console import drawn, obey
from engine.notify.telegram.setting_up import CODE_LENGTH, SetUpRefused, introduce

OLD = """\
# my desk
account = "main"

[telegram]
# quiet hours
night = "22:00-07:00"
user = 1   # somebody else

[desk]
mouse = false
"""


async def ratchet(*words: str, home: Path, typed: str = "", **environment: str) -> tuple[int, str, Any]:
    """Run the command line in a process of its own: exit code and everything that it said."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("RATCHET_", "TELEGRAM_"))
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "engine.cli",
        *words,
        "--home",
        str(home),
        env=env | environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate(typed.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), process


async def test_setup_waits_for_the_code_and_writes_user_and_chat_but_never_the_token(tmp_path: Path) -> None:
    async with FakeTelegram() as api:

        async def play() -> None:
            await api.called("getUpdates", within_s=60)
            api.type("hello?", user=666)
            await asyncio.sleep(0.2)
            api.type(f"000000 {code.result()} 999999", user=667)
            await asyncio.sleep(0.2)
            api.type(code.result().capitalize(), user=7)

        code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RATCHET_", "TELEGRAM_"))
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-u",
            "-m",
            "engine.cli",
            "telegram",
            "setup",
            "--home",
            str(tmp_path),
            env=env
            | {"RATCHET_TELEGRAM__URL": api.url, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{api.token}\n".encode())
        async with asyncio.timeout(60):
            first = (await process.stdout.readline()).decode()
            code.set_result(first.split()[-1])
            await play()
            rest = (await process.stdout.read()).decode()
            assert await process.wait() == 0, rest
        assert "@ratchet_fake_bot" in first
        assert len(code.result()) == CODE_LENGTH
        for stranger in (666, 667):
            assert f"A message from User {stranger} is not the code; still waiting." in rest
        assert "User 7: user 7, chat 7" in rest
        assert any("This is a test" in shown.text for shown in api.messages.values())
        written = (tmp_path / "config.toml").read_text()
        assert written == "[telegram]\nuser = 7\nchat = 7\n"
        assert api.token not in first + rest + written


async def test_test_sends_a_message_with_what_is_configured(tmp_path: Path) -> None:
    async with FakeTelegram() as api:
        change(tmp_path / "config.toml", "telegram", {"user": 7, "chat": 7, "url": api.url})
        code, said, _ = await ratchet("telegram", "test", home=tmp_path, TELEGRAM_BOT_TOKEN=api.token)
        assert (code, said) == (0, "@ratchet_fake_bot wrote to chat 7; only user 7 may command it\n")
        assert [shown.chat for shown in api.messages.values()] == [7]


async def test_test_without_a_token_says_where_it_looked(tmp_path: Path) -> None:
    change(tmp_path / "config.toml", "telegram", {"user": 7, "chat": 7})
    code, said, _ = await ratchet("telegram", "test", home=tmp_path)
    assert code == 2
    assert "looked in env:TELEGRAM_BOT_TOKEN, credential:telegram_bot_token" in said


async def test_a_person_plays_the_phone_at_a_terminal(tmp_path: Path) -> None:
    code, said, _ = await ratchet("telegram", "fake", "--port", "0", home=tmp_path, typed="/status\n1\n")
    assert code == 0
    assert "export RATCHET_TELEGRAM__URL=http://127.0.0.1:" in said
    assert "There is no such button." in said


async def test_the_console_shows_a_card_and_presses_its_buttons() -> None:
    async with FakeTelegram() as api:
        await api._on_sendmessage(
            {
                "chat_id": "7",
                "text": "<b>Close?</b>",
                "parse_mode": "HTML",
                "reply_markup": {"inline_keyboard": [[{"text": "Yes", "callback_data": "n1"}]]},
            }
        )
        [shown] = api.messages.values()
        assert drawn(shown) == "┌ 101, rings\n│ Close?\n│ [1 Yes]\n└"
        assert obey(api, "1", 7) == ""
        assert obey(api, "101.1", 7) == ""
        assert obey(api, "101.2", 7) == "There is no such button."
        updates = await api._on_getupdates({})
        assert [each["callback_query"]["data"] for each in updates] == ["n1", "n1"]


async def test_the_console_plays_what_should_not_work_too() -> None:
    popups: list[str] = []
    async with FakeTelegram(on_popup=popups.append) as api:
        for line in ("/kill", "666: /kill", "-120 /resume", "", "666:"):
            assert obey(api, line, 7) == ""
        stranger = "(from 666 in 7)"
        updates = await api._on_getupdates({})
        now = time.time()
        told = [
            f"{each['message']['text']} (from {each['message']['from']['id']} in "
            f"{each['message']['chat']['id']}), {round((now - each['message']['date']) / 60)} min ago"
            for each in updates
        ]
        assert told == [
            "/kill (from 7 in 7), 0 min ago",
            f"/kill {stranger}, 0 min ago",
            "/resume (from 7 in 7), 2 min ago",
        ]
        shown = Shown(101, 7, ["Close?"], [], [("Yes", "n1")], silent=False)
        api.messages[101] = shown
        assert obey(api, "1!", 7) == ""
        assert obey(api, "666: 101.1", 7) == ""
        pressed = await api._on_getupdates({"offset": updates[-1]["update_id"] + 1})
        assert [each["callback_query"]["from"]["id"] for each in pressed] == [7, 7, 666]
        await api._on_answercallbackquery({"text": "Already answered."})
        assert popups == ["Already answered."]


async def test_a_wrong_token_is_told_without_being_repeated() -> None:
    async with FakeTelegram() as api:
        with pytest.raises(SetUpRefused, match="Telegram does not know this token") as refused:
            await introduce("1:hunter2", api.url, within_s=60, say=lambda text: None)
        assert "hunter2" not in str(refused.value)


async def test_a_telegram_that_cannot_be_reached_is_told_with_what_to_do() -> None:
    with pytest.raises(
        SetUpRefused, match=r"cannot be reached at 127\.0\.0\.1 .*see that this machine is online"
    ):
        await introduce("123:abc", "http://127.0.0.1:9", within_s=60, say=print)


async def test_nobody_becomes_the_trader_by_being_first() -> None:
    async with FakeTelegram() as api:
        api.type("let me in", user=666)
        with pytest.raises(SetUpRefused, match="nobody sent the code"):
            await introduce(api.token, api.url, within_s=0.5, say=lambda text: None, code="123456")


def test_an_option_is_changed_and_every_other_line_stays() -> None:
    assert changed(OLD, "telegram", {"user": 7, "chat": -100}) == OLD.replace(
        "user = 1   # somebody else\n", "user = 7\nchat = -100\n"
    )
    assert changed("", "telegram", {"user": 7}) == "[telegram]\nuser = 7\n"
    assert changed('account = "a"', "telegram", {"user": 7}) == 'account = "a"\n\n[telegram]\nuser = 7\n'


def test_what_would_be_wrong_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(OLD)
    with pytest.raises(ConfigRefused):
        change(file, "telegram", {"night": "late"})
    assert file.read_text() == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_a_secret_in_the_file_is_refused_without_being_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    for text in ('[telegram]\ntoken = "4711:hunter2"\n', '[notify]\nurls = ["discord://hunter2/x"]\n'):
        file.write_text(text)
        with pytest.raises(ConfigRefused, match="not a reference") as refused:
            read_options(file, {})
        assert "hunter2" not in str(refused.value)
    monkeypatch.setenv("RATCHET_TELEGRAM__TOKEN", "4711:hunter2")
    with pytest.raises(ConfigRefused, match="not a reference") as refused:
        read_options(None, {})
    assert "hunter2" not in str(refused.value)


def test_a_missing_token_is_no_reason_not_to_trade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN", raising=False)
    monkeypatch.setenv("ALERTS", "json://127.0.0.1:1/hunter2")
    file = tmp_path / "config.toml"
    file.write_text(
        '[telegram]\nuser = 7\nchat = 7\nnight = "22:00-07:00"\n[notify]\nurls = ["env:ALERTS"]\n'
    )
    options, _ = read_options(default_file(find_paths(str(tmp_path))), {})
    telling = telling_of(options)
    assert telling.phone is not None
    assert (telling.phone.token, telling.phone.night) == ("", (1320, 420))
    assert "env:TELEGRAM_BOT_TOKEN" in telling.phone.looked
    assert telling.alerts == ("json://127.0.0.1:1/hunter2",)
    assert "hunter2" not in repr(telling)
