"""What would come next if a part of the network, or a token of what it has read, were not there.

Ablation switches heads or whole blocks off (Michel et al. 2019, https://arxiv.org/abs/1905.10650: many heads can go and
little is lost). Occlusion hides one token at a time (Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901).
"""

from collections.abc import Sequence

import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.tasks.text_generation.calls import WHOLE, Part
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.sampling import softmax
from tl_core.text.pretrained.shape import Shape

AT_ONCE = 1024  # tokens read in one go, of all answers


def without_parts(decoder: Decoder, ids: Sequence[int], off: Sequence[Part]) -> np.ndarray:
    """Probabilities of what follows `ids` with these parts switched off, float32 [vocabulary].

    A head that is off adds nothing, save the bias that it shares with the other heads of its block; of a block that is
    off nothing is left but the residual stream that passes it.

    Raises:
        UserError: the network has no such part.
    """
    return softmax(decoder.without(ids, [-1], *_switched(decoder.shape, off)))[0]


def without_tokens(decoder: Decoder, ids: Sequence[int], places: Sequence[int]) -> np.ndarray:
    """Probabilities of what follows with one of the ids hidden at a time, float32 [places, vocabulary].

    A hidden token's embedding becomes the average of all tokens' embeddings; its position stays, so nothing moves.
    """
    on, size = _switched(decoder.shape, ()), max(1, AT_ONCE // len(ids))
    rows = [decoder.without(ids, places[start : start + size], *on) for start in range(0, len(places), size)]
    return softmax(np.concatenate(rows))


def _switched(shape: Shape, off: Sequence[Part]) -> tuple[np.ndarray, np.ndarray]:
    """1 for what is on and 0 for what is off: heads [layers, heads] and blocks [layers], float32."""
    heads, blocks = np.ones((shape.layers, shape.heads), np.float32), np.ones(shape.layers, np.float32)
    for block, head in off:
        if not (0 <= block < shape.layers and WHOLE <= head < shape.heads):
            raise UserError(
                message("The network has no head {head} in a block h.{block}.", head=head, block=block),
                message("Choose another one."),
            )
        if head == WHOLE:
            blocks[block] = 0
        else:
            heads[block, head] = 0
    return heads, blocks
