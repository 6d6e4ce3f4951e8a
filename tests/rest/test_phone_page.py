"""The page for phones and the page that shows the API, in a real Chromium."""

from __future__ import annotations

import struct
from decimal import Decimal
from pathlib import Path

import pytest
from browser import CHROMIUM, phone
from front_door import SECRETS, EngineFace, opened
from msgspec.structs import replace
from served import btc_short, entering, flipping, snapshot

from engine.api.rest.tokens import Scope
from engine.protocol import LimitView, StopView

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: install it, or name it in CHROMIUM"
)

D = Decimal
FITS = "document.documentElement.scrollWidth <= innerWidth"


async def test_an_open_page_shows_the_account_and_follows_it(face: EngineFace, tmp_path: Path) -> None:
    async with opened(face, open_page=True) as server, phone(server.url, tmp_path / "chromium") as page:
        await page.until("document.getElementById('state').textContent === 'live'")
        text = await page.text()
        for seen in ("SIM", "109.70", "+9.70 (+9.7 %)", "BTCUSDT", "SHORT 20×", "96,612.9", "+4.97", "−4.50"):
            assert seen in text
        assert "If the machine dies: two stops rest on the exchange" in text
        assert "Stop 2, own margin\t99,293.2 · −9.02" in text
        assert "Stop 1, entry\t100,000.0 · +0.00" in text
        assert await page.run(FITS)
        picture = await page.picture()
        assert picture.startswith(b"\x89PNG")
        assert struct.unpack(">II", picture[16:24]) == (2 * 390, 2 * 844)

        halted = replace(face.now.engine, killed="by desk: news")
        face.change(engine=halted, positions=())
        await page.until("document.body.innerText.includes('No open position.')")
        assert "Halted by desk: news" in await page.text()
        assert page.errors == []


async def test_what_is_on_its_way_stands_with_the_positions(face: EngineFace, tmp_path: Path) -> None:
    face.change(positions=(), entries=(entering(),), flips=(flipping(),))
    async with opened(face, open_page=True) as server, phone(server.url, tmp_path / "chromium") as page:
        await page.until("document.getElementById('state').textContent === 'live'")
        text = await page.text()
        for seen in (
            "ETHUSDT",
            "LONG",
            "Entered 0.02 of 0.05, at 2,000.00, try 1 of 4",
            "by webhook, buy long",
            "Once the short is closed: 50.0 % of what is free",
            "38 s left",
        ):
            assert seen in text
        assert "12 s" in text
        assert "No open position" not in text
        assert await page.run(FITS)
        assert page.errors == []


async def test_a_token_is_typed_checked_used_and_forgotten(face: EngineFace, tmp_path: Path) -> None:
    async with opened(face) as server, phone(server.url, tmp_path / "chromium") as page:
        await page.until("!document.getElementById('key').hidden")
        assert "109.70" not in await page.text()
        type_in = (
            "document.getElementById('token').value = '{}'; document.querySelector('form').requestSubmit()"
        )

        await page.run(type_in.format("not-the-token-at-all"))
        await page.until("document.body.innerText.includes('This token opens nothing here.')")

        await page.run(type_in.format(SECRETS[Scope.READ]))
        await page.until("document.getElementById('state').textContent === 'live'")
        assert "109.70" in await page.text()
        assert await page.run("document.cookie") == ""
        assert await page.run("localStorage.length") == 0

        await page.run("document.getElementById('leave').click()")
        await page.until("!document.getElementById('key').hidden")
        assert await page.run("sessionStorage.length") == 0
        assert "109.70" not in await page.text()


async def test_numbers_grow_pale_when_the_engine_does_not_answer(face: EngineFace, tmp_path: Path) -> None:
    async with opened(face, open_page=True) as server, phone(server.url, tmp_path / "chromium") as page:
        await page.until("document.getElementById('state').textContent === 'live'")
        await server.__aexit__(None, None, None)
        await page.until("document.getElementById('state').textContent.startsWith('no answer for')")
        assert await page.run("document.getElementById('desk').classList.contains('pale')")


async def test_unknown_prices_are_told_as_unknown(tmp_path: Path) -> None:
    blind = btc_short(mark=None, last=None, unrealized_pnl=None, unrealized_return=None, distance=None)
    limit = LimitView("daily loss", "10.00 (10.0 %)", "11.20", True)
    face = EngineFace(snapshot(positions=(blind,), limits=(limit,)))
    async with opened(face, open_page=True) as server, phone(server.url, tmp_path / "chromium") as page:
        await page.until("document.body.innerText.includes('unknown')")
        text = await page.text()
        assert "Limit hit: daily loss" in text
        assert "NaN" not in text
        assert "null" not in text


async def test_a_position_without_a_stop_and_the_room_to_the_limits_are_told(tmp_path: Path) -> None:
    bare = btc_short(stops=(), rungs=0, worst_case=D("-9.981"))
    limit = LimitView("daily loss", "20.00 (20.0 %)", "0.00", False, left="20.00 left today")
    face = EngineFace(snapshot(positions=(bare,), limits=(limit,)))
    async with opened(face, open_page=True) as server, phone(server.url, tmp_path / "chromium") as page:
        await page.until("document.getElementById('state').textContent === 'live'")
        text = await page.text()
        assert "Worst case\t−9.99" in text, "never rounded towards the better"
        assert "Stop\tnone, only the liquidation" in text
        assert "Daily loss\t20.00 left today" in text
        assert await page.run(FITS)


async def test_what_the_worst_case_leaves_out_is_told_beside_it(tmp_path: Path) -> None:
    face = EngineFace(snapshot(positions=(btc_short(managed=False, worst_case=None),)))
    async with opened(face, open_page=True) as server, phone(server.url, tmp_path / "chromium") as page:
        await page.until("document.getElementById('state').textContent === 'live'")
        assert "1 not under care" in await page.text()
        assert await page.run(FITS)
        assert page.errors == []


async def test_a_stop_that_is_not_the_ladders_says_whose_it_is(tmp_path: Path) -> None:
    stop = StopView(D("0.0031"), D("99000"), "entry's stop", None, "resting", True, D("-7.40"), ours=False)
    face = EngineFace(snapshot(positions=(btc_short(stops=(stop,)),)))
    async with opened(face, open_page=True) as server, phone(server.url, tmp_path / "chromium") as page:
        await page.until("document.getElementById('state').textContent === 'live'")
        assert "Entry's stop\t99,000.0 · −7.40" in await page.text()


async def test_a_name_from_outside_is_text_and_never_markup(tmp_path: Path) -> None:
    evil = btc_short(reason="<img src=x onerror=document.title='owned'>", managed=False, status=None)
    face = EngineFace(snapshot(positions=(evil,)))
    async with opened(face, open_page=True) as server, phone(server.url, tmp_path / "chromium") as page:
        await page.until("document.body.innerText.includes('onerror')")
        assert await page.run("document.images.length") == 0
        assert await page.run("document.title") == "Ratchet"


async def test_the_api_is_listed_to_read(face: EngineFace, tmp_path: Path) -> None:
    async with opened(face) as server, phone(f"{server.url}/api", tmp_path / "chromium") as page:
        await page.until("document.querySelectorAll('.route').length > 10")
        text = await page.text()
        assert "/api/crypto/positions/{account}" in text
        assert "Takes Request or Stopping. Answers Answer." in text
        assert f'curl -H "Authorization: Bearer $TOKEN" {server.url}/api/why/NAME' in text
        assert "/phone.css" not in text, "what pages are made of is no route to ask"
        assert await page.run(FITS)
        assert not await page.run("document.getElementById('PositionList').open")
        await page.run("document.querySelector(\"a[href='#PositionList']\").click()")
        await page.until("document.getElementById('PositionList').open")
        assert "worst_case_leaves_out" in await page.text()
        assert await page.run(FITS)
        assert page.errors == []
