"""HTTP routes for texts that are being written: the page listens, and is told what is new.

GET /tl/writing/<text>      server-sent events: all that is new as it comes; ?from=<entries known>&language=<code>
DELETE /tl/writing/<text>   pause it
POST /tl/writing/<text>     let it go on; ?step=1: by one token
GET /tl/writing/<text>/inside   one token; ?sample=&index=&block=&head=&language=, &heads=1 for all heads; with settings
                                (&strategy=&temperature=&top_k=&top_p=&repetition_penalty=) what they would make of it
GET /tl/writing/<text>/without  the same with parts of the network off; ?sample=&index=&language=&off=0:1,2 (head 1 of
                                block 0, and block 2), or with tokens before it hidden one at a time: &from=&to=
                                instead of off, counted back, 1 is the last
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pages.server import generations, inside, news
from pages.server.generations import Look
from pages.ui.i18n import catalogue
from pages.ui.visitors import visitor
from tl_core.base.errors import UserError
from tl_core.tasks.text_generation.calls import WHOLE, Part
from tl_core.tasks.text_generation.sampling import Settings

LONGEST = 15.0  # seconds that a request waits for an answer
TICK = 0.02  # seconds between two looks
HIDDEN = 16  # tokens hidden for one request, one at a time


async def listened_to(request: Request) -> Response:
    """A text as it is written, until it is done; a browser that has lost the line says what it had heard."""
    writing = generations.get(visitor(request).id, request.path_params["text"])
    try:
        known = max(0, int(request.headers.get("Last-Event-ID") or request.query_params.get("from", "0")))
    except ValueError:
        return Response(status_code=400)
    if writing is None:
        return Response(status_code=404)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}  # a proxy must not gather it
    if request.method == "HEAD":
        return Response(media_type="text/event-stream", headers=headers)
    events = news.follow(writing, known, _language(request))
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def stop(request: Request) -> Response:
    """Pause a text of the visitor's own."""
    generations.stop(visitor(request).id, request.path_params["text"])
    return Response(status_code=204)


async def go_on(request: Request) -> Response:
    """Let a text of the visitor's own go on; 409 if it cannot."""
    step = bool(request.query_params.get("step"))
    try:
        writing = generations.go_on(visitor(request).id, request.path_params["text"], step)
    except UserError as error:
        return _answer({"error": _said(error, request)}, 503)
    return Response(status_code=204 if writing else 409)


async def looked_into(request: Request) -> Response:
    """The inside of one token; answered when it has been looked at, or with a status to ask again."""
    owner, text = visitor(request).id, request.path_params["text"]
    try:
        sample, index, block, head = (int(request.query_params[name]) for name in ("sample", "index", "block", "head"))
        settings = _settings(request.query_params)
    except (KeyError, ValueError):
        return Response(status_code=400)
    place = Look(sample, index, (block, head), bool(request.query_params.get("heads")))
    try:
        seen = await run_in_threadpool(inside.look, owner, text, place)
        if seen is None:
            return Response(status_code=404)
        until = time.monotonic() + LONGEST
        while not seen.done and time.monotonic() < until:
            seen.seen = time.monotonic()
            await asyncio.sleep(TICK)
        if not seen.done:
            status = seen.status.translated(catalogue(_language(request)).gettext) if seen.status else ""
            return _answer({"status": status})
        if seen.error:
            raise seen.error
        token = next(iter(seen.tokens(0)), None)
        if token is None:
            return Response(status_code=404)
        if settings:
            token["live"] = await run_in_threadpool(inside.reconsidered, owner, text, place, settings)
    except UserError as error:
        return _answer({"error": _said(error, request)})
    return _answer(token)


async def without(request: Request) -> Response:
    """A token where parts of the network are off ("rows"), or where what came before it is hidden ("falls")."""
    owner, text, said = visitor(request).id, request.path_params["text"], request.query_params
    try:
        place = owner, text, int(said["sample"]), int(said["index"])
        if "off" in said:
            name, call, asked = "rows", inside.ablated, _parts(said["off"])
        else:
            first = max(1, int(said["from"]))
            name, call, asked = "falls", inside.occluded, range(first, min(int(said["to"]), first + HIDDEN))
        found = await run_in_threadpool(call, *place, asked)
    except (KeyError, ValueError):
        return Response(status_code=400)
    except UserError as error:
        return _answer({"error": _said(error, request)})
    return Response(status_code=404) if found is None else _answer({name: found})


def _parts(said: str) -> list[Part]:
    """Heads and blocks as the page writes them: "0:1,2"."""
    pairs = (part.partition(":") for part in said.split(",") if part)
    return [(int(block), int(head) if colon else WHOLE) for block, colon, head in pairs]


def _settings(said: Mapping[str, str]) -> Settings | None:
    """Settings that the page asks about; None where it does not."""
    if "strategy" not in said:
        return None
    return Settings(
        strategy=said["strategy"],
        temperature=float(said["temperature"]),
        top_k=int(said["top_k"]),
        top_p=float(said["top_p"]),
        repetition_penalty=float(said["repetition_penalty"]),
    )


def _language(request: Request) -> str:
    return request.query_params.get("language", "en")


def _said(error: UserError, request: Request) -> str:
    translate = catalogue(_language(request)).gettext
    return f"{error.what.translated(translate)} {error.remedy.translated(translate)}"


def _answer(data: dict[str, Any], status: int = 200) -> Response:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Response(body, status, media_type="application/json", headers={"Cache-Control": "no-store"})


WRITING = [
    Route("/tl/writing/{text}", listened_to),
    Route("/tl/writing/{text}", stop, methods=["DELETE"]),
    Route("/tl/writing/{text}", go_on, methods=["POST"]),
    Route("/tl/writing/{text}/inside", looked_into),
    Route("/tl/writing/{text}/without", without),
]
