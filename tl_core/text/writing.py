"""What happens while a model writes, as events, and the spelling of tokens."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tokenizers import Tokenizer

from tl_core import records
from tl_core.messages import Message
from tl_core.text import tokenizer


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
    before this one back over the tokens in the window, itself last.
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


@dataclass(frozen=True)
class Ended:
    """A sample is done."""

    sample: int
    reason: Literal["length", "end", "stopped"]  # "end": the network wrote <|endoftext|>
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


class Speller:
    """Turns tokens into text as soon as characters are whole."""

    def __init__(self, bpe: Tokenizer, before: Sequence[int]):
        self._bpe, self._pending = bpe, []
        for token in before:
            self.text(token)

    def text(self, token: int) -> str:
        self._pending.append(token)
        text = tokenizer.decode(self._bpe, self._pending)
        if text.endswith("\ufffd") and len(self._pending) < 4:
            return ""
        self._pending.clear()
        return text


def spell(bpe: Tokenizer, token: int) -> str:
    """A token for a label: its text, or its bytes in hex where they are no whole character."""
    text = tokenizer.decode(bpe, [token])
    if "\ufffd" not in text:
        return text
    return tokenizer.hex_bytes(bpe, token)


@dataclass(frozen=True)
class Loop:
    """A passage that only repeats itself, counted in tokens."""

    start: int  # of its first round
    size: int  # of one round
    repeated: int  # tokens behind the first round; at least `size`


def loop(ids: Sequence[int], largest: int = 256) -> Loop | None:
    """The longest passage in which tokens repeat what stood up to `largest` tokens before; None without one."""
    best = None
    for size in range(1, min(largest, len(ids) // 2) + 1):
        run = 0
        for place, (first, second) in enumerate(zip(ids, ids[size:], strict=False)):
            run = run + 1 if first == second else 0
            if run >= size and (best is None or run > best.repeated):
                best = Loop(place + 1 - run, size, run)
    return best


def longest_loop(ids: Sequence[int]) -> int:
    """How many tokens in a row only repeat what stood a fixed distance before, at least one whole repetition.

    Ordinary text has a few ("on and on"); a text caught in a loop has most of its length.
    """
    found = loop(ids, len(ids))
    return found.repeated if found else 0
