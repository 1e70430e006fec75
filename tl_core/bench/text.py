"""Measure generation against KerasHub's own `generate`, and fine-tuning with activations kept against without.

    python -m tl_core.bench.text [--tokens 46] [--small]
    python -m tl_core.bench.text --tuning [--readings 3] [--windows 48] [--small]

On 124 M random float32 weights, which cost what real ones cost. Generation: both write the same number of tokens
behind the same prompt, greedily, after one call that compiles; the first token's time counts the reading of the prompt.
Fine-tuning: the last two blocks learn from the same text, read several times; the first reading computes what is kept.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tl_core.text.pretrained.shape import Shape

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

    from tl_core.tasks.text_generation.decoder import Decoder
    from tl_core.text.pretrained import model, network

    shape = _shape(small)
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


@dataclass(frozen=True)
class Tuning:
    """How long the readings of a text took."""

    name: str
    first: float  # seconds; compilation included
    later: float  # seconds a reading behind the first; the fastest counts
    loss: float  # of the last reading: the same with and without


def measure_tuning(readings: int, windows: int, small: bool, context: int = 128) -> tuple[Tuning, Tuning]:
    """Fine-tune with activations kept, then without: same text, same order, same weights."""
    from tl_core.base import events
    from tl_core.base.paths import ASSETS
    from tl_core.tasks.text_generation import training
    from tl_core.tasks.text_generation.config import TextConfig
    from tl_core.text.data import corpus
    from tl_core.text.pretrained import hub_format, network

    shape, batch = _shape(small), 8
    tales = ASSETS / "weights" / "gpt2-tales"
    with tempfile.TemporaryDirectory(prefix="tl-bench-") as place:
        os.environ["TL_HOME"] = f"{place}/home"
        base = Path(place) / "base"
        hub_format.write(base, shape, network.random_weights(shape, seed=0), tales)
        text = (tales / "held_out.txt").read_text(encoding="utf-8")[: 5 * windows * context]
        taken = corpus.paste(text, name="tales")
        config = TextConfig(
            taken.id,
            str(base),
            validation=0.0,
            batch_size=batch,
            context=context,
            sample_length=1,
        ).with_phase(frozen_blocks=len(shape.blocks) - 2)
        a_reading = _windows(tales, text, context) // batch
        config = replace(config, evaluate_every=a_reading, sample_every=10**6).with_phase(steps=readings * a_reading)
        found = []
        ways = {"activations kept": config, "computed each time": replace(config, cache=False)}
        for name, way in {"warm-up": config.with_phase(steps=1), **ways}.items():
            heard: list[events.Event] = []
            run = Path(place) / name
            run.mkdir()
            training.train(way, taken, run, heard.append, lambda: False, resume=False, started=_nothing)
            if name not in ways:  # the first work of a process waits for libraries
                continue
            rounds = [event for event in heard if isinstance(event, events.Epoch)]
            later = min(event.seconds for event in rounds[1:])
            found.append(Tuning(name, rounds[0].seconds, later, rounds[-1].metrics["loss"]))
    return found[0], found[1]


def _windows(tokenizer_in: Path, text: str, context: int) -> int:
    from tl_core.text import tokenizer

    return (len(tokenizer.encode(tokenizer.load(tokenizer_in), text)) - 1) // context


def _nothing(**facts: object) -> None:
    """Nobody is told that it has started."""


def _shape(small: bool) -> Shape:
    return Shape(4096, 256, 4, 4, 256) if small else Shape()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--tokens", type=int, default=46, help="new tokens, as in the article's call (46)")
    parser.add_argument("--tuning", action="store_true", help="measure fine-tuning instead")
    parser.add_argument("--readings", type=int, default=3, help="with --tuning: how often the text is read, 2 at least")
    parser.add_argument("--windows", type=int, default=48, help="with --tuning: about so many windows of 128 tokens")
    parser.add_argument("--small", action="store_true", help="the bundled model's size instead of 124 M")


def main(args: argparse.Namespace) -> int:
    """Measure and print a table, the ratio first."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if args.tuning:
        kept, plain = measure_tuning(max(2, args.readings), args.windows, args.small)
        whole = [each.first + (max(2, args.readings) - 1) * each.later for each in (kept, plain)]
        print(f"ratio: {plain.later / kept.later:.2f} a reading, {whole[1] / whole[0]:.2f} with the first reading")
        for each in (kept, plain):
            print(
                f"{each.name:<22}first reading {each.first:7.1f} s   a later one {each.later:7.2f} s   "
                f"loss {each.loss:.4f}"
            )
        return 0
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
