"""Folders: where everything lies, and that it is the trader's alone."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest

from engine.config import ConfigRefused, find_paths, prepare_folders
from engine.runtime.logfile import logging_to


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_holds_everything(tmp_path: Path) -> None:
    paths = find_paths(str(tmp_path / "h"), {})
    assert paths.config == tmp_path / "h" / "config.toml"
    assert paths.database == tmp_path / "h" / "state.db"
    assert {paths.socket.parent, paths.database.parent, paths.logs.parent} == {tmp_path / "h"}


def test_the_option_wins_over_the_variable(tmp_path: Path) -> None:
    environment = {"RATCHET_HOME": str(tmp_path / "v")}
    assert find_paths(None, environment).home == tmp_path / "v"
    assert find_paths(str(tmp_path / "o"), environment).home == tmp_path / "o"


def test_without_a_home_the_usual_folders_are_used() -> None:
    paths = find_paths(None, {"HOME": "/home/t", "XDG_RUNTIME_DIR": "/run/user/7"})
    assert paths.config == Path("/home/t/.config/ratchet/config.toml")
    assert paths.database == Path("/home/t/.local/state/ratchet/state.db")
    assert paths.socket == Path("/run/user/7/ratchet/engine.sock")
    own = find_paths(None, {"HOME": "/home/t", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "relative"})
    assert own.config == Path("/c/ratchet/config.toml")
    assert own.database == Path("/home/t/.local/state/ratchet/state.db")


def test_without_a_runtime_folder_the_socket_is_in_a_folder_of_this_user() -> None:
    assert find_paths(None, {"HOME": "/h", "TMPDIR": "/t"}).socket == Path(
        f"/t/ratchet-{os.getuid()}/engine.sock"
    )


def test_a_path_too_long_for_a_socket_is_told_with_its_length() -> None:
    fits = "/" + "x" * (107 - len("//engine.sock"))
    assert len(os.fsencode(find_paths(fits, {}).socket)) == 107
    with pytest.raises(
        ConfigRefused, match="has a path of 108 bytes, and the system allows 107: choose a folder"
    ):
        find_paths(fits + "x", {})
    with pytest.raises(ConfigRefused, match="bytes"):
        find_paths("/" + "ü" * 60, {})


def test_new_folders_are_for_this_user_alone(tmp_path: Path) -> None:
    paths = find_paths(str(tmp_path / "h"), {})
    before = os.umask(0)
    try:
        prepare_folders(paths)
    finally:
        os.umask(before)
    assert {mode(folder) for folder in paths.folders} == {0o700}


def test_a_folder_with_only_our_files_is_closed_to_others(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    home.chmod(0o755)
    (home / "config.toml").write_text("")
    prepare_folders(find_paths(str(home), {}))
    assert mode(home) == 0o700


def test_an_open_folder_with_other_things_in_it_is_left_alone_and_refused(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    home.chmod(0o755)
    (home / "holiday.jpg").write_text("")
    with pytest.raises(ConfigRefused, match=r"open to others \(mode 0755\).*chmod 700"):
        prepare_folders(find_paths(str(home), {}))
    assert mode(home) == 0o755
    home.chmod(0o700)
    prepare_folders(find_paths(str(home), {}))


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "h").write_text("")
    with pytest.raises(ConfigRefused, match="is no folder, and one is needed there"):
        prepare_folders(find_paths(str(tmp_path / "h"), {}))
    with pytest.raises(ConfigRefused, match="cannot be made"):
        prepare_folders(find_paths(str(tmp_path / "h" / "below"), {}))


def test_a_log_that_cannot_be_written_is_told_before_anything_trades(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigRefused, match=r"the log .* cannot be written \(Is a directory\): move it away"),
        logging_to(tmp_path),
    ):
        pytest.fail("the engine would run without its log")


def test_a_log_on_a_full_disk_ends_without_a_word() -> None:
    with logging_to(Path("/dev/full")):
        logging.getLogger("ratchet.test").info("a line for which there is no room")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "h"
    home.mkdir()
    os.chown(home, 4242, 4242)
    with pytest.raises(ConfigRefused, match="belongs to another user"):
        prepare_folders(find_paths(str(home), {}))
