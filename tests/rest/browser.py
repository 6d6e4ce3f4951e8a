"""A real Chromium without a window, driven over its own debugging protocol: a phone's screen, typed words,
pictures.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
"""The browser: where the environment says, else by its usual names; None skips the tests that need one."""

WITHIN_S = 60.0


class Phone:
    """One page on a screen of 390 by 844."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.errors: list[str] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        id = next(self._ids)
        await self._socket.send_json({"id": id, "method": method, "params": params})
        while True:
            told = await self._socket.receive_json(timeout=WITHIN_S)
            is_error = told.get("params", {}).get("entry", {}).get("level") == "error"
            if is_error or told.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(told["params"])[:500])
            if told.get("id") == id:
                assert "error" not in told, told
                return dict(told["result"])

    async def run(self, script: str) -> Any:
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until the script's value is true."""
        async with asyncio.timeout(WITHIN_S):
            while not await self.run(script):  # noqa: ASYNC110 – the page is another process
                await asyncio.sleep(0.05)

    async def text(self) -> str:
        return str(await self.run("document.body.innerText"))

    async def picture(self, *, whole: bool = False) -> bytes:
        """A PNG of what is seen, or of the whole page."""
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])


@asynccontextmanager
async def phone(url: str, profile: Path) -> AsyncIterator[Phone]:
    """Chromium on `url`, ended and gone at the end."""
    assert CHROMIUM is not None
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
    quiet = (
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    )
    process = await asyncio.create_subprocess_exec(
        *(CHROMIUM, *flags, *quiet, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        root = await _debugger(process)
        async with aiohttp.ClientSession() as session:
            async with session.put(f"{root}/json/new?about:blank") as made:
                socket = (await made.json())["webSocketDebuggerUrl"]
            async with session.ws_connect(socket, max_msg_size=0) as talk:
                page = Phone(talk)
                for domain in ("Page", "Runtime", "Log"):
                    await page.call(f"{domain}.enable")
                await page.call(
                    "Emulation.setDeviceMetricsOverride",
                    width=390,
                    height=844,
                    deviceScaleFactor=2,
                    mobile=True,
                )
                await page.call("Page.navigate", url=url)
                await page.until("document.readyState === 'complete' && location.href !== 'about:blank'")
                yield page
    finally:
        process.kill()
        await process.communicate()


async def _debugger(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(WITHIN_S):
        async for line in process.stderr:
            if b"DevTools listening on ws://" in line:
                return "http://" + line.decode().split("ws://")[1].split("/")[0]
    raise AssertionError("Chromium ended before it listened")
