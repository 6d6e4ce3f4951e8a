"""The OpenAPI document keeps its word: Schemathesis asks everything that it allows, and things that it does
not.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from front_door import SECRETS, EngineFace, behind, opened
from hypothesis import HealthCheck, settings

from engine.api.remote import Remote
from engine.api.rest.gate import Gate
from engine.api.rest.route import Route
from engine.api.rest.server import RestServer
from engine.api.rest.tokens import Scope, Tokens
from engine.runtime.doorman import webhook_route
from engine.webhook.carrying import Terms
from engine.webhook.hook import Hook

schemathesis = pytest.importorskip("schemathesis", reason="Schemathesis is not installed here")

BOUNDED = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def alerts(engine: Remote) -> tuple[Hook, tuple[Route, ...]]:
    """The webhook, as it is served beside the API."""
    hook = Hook(engine, Terms(), "a-token-nobody-guesses")
    return hook, (webhook_route(hook),)


def document() -> dict[str, object]:
    """The document of a server that nobody has entered."""
    gate, engine = Gate(Tokens({}), per_minute=60, open_page=False), Remote(Path("/nowhere"))
    server = RestServer(gate, behind=engine, routes=alerts(engine)[1], version="0.1.0")
    return dict(json.loads(server.document))


@pytest.fixture(scope="module")
def promised() -> object:
    """The document as Schemathesis reads it. Every worker collects every test, and to think up what is asked
    takes seconds: that is done where the tests run.
    """
    schema = schemathesis.openapi.from_dict(document())
    schema.hook(map_body)
    return schema


def map_body(context: object, body: object) -> object:
    """JSON Schema takes 2.0 for an integer. The engine does not, on purpose, and it need not be asked."""
    if isinstance(body, dict):
        return {name: map_body(context, value) for name, value in body.items()}
    return int(body) if isinstance(body, float) and body.is_integer() else body


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A living server in a loop of its own."""
    ready, urls = threading.Event(), list[str]()
    ends = list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()

    async def live() -> None:
        face, end = EngineFace(), asyncio.Event()
        async with behind(face) as engine:
            hook, routes = alerts(engine)
            async with opened(face, wrong_per_minute=60_000, routes=routes) as server:
                running = asyncio.create_task(hook.run())
                urls.append(server.url)
                ends.append((asyncio.get_running_loop(), end))
                ready.set()
                await end.wait()
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    assert ready.wait(60)
    yield urls[0]
    loop, end = ends[0]
    loop.call_soon_threadsafe(end.set)
    thread.join(60)
    assert not thread.is_alive()


schema = schemathesis.pytest.from_fixture("promised")


@schema.parametrize()
@BOUNDED
def test_every_answer_is_as_the_document_says(case: schemathesis.Case, url: str) -> None:
    case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {SECRETS[Scope.TRADE]}"})


@schema.parametrize()
@BOUNDED
def test_a_stranger_meets_only_what_the_document_says(case: schemathesis.Case, url: str) -> None:
    response = case.call(base_url=url, headers={"Authorization": "Bearer guess"})
    case.validate_response(response, excluded_checks=[schemathesis.checks.positive_data_acceptance])


def test_the_document_names_every_command_and_what_it_takes() -> None:
    schemas = document()["components"]["schemas"]  # type: ignore[index]
    assert {"Halt", "Flatten", "Enter", "Exit", "Request", "Answer", "PositionView"} <= set(schemas)
    assert schemas["Request"]["properties"]["id"]["maxLength"] == 64
    assert schemas["AccountView"]["properties"]["funding"]["format"] == "decimal"


def test_every_word_of_the_document_is_made_of_the_routes() -> None:
    paths = document()["paths"]
    assert {"/api/crypto/accounts", "/api/crypto/history/{account}", "/metrics", "/api/commands"} <= set(
        paths
    )  # type: ignore[arg-type]
