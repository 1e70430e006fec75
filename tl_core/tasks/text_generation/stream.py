"""What happens while a model writes, as events, and the spelling of tokens."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tokenizers import Tokenizer

from tl_core.base import records
from tl_core.base.messages import Message
from tl_core.tasks.text_generation.sampling import Distribution, likeliest
from tl_core.text.spelling import spell

SHOWN = 20  # candidates a token


@dataclass(frozen=True)
class Candidate:
    """A token that might have come next. `after` is 0 where the settings cut it."""

    id: int
    text: str
    before: float  # the network's own probability
    after: float  # after penalty, temperature, top-k and top-p


@dataclass(frozen=True)
class Guess:
    """What one block alone would predict (logit lens)."""

    block: str  # "embeddings", "h.0", ...
    candidates: tuple[Candidate, ...]  # `after` repeats `before`
    chosen: float  # probability that it gives to the token that was written


@dataclass(frozen=True)
class Written:
    """One new token.

    `text` may be empty: a character of several tokens appears with its last one. `attention` looks from the token
    before this one back over the tokens in the window, itself last. `heads` is base64 of uint8 [layers, heads, n, n]:
    how much, in 255ths, each of the last n tokens before this one (rows) looked at each of them.
    """

    sample: int  # from 0
    index: int  # from 0 behind the prompt
    id: int
    text: str
    probability: float  # the network's own
    rank: int  # 1: the network's first choice
    kept: int  # tokens that the settings left to draw from
    candidates: tuple[Candidate, ...]
    lens: tuple[Guess, ...] = ()
    attention: tuple[float, ...] = ()
    seconds: float = 0.0  # of the model alone; the first one's reading of the prompt is in it
    logits: tuple[float, ...] = ()  # [vocabulary]
    heads: str = ""


@dataclass(frozen=True)
class Beams:
    """The hypotheses of a beam search after one more token, best first."""

    index: int
    texts: tuple[str, ...]
    scores: tuple[float, ...]  # log-probabilities, natural


@dataclass(frozen=True)
class Remark:
    """Something the reader should know; the writing goes on."""

    message: Message


Reason = Literal["length", "end", "stopped"]


@dataclass(frozen=True)
class Ended:
    """A sample is done."""

    sample: int
    reason: Reason  # "end": the network wrote <|endoftext|>
    tokens: int
    first_seconds: float  # until the first token
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Speed behind the first token."""
        return (self.tokens - 1) / max(self.seconds - self.first_seconds, 1e-9) if self.tokens > 1 else 0.0


Event = Written | Beams | Remark | Ended
_KINDS = {"written": Written, "beams": Beams, "remark": Remark, "ended": Ended}


def to_json(event: Event) -> dict[str, Any]:
    """A plain dictionary that `from_json` reads back, for the way from the engine to the page."""
    kind = next(kind for kind, cls in _KINDS.items() if type(event) is cls)
    if isinstance(event, Remark):
        return {"kind": kind, "message": event.message.to_json()}
    return {"kind": kind, **dataclasses.asdict(event)}


def from_json(data: Mapping[str, Any]) -> Event:
    """Read what `to_json` wrote.

    Raises:
        ValueError: it is something else.
    """
    kind = data.get("kind")
    if kind not in list(_KINDS):
        raise ValueError(f"{kind} is no kind of event")
    return records.build(_KINDS[kind], data)


def candidates(bpe: Tokenizer, spread: Distribution, token: int) -> tuple[Candidate, ...]:
    """The likeliest next tokens by the network's own probability, and `token` behind them if it is none of them."""
    shown = likeliest(spread.before, min(SHOWN, len(spread.before))).tolist()
    if token not in shown:
        shown.append(token)
    return tuple(Candidate(i, spell(bpe, i), float(spread.before[i]), spread.after_of(i)) for i in shown)


@dataclass(frozen=True)
class Loop:
    """A passage that only repeats itself, counted in tokens."""

    start: int  # of its first round
    size: int  # of one round
    repeated: int  # tokens behind the first round; at least `size`

    @property
    def end(self) -> int:
        """Behind its last token."""
        return self.start + self.size + self.repeated


def loops(ids: Sequence[int], least: int = 1, largest: int = 256) -> list[Loop]:
    """All passages in which tokens repeat what stood up to `largest` tokens before, in the order of the text.

    Passages do not overlap: of two that would, the longer stays whole and the other one keeps what is left of it. At
    least `least` tokens and one whole round are repeated. Ordinary text has short ones ("on and on"); a text caught in
    a circle repeats itself for most of its length.
    """
    found: list[Loop] = []
    for passage in sorted(_repetitions(ids, least, largest), key=lambda one: (-one.repeated, one.size)):
        start, end = passage.start, passage.end
        for other in found:
            if other.start < end and start < other.end:
                start, end = max(((start, other.start), (other.end, end)), key=lambda part: part[1] - part[0])
        repeated = end - start - passage.size
        if repeated >= max(least, passage.size):
            found.append(Loop(start, passage.size, repeated))
    return sorted(found, key=lambda one: one.start)


def _repetitions(ids: Sequence[int], least: int, largest: int) -> Iterator[Loop]:
    """Every stretch that goes on repeating at one distance, for each distance; they overlap."""
    for size in range(1, min(largest, len(ids) // 2) + 1):
        run = 0
        for place in range(size, len(ids) + 1):
            if place < len(ids) and ids[place] == ids[place - size]:
                run += 1
                continue
            if run >= max(size, least):
                yield Loop(place - run - size, size, run)
            run = 0
