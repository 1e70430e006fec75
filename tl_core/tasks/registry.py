"""The tasks, what can be trained here, and the labs, what can be measured: a frozen row each.

Whatever a config.json holds is read here.

Nothing here imports TensorFlow. What a task does lies in rooms, modules that have the same names in every task; who
needs one asks its row for it, and only then is it imported.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, Protocol

from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.labs.cut import config as cut
from tl_core.labs.cut_texts import config as cut_texts
from tl_core.labs.labels import config as labels
from tl_core.labs.sources import config as sources
from tl_core.tasks.image_classification import config as image_classification
from tl_core.tasks.text_classification import config as text_classification
from tl_core.tasks.text_generation import config as text_generation

# What is asked of every task, by room. Those that are not free of TensorFlow are for the worker and the engine.
ROOMS: dict[str, tuple[str, ...]] = {
    "config": ("read", "title"),
    "material": ("load", "id", "name", "private", "GONE"),
    "paths": ("MADE", "whole"),
    "calls": ("CALLS", "SOURCES"),
    "code": ("keras_code",),
    "packing": ("script_zip",),
    "estimate": ("samples",),
    "ways": ("WAYS", "AGAINST", "BEATEN", "ACROSS", "BESIDE", "usual", "ways", "seeded"),
    "recording": ("LESSONS", "weights", "untaught", "classes", "data", "keep", "result"),
    "training": ("train",),
    "export": (),
}
HEAVY = ("training", "export")
# A lab measures and keeps no model, so less is asked of it.
LAB_ROOMS = {room: ROOMS[room] for room in ("config", "material", "paths", "recording", "training")}


class Config(Protocol):
    """What all experiments have in common."""

    @property
    def kind(self) -> str:
        """Which task it is of."""

    @property
    def epochs(self) -> int:
        """Of all phases together."""

    def to_json(self) -> dict[str, Any]:
        """What its config.json holds."""


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        name: of its package, here and among the pages.
        kind: what a config.json calls it.
        config: the type of its experiments.
        read: a config from what `to_json` gave, validated.
        network: the name of a config's pretrained network, for a reader.
        metrics: what is shown of a run, by the names in its log; the first judges it in words.
        libraries: packages whose versions a run notes down.
        unit: what its speed counts.
        lighter: what to choose where the machine's memory was too small.
        folder: which package it lies in, here and among the pages.
    """

    name: str
    kind: str
    title: Message
    config: type
    read: Callable[[Any], Config]
    network: Callable[[Any], str]
    metrics: tuple[str, ...]
    libraries: tuple[str, ...]
    unit: str
    lighter: Message
    folder: Literal["tasks", "labs"] = "tasks"

    def room(self, name: str) -> ModuleType:
        """One of the task's modules."""
        return importlib.import_module(f"tl_core.{self.folder}.{self.name}.{name}")


_ROWS = (
    Task(
        "image_classification",
        "image",
        message("Image classification"),
        image_classification.RunConfig,
        image_classification.read,
        image_classification.title,
        metrics=("accuracy", "loss"),
        libraries=("tensorflow", "keras", "numpy", "pillow"),
        unit="images",
        lighter=message("Choose a smaller batch, a smaller image size or a smaller backbone."),
    ),
    Task(
        "text_generation",
        "text",
        message("Text generation"),
        text_generation.TextConfig,
        text_generation.read,
        text_generation.title,
        metrics=("perplexity", "loss"),
        libraries=("tensorflow", "keras", "keras-hub", "numpy", "tokenizers"),
        unit="tokens",
        lighter=message("Choose a smaller batch, a shorter context or a smaller model."),
    ),
    Task(
        "text_classification",
        "text_classification",
        message("Text classification"),
        text_classification.TextClassificationConfig,
        text_classification.read,
        text_classification.title,
        metrics=("accuracy", "loss"),
        libraries=("tensorflow", "keras", "keras-hub", "transformers", "numpy", "tokenizers"),
        unit="texts",
        lighter=message("Choose a smaller batch, fewer tokens a text or a smaller encoder."),
    ),
)
TASKS: dict[str, Task] = {row.kind: row for row in _ROWS}
FIRST = _ROWS[0]

# Experiments that are queued, worked on and kept as runs are, but train no model. Their page is called as they are.
LABS: dict[str, Task] = {
    row.kind: row
    for row in (
        Task(
            "cut",
            "cut",
            message("Where should I cut?"),
            cut.CutConfig,
            cut.read,
            cut.title,
            metrics=("accuracy",),
            libraries=("tensorflow", "keras", "numpy", "pillow"),
            unit="images",
            lighter=message("Choose fewer pictures, a smaller image size or a smaller backbone."),
            folder="labs",
        ),
        Task(
            "cut_texts",
            "cut_texts",
            message("Where to cut an encoder?"),
            cut_texts.CutTextsConfig,
            cut_texts.read,
            cut_texts.title,
            metrics=("accuracy",),
            libraries=("tensorflow", "keras", "keras-hub", "transformers", "numpy", "tokenizers"),
            unit="texts",
            lighter=message("Choose fewer texts, fewer tokens a text or a smaller encoder."),
            folder="labs",
        ),
        Task(
            "sources",
            "sources",
            message("Which source helps?"),
            sources.SourcesConfig,
            sources.read,
            sources.title,
            metrics=("accuracy",),
            libraries=("tensorflow", "keras", "numpy", "pillow"),
            unit="images",
            lighter=message("Choose fewer pictures."),
            folder="labs",
        ),
        Task(
            "labels",
            "labels",
            message("Whose label is wrong?"),
            labels.LabelsConfig,
            labels.read,
            labels.title,
            metrics=("accuracy",),
            libraries=("tensorflow", "keras", "numpy", "pillow"),
            unit="images",
            lighter=message("Choose fewer pictures, a smaller image size or a smaller backbone."),
            folder="labs",
        ),
    )
}


def of(config: Config | None) -> Task:
    """The task or lab of an experiment; of one that cannot be read the first task, which was the only one once."""
    return (TASKS | LABS)[config.kind] if config else FIRST


def is_lab(config: Config | None) -> bool:
    """Whether an experiment is a lab's, and so has neither curves of training nor a model."""
    return config is not None and config.kind in LABS


def config(data: Any) -> Config:
    """Build and validate a config from its `to_json`. `kind` says of which task; old files lack it.

    Raises:
        UserError: the task is unknown, a key is unknown or missing, a value is of another type or out of range, the
            network is unknown, or it has fewer blocks than are to be frozen.
    """
    kind = data.get("kind", FIRST.kind) if isinstance(data, Mapping) else FIRST.kind
    task = (TASKS | LABS).get(kind) if isinstance(kind, str) else None
    if task is None:
        raise UserError(
            message("These settings cannot be read: no task is called {kind} here.", kind=str(kind)[:40]),
            message("They may come from another version of the app; set the experiment up again."),
        )
    return task.read(data)


def title(of_config: Config) -> str:
    """The pretrained network's name for a reader: "MobileNet", "GPT-2 (124M)", or the name of a folder."""
    return of(of_config).network(of_config)
