"""How a model cuts a text into tokens, known without loading the network.

Nothing here imports TensorFlow.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

from tl_core.text import tokenizer
from tl_core.text.pretrained import registry
from tl_core.text.pretrained.shape import Shape
from tl_core.text.spelling import Speller, spell


@dataclass(frozen=True)
class Pieces:
    """A text's tokens.

    Attributes:
        ids: of all tokens.
        labels: how the last of them look, as many as the model sees at once.
        texts: what each of those adds to the text: nothing until a character of several tokens is whole.
    """

    ids: tuple[int, ...]
    labels: tuple[str, ...]
    texts: tuple[str, ...]


def bpe_of(model: str) -> Tokenizer | None:
    """The tokenizer of a model whose files are on this computer, else None.

    Args:
        model: a name of the registry, or the path of a folder in the Hub's format.

    Raises:
        UserError: the name is unknown, or the folder does not hold a whole model.
    """
    source = registry.find(model)
    return _loaded(source.folder) if source else None


def cut(bpe: Tokenizer, prompt: str, shape: Shape) -> Pieces:
    """The tokens of a prompt as the generation reads them: an empty one is the sign that a text begins."""
    if not prompt.strip():
        return Pieces((), (tokenizer.END,), ("",))
    ids = tuple(token for token in tokenizer.encode(bpe, prompt) if token < shape.vocabulary)
    seen, speller = ids[-shape.context :], Speller(bpe, ())
    return Pieces(ids, tuple(spell(bpe, token) for token in seen), tuple(speller.text(token) for token in seen))


@lru_cache(maxsize=8)
def _loaded(folder: Path) -> Tokenizer:
    return tokenizer.load(folder)
