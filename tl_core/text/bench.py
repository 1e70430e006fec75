"""Measure generation: this app's stream against KerasHub's own `generate`, on 124 M random float32 weights.

    python -m tl_core.text.bench [--tokens 46] [--small]

Random weights cost what real ones cost. Both write the same number of tokens behind the same prompt, greedily, after
one call that compiles; the first token's time counts the reading of the prompt.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass

PROMPT = (7454, 2402, 257, 640)  # "Once upon a time"


@dataclass(frozen=True)
class Figures:
    """How fast one way of generating is."""

    name: str
    tokens_per_second: float
    first_token: float  # seconds; for a call that does not stream, the whole call
    compilation: float  # seconds


def measure(tokens: int, small: bool, repeats: int = 3) -> list[Figures]:
    """Both ways in turn, `repeats` times each; the best of each counts, since other programs only slow down."""
    import keras_hub
    import numpy as np

    from tl_core.text import model, network
    from tl_core.text.decoder import Decoder
    from tl_core.text.shape import Shape

    shape = Shape(4096, 256, 4, 4, 256) if small else Shape()
    prompt = [token % shape.vocabulary for token in PROMPT]
    weights = network.random_weights(shape, seed=0)
    began = time.perf_counter()
    decoder = Decoder(shape, weights)
    decoder.warm(background=True)
    compiled = [time.perf_counter() - began]
    causal = keras_hub.models.GPT2CausalLM(model.backbone(shape, weights), None)
    length = len(prompt) + tokens
    row = np.zeros((1, length), np.int32)
    row[0, : len(prompt)] = prompt
    inputs = {"token_ids": row, "padding_mask": (np.arange(length) < len(prompt)).astype(np.int32)[None]}
    causal.compile(sampler="greedy")
    began = time.perf_counter()
    causal.generate(inputs, stop_token_ids=None)
    compiled.append(time.perf_counter() - began)
    ours, firsts, theirs = [], [], []
    for _ in range(repeats):
        decoder.rewind(0)
        began = time.perf_counter()
        seen = decoder.read(prompt)
        token = int(seen.logits.argmax())
        firsts.append(time.perf_counter() - began)
        began = time.perf_counter()
        for _ in range(tokens - 1):
            token = int(decoder.read([token]).logits.argmax())
        ours.append((tokens - 1) / (time.perf_counter() - began))
        began = time.perf_counter()
        causal.generate(inputs, stop_token_ids=None)
        theirs.append(time.perf_counter() - began)
    return [
        Figures("this app, streaming", max(ours), min(firsts), compiled[0]),
        Figures("KerasHub generate", tokens / min(theirs), min(theirs), compiled[1]),
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--tokens", type=int, default=46, help="new tokens, as in the article's call (46)")
    parser.add_argument("--small", action="store_true", help="the bundled model's size instead of 124 M")


def main(args: argparse.Namespace) -> int:
    """Measure and print a table, the ratio first."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    ours, theirs = measure(args.tokens, args.small)
    print(f"ratio: {ours.tokens_per_second / theirs.tokens_per_second:.2f}")
    for figures in (ours, theirs):
        print(
            f"{figures.name:<22}{figures.tokens_per_second:8.1f} tokens/s   "
            f"first token {figures.first_token:6.3f} s   compilation {figures.compilation:5.1f} s"
        )
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_arguments(parser)
    sys.exit(main(parser.parse_args()))
