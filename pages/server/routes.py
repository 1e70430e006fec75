"""HTTP routes beside Streamlit's own: Plotly's script, thumbnails, and uploads that go straight to the disk.

    GET /tl/plotly.min.js                      from the plotly wheel, so that nothing is loaded from the internet
    GET /tl/picture/<dataset>/<picture>        a thumbnail (JPEG); ?side=<pixels>
    POST /tl/upload                            begin an upload (tl_core.images.data.uploads); answers its token
    PUT /tl/upload/<upload>/<part>             one part of it, a ZIP
    DELETE /tl/upload/<upload>                 throw it away

Every visitor gets a random secret in a cookie: no accounts, but each knows their own runs and uploads. Other sites'
pages cannot upload in a visitor's name: the cookie is SameSite, and application/zip needs a preflight that nobody
answers.
"""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path

import plotly
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from pages.ui.i18n import catalogue
from pages.ui.visitors import visitor
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import message
from tl_core.images.data import dataset as datasets
from tl_core.images.data import uploads

PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
YEAR = 365 * 24 * 3600  # seconds
SIDES = range(16, 641)  # pixels of a thumbnail


async def plotly_script(request: Request) -> Response:
    """Plotly's own script; the version in the address keeps browsers from showing an old one."""
    return FileResponse(PLOTLY, media_type="text/javascript", headers={"Cache-Control": "public, max-age=86400"})


async def picture(request: Request) -> Response:
    """A thumbnail; pictures never change under their hash, so browsers may keep them."""
    try:
        side = int(request.query_params.get("side", "96"))
        folder = datasets.folder_of(request.path_params["dataset"])
    except (ValueError, UserError):
        return Response(status_code=404)
    name = request.path_params["picture"]
    if side not in SIDES or not re.fullmatch(r"[0-9a-f]{64}", name):
        return Response(status_code=404)
    try:
        data = await run_in_threadpool(datasets.thumbnail_of, datasets.image_path(folder, name), side)
    except OSError:
        return Response(status_code=404)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": f"private, max-age={YEAR}, immutable"})


def answered(handle: Callable[[Request, str], Awaitable[dict]]) -> Callable[[Request], Awaitable[Response]]:
    """A route of the uploads: who asks is known by the cookie, and what goes wrong is said in `?language=`."""

    @wraps(handle)
    async def route(request: Request) -> Response:
        try:
            if request.headers.get("content-type") != "application/zip":
                return Response(status_code=415)
            with disk_full_explained():
                return JSONResponse(await handle(request, _owner(request)))
        except UserError as error:
            translate = catalogue(request.query_params.get("language", "en")).gettext
            sentence = f"{error.what.translated(translate)} {error.remedy.translated(translate)}"
            return JSONResponse({"error": sentence}, status_code=400)
        except ClientDisconnect:  # the visitor cancelled or lost the network; nobody reads the answer
            return Response(status_code=400)

    return route


def _owner(request: Request) -> str:
    if owner := visitor(request).id:
        return owner
    raise UserError(
        message("Your browser keeps no cookies for this page, so nobody knows whose pictures these are."),
        message("Allow cookies for this page and reload it."),
    )


@answered
async def begin_upload(request: Request, owner: str) -> dict:
    """Make room for an upload."""
    return {"token": await run_in_threadpool(uploads.begin, owner)}


@answered
async def upload_part(request: Request, owner: str) -> dict:
    """Write one part of an upload to the disk as it arrives; only the visitor who began it may add to it."""
    with uploads.part(request.path_params["upload"], request.path_params["part"], owner) as file:
        async for chunk in request.stream():
            await run_in_threadpool(file.write, chunk)
    return {"received": True}


@answered
async def discard_upload(request: Request, owner: str) -> dict:
    """Throw an upload away."""
    await run_in_threadpool(uploads.discard, request.path_params["upload"], owner)
    return {"discarded": True}


ROUTES = [
    Route("/tl/plotly.min.js", plotly_script),
    Route("/tl/picture/{dataset}/{picture}", picture),
    Route("/tl/upload", begin_upload, methods=["POST"]),
    Route("/tl/upload/{upload}", discard_upload, methods=["DELETE"]),
    Route("/tl/upload/{upload}/{part}", upload_part, methods=["PUT"]),
]
