"""What the pages ask the engine about pictures and texts, with types; other calls go through `ask` and `stream`."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.classification import report
from tl_core.classification.report import Report
from tl_core.engine.asking import Status, ask, lines, quietly, state, stop, stream, warm
from tl_core.engine.protocol import State
from tl_core.runs import store
from tl_core.tasks.image_classification import calls as pictures
from tl_core.tasks.image_classification import feature_map
from tl_core.tasks.image_classification.calls import (
    Answer,
    Channels,
    Detected,
    Explanation,
    Layout,
    Method,
    Recognized,
)
from tl_core.tasks.image_classification.feature_map import FeatureMap
from tl_core.tasks.text_generation import calls as texts
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Event

__all__ = [
    "Answer",
    "State",
    "ask",
    "classify",
    "detect",
    "evaluate",
    "explain",
    "lay_out",
    "model_file",
    "recognize",
    "state",
    "stop",
    "stream",
    "text_export",
    "warm",
    "write",
    "write_lines",
]

TOGETHER = 16  # pictures sent at once


def classify(
    source: str,
    files: Sequence[tuple[str, bytes]],
    top: int = 5,
    status: Status = quietly,
) -> list[Answer]:
    """Say what is in pictures.

    Args:
        source: "run:<run id>" or "imagenet:<backbone name>".
        files: (name, bytes of a picture file); in any format that ingest takes.
        top: so many classes for each picture, the likeliest first.
        status: takes a sentence about what happens now, about once a second, while there is something to wait for.

    Returns:
        One answer for each file, in order; a file that is no picture has an error instead of labels.

    Raises:
        UserError: the model cannot be loaded, or the engine died.
    """
    answers: list[Answer] = []
    for start in range(0, len(files), TOGETHER):
        names, contents = zip(*files[start : start + TOGETHER], strict=True)
        found = ask(pictures.CLASSIFY, pictures.Classify(source, names, top, contents), status)
        answers += found
    return answers


def explain(source: str, data: bytes, label: str, method: Method, check: bool, status: Status = quietly) -> Explanation:
    """Which places of a picture speak for a class.

    Args:
        source: as for `classify`.
        data: bytes of a picture file.
        label: the class, as the network calls it.
        check: whether the map earns trust, too.

    Raises:
        UserError: the file is no picture, the network does not know the class or cannot be loaded, the engine died.
    """
    return ask(pictures.EXPLAIN, pictures.Explain(source, label, method, check, (data,)), status)


def read_channels(source: str, data: bytes, block: str, status: Status = quietly) -> Channels:
    """What the channels of a block make of a picture.

    Args:
        source: as for `classify`.
        data: bytes of a picture file.
        block: its name; one that the network does not have: the last one.

    Raises:
        UserError: the file is no picture, the network cannot be loaded, or the engine died.
    """
    return ask(pictures.READ_CHANNELS, pictures.ReadChannels(source, block, (data,)), status)


def evaluate(run_id: str, part: report.Part, status: Status = quietly) -> Report:
    """Let a run's network predict one part of its pictures; the report is kept in the run's folder.

    Raises:
        UserError: the run has no model or its pictures are gone, or the engine died.
    """
    ask(pictures.EVALUATE, pictures.Evaluate(run_id, part), status)
    written = report.load(store.get(run_id).folder, part)
    if written is None:
        raise UserError(
            message("The report could not be read after it was written."),
            message("Check that the disk is not full, then try again."),
        )
    return written


def recognize(run_id: str, files: Sequence[bytes], status: Status = quietly) -> Recognized:
    """Whether pictures look like any that a run has learned from; its own are looked at once, with its present weights.

    Args:
        files: picture files, at least one.

    Raises:
        UserError: the run's pictures are gone, none of them validate, or the engine died.
    """
    parts = [
        ask(pictures.RECOGNIZE, pictures.Recognize(run_id, tuple(files[start : start + TOGETHER])), status)
        for start in range(0, len(files), TOGETHER)
    ]
    return replace(parts[-1], pictures=tuple(picture for part in parts for picture in part.pictures))


def detect(run_id: str, other: str, status: Status = quietly) -> Detected:
    """How well a run tells its own pictures from others.

    Args:
        other: id of a dataset, or "drawn:<kind>".

    Raises:
        UserError: as for `recognize`, or the others are gone.
    """
    return ask(pictures.DETECT, pictures.Detect(run_id, other), status)


def lay_out(run_id: str, layout: Layout, status: Status = quietly) -> FeatureMap:
    """The map of the features of a run's validation pictures; it is kept in the run's folder.

    Args:
        layout: "pca", or "tsne", which takes longer.

    Raises:
        UserError: the run has no weights or its pictures are gone, too few validate, or the engine died.
    """
    ask(pictures.LAY_OUT, pictures.LayOut(run_id, layout), status)
    found = feature_map.load(store.get(run_id).folder, layout)
    if found is None:
        raise UserError(
            message("The map could not be read after it was written."),
            message("Check that the disk is not full, then try again."),
        )
    return found


def model_file(run_id: str, status: Status = quietly) -> Path:
    """The run's complete model (.keras: raw pixels in, probabilities out), made now if need be.

    Raises:
        UserError: the run never finished an epoch, or the engine died.
    """
    return Path(ask(pictures.MODEL_FILE, pictures.ModelFile(run_id), status))


def write(
    model: str,
    prompt: str | Sequence[int],
    settings: Settings,
    written: Sequence[int] = (),
    status: Status = quietly,
) -> Iterator[Event]:
    """Let a language model continue a prompt; the events come as they happen.

    Closing the iterator, or this process' death, stops the writing within a token.

    Args:
        model: a name of `tl_core.text.pretrained.registry.CHECKPOINTS`, the path of a folder in the Hub's format, or
            "run:<run id>": the run's model, of its best round so far while it is still training.
        prompt: any text, or the ids of its tokens.
        settings: how to write.
        written: ids already written behind the prompt, for going on behind a token of the reader's own choice.
        status: takes a sentence about what happens now, about once a second, while the model is being loaded.

    Raises:
        UserError: at the first event: the model cannot be had or a setting is out of range; later: the engine died.
    """
    yield from stream(texts.GENERATE, _ordered(model, prompt, settings, written), status)


def write_lines(
    model: str,
    prompt: str | Sequence[int],
    settings: Settings,
    written: Sequence[int] = (),
    status: Status = quietly,
) -> Generator[bytes, None, None]:
    """As `write`, each event as JSON (`tl_core.tasks.text_generation.entries`): for whoever only hands it on."""
    yield from lines(texts.GENERATE, _ordered(model, prompt, settings, written), status)


def _ordered(model: str, prompt: str | Sequence[int], settings: Settings, written: Sequence[int]) -> texts.Generate:
    return texts.Generate(model, _whole(prompt), settings, tuple(written))


def _whole(prompt: str | Sequence[int]) -> str | tuple[int, ...]:
    """A prompt as it can travel: half characters become "?"."""
    return prompt.encode("utf-8", "replace").decode() if isinstance(prompt, str) else tuple(prompt)


def text_export(run_id: str, form: texts.Form, status: Status = quietly) -> Path:
    """A file of a text run's model to take home, made now if need be.

    Args:
        form: "hub", a ZIP in the Hub's format; "keras", a ZIP of a KerasHub preset; "lora", LoRA's weights alone.

    Raises:
        UserError: the run never finished a round, it has no LoRA weights, or the engine died.
    """
    return Path(ask(texts.EXPORT, texts.Export(run_id, form), status))
