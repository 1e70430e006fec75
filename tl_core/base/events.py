"""The event log: one JSON object a line, appended with a single write; everything about a run is read from it.

Live curves, comparison, replay and tests read only this file. A crash keeps the curve: a torn last line is skipped.
The file is input: types and ranges are checked where an event is built from a line, so whoever has one may trust it.
What is measured is called by its name in `metrics` (tl_core.base.metrics), so a new metric needs no new field; what was
measured on the validation part has "val_" before its name.
"""

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from tl_core.base import records
from tl_core.base.errors import UserError
from tl_core.base.messages import Message
from tl_core.base.records import Count, Diverging, Moment, Seconds, Within

Rate = Annotated[float, Within(0, 1e15)]  # a second
Metrics = Mapping[str, Diverging]  # name -> value, such as "val_loss" -> 0.4; what was not measured is missing


@dataclass(frozen=True)
class Event:
    """What every event has: when it happened, in seconds since 1970 (UTC)."""

    kind: ClassVar[str]
    t: Moment = field(default_factory=time.time, kw_only=True)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary with `kind` first; Message and UserError values are packed."""
        packed = {item.name: _pack(getattr(self, item.name)) for item in dataclasses.fields(self)}
        return {"kind": self.kind, **packed}


@dataclass(frozen=True)
class Queued(Event):
    """The run waits for a worker. What it was said to cost, where somebody said so."""

    kind = "queued"
    seconds: Seconds | None = None  # from Start to the end
    epoch_seconds: Seconds | None = None  # of an epoch of the last phase, with its validation
    cached: Count | None = None  # bytes of activations


@dataclass(frozen=True)
class Started(Event):
    """A worker has taken the run."""

    kind = "started"
    pid: int = 0
    host: str = ""
    device: str = "CPU"  # name of the GPU, or "CPU"
    precision: str = ""  # in logs of earlier versions; since then a training phase says it
    versions: Mapping[str, str] = field(default_factory=dict)  # library -> version
    resumed_from: Count = 0  # epochs already trained, when resumed
    resumed_step: Count = 0  # optimizer steps already made, where a run can go on within an epoch


@dataclass(frozen=True)
class Phase(Event):
    """A stretch of work begins: downloading, preparing (activations), a training phase, evaluating, saving.

    `total` counts what `Progress` events will count; a training phase also carries its freeze boundary, rate and
    precision.
    """

    kind = "phase"
    phase: str = ""  # "weights", "features", "head", "fine-tuning", "from scratch", "evaluation", "saving"
    total: Count = 0  # images, bytes or epochs, as `unit` says; 0 when unknown
    unit: str = ""  # "images", "bytes", "epochs"
    first_epoch: Count = 0  # number of epochs trained before this phase, in the whole run
    frozen_blocks: Count | None = None
    learning_rate: float | None = None
    trainable: Count | None = None  # parameters
    frozen: Count | None = None  # parameters
    steps_per_epoch: Count | None = None
    precision: str = ""  # the Keras dtype policy in force, of a training phase


@dataclass(frozen=True)
class Progress(Event):
    """How far the phase has come, at most about twice a second; `rate` is in units per second."""

    kind = "progress"
    phase: str = ""
    done: Count = 0
    total: Count = 0
    rate: Rate | None = None


@dataclass(frozen=True)
class Batch(Event):
    """Training metrics of one batch, or their mean over `batches` consecutive ones ending at `step`."""

    kind = "batch"
    phase: str = ""
    epoch: Count = 0  # 1 is the first of the run
    step: Count = 0  # optimizer steps since the run began
    metrics: Metrics = field(default_factory=dict)
    batches: Annotated[int, Within(1, 2**53)] = 1


@dataclass(frozen=True)
class Epoch(Event):
    """An epoch has ended. `seconds` is training time alone, validation is counted in `validation_seconds`."""

    kind = "epoch"
    phase: str = ""
    epoch: Count = 0
    step: Count = 0
    metrics: Metrics = field(default_factory=dict)  # of training, and of validation with "val_" before their names
    seconds: Seconds = 0.0
    validation_seconds: Seconds = 0.0
    rate: Rate = 0.0  # of training, in units per second
    unit: str = ""  # "images", "tokens", "texts"; "" in logs of earlier versions, whose task has one unit only
    best: bool = False  # the best validation loss so far; its weights are on disk


@dataclass(frozen=True)
class Artifact(Event):
    """Something that a run made on its way and that is more than a number: a text, say. Step 0 is before training."""

    kind = "artifact"
    name: str = "sample"
    step: Count = 0
    payload: Mapping[str, Any] = field(default_factory=dict)  # JSON; the task that wrote it checks it where it reads it


@dataclass(frozen=True)
class Trial(Event):
    """One of the many small measurements that an experiment consists of: what was tried, where, and what came out."""

    kind = "trial"
    arm: str = ""  # what is compared: "pretrained", "random"
    place: str = ""  # along what it is compared: the name of a block
    seed: Count = 0
    metrics: Metrics = field(default_factory=dict)


@dataclass(frozen=True)
class Notice(Event):
    """Something the reader should know; the run goes on."""

    kind = "warning"
    message: Message = field(default_factory=lambda: Message(""))


@dataclass(frozen=True)
class Finished(Event):
    """All phases are done and the best weights are saved."""

    kind = "finished"
    best_epoch: Count = 0
    metrics: Metrics = field(default_factory=dict)  # of the weights that are kept, on the validation part if any
    cached: Count | None = None  # bytes of activations that were read from disk
    processor_seconds: Seconds | None = None  # of all cores together, of this attempt
    memory: Count | None = None  # most bytes that the worker held, libraries included


@dataclass(frozen=True)
class Stopped(Event):
    """Somebody pressed Stop; the best weights so far are kept. The rest as in `Finished`."""

    kind = "stopped"
    best_epoch: Count = 0
    metrics: Metrics = field(default_factory=dict)
    cached: Count | None = None
    processor_seconds: Seconds | None = None
    memory: Count | None = None


@dataclass(frozen=True)
class Failed(Event):
    """The run ended with an error. `details` is a traceback or the worker's last words, for the teacher."""

    kind = "failed"
    error: UserError | None = None
    details: str = ""


KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (Queued, Started, Phase, Progress, Batch, Epoch, Artifact, Trial, Notice, Finished, Stopped, Failed)
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
        known kind are skipped; a log that the disk does not give has none.
    """
    try:
        found, offset = lines(path, offset)
    except OSError:
        return [], offset
    parsed = (parse(line) for line in found)
    return [event for event in parsed if event is not None], offset


def lines(path: Path, offset: int = 0) -> tuple[list[bytes], int]:
    """The complete lines from byte `offset` on without their ends, and the offset behind them.

    Raises:
        OSError: the log is there but cannot be read.
    """
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    return data[:end].split(b"\n")[:-1], offset + end


def parse(line: bytes) -> Event | None:
    """One line of a log as an event, or None if it is torn, of an unknown kind, or has a value that cannot be."""
    try:
        record = records.loads(line)
        if isinstance(record, dict):
            record = _upgraded(record)
        cls = KINDS.get(record.pop("kind")) if isinstance(record, dict) else None
        return records.build(cls, {name: _unpack(name, value) for name, value in record.items()}) if cls else None
    except (ValueError, KeyError, TypeError):
        return None


FIELDS = ("loss", "accuracy", "val_loss", "val_accuracy", "source_perplexity")  # once fields of batches and epochs
RENAMED = {"source_perplexity_after": "source_perplexity", "source_perplexity_before": "base_source_perplexity"}


def _upgraded(record: dict[str, Any]) -> dict[str, Any]:
    """A line of an earlier version, whose metrics were fields and whose samples were a kind, as one of today."""
    match record.get("kind"):
        case "batch" | "epoch" if "metrics" not in record:
            metrics = {name: record.pop(name) for name in FIELDS if name in record}
            record["metrics"] = {name: value for name, value in metrics.items() if value is not None}
            if "images_per_second" in record:
                record["rate"] = record.pop("images_per_second")
        case "sample":
            payload = {name: record.pop(name) for name in list(record) if name not in ("kind", "t", "step")}
            record |= {"kind": "artifact", "name": "sample", "payload": payload}
        case "finished" | "stopped" if isinstance(record.get("metrics"), dict):
            record["metrics"] = {RENAMED.get(name, name): value for name, value in record["metrics"].items()}
    return record


def _pack(value: Any) -> Any:
    if isinstance(value, Message):
        return {"message": value.to_json()}
    if isinstance(value, UserError):
        return {"error": value.to_json()}
    return value


def _unpack(name: str, value: Any) -> Any:
    """What `_pack` wrapped: fields that hold a sentence or an error are called so."""
    wrapped = name in ("message", "error") and isinstance(value, dict) and set(value) == {name}
    return value[name] if wrapped else value
