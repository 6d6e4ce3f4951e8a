"""`ratchet config check | example | path`."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.commands.speech import DONE
from engine.config.loaded import Effective, Source
from engine.config.paths import find_paths


def run(arguments: argparse.Namespace) -> int:
    match arguments.what:
        case "example":
            return _example()
        case "path":
            return _path(arguments)
        case _:
            return _check(arguments)


def _example() -> int:
    from engine.config.example import example

    print(example(), end="")
    return DONE


def _path(arguments: argparse.Namespace) -> int:
    paths = find_paths(arguments.home)
    for name in ("config", "database", "socket", "logs"):
        print(f"{name:<9} {getattr(paths, name)}")
    return DONE


def _check(arguments: argparse.Namespace) -> int:
    """Raises ConfigRefused, which is told and becomes exit code 2."""
    from engine.commands.outfit import faults_of_desk
    from engine.config.reading import default_file, effective, faults_of, read_options
    from engine.config.refused import ConfigRefused

    paths = find_paths(arguments.home)
    file = Path(arguments.file) if arguments.file else default_file(paths)
    options, layers = read_options(file, {})
    if faults := (*faults_of(options), *faults_of_desk(options.desk, layers, paths)):
        raise ConfigRefused(*faults)
    print(f"{file}: right" if file else f"{paths.config}: not there; the defaults hold")
    _show(tuple(effective(options, layers)))
    return DONE


def _show(options: tuple[Effective, ...]) -> None:
    """One line an option: its name, what holds, and who said so."""
    names = max(len(each.name) for each in options)
    values = max(len(each.value) for each in options if len(each.value) <= 40)
    for each in options:
        where = f", {each.where}" if each.where and each.source is not Source.DEFAULT else ""
        print(f"{each.name:<{names}}  {each.value:<{values}}  {each.source.value}{where}")
