"""Runs and experiments that are known by name as recordings: what each is for, and which may be called so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tl_core.base.messages import Message


@dataclass(frozen=True)
class Lesson:
    """What a well-known recording is for, and whether a run, by its config and its classes, is what the title says.

    Of a group of runs the lab's name takes the config's place.

    `untaught` and `untaught_title` take the notice's and the title's place where the network knew nothing.
    """

    title: Message
    data: Message
    notice: Message
    fits: Callable[[Any, tuple[str, ...]], bool] = lambda config, classes: True
    untaught: Message | None = None
    untaught_title: Message | None = None
