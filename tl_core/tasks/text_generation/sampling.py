"""From the network's numbers to the next token: penalty, temperature, top-k, top-p, and a seeded draw.

The order is that of transformers: repetition penalty, temperature, top-k, top-p. Sources: Keskar et al. 2019
(https://arxiv.org/abs/1909.05858, penalty), Fan, Lewis & Dauphin 2018 (https://arxiv.org/abs/1805.04833, top-k),
Holtzman et al. 2020 (https://arxiv.org/abs/1904.09751, top-p). NumPy only.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tl_core.base import records
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message

Strategy = Literal["greedy", "sample", "beam"]


@dataclass(frozen=True)
class Settings:
    """How to write."""

    length: int = 50  # new tokens
    strategy: Strategy = "sample"
    temperature: float = 0.8  # below 1 the likely becomes likelier
    top_k: int = 40  # only so many of the likeliest tokens; 0: all
    top_p: float = 0.95  # only the likeliest tokens that together have this probability; 1: all
    repetition_penalty: float = 1.0  # 1: none
    beams: int = 4
    samples: int = 1
    seed: int = 0
    first: int = 0  # number of the first sample; it and those behind it are what they are among all
    told: tuple[int, ...] = ()  # tokens to write first, whatever the draw says: to look at a text that is there
    lens: bool = False  # also what every block would predict
    attention: tuple[int, int] | None = None  # also the attention of (block, head), both from 0
    logits: bool = False  # also the network's raw scores
    heads: bool = False  # also how all heads look from each of the last tokens to each

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `from_json` reads back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Settings":
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        return records.build(cls, data, strict=True)


ARTICLE = Settings(length=50, strategy="greedy")  # the article's call, with the prompt below
ARTICLE_PROMPT = "Once upon a time"


def validate(settings: Settings, layers: int, heads: int) -> None:
    """Check every value.

    Raises:
        UserError: names the setting and the allowed range.
    """
    for name, value, low, high in (
        (message("length"), settings.length, 1, 4096),
        (message("temperature"), settings.temperature, 0.05, 5),
        (message("top-k"), settings.top_k, 0, 100_000),
        (message("top-p"), settings.top_p, 0.01, 1),
        (message("repetition penalty"), settings.repetition_penalty, 0.5, 5),
        (message("beams"), settings.beams, 1, 16),
        (message("samples"), settings.samples, 1, 16),
        (message("seed"), settings.seed, 0, 2**32 - 1),
        (message("block"), settings.attention[0] if settings.attention else 0, 0, layers - 1),
        (message("attention head"), settings.attention[1] if settings.attention else 0, 0, heads - 1),
    ):
        _in_range(name, value, low, high)
    if settings.strategy not in ("greedy", "sample", "beam"):
        raise UserError(
            message("The strategy is {value}.", value=repr(settings.strategy)),
            message("Choose one of: {allowed}.", allowed=["greedy", "sample", "beam"]),
        )


@dataclass(frozen=True)
class Distribution:
    """The probabilities of the next token, before and after the settings.

    Attributes:
        before: float32 [vocabulary], the network's own.
        kept: ids that can still be drawn, likeliest first.
        after: float64 [kept], their probabilities, sum 1.
    """

    before: np.ndarray
    kept: np.ndarray
    after: np.ndarray

    def rank(self, token: int) -> int:
        """1 for the token that the network finds likeliest."""
        return int((self.before > self.before[token]).sum()) + 1

    def after_of(self, token: int) -> float:
        """Probability after the settings; 0 for a token that was cut."""
        place = np.flatnonzero(self.kept == token)
        return float(self.after[place[0]]) if len(place) else 0.0

    def draw(self, settings: Settings, place: Sequence[int]) -> int:
        """The next token: the likeliest (greedy), or one drawn with the seed and `place`, (sample, index)."""
        if settings.strategy == "greedy":
            return int(self.kept[0])
        random = np.random.default_rng((settings.seed, *place)).random()
        place_of = int(np.searchsorted(np.cumsum(self.after), random, side="right"))
        return int(self.kept[min(place_of, len(self.kept) - 1)])


def distribution(logits: np.ndarray, settings: Settings, context: Sequence[int]) -> Distribution:
    """Apply the settings to one token's logits float32 [vocabulary]; `context` holds the tokens so far."""
    before = softmax(logits)
    scores = penalised(logits, settings.repetition_penalty, context)
    if settings.strategy == "greedy":
        return Distribution(before, likeliest(scores, 1), np.ones(1))
    scores = scores / settings.temperature
    kept = likeliest(scores, settings.top_k) if settings.top_k else np.arange(len(scores))
    after = softmax(scores[kept].astype(np.float64))
    if settings.top_p < 1:
        order = _until(after, settings.top_p)
        kept, after = kept[order], after[order]
        after = after / after.sum()
    elif not settings.top_k:
        order = np.argsort(-after, kind="stable")
        kept, after = kept[order], after[order]
    return Distribution(before, kept, after)


def penalised(logits: np.ndarray, penalty: float, context: Sequence[int]) -> np.ndarray:
    """Make tokens that have occurred less likely: positive logits divided by the penalty, negative ones multiplied."""
    if penalty == 1 or not len(context):
        return logits
    seen = np.unique(np.asarray(context))
    scores = logits.copy()
    scores[seen] = np.where(scores[seen] > 0, scores[seen] / penalty, scores[seen] * penalty)
    return scores


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def likeliest(values: np.ndarray, count: int) -> np.ndarray:
    """Indices of the largest values, largest first; of equal ones the smaller index."""
    chosen = np.sort(np.argpartition(-values, count)[:count]) if count < len(values) else np.arange(len(values))
    return chosen[np.argsort(-values[chosen], kind="stable")]


def _until(probabilities: np.ndarray, share: float) -> np.ndarray:
    """Indices of the likeliest entries that first reach `share` together; at least one. Sorts all only if it must."""
    for count in (256, 4096, len(probabilities)):
        order = likeliest(probabilities, min(count, len(probabilities)))
        reached = np.cumsum(probabilities[order])
        if reached[-1] >= share or len(order) == len(probabilities):
            return order[: int(np.searchsorted(reached, share)) + 1]
    raise AssertionError("unreachable: the last round takes all")


def _in_range(name: Message, value: float, low: float, high: float) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise UserError(
            message("The setting {name} is {value}.", name=name, value=repr(value)),
            message("Choose a number from {low} to {high}.", low=low, high=high),
        )
