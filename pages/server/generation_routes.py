"""HTTP routes for texts that are being written: the page asks for what is new, and is answered when there is something.

GET /tl/writing/<text>      what is new; ?from=<entries known>&version=<version known>&language=<code>
DELETE /tl/writing/<text>   pause it
POST /tl/writing/<text>     let it go on; ?step=1: by one token
GET /tl/writing/<text>/inside   one token; ?sample=&index=&block=&head=&language=, &heads=1 for all heads; with settings
                                (&strategy=&temperature=&top_k=&top_p=&repetition_penalty=) what they would make of it
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.server import generations, inside
from pages.server.generations import Look, Writing
from pages.ui.i18n import catalogue
from pages.ui.visitors import visitor
from tl_core.base.errors import UserError
from tl_core.tasks.text_generation.sampling import Settings

LONGEST = 15.0  # seconds that a request waits for news
TICK = 0.02  # seconds between two looks


async def news(request: Request) -> Response:
    """What has been written since; answered at once if there is something, else when there is."""
    writing = generations.get(visitor(request).id, request.path_params["text"])
    try:
        known = max(0, int(request.query_params.get("from", "0")))
        version = int(request.query_params.get("version", "-1"))
    except ValueError:
        return Response(status_code=400)
    if writing is None:
        return Response(status_code=404)
    until = time.monotonic() + LONGEST
    while writing.version == version and not writing.done and time.monotonic() < until:
        writing.seen = time.monotonic()
        await asyncio.sleep(TICK)
    writing.seen = time.monotonic()
    body = _told(writing, known, _language(request))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


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


def _told(writing: Writing, known: int, language: str) -> str:
    """JSON of all that the page does not know yet; what has been said in sentences is said again, there is little."""
    translate = catalogue(language).gettext
    done, version = writing.done, writing.version  # before the entries: what comes in between is told next time
    entries = writing.entries[known:]
    error, beams, status = writing.error, writing.beams, writing.status
    rest = {
        "version": version,
        "next": known + len(entries),
        "done": done,
        "length": writing.order.settings.length,
        "more": done and generations.can_go_on(writing),
        "status": status.translated(translate) if status else "",
        "error": f"{error.what.translated(translate)} {error.remedy.translated(translate)}" if error else "",
        "remarks": [remark.translated(translate) for remark in list(writing.remarks)],
        "beams": [[text, score] for text, score in zip(beams.texts, beams.scores, strict=True)] if beams else [],
    }
    return f'{{"entries":[{",".join(entries)}],{json.dumps(rest, ensure_ascii=False)[1:]}'


WRITING = [
    Route("/tl/writing/{text}", news),
    Route("/tl/writing/{text}", stop, methods=["DELETE"]),
    Route("/tl/writing/{text}", go_on, methods=["POST"]),
    Route("/tl/writing/{text}/inside", looked_into),
]
