"""A loaded language model with which several readers write at once, each its own text."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from tokenizers import Tokenizer

from tl_core.base.errors import Stopped
from tl_core.tasks.text_generation import ablation
from tl_core.tasks.text_generation.calls import Ablate, Compared, Occlude
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import beginning, generate, window
from tl_core.tasks.text_generation.sampling import Settings, likeliest
from tl_core.tasks.text_generation.stream import Event
from tl_core.text.pretrained.model import LanguageModel
from tl_core.text.spelling import spell

SHOWN = 6  # tokens that are compared: the likeliest of the whole network, and as many of the one without its parts


class Writer:
    """A network that is shared: the next tokens of all texts are computed together, and each is what it is alone.

    A slow reader slows nobody else: the others go on without that text until it comes again.

    Attributes:
        bytes: of weights and one text's caches.
        version: changes when the model's files do.
    """

    def __init__(self, language: LanguageModel, version: object):
        self.version = version
        self._tokenizer: Tokenizer = language.tokenizer
        self._decoder = Decoder(language.shape, language.weights)
        self._decoder.warm()
        self._whole: tuple[list[int], np.ndarray] = [], np.empty(0)  # what follows the ids that were last asked about
        shape = language.shape
        transposed = shape.vocabulary * shape.width
        self.bytes = 4 * (shape.parameters + transposed + 2 * shape.layers * shape.context * shape.width)

    def write(
        self, prompt: str | Sequence[int], settings: Settings, written: Sequence[int], is_gone: Callable[[], bool]
    ) -> Iterator[Event]:
        """As `tl_core.tasks.text_generation.generation.generate`; `is_gone` says that nobody reads any more.

        Raises:
            UserError: a setting is out of range.
            Stopped: the reader left before anything was written.
        """
        decoder = self._decoder.beside()
        events = generate(decoder, self._tokenizer, prompt, settings, is_gone, written)
        try:
            if is_gone():
                raise Stopped
            yield from events
        finally:
            events.close()
            decoder.leave()

    def ablated(self, asked: Ablate) -> tuple[Compared, ...]:
        """As `tl_core.tasks.text_generation.predict.ablate`."""
        ids = self._seen(asked.prompt, asked.written)
        before = self._before(ids)
        after = ablation.without_parts(self._decoder, ids, asked.off) if asked.off else before
        shown = {*likeliest(before, SHOWN).tolist(), *likeliest(after, SHOWN).tolist(), asked.token}
        order = sorted(shown, key=lambda token: (-before[token], token))
        return tuple(
            Compared(token, spell(self._tokenizer, token), float(before[token]), float(after[token])) for token in order
        )

    def occluded(self, asked: Occlude) -> tuple[float, ...]:
        """As `tl_core.tasks.text_generation.predict.occlude`."""
        ids = self._seen(asked.prompt, asked.written)
        places = [len(ids) - back for back in asked.back if 1 <= back <= len(ids)]
        without = ablation.without_tokens(self._decoder, ids, places)[:, asked.token] if places else []
        falls = dict(zip(places, self._before(ids)[asked.token] - without, strict=True))
        return tuple(float(falls.get(len(ids) - back, 0.0)) for back in asked.back)

    def _before(self, ids: list[int]) -> np.ndarray:
        """What follows with nothing taken away; kept for the next click on the same text."""
        known, found = self._whole
        if known != ids:
            found = ablation.without_parts(self._decoder, ids, ())
            self._whole = ids, found
        return found

    def _seen(self, prompt: Sequence[int], written: Sequence[int]) -> list[int]:
        """The tokens that the network had before it when it chose the next one."""
        begun = list(prompt) or [beginning(self._tokenizer)]
        return [*begun, *written][-window(len(begun), len(written), self._decoder.shape.context) :]
