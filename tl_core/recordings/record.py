"""Make a recording of a finished run: `python -m tl_core record RUN --name NAME`.

With `--writing NAME --model MODEL` it is a text that a model writes now, see `tl_core.recordings.record_generation`.

What tells who and where is left out: owner, host, process, absolute paths. What tells how it was made is kept: machine,
date, weights, pictures. `tl_core.recordings.play` reads the result.
"""

import argparse
import contextlib
import getpass
import gzip
import json
import os
import platform
import re
import shutil
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path, PureWindowsPath
from typing import Any

from tl_core.base import events, paths
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.classification import report as reports
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.recordings import play
from tl_core.recordings.lessons import LESSONS, TEXTS, Lesson
from tl_core.recordings.play import NAME, Card
from tl_core.runs import store
from tl_core.runs.history import halved
from tl_core.tasks.image_classification.config import RunConfig

LARGEST = 300_000  # bytes of a recording, all files together
DIGITS = 5  # of every number but times


WEIGHTS = {
    "imagenet": message("ImageNet"),
    "bundled": message("this project's own"),
    "patterns": message("patterns only"),
    "random": message("random"),
}


def record(
    run_id: str,
    name: str,
    into: Path | None = None,
    machine: str = "",
    title: str = "",
    notice: str = "",
    data: str = "",
) -> Path:
    """Write a recording of a finished run, in place of an earlier one of the same name.

    Args:
        run_id: of this computer.
        name: the recording's folder; a key of `LESSONS` brings title, pictures and notice along.
        into: the folder of all recordings, by default the app's own.
        machine: instead of what this computer says of itself.
        title, notice: for other names, in English.
        data: what the pictures are, where they are not those of the lesson, in English.

    Returns:
        The recording's folder.

    Raises:
        UserError: the run has not finished or was interrupted, its pictures are gone, something personal would be
            left in it, or it is too large.
    """
    check_name(name)
    run = store.get(run_id)
    if run.config is not None and run.config.kind == "text":
        raise UserError(
            message("The run {name} learned from text; only runs on pictures can be recorded.", name=run.name),
            message("Record what a language model writes with --writing."),
        )
    log = events.read(run.log)[0]
    started = [event for event in log if isinstance(event, events.Started)]
    if run.config is None or store.status(run) != "finished" or len(started) != 1:
        raise UserError(
            message("The run {name} has not finished in one go, so it cannot be recorded.", name=run.name),
            message("Wait until it has finished, or record another one."),
        )
    dataset = datasets.load(run.config.data.dataset)
    lesson = _lesson(name, run.config, dataset, Lesson(Message(title), Message(data), Message(notice)))
    card = Card(
        lesson.title,
        lesson.notice,
        Message(machine) if machine else machine_of(started[0]),
        time.strftime("%Y-%m-%d", time.gmtime(started[0].t)),
        WEIGHTS.get(run.config.backbone.weights, message("a file of its maker's own")),
        _pictures(lesson.data, dataset, run.config),
        dataset.classes,
    )
    folder = (into or play.FOLDER) / name
    building = folder.with_name(f".{name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        write(building / "config.json", impersonal(run.config.to_json()))
        write(building / "card.json", {key: packed(value) for key, value in vars(card).items()})
        made = reports.load(run.folder, "validation")
        if made is not None:
            reports.save(replace(made, predictions=()), building)
        _write_log(_forward(log[log.index(started[0]) :]), building)
        check(building, [run.owner, *run.folder.parts[-1:]])
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def _lesson(name: str, config: RunConfig, dataset: Dataset, given: Lesson) -> Lesson:
    """The lesson of this name with what was given instead; for another name, what was given."""
    known = LESSONS.get(name)
    if known is None and not (given.title.text and given.notice.text):
        raise UserError(
            message("The recording {name} has no title or nothing to notice.", name=name),
            message("Give both with --title and --notice, or choose one of: {allowed}.", allowed=list(LESSONS)),
        )
    if known is None:
        return replace(given, data=given.data if given.data.text else Message(dataset.name))
    if not known.fits(config, dataset.classes):
        raise UserError(
            message("This run is not what the recording would be called: {title}.", title=known.title),
            message("Record a run with these settings and pictures, or choose another name."),
        )
    if known.untaught and config.backbone.weights == "random":
        known = replace(known, notice=known.untaught, title=known.untaught_title or known.title)
    words = {"title": given.title, "data": given.data, "notice": given.notice}
    return replace(known, **{key: text for key, text in words.items() if text.text})


def _pictures(name: Message, dataset: Dataset, config: RunConfig) -> Message:
    parts = split(dataset, config.data)
    return message(
        "{name}: {training} pictures to train on, {validation} to validate",
        name=name,
        training=f"{len(parts.train):,}",
        validation=f"{len(parts.validation):,}",
    )


def check_name(name: str) -> None:
    """Whether a recording may be called so.

    Raises:
        UserError: it may not.
    """
    if not NAME.fullmatch(name):
        raise UserError(
            message("A recording cannot be called {name}.", name=name),
            message("Use at most 40 small letters, digits and underscores."),
        )


def machine_of(started: events.Started) -> Message:
    """What a run's computer, which is this one, says of itself; its name is nobody's business."""
    return Message(started.device) if started.device != "CPU" else processor()


def processor() -> Message:
    """What this computer says of its processor."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        name = found[1].strip() if found else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return message("{processor}, CPU cores: {n}, no GPU", processor=name, n=cores)


def _write_log(log: Sequence[events.Event], folder: Path) -> None:
    """Write the log, compressed; neighbouring batches are averaged until all fits."""
    rest = sum(path.stat().st_size for path in folder.iterdir())
    while True:
        lines = [json.dumps(impersonal(_short(event)), ensure_ascii=False, separators=(",", ":")) for event in log]
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
    (folder / "events.jsonl.gz").write_bytes(data)
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
    """An event as JSON, without who and where, its numbers rounded."""
    if isinstance(event, events.Started):
        event = replace(event, pid=0, host="")
    known = event.to_json()
    return {"kind": known.pop("kind"), "t": round(known.pop("t"), 3), **rounded(known)}


def rounded(value: Any) -> Any:
    """The same with fewer digits of every number."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner) for inner in value]
    return value


def impersonal(value: Any) -> Any:
    """The same with the name alone of every absolute path."""
    if isinstance(value, str):
        absolute = re.match(r"[/~]|[A-Za-z]:[/\\]", value)
        return PureWindowsPath(value).name if absolute else value
    if isinstance(value, Mapping):
        return {key: impersonal(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [impersonal(inner) for inner in value]
    return value


def check(folder: Path, private: Sequence[str]) -> None:
    """Nothing that tells who or where may have stayed."""
    words = {*private, socket.gethostname(), str(Path.home()), str(paths.home()), str(Path.cwd())}
    with contextlib.suppress(OSError, KeyError):  # a container's user without a name
        words.add(getpass.getuser())
    words -= {"", "/", "root", "localhost"}
    for path in folder.iterdir():
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
        found = [word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
        if found:
            raise UserError(
                message("{file} of the recording would tell {words}.", file=path.name, words=found),
                message("Record a run whose settings and weights do not name them."),
            )


def packed(value: Any) -> Any:
    """A value of a card as JSON."""
    return value.to_json() if isinstance(value, Message) else value


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Write a JSON file that people can read."""
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of `python -m tl_core record`."""
    parser.add_argument("run", nargs="?", help="id of a finished run of this computer (in the address of its page)")
    parser.add_argument("--name", help=f"of the recording; known lessons: {', '.join(LESSONS)}; others need a title")
    parser.add_argument(
        "--writing",
        metavar="NAME",
        help=f"instead of a run: let a language model write; known: {', '.join(TEXTS)}; others need a title",
    )
    parser.add_argument("--model", default="gpt2", help="with --writing: who writes, a name or a folder")
    parser.add_argument("--prompt", help="with --writing: instead of the article's")
    parser.add_argument("--machine", default="", help="what it ran on, instead of what this computer says of itself")
    parser.add_argument("--title", default="", help="in English")
    parser.add_argument("--notice", default="", help="what to look at, in English")
    parser.add_argument("--data", default="", help="what the pictures are, in English")
    parser.add_argument("--into", type=Path, help="folder of all recordings (default: the app's own)")


def main(args: argparse.Namespace) -> int:
    """Record one run, or one text, and say where; 2 if it is not clear what."""
    if args.writing:
        from tl_core.recordings.record_generation import record_writing
        from tl_core.tasks.text_generation.sampling import ARTICLE_PROMPT

        words = {"machine": args.machine, "title": args.title, "notice": args.notice}
        folder = record_writing(args.writing, args.model, args.into, prompt=args.prompt or ARTICLE_PROMPT, **words)
    elif args.run and args.name:
        folder = record(args.run, args.name, args.into, args.machine, args.title, args.notice, args.data)
    else:
        print(message("Name a run and, with --name, its recording; or a text with --writing."), file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {size / 1000:.0f} kB")
    return 0
