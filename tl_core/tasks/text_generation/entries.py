"""A text's events as they travel from the engine to the browser: JSON that is made once, figures cut to four digits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tl_core.base import records
from tl_core.tasks.text_generation import stream
from tl_core.tasks.text_generation.stream import Candidate, Event, Guess, Written


def entry(event: Event) -> dict[str, Any]:
    """A plain dictionary that `event` reads back; "kind" is its first key."""
    if not isinstance(event, Written):
        return stream.to_json(event)
    said = {
        "kind": "written",
        "sample": event.sample,
        "index": event.index,
        "id": event.id,
        "text": event.text,
        "probability": _short(event.probability),
        "rank": event.rank,
        "kept": event.kept,
        "seconds": _short(event.seconds),
        "candidates": [candidate(one) for one in event.candidates],
        "lens": [
            [guess.block, [[c.id, c.text, _short(c.before)] for c in guess.candidates], _short(guess.chosen)]
            for guess in event.lens
        ],
        "attention": [_short(weight) for weight in event.attention],
        "heads": event.heads,
    }
    return {**said, "logits": event.logits} if event.logits else said


def candidate(one: Candidate) -> list[Any]:
    """[id, text, probability before and after the settings]."""
    return [one.id, one.text, _short(one.before), _short(one.after)]


def event(data: Mapping[str, Any]) -> Event:
    """Read what `entry` wrote.

    Raises:
        ValueError: it is something else.
    """
    if data.get("kind") != "written":
        return stream.from_json(data)
    shown = tuple(Candidate(*one) for one in data["candidates"])
    lens = tuple(
        Guess(block, tuple(Candidate(token, text, share, share) for token, text, share in guesses), chosen)
        for block, guesses, chosen in data["lens"]
    )
    return replace(records.build(Written, {**data, "candidates": (), "lens": ()}), candidates=shown, lens=lens)


def _short(value: float) -> float:
    return float(f"{value:.4g}")
