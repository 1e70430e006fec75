"""What the tasks have registered: the room `calls` of each, with its `CALLS` and its `SOURCES`."""

from functools import lru_cache

from tl_core.base.calls import Call, Source
from tl_core.tasks.registry import TASKS


@lru_cache
def calls() -> dict[str, Call]:
    """All that can be asked, by name."""
    return {call.name: call for task in TASKS.values() for call in task.room("calls").CALLS}


@lru_cache
def sources() -> dict[str, Source]:
    """All kinds of models that are kept loaded, by their prefix."""
    return {source.prefix: source for task in TASKS.values() for source in task.room("calls").SOURCES}
