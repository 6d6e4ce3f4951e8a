"""The light client: answers as values, failures as values, over real sockets."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from served import EngineFace, living_engine

from engine.api.asker import asker
from engine.api.client import Engine, Misread
from engine.api.door import NoEngine, Reply, Silent, ask
from engine.protocol import Answer, Halt, Hello, Snapshot, Verdict


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "e.sock"


@pytest.fixture
def face(path: Path) -> Iterator[EngineFace]:
    with living_engine(path) as face:
        yield face


def test_it_reads_who_answers_what_is_and_why(face: EngineFace, path: Path) -> None:
    engine = Engine(path)
    assert isinstance(engine.hello(), Hello)
    assert engine.snapshot() == face.now
    assert engine.orders() == face.orders()
    assert [line.text for line in engine.why("BTCUSDT:short")] == ["mark 95,000.0 reached rung 1"]  # type: ignore[union-attr]


def test_a_command_is_answered_and_the_same_id_is_done_once(face: EngineFace, path: Path) -> None:
    engine = Engine(path)
    first = engine.command(Halt("news"), by="test", id="a")
    again = engine.command(Halt("news"), by="test", id="a")
    assert isinstance(first, Answer)
    assert first.verdict is Verdict.DONE
    assert again == first
    assert face.version == 2


def test_each_command_without_an_id_gets_its_own(face: EngineFace, path: Path) -> None:
    engine = Engine(path)
    engine.command(Halt(), by="test")
    engine.command(Halt(), by="test")
    assert len({asked.id for asked in face.asked}) == 2


def test_no_socket_and_a_dead_socket_are_no_engine(path: Path) -> None:
    nobody = Engine(path).snapshot()
    assert isinstance(nobody, NoEngine)
    assert "there is no socket at" in nobody.text
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    left = Engine(path).snapshot()
    assert isinstance(left, NoEngine)
    assert "a dead one left behind" in left.text


def test_an_engine_that_takes_the_question_and_says_nothing_is_silent(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(path))
        hung.listen()
        got = Engine(path, timeout_s=0.2).command(Halt(), by="test")
    assert isinstance(got, Silent)
    assert "did not answer in time (0.2 s allowed)" in got.text


def test_an_engine_that_hangs_up_in_the_middle_is_silent_not_done(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def answer_half() -> None:
            connection, _ = server.accept()
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            connection.close()

        thread = threading.Thread(target=answer_half)
        thread.start()
        got = ask(path, "GET", "/v1/hello")
        thread.join(60)
    assert isinstance(got, Silent)
    assert "hung up" in got.text


def test_a_trickle_does_not_stretch_the_time(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        enough = threading.Event()

        def trickle() -> None:
            with server.accept()[0] as connection, suppress(OSError):
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not enough.wait(0.02):
                    connection.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        got = ask(path, "GET", "/v1/hello", timeout_s=0.2)
        enough.set()
        thread.join(60)
    assert isinstance(got, Silent), "the whole answer would have come after twenty seconds"


def test_an_engine_of_another_version_is_misread_and_says_so(path: Path) -> None:
    with living_engine(path):
        reply = ask(path, "GET", "/v1/snapshot", protocol=99)
        assert isinstance(reply, Reply)
        assert reply.status == 409
        engine = Engine(path)
        assert isinstance(engine._get("/v1/hello", Snapshot), Misread)


def test_a_path_that_the_engine_does_not_know_is_misread_with_its_sentence(
    face: EngineFace, path: Path
) -> None:
    got = Engine(path)._get("/v1/nothing", Hello)
    assert isinstance(got, Misread)
    assert "there is no /v1/nothing" in got.text


def test_the_asker_is_named_with_user_and_door() -> None:
    assert asker().startswith("cli, ")
    assert len(asker()) <= 120


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a socket away")
def test_a_socket_of_another_user_is_not_trusted_by_a_plain_one() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as theirs:
        path = Path(folder) / "e.sock"
        theirs.bind(str(path))
        theirs.listen()
        os.chown(path, 4242, 4242)
        path.parent.chmod(0o755)
        os.seteuid(4343)
        try:
            got = ask(path, "GET", "/v1/hello", timeout_s=0.2)
        finally:
            os.seteuid(0)
    assert isinstance(got, NoEngine)
    assert "belongs to another user (uid 4242)" in got.text
