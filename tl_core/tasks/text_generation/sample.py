"""What a model in training writes: always on the same prompt with the same seed, and how much of it is copied."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

from tl_core.base.errors import Stopped
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.copies import Copies
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import generate
from tl_core.tasks.text_generation.progress import Sample
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Ended, Written
from tl_core.text import tokenizer
from tl_core.text.pretrained import model as models
from tl_core.text.pretrained.model import LanguageModel


@dataclass
class Sampler:
    """Lets the network write as it is now."""

    config: TextConfig
    language: LanguageModel
    training: np.ndarray  # int32, tokens of the training part
    should_stop: Callable[[], bool]
    _decoder: Decoder | None = None
    _copies: Copies = field(init=False)

    def __post_init__(self):
        self._copies = Copies(self.training)

    def write(
        self, network: keras.Model, step: int, perplexity: float | None, source_perplexity: float | None
    ) -> Sample:
        """A sample of the weights of this step.

        Args:
            perplexity: of these weights on the validation part, where it is known.
            source_perplexity: and on the source task's text.

        Raises:
            Stopped: `should_stop` says so.
        """
        bpe, weights = self.language.tokenizer, models.hub_weights(network)
        if self._decoder:
            self._decoder.update(weights)
        else:
            self._decoder = Decoder(self.language.shape, weights, changing=True)
        settings = Settings(length=self.config.sample_length, seed=self.config.seed)
        ids, text = [], ""
        for event in generate(self._decoder, bpe, self.config.opening, settings, self.should_stop):
            if isinstance(event, Written):
                ids.append(event.id)
                text += event.text
            elif isinstance(event, Ended) and event.reason == "stopped":
                raise Stopped
        start, length = self._copies.longest(ids)
        before = len(tokenizer.decode(bpe, ids[:start]))
        return Sample(
            step=step,
            prompt=self.config.opening,
            text=text,
            copied=(before, before + len(tokenizer.decode(bpe, ids[start : start + length]))),
            copied_tokens=length,
            perplexity=perplexity,
            source_perplexity=source_perplexity,
        )
