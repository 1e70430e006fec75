"""Which run is learning from a dataset or a text: it cannot be deleted meanwhile."""

import contextlib

from tl_core.runs import store
from tl_core.runs.store import Run
from tl_core.tasks import registry


def busy(material: str) -> Run | None:
    """An active run that learns from what is known by this id, see the rooms `material` of the tasks."""
    for run in store.all():
        with contextlib.suppress(OSError):  # deleted meanwhile
            learns = run.config is not None and registry.of(run.config).room("material").id(run.config) == material
            if learns and store.status(run) in store.ACTIVE:
                return run
    return None
