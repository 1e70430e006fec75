"""What the tasks have registered: each has a module `calls` with its `CALLS` and its `SOURCES`."""

import importlib.util
import pkgutil
from functools import lru_cache
from types import ModuleType

import tl_core.tasks
from tl_core.base.calls import Call, Source


@lru_cache
def calls() -> dict[str, Call]:
    """All that can be asked, by name."""
    return {call.name: call for module in _registered() for call in module.CALLS}


@lru_cache
def sources() -> dict[str, Source]:
    """All kinds of models that are kept loaded, by their prefix."""
    return {source.prefix: source for module in _registered() for source in module.SOURCES}


def _registered() -> list[ModuleType]:
    """The module `calls` of every task that has one."""
    folders = [found.name for found in pkgutil.iter_modules(tl_core.tasks.__path__) if found.ispkg]
    modules = [name for task in folders if importlib.util.find_spec(name := f"tl_core.tasks.{task}.calls")]
    return [importlib.import_module(name) for name in modules]
