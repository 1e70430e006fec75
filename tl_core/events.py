"""The event log: one JSON object a line, appended with a single write; everything about a run is read from it.

Live curves, comparison, replay and tests read only this file. A crash keeps the curve: a torn last line is skipped.
"""

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tl_core.errors import UserError
from tl_core.messages import Message


@dataclass(frozen=True)
class Event:
    """What every event has: when it happened, in seconds since 1970 (UTC)."""

    kind: ClassVar[str]
    t: float = field(default_factory=time.time, kw_only=True)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary with `kind` first; Message and UserError values are packed."""
        packed = {item.name: _pack(getattr(self, item.name)) for item in dataclasses.fields(self)}
        return {"kind": self.kind, **packed}


@dataclass(frozen=True)
class Queued(Event):
    """The run waits for a worker."""

    kind = "queued"


@dataclass(frozen=True)
class Started(Event):
    """A worker has taken the run."""

    kind = "started"
    pid: int = 0
    host: str = ""
    device: str = "CPU"  # name of the GPU, or "CPU"
    precision: str = "float32"  # the Keras dtype policy in force
    versions: Mapping[str, str] = field(default_factory=dict)  # library -> version
    resumed_from: int = 0  # epochs already trained, when resumed
    resumed_step: int = 0  # optimizer steps already made, where a run can go on within an epoch


@dataclass(frozen=True)
class Phase(Event):
    """A stretch of work begins: downloading, preparing (activations), a training phase, evaluating, saving.

    `total` counts what `Progress` events will count; a training phase also carries its freeze boundary and rate.
    """

    kind = "phase"
    phase: str = ""  # "weights", "features", "head", "fine-tuning", "from scratch", "evaluation", "saving"
    total: int = 0  # images, bytes or epochs, as `unit` says; 0 when unknown
    unit: str = ""  # "images", "bytes", "epochs"
    first_epoch: int = 0  # number of epochs trained before this phase, in the whole run
    frozen_blocks: int | None = None
    learning_rate: float | None = None
    trainable: int | None = None  # parameters
    frozen: int | None = None  # parameters
    steps_per_epoch: int | None = None


@dataclass(frozen=True)
class Progress(Event):
    """How far the phase has come, at most about twice a second; `rate` is in units per second."""

    kind = "progress"
    phase: str = ""
    done: int = 0
    total: int = 0
    rate: float | None = None


@dataclass(frozen=True)
class Batch(Event):
    """Training loss and accuracy of one batch, or the mean over `batches` consecutive ones ending at `step`."""

    kind = "batch"
    phase: str = ""
    epoch: int = 0  # 1 is the first of the run
    step: int = 0  # optimizer steps since the run began
    loss: float = 0.0
    accuracy: float = 0.0
    batches: int = 1


@dataclass(frozen=True)
class Epoch(Event):
    """An epoch has ended. `seconds` is training time alone, validation is counted in `validation_seconds`."""

    kind = "epoch"
    phase: str = ""
    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    accuracy: float = 0.0
    val_loss: float | None = None
    val_accuracy: float | None = None
    seconds: float = 0.0
    validation_seconds: float = 0.0
    images_per_second: float = 0.0
    best: bool = False  # the best validation loss so far; its weights are on disk


@dataclass(frozen=True)
class Sample(Event):
    """A language model in training wrote on the run's prompt, always with the same seed; step 0 is the base model."""

    kind = "sample"
    step: int = 0
    prompt: str = ""
    text: str = ""  # what it wrote behind the prompt
    copied: tuple[int, int] = (0, 0)  # the longest stretch copied from the training text: [start, end) in `text`
    copied_tokens: int = 0
    perplexity: float | None = None  # on the validation part
    source_perplexity: float | None = None  # on the source task's text: forgetting shows here


@dataclass(frozen=True)
class Notice(Event):
    """Something the reader should know; the run goes on."""

    kind = "warning"
    message: Message = field(default_factory=lambda: Message(""))


@dataclass(frozen=True)
class Finished(Event):
    """All phases are done and the best weights are saved."""

    kind = "finished"
    best_epoch: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)  # validation loss, accuracy, macro_f1 of the best


@dataclass(frozen=True)
class Stopped(Event):
    """Somebody pressed Stop; the best weights so far are kept."""

    kind = "stopped"
    best_epoch: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed(Event):
    """The run ended with an error. `details` is a traceback or the worker's last words, for the teacher."""

    kind = "failed"
    error: UserError | None = None
    details: str = ""


KINDS: dict[str, type[Event]] = {
    cls.kind: cls for cls in (Queued, Started, Phase, Progress, Batch, Epoch, Sample, Notice, Finished, Stopped, Failed)
}
TERMINAL = ("finished", "stopped", "failed")


def append(path: Path, event: Event) -> None:
    """Append `event` to the log at `path` with one write; a torn line left by a crash is closed first."""
    append_line(path, event.to_json())


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Append one JSON object to a file of lines with one write; a torn line left by a crash is closed first.

    Raises:
        OSError: the disk is full, or the folder is gone.
    """
    line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        while line:  # one write, unless the disk is filling up: then the rest fails aloud
            line = line[os.write(descriptor, line) :]
    finally:
        os.close(descriptor)


def read(path: Path, offset: int = 0) -> tuple[list[Event], int]:
    """Read the events from byte `offset` on.

    Returns:
        The events, and the offset to go on from: behind the last complete line. Lines that are not an event of a
        known kind are skipped.
    """
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    parsed = (parse(line) for line in data[:end].splitlines())
    return [event for event in parsed if event is not None], offset + end


def parse(line: bytes) -> Event | None:
    """One line of a log as an event, or None if it is torn or of an unknown kind."""
    try:
        record = json.loads(line)
        cls = KINDS[record.pop("kind")]
        known = {item.name for item in dataclasses.fields(cls)}
        return cls(**{name: _unpack(value) for name, value in record.items() if name in known})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _pack(value: Any) -> Any:
    if isinstance(value, Message):
        return {"message": value.to_json()}
    if isinstance(value, UserError):
        return {"error": value.to_json()}
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"message"}:
        return Message.from_json(value["message"])
    if isinstance(value, dict) and set(value) == {"error"}:
        return UserError.from_json(value["error"])
    return value
