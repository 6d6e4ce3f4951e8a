"""Which folders and files belong to one engine, and that they belong to nobody else.

With a home (`--home DIR` or `RATCHET_HOME`) everything is in that folder; without, the XDG folders are used.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from engine.config.refused import ConfigRefused

SOCKET_BYTES: Final = 107
"""The longest path that a unix socket can have (`sun_path` is 108 bytes, the last of them NUL)."""

OWN_NAMES: Final = ("config.toml", "state.db", "desk.toml", "engine.", "account-", "logs", "themes")
"""How the names of all that Ratchet keeps in its folders begin."""


class Paths(NamedTuple):
    """Where one engine keeps its things. `home` is None with the XDG folders."""

    home: Path | None
    config: Path
    database: Path
    logs: Path
    socket: Path

    @property
    def chosen(self) -> Path:
        """Where the desk keeps the theme and the keymap that were chosen in it."""
        return self.database.with_name("desk.toml")

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that must exist and be the trader's alone, outermost first."""
        wanted = (self.database.parent, self.logs, self.socket.parent)
        return tuple(dict.fromkeys(wanted))


def find_paths(home: str | None = None, environment: Mapping[str, str] | None = None) -> Paths:
    """The paths for `home`, or for `RATCHET_HOME`, or the XDG ones. Touches nothing.

    Raises ConfigRefused when the socket's path would be longer than the system allows.
    """
    env = os.environ if environment is None else environment
    chosen = home or env.get("RATCHET_HOME", "")
    paths = _in_home(Path(chosen).expanduser().absolute()) if chosen else _in_xdg(env)
    length = len(os.fsencode(paths.socket))
    if length > SOCKET_BYTES:
        raise ConfigRefused(
            f"the control socket {paths.socket} has a path of {length} bytes, and the system allows "
            f"{SOCKET_BYTES}: "
            "choose a folder with a shorter path (--home DIR or RATCHET_HOME)"
        )
    return paths


def _in_home(home: Path) -> Paths:
    return Paths(
        home=home,
        config=home / "config.toml",
        database=home / "state.db",
        logs=home / "logs",
        socket=home / "engine.sock",
    )


def _in_xdg(env: Mapping[str, str]) -> Paths:
    user = Path(env["HOME"]) if env.get("HOME") else Path.home()
    config = _xdg(env, "XDG_CONFIG_HOME", user / ".config") / "ratchet"
    state = _xdg(env, "XDG_STATE_HOME", user / ".local" / "state") / "ratchet"
    temporary = Path(env.get("TMPDIR") or "/tmp") / f"ratchet-{os.getuid()}"  # noqa: S108
    runtime = env.get("XDG_RUNTIME_DIR", "")
    return Paths(
        home=None,
        config=config / "config.toml",
        database=state / "state.db",
        logs=state / "logs",
        socket=(Path(runtime) / "ratchet" if Path(runtime).is_absolute() else temporary) / "engine.sock",
    )


def _xdg(env: Mapping[str, str], name: str, otherwise: Path) -> Path:
    """The XDG specification: a relative path is to be ignored."""
    given = Path(env.get(name, ""))
    return given if given.is_absolute() else otherwise


def prepare_folders(paths: Paths) -> None:
    """Make every folder, for this user alone (0700). Raises ConfigRefused when one cannot be made or is open
    to others.
    """
    for folder in paths.folders:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:
            raise ConfigRefused(
                f"{folder} is no folder, and one is needed there: move it away, or choose another with "
                "--home DIR"
            ) from None
        except OSError as error:
            raise ConfigRefused(
                f"the folder {folder} cannot be made ({error.strerror}): make it yourself, or choose "
                "another with --home DIR"
            ) from error
        _keep_private(folder)


def _keep_private(folder: Path) -> None:
    """Tighten a folder that holds only Ratchet's own things; refuse one that others can enter or own."""
    seen = folder.stat()
    if seen.st_uid != os.geteuid():
        raise ConfigRefused(
            f"the folder {folder} belongs to another user (uid {seen.st_uid}): choose another with --home "
            "DIR, or start as that user"
        )
    mode = stat.S_IMODE(seen.st_mode)
    if not mode & 0o077:
        return
    if all(entry.name.startswith(OWN_NAMES) for entry in folder.iterdir()):
        folder.chmod(0o700)
        return
    raise ConfigRefused(
        f"the folder {folder} is open to others (mode {mode:04o}) and holds more than Ratchet's files: "
        f"run `chmod 700 {folder}`, or choose a folder of its own with --home DIR"
    )
