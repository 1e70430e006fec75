"""Texts that one network reads a token at a time, each with its keys and values, and all of them together.

Texts of one network are read in company: whoever wants its next token waits for those that were there the last time,
and one of them has the network read one token of each. They join and leave between tokens. What a text becomes does
not depend on its company (see `program`).
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from tl_core.tasks.text_generation.program import ROWS, Caches, Program, Seen
from tl_core.text.pretrained.shape import Shape

CHUNK = 256  # tokens of a prompt read between two looks at Stop
PATIENCE = 0.02  # seconds that a text is waited for at least; longer steps are worth a longer wait
LOOSE = 3  # steps for which caches larger than needed are kept: who comes late once is no reason to copy them


class Decoder:
    """A loaded network with the keys and values of one text.

    `length` tokens have been read; `rewind` forgets the last of them. Not for two threads at once; `beside` gives
    another text's, for another thread.

    Args:
        changing: the weights will be replaced with `update` now and then; not compiled, since it writes little.
    """

    def __init__(self, shape: Shape, weights: Mapping[str, np.ndarray], changing: bool = False):
        self._begin(_Company(Program(shape, weights, changing)))
        self._company.program.make(1, self._company.program.rooms[0])

    def _begin(self, company: "_Company") -> None:
        self._company, self._program = company, company.program
        self.shape = company.program.shape
        self.length = 0

    def beside(self) -> "Decoder":
        """Another text with the same network; `leave` when it is done."""
        other = Decoder.__new__(Decoder)
        other._begin(self._company)
        return other

    def leave(self) -> None:
        """Forget the text, and let nobody wait for it."""
        self.length = 0
        self._company.part(self)

    def warm(self, background: bool = True, together: bool = False) -> None:
        """Trace the reading of prompts now, and compile for longer contexts in a thread (or now too).

        Args:
            together: also what several texts need, which is otherwise compiled when there are several.
        """
        self.read([0, 0])
        self.rewind(0)
        sizes = ROWS if together else ROWS[:1]
        if background:
            threading.Thread(target=self._program.make_all, args=[sizes], daemon=True, name="compile").start()
        else:
            self._program.make_all(sizes)

    def update(self, weights: Mapping[str, np.ndarray]) -> None:
        """Replace all weights of a changing network; what it has read is forgotten."""
        self._program.update(weights)
        self.rewind(0)

    def rewind(self, length: int) -> None:
        """Forget all but the first `length` tokens."""
        self.length = min(length, self.length)

    def read(self, tokens: list[int]) -> Seen:
        """Read further tokens; at least one, and no more than the context has room for."""
        if len(tokens) == 1:
            return self._company.read(self, tokens[0])
        keys, values = self._company.caches_of(self)
        seen, *new = self._program.read(tokens, keys, values)
        self._company.replace(self, np.concatenate([keys, new[0]], 1), np.concatenate([values, new[1]], 1))
        return seen

    def block_logits(self, hidden: np.ndarray) -> np.ndarray:
        """What each block alone would predict (the logit lens): [n, width] -> [n, vocabulary].

        Source: nostalgebraist 2020, https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru.
        """
        return self._program.block_logits(hidden)

    def attention(self, queries: np.ndarray, layer: int, head: int) -> np.ndarray:
        """How much the last token read looks at each one so far, itself included: float32 [length], sum 1."""
        keys = self._company.caches_of(self)[0][layer, :, head]
        scores = keys @ queries[layer, head] / np.sqrt(keys.shape[1])
        weights = np.exp(scores - scores.max())
        return weights / weights.sum()

    def attention_maps(self, tokens: Sequence[int], last: int) -> np.ndarray:
        """As `tl_core.text.pretrained.network.attention_maps`; what has been read stays."""
        return self._program.attention_maps(tokens, last)

    def without(
        self, tokens: Sequence[int], hidden: Sequence[int], heads: np.ndarray, blocks: np.ndarray
    ) -> np.ndarray:
        """As `tl_core.tasks.text_generation.program.Program.without`; what has been read stays."""
        return self._program.without(tokens, hidden, heads, blocks)

    def branches(self, count: int) -> "Branches":
        """`count` copies of the text so far that can go on differently (beam search)."""
        keys, values = self._company.caches_of(self)
        spread = lambda cache: tf.repeat(tf.constant(cache)[:, None], count, 1)  # noqa: E731
        return Branches(self._program, spread(keys), spread(values))


def read_prompt(decoder: Decoder, ids: list[int], should_stop: Callable[[], bool]) -> Seen | None:
    """Read the whole prompt; None if stopped on the way."""
    decoder.rewind(0)
    seen = None
    for start in range(0, len(ids), CHUNK):
        if should_stop():
            return None
        seen = decoder.read(ids[start : start + CHUNK])
    return seen


class Branches:
    """Several continuations of one text, each a token longer at every step."""

    def __init__(self, program: Program, keys: tf.Tensor, values: tf.Tensor):
        self._program, self._keys, self._values = program, keys, values

    def step(self, parents: list[int], tokens: list[int]) -> np.ndarray:
        """Go on from branch `parents[i]` with `tokens[i]`; returns logits [branches, vocabulary]."""
        logits, self._keys, self._values = self._program.branch(parents, tokens, self._keys, self._values)
        return logits.numpy()


class _Company:
    """The texts of one network, and the caches that they share.

    A text has a row of the caches from the step in which it joins, and keeps it until another one needs it; without a
    row its keys and values are put aside.
    """

    def __init__(self, program: Program):
        self.program = program
        self._turn = threading.Condition()  # of all below
        self._rows: list[Decoder | None] = [None]
        self._caches = Caches(program.shape, 1, program.rooms[0])
        self._aside: dict[Decoder, tuple[np.ndarray, np.ndarray]] = {}
        self._wanted: dict[Decoder, int] = {}  # tokens to be read, who came first at the front
        self._seen: dict[Decoder, Seen | BaseException] = {}
        self._expected: set[Decoder] = set()  # who was in the last step and has not come again
        self._deadline = 0.0  # until which they are waited for
        self._loose = 0  # steps for which smaller caches would have been enough

    def read(self, text: Decoder, token: int) -> Seen:
        """Read one token of this text, with those of the others."""
        with self._turn:
            self._wanted[text] = token
            self._expected.discard(text)
            while text not in self._seen:
                left = self._deadline - time.monotonic()
                if not self._expected or left <= 0:
                    self._step()
                else:
                    self._turn.wait(left)
            seen = self._seen.pop(text)
        if isinstance(seen, BaseException):
            raise seen
        return seen

    def caches_of(self, text: Decoder) -> tuple[np.ndarray, np.ndarray]:
        """A copy of the keys and values of this text, [layers, length, heads, size]."""
        with self._turn:
            return self._copy(text)

    def replace(self, text: Decoder, keys: np.ndarray, values: np.ndarray) -> None:
        """Give this text other keys and values."""
        with self._turn:
            self._unseat(text)
            self._aside[text] = keys, values
            text.length = keys.shape[1]

    def part(self, text: Decoder) -> None:
        """Forget a text."""
        with self._turn:
            self._unseat(text)
            for place in (self._aside, self._wanted, self._seen):
                place.pop(text, None)
            if text in self._expected:
                self._expected.discard(text)
                self._turn.notify()  # perhaps it was the last one to be waited for

    def _step(self) -> None:
        """Read a token of each text that waits, as many at once as there is a program for."""
        began = time.monotonic()
        texts = self._chosen()
        try:
            seated = {row: text for row, text in enumerate(self._rows) if text is not None and text in texts}
            tokens, lengths = (
                [self._wanted[text] for text in seated.values()],
                [text.length for text in seated.values()],
            )
            seen = self.program.step(list(seated), tokens, lengths, self._caches)
            self._seen |= zip(seated.values(), seen, strict=True)
            for text in texts:  # now: the next step may move them before they wake
                text.length += 1
        except BaseException as error:
            self._seen |= dict.fromkeys(texts, error)
        for text in texts:
            del self._wanted[text]
        self._expected = set(texts) - set(self._wanted)
        ended = time.monotonic()
        self._deadline = ended + max(PATIENCE, ended - began)
        self._turn.notify_all()

    def _chosen(self) -> set[Decoder]:
        """Whose token is read now; they have rows, in caches for which there is a program."""
        waiting = list(self._wanted)
        room = self.program.room(max(text.length for text in waiting) + 1)
        rows = self.program.rows(len(waiting), room)
        texts = waiting[:rows]
        caches = self._caches
        fits = len(texts) <= caches.rows and room <= caches.room and self.program.is_made(caches.rows, caches.room)
        self._loose = self._loose + 1 if fits and (rows, room) != (caches.rows, caches.room) else 0
        if not fits or self._loose > LOOSE:
            for text in filter(None, self._rows):
                self._put_aside(text)
            self._caches, self._rows, self._loose = Caches(self.program.shape, rows, room), [None] * rows, 0
        for text in texts:
            if text not in self._rows:
                row = next(row for row, other in enumerate(self._rows) if other is None or other not in texts)
                if (leaving := self._rows[row]) is not None:
                    self._put_aside(leaving)
                self._rows[row] = text
                if text.length:
                    keys, values = self._aside.pop(text)
                    self._caches.put(row, 0, keys[:, : text.length], values[:, : text.length])
        return set(texts)

    def _put_aside(self, text: Decoder) -> None:
        self._aside[text] = self._copy(text)
        self._unseat(text)

    def _unseat(self, text: Decoder) -> None:
        if text in self._rows:
            self._rows[self._rows.index(text)] = None

    def _copy(self, text: Decoder) -> tuple[np.ndarray, np.ndarray]:
        if text in self._rows:
            keys, values = self._caches.kept(self._rows.index(text), text.length)
            return keys.copy(), values.copy()
        if text.length:
            keys, values = self._aside[text]
            return keys[:, : text.length], values[:, : text.length]
        shape = self.program.shape
        empty = np.zeros((shape.layers, 0, shape.heads, shape.width // shape.heads), np.float32)
        return empty, empty
