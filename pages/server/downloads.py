"""HTTP routes for what is large: a run's model and its folder go from the disk to the browser, never through memory.

GET /tl/model/<run>          the complete model (.keras), when it has been written
GET /tl/model/<run>/<form>   the same in another form, see the rooms `paths` of the tasks
GET /tl/code/<run>           the run as a script, in a ZIP with all that it needs
GET /tl/run/<run>            the run's folder as a ZIP, without checkpoints

What shows a private text is for its owner alone (`tl_core.runs.people`).
"""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from pages.ui.visitors import visitor
from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.runs import people, store
from tl_core.tasks import registry

Packed = contextlib.AbstractContextManager[Path]


async def model(request: Request) -> Response:
    """The run's model under a name that says which run it is; an older one of a run that has gone on is not sent."""
    form = request.path_params.get("form", "keras")
    try:
        run = await _asked(request)
    except UserError:
        return Response(status_code=404)
    path = registry.of(run.config).room("paths").ready(run.folder, form)
    if path is None:
        return Response(status_code=404)
    ending = path.suffix if path.stem == "model" else f"-{path.name}"
    return FileResponse(path, filename=f"{_file_name(run)}{ending}", media_type="application/octet-stream")


async def script(request: Request) -> Response:
    """The run's settings as a script, with its text or pictures and the weights that it begins with."""
    return await _packed(request, _script, "-script")


async def folder(request: Request) -> Response:
    """The run's folder."""
    return await _packed(request, lambda run: store.archive(run.id))


async def _packed(request: Request, pack: Callable[[store.Run], Packed], ending: str = "") -> Response:
    """A ZIP that is packed into a temporary file, which is deleted when it has been sent."""
    with contextlib.ExitStack() as packed:
        try:
            run = await _asked(request)
            path = await run_in_threadpool(packed.enter_context, pack(run))
        except (UserError, FileNotFoundError):  # deleted meanwhile
            return Response(status_code=404)
        name = f"{_file_name(run)}{ending}.zip"
        sent = BackgroundTask(packed.pop_all().close)
        return FileResponse(path, filename=name, media_type="application/zip", background=sent)


def _script(run: store.Run) -> Packed:
    if run.config is None:
        raise run.problem
    if registry.is_lab(run.config):
        raise UserError(message("This experiment trains no model."), message("Its results are in the run's folder."))
    return registry.of(run.config).room("packing").script_zip(store.as_trained(run))


async def _asked(request: Request) -> store.Run:
    """The run that the address names; UserError if there is none, or none for this visitor."""
    run = await run_in_threadpool(store.get, request.path_params["run"])
    if not await run_in_threadpool(people.may, visitor(request), "read", run):
        raise UserError(message("This run learned from a private text."), message("Ask its owner for it."))
    return run


def _file_name(run: store.Run) -> str:
    """The run's name without what file systems dislike, and its id."""
    name = re.sub(r"[^\w.-]+", "-", run.name).strip("-.")[:60]
    return f"{name}-{run.id}" if name else run.id


DOWNLOADS = [
    Route("/tl/model/{run}", model),
    Route("/tl/model/{run}/{form}", model),
    Route("/tl/code/{run}", script),
    Route("/tl/run/{run}", folder),
]
