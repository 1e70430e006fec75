"""The sizes of a GPT-2: its blocks, which the freeze boundary counts, and the names and shapes of its weights.

Nothing here imports TensorFlow.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """What config.json says about the network."""

    vocabulary: int = 50257
    context: int = 1024  # tokens
    layers: int = 12
    heads: int = 12
    width: int = 768

    @property
    def parameters(self) -> int:
        """All weights; the output layer shares the token embedding."""
        return sum(block.parameters for block in self.blocks) + 2 * self.width

    @property
    def blocks(self) -> tuple["Block", ...]:
        """What the freeze boundary counts: the embeddings, then the blocks h.0, h.1, ...

        The last normalisation `ln_f` belongs to the head, as the output layer does, which shares the token embedding:
        it is frozen with the embeddings.
        """
        block = 12 * self.width**2 + 13 * self.width
        embeddings = Block("embeddings", (self.vocabulary + self.context) * self.width)
        return (embeddings, *(Block(f"h.{layer}", block) for layer in range(self.layers)))


@dataclass(frozen=True)
class Block:
    """One step of the freeze boundary and its number of weights."""

    name: str
    parameters: int


def weight_shapes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """Every weight's name and shape in the order of the network, as the Hub names them (kernels are [in, out])."""
    width = shape.width
    named: dict[str, tuple[int, ...]] = {"wte.weight": (shape.vocabulary, width), "wpe.weight": (shape.context, width)}
    for layer in range(shape.layers):
        named |= {f"h.{layer}.{name}": size for name, size in block_shapes(width).items()}
    return named | {"ln_f.weight": (width,), "ln_f.bias": (width,)}


def block_shapes(width: int) -> dict[str, tuple[int, ...]]:
    """The weights of one block."""
    return {
        "ln_1.weight": (width,),
        "ln_1.bias": (width,),
        "attn.c_attn.weight": (width, 3 * width),
        "attn.c_attn.bias": (3 * width,),
        "attn.c_proj.weight": (width, width),
        "attn.c_proj.bias": (width,),
        "ln_2.weight": (width,),
        "ln_2.bias": (width,),
        "mlp.c_fc.weight": (width, 4 * width),
        "mlp.c_fc.bias": (4 * width,),
        "mlp.c_proj.weight": (4 * width, width),
        "mlp.c_proj.bias": (width,),
    }
