"""Keys: where they are looked for, in which order, and that they are shown nowhere."""

from __future__ import annotations

import importlib
import os
import pickle
import pkgutil
from pathlib import Path

import pytest

from engine.config import ConfigRefused, find_paths, load
from engine.config.references import PLACES, Keys, find, find_keys

ANYWHERE = dict.fromkeys(PLACES, "")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("RATCHET_", "BITGET")) or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    "names",
    [
        ("BITGET_API_KEY", "BITGET_API_SECRET", "BITGET_API_PASSPHRASE"),
        ("BITGET_API_KEY", "BITGET_SECRET_KEY", "BITGET_PASSPHRASE"),
        ("BITGETACCESSAPIKEY", "BITGETSECRETKEY", "BITGETPASSPHRASE"),
    ],
)
def test_every_usual_spelling_is_found(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> None:
    for name, value in zip(names, ("k", "s", "p"), strict=True):
        monkeypatch.setenv(name, f" {value}\n")
    keys = find_keys(ANYWHERE)
    assert (keys.key, keys.secret, keys.passphrase) == ("k", "s", "p")


def test_the_canonical_name_wins_over_its_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITGETSECRETKEY", "old")
    monkeypatch.setenv("BITGET_API_SECRET", "new")
    assert find("secret", "").value == "new"


def test_systemd_credentials_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for part in PLACES:
        (tmp_path / f"bitget_api_{part}").write_text(f"{part}-value\n")
    (tmp_path / "other").write_text("o")
    assert find_keys(ANYWHERE).secret == "secret-value"
    assert find("key", "credential:other").value == "o"


def test_a_key_with_a_line_break_inside_is_refused_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for part, value in (("KEY", "k\nx"), ("SECRET", "s"), ("PASSPHRASE", "p \x1b[0m")):
        monkeypatch.setenv(f"BITGET_API_{part}", value)
    with pytest.raises(ConfigRefused) as refused:
        find_keys(ANYWHERE)
    assert [each.partition(", holds")[0] for each in refused.value.sentences] == [
        "bitget.key, found in env:BITGET_API_KEY",
        "bitget.passphrase, found in env:BITGET_API_PASSPHRASE",
    ]


def test_a_credential_that_is_not_text_is_told_without_its_bytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "bitget_api_key").write_bytes(b"\xff\xfesecret")
    with pytest.raises(ConfigRefused, match="cannot be read") as refused:
        find("key", "")
    assert "xff" not in str(refused.value)


def test_a_reference_is_the_only_place_that_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITGET_API_KEY", "usual")
    monkeypatch.setenv("MINE", "mine")
    assert find("key", "env:MINE").value == "mine"
    assert find("key", "env:ABSENT").value == ""


def test_what_is_missing_is_named_with_every_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITGET_API_KEY", "SuperSecret77")
    with pytest.raises(ConfigRefused) as refused:
        find_keys({**ANYWHERE, "passphrase": "env:NOWHERE"})
    secret, passphrase = refused.value.sentences
    assert secret.startswith(
        "bitget.secret is missing: looked in env:BITGET_API_SECRET, env:BITGET_SECRET_KEY, "
        "env:BITGETSECRETKEY, credential:bitget_api_secret, keyring:ratchet/secret; export BITGET_API_SECRET"
    )
    assert (
        passphrase
        == "bitget.passphrase is missing: looked in env:NOWHERE; put it there, or correct the reference"
    )
    assert "SuperSecret77" not in str(refused.value)


def test_keys_show_themselves_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for part, names in PLACES.items():
        monkeypatch.setenv(names[0], f"SuperSecret-{part}")
    loaded = load(find_paths(str(tmp_path)))
    assert loaded.keys == Keys("SuperSecret-key", "SuperSecret-secret", "SuperSecret-passphrase")
    for shown in (repr(loaded), str(loaded.keys), f"{loaded.keys!r}", repr(find("key", ""))):
        assert "SuperSecret" not in shown
    assert "SuperSecret" not in "".join(f"{each.value}{each.where}" for each in loaded.effective)
    assert {each.name: each.value for each in loaded.effective}["bitget.key"] == "found in env:BITGET_API_KEY"
    assert pickle.loads(pickle.dumps(loaded.keys)) == loaded.keys


def test_what_the_command_line_says_is_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for names in PLACES.values():
        monkeypatch.setenv(names[0], "x")
    paths = find_paths(str(tmp_path))
    plain = load(paths)
    assert (plain.bitget_url, plain.demo, plain.read_only) == ("", False, False)
    said = load(paths, bitget_url="http://localhost:1", demo=True, read_only=True)
    assert (said.bitget_url, said.demo, said.read_only) == ("http://localhost:1", True, True)
    with pytest.raises(ConfigRefused, match=r"bitget\.url must be an https"):
        load(paths, bitget_url="http://evil.example")


def test_load_stays_a_function_whatever_was_imported_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for names in PLACES.values():
        monkeypatch.setenv(names[0], "x")
    package = importlib.import_module("engine.config")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"engine.config.{module.name}")
    assert package.load(find_paths(str(tmp_path))).settings.account == "main"
