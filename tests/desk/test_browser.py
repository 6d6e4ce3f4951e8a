"""The desk in a real browser: headless Chromium opens the page, a desk draws in it, keys reach the engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, CookieJar

from engine.protocol import Halt
from tests.desk.engine_face import EngineFace
from tests.desk.terminal import ROOT
from tests.ports import free_port

pytest.importorskip("textual_serve", reason="the extra `web` is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
FIRST_BYTE = "document.body.classList.contains('-first-byte') && !!document.querySelector('textarea')"
SERVE = "import sys; from pathlib import Path; from tui.web import serve_desk; "


def serving(socket: Path, *options: str) -> str:
    """What `ratchet web` does once it knows its engine, as a program."""
    return f"{SERVE}serve_desk(Path({str(socket)!r}), {free_port()}, {list(options)!r})"


@asynccontextmanager
async def served(socket: Path, *options: str) -> AsyncIterator[str]:
    """`ratchet web` as a process; yields the address with its key."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        serving(socket, *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
            address = line.rpartition(" ")[2].strip()
            await until_it_listens(address)
        yield address
    finally:
        process.terminate()
        await process.wait()


async def until_it_listens(address: str) -> None:
    async with ClientSession() as session:
        while True:
            with contextlib.suppress(OSError):
                async with session.get(address.partition("?")[0]):
                    return
            await asyncio.sleep(0.05)


class Tab:
    """A page of the browser, over its devtools."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._count = 0

    async def do(self, method: str, **parameters: Any) -> Any:
        self._count += 1
        await self._socket.send_json({"id": self._count, "method": method, "params": parameters})
        while True:
            answer = await self._socket.receive_json()
            if answer.get("id") == self._count:
                return answer.get("result")

    async def shows_the_desk(self) -> None:
        """The page has had the first bytes of the desk, and hears keys."""
        async with asyncio.timeout(60):
            while True:
                drawn = await self.do("Runtime.evaluate", expression=FIRST_BYTE)
                if drawn["result"].get("value"):
                    return
                await asyncio.sleep(0.05)

    async def press(self, letter: str, *, control: bool = False) -> None:
        """A key in the terminal of the page."""
        await self.do("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
        key = {"key": letter, "code": f"Key{letter.upper()}", "windowsVirtualKeyCode": ord(letter.upper())}
        text = {} if control else {"text": letter}
        await self.do("Input.dispatchKeyEvent", type="keyDown", modifiers=2 * control, **key, **text)
        await self.do("Input.dispatchKeyEvent", type="keyUp", modifiers=2 * control, **key)


@asynccontextmanager
async def browser(folder: Path, address: str) -> AsyncIterator[Tab]:
    """Headless Chromium with the page open."""
    assert CHROMIUM is not None
    wishes = (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-port=0",
        "--no-first-run",
    )
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *wishes,
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        async with asyncio.timeout(60), ClientSession() as session:
            told = folder / "DevToolsActivePort"
            while not (told.exists() and len(told.read_text().splitlines()) == 2):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            port = told.read_text().splitlines()[0]
            pages: list[dict[str, str]] = []
            while not pages:
                async with session.get(f"http://127.0.0.1:{port}/json") as reply:
                    pages = [page for page in await reply.json() if page["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as devtools:
                tab = Tab(devtools)
                await tab.do("Page.enable")
                await tab.do("Page.navigate", url=address)
                yield tab
    finally:
        process.terminate()
        await process.wait()


async def greeted(face: EngineFace, tab: Tab) -> None:
    """A desk has connected: the page ran, its socket opened, the process behind it drew."""
    async with asyncio.timeout(60):
        while not (face.greeted and face.watchers):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await tab.shows_the_desk()


@needs_browser
async def test_a_desk_in_the_browser_that_may_trade_halts_at_one_key(socket: Path, tmp_path: Path) -> None:
    async with EngineFace(socket) as face, served(socket) as address, browser(tmp_path, address) as tab:
        await greeted(face, tab)
        await tab.press("k", control=True)
        await asyncio.wait_for(face.heard.wait(), 60)
        assert face.commands == [Halt()]
        assert face.requests[0].by == "desk in a browser"
        shown = await tab.do("Runtime.evaluate", expression="location.href")
        assert "key=" not in shown["result"]["value"], "the key has left the address bar"


@needs_browser
async def test_a_desk_in_the_browser_that_only_watches_sends_nothing(socket: Path, tmp_path: Path) -> None:
    async with (
        EngineFace(socket) as face,
        served(socket, "--read-only") as address,
        browser(tmp_path, address) as tab,
    ):
        await greeted(face, tab)
        await tab.press("k", control=True)
        await tab.press("q")
        async with asyncio.timeout(60):
            while face.watchers:  # noqa: ASYNC110 - the desk leaves when it leaves
                await asyncio.sleep(0.05)
        assert face.commands == []


async def test_nobody_without_the_key_comes_in(socket: Path) -> None:
    async with served(socket, "--read-only") as address:
        bare, _, key = address.partition("?key=")
        async with ClientSession() as session:
            for path, headers in (
                ("", {}),
                ("ws", {}),
                ("static/js/textual.js", {}),
                ("?key=wrong", {}),
                (f"?key={key}", {"Host": "evil.example"}),
                (f"?key={key}", {"Origin": "http://evil.example"}),
            ):
                async with session.get(bare + path, headers=headers, allow_redirects=False) as reply:
                    assert reply.status == 403, path


async def test_the_key_goes_into_a_cookie_that_lets_only_this_page_in(socket: Path) -> None:
    async with served(socket, "--read-only") as address:
        bare = address.partition("?")[0]
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            async with session.get(address) as reply:
                assert reply.status == 200
                assert str(reply.url) == bare
                assert "HttpOnly" in reply.history[0].headers["Set-Cookie"]
                assert "SameSite=Strict" in reply.history[0].headers["Set-Cookie"]
            async with session.get(bare + "ws", headers={"Origin": "http://evil.example"}) as reply:
                assert reply.status == 403


@pytest.mark.parametrize(
    ("options", "may"), [(("--read-only",), "to watch only"), ((), "and whoever has this address can trade")]
)
async def test_it_tells_its_address_and_what_may_be_done_there_in_one_line(
    socket: Path, options: tuple[str, ...], may: str
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", serving(socket, *options)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = (await process.stdout.readline()).decode()
        address = line.split()[-1]
        await until_it_listens(address)
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
            for path in (address, f"{address}x"):
                async with session.get(path):
                    pass
        process.terminate()
        rest, _ = await process.communicate()
    assert line.startswith(f"The desk, {may}, until Ctrl-C: http://127.0.0.1:")
    assert rest == b""
