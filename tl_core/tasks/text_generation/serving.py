"""A loaded language model that several readers write with at once, by turns of a fraction of a second."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import tensorflow as tf
from tokenizers import Tokenizer

from tl_core.base.errors import Stopped
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import generate
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Event
from tl_core.text.pretrained.model import LanguageModel

TURN = 0.05  # seconds that a reader writes while others wait; text still seems to flow


@dataclass
class _Text:
    """One reader's text while it is somebody else's turn."""

    caches: tuple[tf.Tensor, tf.Tensor] | None = None  # keys and values


class Writer:
    """A decoder that is shared: each text goes on where it was when its turn comes again.

    Nobody holds the model while a reader's line is busy, so a slow reader slows nobody else.

    Attributes:
        bytes: of weights and caches.
        version: changes when the model's files do.
    """

    def __init__(self, language: LanguageModel, version: object):
        self.version = version
        self._tokenizer: Tokenizer = language.tokenizer
        self._decoder = Decoder(language.shape, language.weights)
        self._decoder.warm()
        shape = language.shape
        self.bytes = 4 * (shape.parameters + 3 * shape.layers * shape.context * shape.width)
        self._lock = threading.Lock()  # of the two below
        self._queue: deque[threading.Event] = deque()  # who has the turn, then who waits, the longest first
        self._text: _Text | None = None  # whose caches the decoder holds

    def write(
        self, prompt: str | Sequence[int], settings: Settings, written: Sequence[int], is_gone: Callable[[], bool]
    ) -> Iterator[Event]:
        """As `tl_core.tasks.text_generation.generation.generate`; `is_gone` says that nobody reads any more.

        Raises:
            UserError: a setting is out of range.
            Stopped: the reader left before anything was written.
        """
        mine, began = _Text(), 0.0

        def should_stop() -> bool:
            nonlocal began
            if self._wanted and time.monotonic() - began > TURN:  # a long prompt is being read
                self._leave(mine)
                self._enter(mine)
                began = time.monotonic()
            return is_gone()

        events = generate(self._decoder, self._tokenizer, prompt, settings, should_stop, written)
        done = False
        try:
            while not done:
                if is_gone():
                    raise Stopped
                self._enter(mine)
                ready, began = [], time.monotonic()
                try:
                    while not done and (not ready or (self._wanted and time.monotonic() - began < TURN)):
                        event = next(events, None)
                        done = event is None
                        ready += [] if done else [event]
                finally:
                    self._leave(mine)
                yield from ready
        finally:
            with self._lock:
                self._text = None if self._text is mine else self._text

    @property
    def _wanted(self) -> bool:
        """Whether somebody waits."""
        return len(self._queue) > 1

    def _enter(self, mine: _Text) -> None:
        """Wait for the turn, and put the decoder where this text was."""
        ticket = threading.Event()
        with self._lock:
            self._queue.append(ticket)
            if len(self._queue) == 1:
                ticket.set()
        ticket.wait()
        with self._lock:
            other, self._text = self._text, mine
        if other is not None and other is not mine:
            other.caches = self._decoder.kept()
        if mine.caches is not None and other is not mine:
            self._decoder.bring_back(*mine.caches)
            mine.caches = None

    def _leave(self, mine: _Text) -> None:
        """The next one's turn."""
        with self._lock:
            self._queue.popleft()
            if self._queue:
                self._queue[0].set()
