"""Let a language model write and record it: `python -m tl_core record --writing NAME --model MODEL`.

The article's call is what is recorded unless another prompt is given: greedy, fifty tokens.
`tl_core.recordings.generation` reads the result.
"""

import gzip
import json
import os
import time
from dataclasses import replace
from pathlib import Path

from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.recordings import files, generation, play
from tl_core.recordings.lessons import TEXTS, Written
from tl_core.tasks.text_generation import stream
from tl_core.tasks.text_generation.sampling import ARTICLE, ARTICLE_PROMPT, Settings
from tl_core.tasks.text_generation.stream import Event
from tl_core.text.pretrained.registry import CHECKPOINTS

SHOWN = 8  # candidates a token


def record_writing(
    name: str,
    model: str,
    into: Path | None = None,
    *,
    prompt: str = ARTICLE_PROMPT,
    settings: Settings = ARTICLE,
    machine: str = "",
    title: str = "",
    notice: str = "",
) -> Path:
    """Write a text and its recording, in place of an earlier one of the same name.

    Args:
        name: the recording's folder; a key of `lessons.TEXTS` brings title and notice along.
        model: a name of `tl_core.text.pretrained.registry.CHECKPOINTS`, or a folder in the Hub's format.
        into: the folder of all recordings, by default the app's own.
        prompt, settings: what to write.
        machine: instead of what this computer says of itself.
        title, notice: for other names, in English.

    Returns:
        The recording's folder.

    Raises:
        UserError: the model cannot be had or is not the lesson's, or a setting is out of range.
    """
    files.check_name(name)
    lesson = _lesson(name, model, Written(Message(title), Message(notice)))
    moments, events = _write(model, prompt, settings)
    row = CHECKPOINTS.get(model)
    card = generation.Card(
        lesson.title,
        lesson.notice,
        Message(machine) if machine else files.processor(),
        time.strftime("%Y-%m-%d", time.gmtime()),
        Message(row.title) if row else message("a file of its maker's own"),
    )
    with files.made(name, into, []) as folder:
        asked = {"model": files.impersonal(model), "prompt": prompt, "settings": settings.to_json()}
        files.write(folder / "writing.json", asked)
        files.write(folder / "card.json", {key: files.packed(value) for key, value in vars(card).items()})
        lines = [
            {"t": round(moment, 4), **files.rounded(stream.to_json(event))}
            for moment, event in zip(moments, events, strict=True)
        ]
        data = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
        (folder / "tokens.jsonl.gz").write_bytes(gzip.compress(data.encode("utf-8"), 9, mtime=0))
        generation.parsed(data.encode("utf-8"))
    return (into or play.FOLDER) / name


def _lesson(name: str, model: str, given: Written) -> Written:
    """The text of this name with what was given instead; for another name, what was given."""
    known = TEXTS.get(name)
    if known is None and not (given.title.text and given.notice.text):
        raise UserError(
            message("The recording {name} has no title or nothing to notice.", name=name),
            message("Give both with --title and --notice, or choose one of: {allowed}.", allowed=list(TEXTS)),
        )
    if known is None:
        return given
    if known.model != model:
        raise UserError(
            message("This model is not the one that the recording would be called after: {title}.", title=known.title),
            message("Record with --model {model}, or choose another name.", model=known.model),
        )
    title = given.title if given.title.text else known.title
    return replace(known, title=title, notice=given.notice if given.notice.text else known.notice)


def _write(model: str, prompt: str, settings: Settings) -> tuple[list[float], list[Event]]:
    """What the model writes, and when, in seconds; loading and compiling are not counted."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # as the app's engine writes, and as the card will say
    from tl_core.tasks.text_generation.decoder import Decoder
    from tl_core.tasks.text_generation.generation import generate
    from tl_core.text.pretrained import model as models

    language = models.load(model)
    decoder = Decoder(language.shape, language.weights)
    decoder.warm(background=False)
    began, moments, events = time.perf_counter(), [], []
    for event in generate(decoder, language.tokenizer, prompt, settings):
        moments.append(time.perf_counter() - began)
        if isinstance(event, stream.Written):
            shown = event.candidates[:SHOWN]
            chosen = tuple(c for c in event.candidates[SHOWN:] if c.id == event.id)
            event = replace(event, candidates=(*shown, *chosen))
        events.append(event)
    return moments, events
