"""The house itself: what its files may hold, what may know what, and that its documents keep their word."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 450
CORE_MAY_IMPORT = {
    "__future__",
    "base64",
    "collections",
    "decimal",
    "enum",
    "hashlib",
    "math",
    "typing",
    "msgspec",
}
SHAPELESS = ("manager", "helper", "util", "misc", "common")


def tracked() -> list[Path]:
    """Every file of the project, as git knows them."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout, so nobody knows which files belong to the project")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def sources() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def texts() -> dict[Path, str]:
    found = {}
    for path in tracked():
        try:
            found[path] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter in the project's folder."""
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def pages() -> list[Path]:
    """What the project tells its readers."""
    return [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]


def test_a_file_has_one_idea_and_so_it_is_never_long() -> None:
    long = {
        short(path): lines for path in sources() if (lines := len(path.read_text().splitlines())) > LONGEST
    }
    assert not long


def test_no_module_is_named_after_nothing() -> None:
    assert not [short(path) for path in sources() if any(word in path.stem.lower() for word in SHAPELESS)]


def test_no_file_tells_where_it_was_written() -> None:
    places = {f"{ROOT}/", f"{Path.home()}/"} - {"/", "//"}
    told = [(short(path), place) for path, text in texts().items() for place in places if place in text]
    assert not told


def test_no_file_names_the_index_that_packages_came_from() -> None:
    index = re.compile(
        "|".join((r"--(extra-)?index-" + "url", r"--find-" + "links", r"\bpypi[.-]", r"python" + "hosted"))
    )
    assert not [short(path) for path, text in texts().items() if path.suffix != ".svg" and index.search(text)]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_every_locked_package_has_its_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    packages = re.split(r"\n(?=[a-z0-9])", text.partition("\n#    make lock\n")[2])
    assert len(packages) > 40
    assert not [package.split()[0] for package in packages if "--hash=sha256:" not in package]


def test_the_locks_hold_every_package_that_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    for lock, names in (
        ("requirements.lock", wanted),
        ("requirements-test.lock", wanted + project["project"]["optional-dependencies"]["test"]),
    ):
        locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / lock).read_text(), re.MULTILINE))
        assert {re.split(r"[^A-Za-z0-9_-]", name)[0].lower() for name in names} <= locked, lock


def test_both_locks_agree_on_every_version() -> None:
    def versions(lock: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==\S+", (ROOT / lock).read_text(), re.MULTILINE))

    assert versions("requirements.lock") <= versions("requirements-test.lock")


def test_the_core_imports_nothing_that_could_reach_the_world() -> None:
    strangers = set()
    for path in (ROOT / "engine" / "core").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            strangers |= {
                (path.name, name)
                for name in named
                if name.split(".")[0] not in CORE_MAY_IMPORT and not name.startswith("engine.core")
            }
    assert not strangers


def test_no_sentence_of_the_core_names_a_shells_command() -> None:
    """It is read in a shell, on the desk and on the phone: it is of no use on two of them."""
    assert not [
        (path.name, node.value)
        for path in (ROOT / "engine" / "core").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        if isinstance(node.value, str) and re.search(r"\bratchet [a-z]", node.value)
    ]


def test_a_decision_loads_no_loop_no_socket_and_no_exchange() -> None:
    program = "import sys, engine.core.decide; print(*sorted(sys.modules))"
    bare = python("-c", "import sys; print(*sys.modules)")
    loaded = python("-c", program)
    brought = set(loaded.stdout.split()) - set(bare.stdout.split())
    world = {"asyncio", "socket", "ssl", "sqlite3", "threading", "subprocess", "logging", "random", "aiohttp"}
    world |= {"ccxt", "aiosqlite", "pydantic", "textual", "numpy", "engine.runtime", "engine.venue"}
    assert "engine.core.decide" in brought
    assert not brought & world


def test_commands_that_must_answer_at_once_load_nothing_heavy() -> None:
    checked = python(".ci/light-imports")
    assert checked.returncode == 0, checked.stdout


def test_the_walls_stand() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_link_in_the_documents_leads_nowhere() -> None:
    links = [
        (page, target)
        for page in pages()
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text())
        if "://" not in target
    ]
    assert links
    assert not [(short(page), target) for page, target in links if not (page.parent / target).exists()]


def test_every_command_in_the_documents_exists() -> None:
    helped = python("-m", "engine.cli", "--help").stdout
    known = set(re.findall(r"^    ([a-z]+)\s", helped, re.MULTILINE))
    blocks = "\n".join(line for page in pages() for line in page.read_text().splitlines())
    told = set(re.findall(r"(?:^|`|bin/)ratchet (?:--home \S+ )?([a-z]+)", blocks, re.MULTILINE))
    assert "engine" in told
    assert told <= known


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {
        word
        for page in pages()
        for word in re.findall(r"(?:^|`|&& )make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert "demo" in told
    assert told <= targets
