"""A server over a small engine in memory, for every test beside this file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from front_door import EngineFace, opened

from engine.api.rest.server import RestServer


@pytest.fixture
def face() -> EngineFace:
    return EngineFace()


@pytest.fixture
async def server(face: EngineFace) -> AsyncIterator[RestServer]:
    async with opened(face) as server:
        yield server


@pytest.fixture
async def client(server: RestServer) -> AsyncIterator[ClientSession]:
    async with ClientSession(server.url) as session:
        yield session
