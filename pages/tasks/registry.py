"""What the pages ask of every task, by room: modules of the same names in `pages/tasks/<task>/`, imported on use."""

import importlib
from types import ModuleType

from tl_core.tasks import registry
from tl_core.tasks.registry import Config, Task

ROOMS: dict[str, tuple[str, ...]] = {
    "settings": ("PAGE", "PREFIX", "DEFAULT", "OWN", "values", "put", "begin", "config", "adopt", "link", "from_link"),
    "choices": ("choose_model", "choose_boundary", "summary"),
    "hyperparameters": ("choose_training", "choose_the_rest"),
    "consequences": ("obstacles", "meaning", "told"),
    "figures": ("reached", "speed", "remark", "training", "curves", "resuming", "artifacts", "below", "STAGES"),
    "results": (
        "RUNS",
        "found",
        "watched",
        "columns",
        "beside",
        "laid_over",
        "caution",
        "frozen",
        "length",
        "settings",
    ),
    "report": ("show_report",),
    "lab": ("PAGE", "NONE", "known", "current", "choose", "obstacles", "seconds"),
    "take_home": ("USE", "downloads"),
}


LAB_ROOMS = {"figures": (*ROOMS["figures"], "told")}  # what is asked of a lab


def room(of: Task | Config | None, name: str) -> ModuleType:
    """A room of a task or lab, or of that of an experiment (None: its settings cannot be read)."""
    task = of if isinstance(of, Task) else registry.of(of)
    return importlib.import_module(f"pages.{task.folder}.{task.name}.{name}")
