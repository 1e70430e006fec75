"""A loaded language model with which several readers write at once, each its own text."""

from collections.abc import Callable, Iterator, Sequence

from tokenizers import Tokenizer

from tl_core.base.errors import Stopped
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import generate
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Event
from tl_core.text.pretrained.model import LanguageModel


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
