"""Beam search: keep several continuations at once and write the likeliest as a whole."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from tl_core.base.messages import message
from tl_core.tasks.text_generation.decoder import Decoder, read_prompt
from tl_core.tasks.text_generation.sampling import Settings, likeliest, penalised, softmax
from tl_core.tasks.text_generation.stream import Beams, Ended, Event, Reason, Remark, Written
from tl_core.text import tokenizer
from tl_core.text.spelling import Speller


def search(
    decoder: Decoder,
    bpe: Tokenizer,
    ids: list[int],
    settings: Settings,
    should_stop: Callable[[], bool],
    count: int,
    end: int | None,
) -> Iterator[Event]:
    """Keep the `beams` likeliest continuations; at the end write the best by log-probability per token.

    Source: Wu et al. 2016 (https://arxiv.org/abs/1609.08144), length normalisation with exponent 1.
    """
    began, context = time.perf_counter(), decoder.shape.context
    steps = min(settings.length - count, context // 2)
    if len(ids) + steps > context:
        yield Remark(
            message("Beam search has to fit in {context} tokens: "
                    "it reads the last {kept} of the prompt and writes {new}.",
                    context=context, kept=context - steps, new=steps)
        )  # fmt: skip
        ids = ids[steps - context :]
    first, seen = 0.0, read_prompt(decoder, ids, should_stop)
    reason: Reason = "length"
    done, branches = [], None
    beams = [_Beam((), 0.0, ())]
    logits = seen.logits[None] if seen else np.empty((0, 0))
    for step in range(steps if seen else 0):
        scores = np.stack(
            [
                beam.score + np.log(softmax(penalised(row, settings.repetition_penalty, [*ids, *beam.ids])) + 1e-30)
                for beam, row in zip(beams, logits, strict=True)
            ]
        )
        grown, parents = [], []
        for flat in likeliest(scores.ravel(), 2 * settings.beams).tolist():
            parent, token = divmod(flat, scores.shape[1])
            before = softmax(logits[parent])
            step_facts = (float(before[token]), int((before > before[token]).sum()) + 1)
            beam = _Beam((*beams[parent].ids, token), float(scores[parent, token]), (*beams[parent].facts, step_facts))
            if token == end:
                done.append(beam)
            elif len(grown) < settings.beams:
                grown.append(beam)
                parents.append(parent)
        beams = grown
        first = first or time.perf_counter() - began
        yield Beams(
            count + step, tuple(tokenizer.decode(bpe, beam.ids) for beam in beams), tuple(beam.score for beam in beams)
        )
        if should_stop():
            reason = "stopped"
            break
        if len(done) >= settings.beams and max(b.mean for b in done) > max(b.mean for b in beams):
            break
        if step + 1 < steps:
            branches = branches or decoder.branches(1)
            logits = branches.step(parents, [beam.ids[-1] for beam in beams])
    best = max([*done, *beams], key=lambda beam: beam.mean)
    speller, seconds = Speller(bpe, ()), time.perf_counter() - began
    each = seconds / max(1, len(best.ids))  # all were written together
    for index, (token, (probability, rank)) in enumerate(zip(best.ids, best.facts, strict=True)):
        text = speller.text(token)
        yield Written(0, count + index, token, text, probability, rank, settings.beams, (), seconds=each)
    if seen is None:
        reason = "stopped"
    elif best.ids and best.ids[-1] == end:
        reason = "end"
    yield Ended(0, reason, len(best.ids), first, seconds)


@dataclass(frozen=True)
class _Beam:
    ids: tuple[int, ...]
    score: float  # sum of log-probabilities
    facts: tuple[tuple[float, int], ...]  # probability and rank of each token

    @property
    def mean(self) -> float:
        return self.score / max(1, len(self.ids))
