"""Make a recording of a finished run, of training or of a lab: what `tl_core.recordings.play` reads.

What tells who and where is left out: owner, host, process, absolute paths. What tells how it was made is kept: machine,
date, weights, data; what the run made on its way is kept as it was made. A run on private data is recorded only when
whoever records it says that they may be published. What differs between tasks is said by the task's room `recording`.
"""

import gzip
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from tl_core.base import events
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.recordings import files, play
from tl_core.recordings.play import Card
from tl_core.runs import store
from tl_core.runs.history import halved
from tl_core.runs.store import Run
from tl_core.tasks import registry
from tl_core.tasks.lesson import Lesson
from tl_core.tasks.registry import Config

LARGEST = 300_000  # bytes of a recording, all files together


def record(
    run_id: str,
    name: str,
    into: Path | None = None,
    machine: str = "",
    title: str = "",
    notice: str = "",
    data: str = "",
    public: bool = False,
) -> Path:
    """Write a recording of a finished run, in place of an earlier one of the same name.

    Args:
        run_id: of this computer.
        name: the recording's folder; the name of one of the task's lessons brings title, data and notice along.
        into: the folder of all recordings, by default the app's own.
        machine: instead of what this computer says of itself.
        title, notice: for other names, in English.
        data: what the data are, where they are not those of the lesson, in English.
        public: private data may be published, and with them what shows them.

    Returns:
        The recording's folder.

    Raises:
        UserError: the run has not finished or was interrupted, its data are gone or private, something personal would
            be left in it, or it is too large.
    """
    files.check_name(name)
    run = store.get(run_id)
    config, log = recorded(run, public)
    room = registry.of(config).room("recording")
    classes, given = room.classes(config), Lesson(Message(title), Message(data), Message(notice))
    told = lesson(room.LESSONS, name, config, classes, given, untaught=room.untaught(config))
    with files.made(name, into, [run.owner, run.id]) as folder:
        files.write(folder / "config.json", files.impersonal(config.to_json()))
        write_card(folder, card(told, log, machine, classes, config, config))
        room.keep(run.folder, folder)
        write_log(log, folder / play.LOG)
    return (into or play.FOLDER) / name


def recorded(run: Run, public: bool) -> tuple[Config, list[events.Event]]:
    """What a finished run was and its log from the beginning of the work, its times never going back.

    Raises:
        UserError: it has not finished in one go, or its data are private and not said to be public.
    """
    log = events.read(run.log)[0]
    started = [event for event in log if isinstance(event, events.Started)]
    if run.config is None or store.status(run) != "finished" or len(started) != 1:
        raise UserError(
            message("The run {name} has not finished in one go, so it cannot be recorded.", name=run.name),
            message("Wait until it has finished, or record another one."),
        )
    if registry.of(run.config).room("material").private(run.config) is not None and not public:
        raise UserError(
            message("The run {name} learned from a private text, which its recording would show.", name=run.name),
            message(
                "Record a run on a sample text; or, if the text is yours or in the public domain and everybody may "
                "read it, add --text-is-public."
            ),
        )
    return run.config, _forward(log[log.index(started[0]) :])


def lesson(
    lessons: Mapping[str, Lesson],
    name: str,
    what: Any,
    classes: tuple[str, ...],
    given: Lesson,
    untaught: bool = False,
) -> Lesson:
    """The lesson of this name with what was given instead; for another name, what was given.

    Args:
        what: the config, or what else the lessons ask whether it fits.
        untaught: whether the network knew nothing.

    Raises:
        UserError: title or notice are missing, or it is not what the lesson would call it.
    """
    known = lessons.get(name)
    if known is None and not (given.title.text and given.notice.text):
        raise UserError(
            message("The recording {name} has no title or nothing to notice.", name=name),
            message("Give both with --title and --notice, or choose one of: {allowed}.", allowed=list(lessons)),
        )
    if known is None:
        return given
    if not known.fits(what, classes):
        raise UserError(
            message("This run is not what the recording would be called: {title}.", title=known.title),
            message("Record a run with these settings on the same data, or choose another name."),
        )
    if known.untaught and untaught:
        known = replace(known, notice=known.untaught, title=known.untaught_title or known.title)
    return replace(
        known,
        title=given.title if given.title.text else known.title,
        data=given.data if given.data.text else known.data,
        notice=given.notice if given.notice.text else known.notice,
    )


def card(
    told: Lesson,
    log: Sequence[events.Event],
    machine: str,
    classes: tuple[str, ...],
    taught: Config,
    largest: Config,
) -> Card:
    """The label of a recording that begins with this log.

    Args:
        machine: instead of what this computer says of itself.
        taught: whose weights it names.
        largest: whose data it names.
    """
    started, room = play.started(log), registry.of(taught).room("recording")
    return Card(
        told.title,
        told.notice,
        Message(machine) if machine else machine_of(started),
        time.strftime("%Y-%m-%d", time.gmtime(started.t)),
        room.weights(taught),
        room.data(largest, told.data),
        classes,
    )


def write_card(folder: Path, made: Card) -> None:
    """Write what `play` reads as the card."""
    files.write(folder / "card.json", {key: files.packed(value) for key, value in vars(made).items()})


def machine_of(started: events.Started) -> Message:
    """What a run's computer, which is this one, says of itself; its name is nobody's business."""
    return Message(started.device) if started.device != "CPU" else files.processor()


def write_log(log: Sequence[events.Event], path: Path) -> None:
    """Write the log, compressed; neighbouring batches are averaged until all of its folder fits.

    Raises:
        UserError: it does not.
    """
    rest = sum(other.stat().st_size for other in path.parent.iterdir())
    while True:
        lines = [json.dumps(_short(event), ensure_ascii=False, separators=(",", ":")) for event in log]
        data = gzip.compress("\n".join(lines).encode("utf-8") + b"\n", 9, mtime=0)
        if rest + len(data) < LARGEST:
            break
        thinner = _thinner(log)
        if len(thinner) == len(log):
            raise UserError(
                message("The recording would be larger than {limit} kB.", limit=LARGEST // 1000),
                message("Record a run with fewer epochs."),
            )
        log = thinner
    path.write_bytes(data)
    play.parsed(gzip.decompress(data))


def _forward(log: Sequence[events.Event]) -> list[events.Event]:
    """The log with times that never go back, even if the machine's clock was set back on the way."""
    times = accumulate((event.t for event in log), max)
    return [replace(event, t=t) for event, t in zip(log, times, strict=True)]


def _thinner(log: Sequence[events.Event]) -> list[events.Event]:
    """Half as many batches and half as much progress; nothing else is left out."""
    batches = [event for event in log if isinstance(event, events.Batch)]
    progress = [event for event in log if isinstance(event, events.Progress)]
    others = [event for event in log if not isinstance(event, (events.Batch, events.Progress))]
    batches = halved(batches) if len(batches) > 1 else batches
    return sorted([*batches, *progress[1::2], *others], key=lambda event: event.t)


def _short(event: events.Event) -> dict[str, Any]:
    """An event as JSON, without who and where, its numbers rounded; what the run made keeps every letter."""
    if isinstance(event, events.Started):
        event = replace(event, pid=0, host="")
    known = event.to_json()
    short = {"kind": known.pop("kind"), "t": round(known.pop("t"), 3), **files.rounded(known)}
    return short if isinstance(event, events.Artifact) else files.impersonal(short)
