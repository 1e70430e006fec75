"""What the engine answers about texts."""

from collections.abc import Iterator
from pathlib import Path

from tl_core.base.calls import Desk, Run, downloaded
from tl_core.base.errors import UserError
from tl_core.base.events import Event as Training
from tl_core.base.messages import message
from tl_core.tasks.text_generation import export as exports
from tl_core.tasks.text_generation import tuned
from tl_core.tasks.text_generation.calls import Ablate, Compared, Export, Generate, Occlude
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.serving import Writer
from tl_core.tasks.text_generation.stream import Event
from tl_core.text.pretrained import hub_format, registry
from tl_core.text.pretrained import model as models

RUN = "run:"  # how the name of a run's model begins


def generate(asked: Generate, desk: Desk) -> Iterator[Event]:
    """The events of a text as they happen; it ends when nobody reads any more."""
    with desk.use(f"text:{asked.model}") as writer:
        pass  # it is loaded; from here on several texts are written with it together
    yield from writer.write(asked.prompt, asked.settings, asked.written, desk.is_gone)


def ablate(asked: Ablate, desk: Desk) -> tuple[Compared, ...]:
    """The likeliest tokens of the whole network and of the one without these parts, the likeliest of the whole first.

    Raises:
        UserError: the network has no such part.
    """
    with desk.use(f"text:{asked.model}") as writer:
        pass
    return writer.ablated(asked)


def occlude(asked: Occlude, desk: Desk) -> tuple[float, ...]:
    """By how much the token's probability falls without each; 0 where the model does not see it."""
    with desk.use(f"text:{asked.model}") as writer:
        pass
    return writer.occluded(asked)


def export(asked: Export, desk: Desk) -> str:
    """Where the file to take home lies."""
    run = _run(asked.run, desk)
    desk.say(message("Preparing the model…"))
    with desk.building:
        return str(exports.made(run.config, run.folder, asked.form))


def load(name: str, desk: Desk) -> Writer:
    """A language model: a checkpoint's name, a folder's path, or "run:<run id>"."""

    def emit(event: Training) -> None:
        if so_far := downloaded(event):
            desk.say(message("Downloading the language model: {done} of {total} MB", **so_far))

    try:
        before = version(name, desk)
    except (OSError, UserError):
        before = None  # loading says what is wrong
    run = _run(name.removeprefix(RUN), desk) if name.startswith(RUN) else None
    if not (run and tuned.whole(run.folder)):
        registry.obtain(run.config.model if run else name, emit)  # others may build meanwhile
    desk.say(message("Loading the model…"))
    with desk.building:
        language = tuned.load(run.config, run.folder) if run else models.load(name)
        return Writer(language, before)


def version(name: str, desk: Desk) -> object:
    """When a run's model, or a folder, was written; a checkpoint never changes."""
    if name.startswith(RUN):
        return tuned.version(desk.run(name.removeprefix(RUN)).folder)
    if name in registry.CHECKPOINTS:
        return None
    return (Path(name).expanduser() / hub_format.WEIGHTS).stat().st_mtime_ns


def _run(run_id: str, desk: Desk) -> Run:
    run = desk.run(run_id)
    if not isinstance(run.config, TextConfig):
        raise UserError(
            message("The run {name} learned from pictures, not from text.", name=run.name),
            message("Choose another run."),
        )
    return run
