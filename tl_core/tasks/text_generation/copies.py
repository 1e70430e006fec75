"""How much of a sample is copied: the longest run of its tokens that stands in the training text.

A run of a dozen tokens is a phrase of the language; a run of fifty is learned by heart. So overfitting can be seen.
"""

from collections.abc import Sequence

import numpy as np


class Copies:
    """A training text, int [n] token ids, that can be searched."""

    def __init__(self, tokens: Sequence[int] | np.ndarray):
        self._text = _letters(tokens)

    def longest(self, tokens: Sequence[int]) -> tuple[int, int]:
        """Start and length of the longest run of `tokens` that occurs in the text; (0, 0) if not one token does."""
        sample = _letters(tokens)
        start = length = 0
        for begin in range(len(sample)):
            while begin + length < len(sample) and sample[begin : begin + length + 1] in self._text:
                start, length = begin, length + 1
        return start, length


def _letters(tokens: Sequence[int] | np.ndarray) -> str:
    """One character a token, so that Python's own search does the work; surrogates are stepped over."""
    return "".join(chr(token if token < 0xD800 else token + 0x800) for token in np.asarray(tokens, int).tolist())
