"""HTTP routes for texts that are being written: the page asks for what is new, and is answered when there is something.

GET /tl/writing/<text>      what is new; ?from=<entries known>&version=<version known>&language=<code>
DELETE /tl/writing/<text>   stop it
"""

import asyncio
import json
import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.components.i18n import catalogue
from pages.server import writings
from pages.server.visitors import visitor
from pages.server.writings import Writing

LONGEST = 15.0  # seconds that a request waits for news
TICK = 0.02  # seconds between two looks


async def news(request: Request) -> Response:
    """What has been written since; answered at once if there is something, else when there is."""
    writing = writings.get(visitor(request).id, request.path_params["text"])
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
    body = _told(writing, known, request.query_params.get("language", "en"))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


async def stop(request: Request) -> Response:
    """Stop a text of the visitor's own."""
    writings.stop(visitor(request).id, request.path_params["text"])
    return Response(status_code=204)


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
        "status": status.translated(translate) if status else "",
        "error": f"{error.what.translated(translate)} {error.remedy.translated(translate)}" if error else "",
        "remarks": [remark.translated(translate) for remark in list(writing.remarks)],
        "beams": [[text, score] for text, score in zip(beams.texts, beams.scores, strict=True)] if beams else [],
    }
    return f'{{"entries":[{",".join(entries)}],{json.dumps(rest, ensure_ascii=False)[1:]}'


WRITING = [
    Route("/tl/writing/{text}", news),
    Route("/tl/writing/{text}", stop, methods=["DELETE"]),
]
