"""How read routes answer: the engine's own structs as JSON, checked against the documented schema by the tests.

The schemas in OpenAPI come from the same structs, so what is documented is what is sent.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import Query, Request
from starlette.responses import Response

from api.auth.principal import Principal
from api.keyed import MOST
from api.parts import Parts
from engine.ports import Page

Limit = Annotated[int, Query(ge=1, le=MOST, description="rows of the page")]
Cursor = Annotated[str, Query(pattern=r"^([0-9]{1,18})?$", description="`next` of the page before")]
After = Annotated[str, Query(max_length=400, description="`next` of the page before")]
Text = Annotated[str, Query(max_length=200)]
Words = Annotated[list[str] | None, Query(max_length=20, description="may be given several times")]


def parts(request: Request) -> Parts:
    """The running engine's parts."""
    found: Parts = request.app.state.parts
    return found


def principal(request: Request) -> Principal:
    """Who asks."""
    who: Principal = request.state.principal
    return who


def answer(value: object, status: int = 200) -> Response:
    """A struct as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def documented(type: type, example: object = None, description: str = "OK") -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses of a route that answers with ``type``."""
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{type.__name__}"}}
    if example is not None:
        content["example"] = example
    return {200: {"description": description, "content": {"application/json": content}}}


def paged(page: Page) -> Response:
    """A page of rows as JSON."""
    return answer({"items": page.items, "next": page.next})
