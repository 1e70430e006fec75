"""The spelling of tokens: as running text, and each one for a label."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from tl_core.text import tokenizer


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
