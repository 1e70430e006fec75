"""What a reader does inside a text that is there: look into a token, ask what other settings would make of it, take
another one, switch parts of the network off, hide what came before.

Every look is a text of its own (`pages.server.generations`) in which the model writes what stands there.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pages.server.generations import LONGEST, Look, Writing, begin, get
from tl_core.engine.client import ask
from tl_core.tasks.text_generation import sampling
from tl_core.tasks.text_generation.calls import ABLATE, OCCLUDE, Ablate, Occlude, Part
from tl_core.tasks.text_generation.entries import candidate
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import candidates
from tl_core.text.pretrained import pieces
from tl_core.text.spelling import Speller


def take(owner: str, writing_id: str, sample: int, index: int, token: int) -> Writing | None:
    """Write on from another token: the text stays as it is before `index`, there stands `token`.

    As many tokens as were asked for follow behind it. None if the text is forgotten, or never had this choice.

    Raises:
        UserError: too many texts are being written.
    """
    origin = get(owner, writing_id)
    tokens = origin.tokens(sample) if origin else []
    if not 0 <= index < len(tokens):
        return None
    choices = tokens[index]["candidates"] or _candidates(owner, origin, sample, index)
    place = [choice[0] for choice in choices]
    bpe = pieces.bpe_of(origin.order.base)
    if token not in place or bpe is None:
        return None
    before = [entry["id"] for entry in tokens[:index]]
    chosen = choices[place.index(token)]
    kept = [
        *tokens[:index],
        {
            **tokens[index],
            "id": token,
            "text": Speller(bpe, before).text(token),
            "probability": chosen[2],
            "rank": place.index(token) + 1,
            "candidates": choices,
            "taken": True,
            "lens": [],
        },
    ]
    asked = origin.order.settings.length - origin.kept
    settings = replace(origin.order.settings, length=min(LONGEST, len(kept) + asked), samples=1)
    order = replace(origin.order, settings=replace(settings, first=0), written=(*before, token))
    return begin(owner, order, origin.id, [{**entry, "sample": 0} for entry in kept])


def look(owner: str, writing_id: str, place: Look) -> Writing | None:
    """Let the model read a text up to one token once more, to see inside: what every block predicts, where heads look.

    The answer is a text of that one token, made once. None if the text is forgotten, or there is no such token, or
    none before it.

    Raises:
        UserError: too many texts are being written.
    """
    origin = get(owner, writing_id)
    if origin is None:
        return None
    if known := get(owner, origin.looks.get(place, "")):
        return known
    there = _there(origin, place.sample, place.index)
    if there is None:
        return None
    prompt, before, token = there
    settings = origin.order.settings
    if settings.strategy == "beam":  # its tokens are not drawn one by one: show the network's own probabilities
        settings = Settings(strategy="sample", temperature=1.0, top_k=0, top_p=1.0)
    settings = replace(
        settings, length=len(before) + 1, samples=1, first=0, told=(token,), lens=True, attention=place.attention,
        logits=True, heads=place.heads,
    )  # fmt: skip
    seen = begin(owner, replace(origin.order, prompt=prompt, settings=settings, written=before, pace=0.0), origin.id)
    origin.looks[place] = seen.id
    return seen


def reconsidered(owner: str, writing_id: str, place: Look, settings: Settings) -> dict[str, Any] | None:
    """What other settings would make of a token that has been looked at: {"kept", "candidates"} as in its entry.

    None where nobody has looked, or the text is forgotten.

    Raises:
        UserError: a setting is out of range.
    """
    origin = get(owner, writing_id)
    seen = get(owner, origin.looks.get(place, "")) if origin else None
    there = _there(origin, place.sample, place.index) if origin else None
    if seen is None or seen.logits is None or there is None:
        return None
    sampling.validate(settings, origin.order.shape.layers, origin.order.shape.heads)
    prompt, before, token = there
    spread = sampling.distribution(seen.logits, settings, [*prompt, *before])
    shown = candidates(pieces.bpe_of(origin.order.base), spread, token)
    return {"kept": len(spread.kept), "candidates": [candidate(one) for one in shown]}


def ablated(owner: str, writing_id: str, sample: int, index: int, off: Sequence[Part]) -> list[list[Any]] | None:
    """What might have stood there with these parts of the network switched off: [id, text, before, after] a token.

    None if the text is forgotten, or there is no such token, or none before it.

    Raises:
        UserError: the network has no such part, or the engine cannot answer.
    """
    origin = get(owner, writing_id)
    there = _there(origin, sample, index) if origin else None
    if there is None:
        return None
    rows = ask(ABLATE, Ablate(origin.order.model, *there, tuple(off)))
    return [[row.id, row.text, row.before, row.after] for row in rows]


def occluded(owner: str, writing_id: str, sample: int, index: int, back: Sequence[int]) -> tuple[float, ...] | None:
    """By how much less likely the token would be without the ones so far before it; None as for `ablated`.

    Raises:
        UserError: the engine cannot answer.
    """
    origin = get(owner, writing_id)
    there = _there(origin, sample, index) if origin else None
    return ask(OCCLUDE, Occlude(origin.order.model, *there, tuple(back))) if there else None


def _candidates(owner: str, origin: Writing, sample: int, index: int) -> list[list[Any]]:
    """What a look inside found for a token; beam search itself tells none."""
    for place, look_id in origin.looks.items():
        seen = get(owner, look_id)
        if seen and (place.sample, place.index) == (sample, index) and (tokens := seen.tokens(0)):
            return tokens[0]["candidates"]
    return []


def _there(origin: Writing, sample: int, index: int) -> tuple[tuple[int, ...], tuple[int, ...], int] | None:
    """Prompt and written ids before a token, and its own id; None where there is none, or nothing before it."""
    bpe = pieces.bpe_of(origin.order.base)
    if bpe is None:
        return None
    prompt = pieces.cut(bpe, origin.order.prompt, origin.order.shape).ids
    if sample < 0:
        prompt = prompt[-origin.order.shape.context :]
        return (prompt[:index], (), prompt[index]) if 0 < index < len(prompt) else None
    written = [entry["id"] for entry in origin.tokens(sample)]
    return (prompt, tuple(written[:index]), written[index]) if 0 <= index < len(written) else None
