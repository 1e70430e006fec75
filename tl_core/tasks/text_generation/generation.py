"""Write text token by token, and show the inside of each step: what was likely, what was cut, what each block thought.

`generate` is a generator of events in the order in which things happen; whoever consumes it may stop at any time.
"""

import base64
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

import numpy as np
from tokenizers import Tokenizer

from tl_core.base.messages import message
from tl_core.tasks.text_generation import beam
from tl_core.tasks.text_generation.decoder import Decoder, Seen, read_prompt
from tl_core.tasks.text_generation.sampling import Distribution, Settings, distribution, likeliest, softmax, validate
from tl_core.tasks.text_generation.stream import (
    Candidate,
    Ended,
    Event,
    Guess,
    Reason,
    Remark,
    Written,
    candidates,
)
from tl_core.text import tokenizer
from tl_core.text.spelling import Speller, spell

LENS_SHOWN = 3  # candidates a block
HEADS_SHOWN = 24  # tokens among which all heads are shown


def generate(
    decoder: Decoder,
    bpe: Tokenizer,
    prompt: str | Sequence[int],
    settings: Settings,
    should_stop: Callable[[], bool] = lambda: False,
    written: Sequence[int] = (),
) -> Generator[Event, None, None]:
    """Continue `prompt`.

    Args:
        decoder: of the model; what it has read before is forgotten.
        bpe: the model's tokenizer.
        prompt: a text, or the ids of its tokens.
        written: ids already written behind the prompt, in the first sample; the writing goes on behind them exactly
            as if it had written them itself (it was paused, or a reader chose another token). Their number is part of
            `settings.length`.

    Raises:
        UserError: a setting is out of range.
    """
    shape = decoder.shape
    validate(settings, shape.layers, shape.heads)
    end = bpe.token_to_id(tokenizer.END)
    blank = isinstance(prompt, str) and not prompt.strip()
    ids = [i for i in (tokenizer.encode(bpe, prompt) if isinstance(prompt, str) else prompt) if i < shape.vocabulary]
    if blank or not ids:
        yield Remark(message("The prompt is empty: the model begins a text of its own."))
        ids = [beginning(bpe)]
    if settings.strategy == "beam":
        yield from beam.search(decoder, bpe, [*ids, *written], settings, should_stop, len(written), end)
        return
    told = len(ids) > shape.context  # of what happens to a text that is too long: once is enough
    if told:
        yield Remark(
            message(
                "The prompt has {count} tokens and the model sees {context} at once: it reads the last {context}, and "
                "goes on with the last {kept} whenever they are full.",
                count=len(ids),
                context=shape.context,
                kept=shape.context // 2,
            )
        )
    for sample in range(settings.first, settings.samples):
        before = list(written) if sample == settings.first else []
        reason, told = yield from _one_sample(decoder, bpe, ids, before, settings, should_stop, sample, end, told)
        if reason == "stopped":
            return


def _one_sample(
    decoder: Decoder,
    bpe: Tokenizer,
    prompt: list[int],
    written: list[int],
    settings: Settings,
    should_stop: Callable[[], bool],
    sample: int,
    end: int | None,
    told: bool,
) -> Generator[Event, None, tuple[str, bool]]:
    """Returns how it ended, and whether by now it has been told that the window slides."""
    began, seconds, first, context = time.perf_counter(), 0.0, 0.0, decoder.shape.context
    ids, speller = [*prompt, *written], Speller(bpe, written)
    seen = read_prompt(decoder, ids[-window(len(prompt), len(written), context) :], should_stop)
    count = len(written)
    reason: Reason = "length"
    while seen is not None and count < settings.length:
        spread = distribution(seen.logits, settings, ids)
        given = settings.told[count - len(written) :]
        token = given[0] if given else spread.draw(settings, (sample, count))
        event = _written(decoder, bpe, speller, seen, spread, token, settings, sample, count, ids)
        took = time.perf_counter() - began
        yield replace(event, seconds=took)
        ids.append(token)
        count += 1
        seconds += took
        first = first or took
        stopped = should_stop()
        began = time.perf_counter()  # whoever reads may take their time: it is not the model's
        if token == end:
            reason = "end"
            break
        if stopped:
            reason = "stopped"
            break
        if count < settings.length:
            if decoder.length == context:
                if not told:
                    yield _slid(context)
                    told = True
                decoder.rewind(0)
                seen = decoder.read(ids[-(context // 2) :])
            else:
                seen = decoder.read([token])
    if seen is None:
        reason = "stopped"
    yield Ended(sample, reason, count - len(written), first, seconds)
    return reason, told


def beginning(bpe: Tokenizer) -> int:
    """The token behind which a model begins a text of its own."""
    end = bpe.token_to_id(tokenizer.END)
    return end if end is not None else 0


def window(prompt: int, written: int, context: int) -> int:
    """Tokens that the network sees behind so many: a full window goes on with its newer half."""
    seen = min(prompt, context)
    for _ in range(written):
        seen = context // 2 if seen == context else seen + 1
    return seen


def _written(
    decoder: Decoder,
    bpe: Tokenizer,
    speller: Speller,
    seen: Seen,
    spread: Distribution,
    token: int,
    settings: Settings,
    sample: int,
    index: int,
    ids: list[int],
) -> Written:
    lens: tuple[Guess, ...] = ()
    attention, heads = (), ""
    if settings.lens:
        names = [block.name for block in decoder.shape.blocks]
        guesses = softmax(decoder.block_logits(seen.hidden))
        lens = tuple(_guess(bpe, name, row, token) for name, row in zip(names, guesses, strict=True))
    if settings.attention:
        attention = tuple(decoder.attention(seen.queries, *settings.attention).tolist())
    if settings.heads:
        maps = decoder.attention_maps(ids[-decoder.length :], HEADS_SHOWN)
        heads = base64.b64encode(np.round(255 * maps).astype(np.uint8).tobytes()).decode()
    return Written(
        sample=sample,
        index=index,
        id=token,
        text=speller.text(token),
        probability=float(spread.before[token]),
        rank=spread.rank(token),
        kept=len(spread.kept),
        candidates=candidates(bpe, spread, token),
        lens=lens,
        attention=attention,
        logits=tuple(np.round(seen.logits.astype(np.float64), 4).tolist()) if settings.logits else (),
        heads=heads,
    )


def _guess(bpe: Tokenizer, block: str, probabilities: np.ndarray, token: int) -> Guess:
    best = likeliest(probabilities, LENS_SHOWN).tolist()
    shown = tuple(Candidate(i, spell(bpe, i), float(probabilities[i]), float(probabilities[i])) for i in best)
    return Guess(block, shown, float(probabilities[token]))


def _slid(context: int) -> Remark:
    return Remark(
        message(
            "The text is longer than the {context} tokens that the model sees at once: "
            "it goes on with the last {kept} whenever they are full.",
            context=context,
            kept=context // 2,
        )
    )
