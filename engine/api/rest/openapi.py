"""The OpenAPI 3.1 document, made of the routes and of the types that they take and answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, get_args

import msgspec

from engine.api.requests import BY, ID, LARGEST, RUNGS, STOPPING, TRIES, WAIT_S, WITHIN_S
from engine.api.rest.route import Route
from engine.protocol import PROTOCOL, Answer, AnyCommand, Request

DECIMAL: Final = {"type": "string", "format": "decimal"}
PLAIN: Final = {"type": "string", "format": "decimal", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$"}
TAKEN: Final = {"anyOf": [PLAIN, {"type": "number", "minimum": -float(LARGEST), "maximum": float(LARGEST)}]}
"""A decimal is answered as a string, and taken as a string or a number."""

PART: Final = {
    "anyOf": [
        {"type": "string", "format": "decimal", "pattern": r"^(0\.[0-9]{0,8}[1-9]|1|1\.0{1,8})$"},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    ]
}
COMMANDS: Final = frozenset(each.__name__ for each in get_args(AnyCommand))
BOUNDS: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("Request", "id"): {"minLength": 1, "maxLength": ID},
    ("Request", "by"): {"maxLength": BY},
    ("Request", "protocol"): {"const": PROTOCOL},
    ("Reduce", "fraction"): PART,
    ("Flip", "share"): PART,
    ("Flip", "within_s"): {"minimum": 1, "maximum": WITHIN_S},
    **{(each, "wait_s"): {"minimum": 1, "maximum": WAIT_S} for each in ("Enter", "Exit")},
    **{(each, "tries"): {"minimum": 1, "maximum": TRIES} for each in ("Enter", "Exit")},
    **{(each, "rung"): {"minimum": 0, "maximum": RUNGS} for each in ("Approve", "Deny")},
}
"""What the types cannot say and the engine checks."""

STOPPING_SCHEMA: Final[dict[str, Any]] = {
    "title": "Stopping",
    "type": "object",
    "description": "A client of another protocol may halt and flatten; of the rest only the reason is read.",
    "required": ["protocol", "command"],
    "properties": {
        "id": {"type": "string"},
        "protocol": {"type": "integer", "not": {"const": PROTOCOL}},
        "command": {
            "type": "object",
            "required": ["command"],
            "properties": {"command": {"enum": list(STOPPING)}},
        },
    },
}

ABOUT: Final = (
    "Looking at a trading desk, and steering it. Money is USDT, sizes are base coin, both as decimal "
    "strings; times are milliseconds UTC; fractions are decimal (0.2 is 20 %); null is unknown."
)
EVERYWHERE: Final = (429, 500, 503)
TOKEN_NEEDED: Final = (401, 403)


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """The whole document. JSON ready."""
    listed = tuple(routes)
    shapes = [shape for route in listed for shape in (route.answers, route.takes) if _is_shape(shape)]
    schemas, components = msgspec.json.schema_components(
        [*shapes, Answer], ref_template="#/components/schemas/{name}"
    )
    told = dict(zip([_key(shape) for shape in [*shapes, Answer]], schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, told)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ratchet",
            "version": version,
            "description": ABOUT,
        },
        "paths": paths,
        "components": {
            "schemas": {**_exact(components), "Stopping": STOPPING_SCHEMA},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _is_shape(shape: Any) -> bool:
    return shape is not None and not isinstance(shape, str)


def _key(shape: Any) -> str:
    return repr(shape)


def _operation(route: Route, told: dict[str, Any]) -> dict[str, Any]:
    place = re.sub(r"[^a-z]+", "_", route.path.lower()).strip("_") or "page"
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{place}",
        "summary": route.summary,
        "responses": _responses(route, told),
    }
    if names := re.findall(r"\{(\w+)\}", route.path):
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ]
    if route.needs is not None:
        operation["security"] = [{"token": []}]
        operation["description"] = f"Needs a token that opens {route.needs.word}."
    if _is_shape(route.takes):
        body = _exact(told[_key(route.takes)])
        if route.takes is Request:
            body = {"anyOf": [body, {"$ref": "#/components/schemas/Stopping"}]}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _responses(route: Route, told: dict[str, Any]) -> dict[str, Any]:
    if isinstance(route.answers, str):
        good: dict[str, Any] = {route.answers: {"schema": {"type": "string"}}}
    else:
        good = {"application/json": {"schema": _exact(told[_key(route.answers)])}}
    bad = {"application/json": {"schema": told[_key(Answer)]}}
    statuses = {*route.refuses, *EVERYWHERE, *(TOKEN_NEEDED if route.needs is not None else ())}
    responses: dict[str, Any] = {"200": {"description": "Done.", "content": good}}
    for status in sorted(statuses):
        is_own = route.answers_refusals and status in route.refuses
        content = _either(good, bad) if is_own else bad
        responses[str(status)] = {"description": f"{HTTPStatus(status).phrase}.", "content": content}
    return responses


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = [each["application/json"]["schema"] for each in (one, other)]
    return {"application/json": {"schema": {"anyOf": both}}}


def _exact(schema: Any, owner: str = "") -> Any:
    """The schema with decimals and bounds as the engine takes them."""
    if isinstance(schema, list):
        return [_exact(each, owner) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        told = TAKEN if owner in COMMANDS else DECIMAL
        return {**{key: value for key, value in schema.items() if key == "default"}, **told}
    owner = schema.get("title", owner)
    exact = {key: _exact(value, owner) for key, value in schema.items()}
    properties = exact.get("properties")
    if isinstance(properties, dict):
        for name in properties:
            properties[name] = {**properties[name], **BOUNDS.get((owner, name), {})}
    return exact
