"""Measure generation against KerasHub's own `generate`, several texts against one, and fine-tuning with
activations kept against without.

    python -m tl_core.bench.text [--tokens 46] [--small]
    python -m tl_core.bench.text --together [--tokens 46] [--small]
    python -m tl_core.bench.text --tuning [--readings 3] [--windows 48] [--small]

On 124 M random float32 weights, which cost what real ones cost. Generation: both write the same number of tokens
behind the same prompt, greedily, after one call that compiles; the first token's time counts the reading of the prompt.
Together: 1, 8 and 30 texts are sampled at once, each with its own prompt and seed and with all that a page shows of a
token, between two measurements of one stream against KerasHub; a rate counts from the question to the last token.
Fine-tuning: the last two blocks learn from the same text, read several times; the first reading computes what is kept.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from tl_core.text.pretrained.shape import Shape

COMPANIES = (1, 8, 30)  # numbers of texts at once
PROMPT = (7454, 2402, 257, 640)  # "Once upon a time"


@dataclass(frozen=True)
class Figures:
    """How fast one way of generating is."""

    name: str
    tokens_per_second: float
    first_token: float  # seconds; for a call that does not stream, the whole call
    compilation: float  # seconds


class Generation:
    """Both ways of generating, compiled; each method measures one of them once.

    Args:
        together: also compile what several texts need.
    """

    def __init__(self, tokens: int, small: bool, together: bool = False):
        import keras_hub
        import numpy as np

        from tl_core.tasks.text_generation.decoder import Decoder
        from tl_core.text.pretrained import model, network

        self.tokens, self.shape = tokens, _shape(small)
        self._prompt = [token % self.shape.vocabulary for token in PROMPT]
        weights = network.random_weights(self.shape, seed=0)
        began = time.perf_counter()
        self.decoder = Decoder(self.shape, weights)
        self.decoder.warm(background=not together, together=together)
        compiled = time.perf_counter()
        self._causal = keras_hub.models.GPT2CausalLM(model.backbone(self.shape, weights), None)
        length = len(self._prompt) + tokens
        row = np.zeros((1, length), np.int32)
        row[0, : len(self._prompt)] = self._prompt
        mask = (np.arange(length) < len(self._prompt)).astype(np.int32)[None]
        self._inputs = {"token_ids": row, "padding_mask": mask}
        self._causal.compile(sampler="greedy")
        loaded = time.perf_counter()
        self.theirs()
        self.compilation = compiled - began, time.perf_counter() - loaded

    def ours(self) -> tuple[float, float]:
        """Tokens per second behind the first, and the first one's seconds."""
        self.decoder.rewind(0)
        began = time.perf_counter()
        token = int(self.decoder.read(self._prompt).logits.argmax())
        first = time.perf_counter() - began
        began = time.perf_counter()
        for _ in range(self.tokens - 1):
            token = int(self.decoder.read([token]).logits.argmax())
        return (self.tokens - 1) / (time.perf_counter() - began), first

    def theirs(self) -> float:
        """Seconds of a whole call."""
        began = time.perf_counter()
        self._causal.generate(self._inputs, stop_token_ids=None)
        return time.perf_counter() - began

    def together(self, count: int) -> tuple[float, list[list[int]]]:
        """Tokens per second of so many texts at once, and what they are."""
        texts: list[list[int]] = [[] for _ in range(count)]
        threads = [threading.Thread(target=self._text, args=(number, texts[number])) for number in range(count)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(map(len, texts)) / (time.perf_counter() - began), texts

    def _text(self, number: int, ids: list[int]) -> None:
        from tl_core.base.paths import ASSETS
        from tl_core.tasks.text_generation.generation import generate
        from tl_core.tasks.text_generation.sampling import Settings
        from tl_core.tasks.text_generation.stream import Written
        from tl_core.text import tokenizer

        decoder = self.decoder.beside()
        bpe = tokenizer.load(ASSETS / "weights" / "gpt2-tales")
        prompt = [token + number for token in self._prompt]
        for event in generate(decoder, bpe, prompt, Settings(length=self.tokens, seed=number)):
            if isinstance(event, Written):
                ids.append(event.id)
        decoder.leave()


def measure(tokens: int, small: bool, repeats: int = 3) -> list[Figures]:
    """Both ways in turn, `repeats` times each; the best of each counts, since other programs only slow down."""
    both = Generation(tokens, small)
    ours, theirs = [], []
    for _ in range(repeats):
        ours.append(both.ours())
        theirs.append(both.theirs())
    return _figures(both, ours, theirs)


def _figures(both: Generation, ours: list[tuple[float, float]], theirs: list[float]) -> list[Figures]:
    return [
        Figures("this app, streaming", max(ours)[0], min(first for _, first in ours), both.compilation[0]),
        Figures("KerasHub generate", both.tokens / min(theirs), min(theirs), both.compilation[1]),
    ]


@dataclass(frozen=True)
class Together:
    """Tokens per second of all texts, for each number of texts at once, and what they are held against."""

    rates: dict[int, float]
    alike: int  # of the texts written alone and in company, those that are the same
    limit: float  # tokens per second of one text if the weights were read as fast as memory is
    one: list[Figures]


def measure_together(tokens: int, small: bool, repeats: int = 3) -> Together:
    """Everything in turn, `repeats` times; the best of each counts."""
    import tensorflow as tf

    both = Generation(tokens, small, together=True)
    rates: dict[int, list[float]] = {count: [] for count in COMPANIES}
    ours, theirs, memory = [], [], []
    much = tf.zeros(1 << 27)
    texts: dict[int, list[list[int]]] = {}
    for _ in range(repeats):
        for count in COMPANIES:
            rate, texts[count] = both.together(count)
            rates[count].append(rate)
            ours.append(both.ours())
            theirs.append(both.theirs())
            began = time.perf_counter()
            tf.reduce_sum(much).numpy()
            memory.append(4 * (1 << 27) / (time.perf_counter() - began))
    alone: list[list[int]] = [[] for _ in range(COMPANIES[1])]
    for number, ids in enumerate(alone):
        both._text(number, ids)
    return Together(
        {count: max(each) for count, each in rates.items()},
        sum(ids == texts[COMPANIES[1]][number] == texts[COMPANIES[2]][number] for number, ids in enumerate(alone)),
        max(memory) / (4 * both.shape.parameters),
        _figures(both, ours, theirs),
    )


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
    parser.add_argument("--together", action="store_true", help="measure several texts at once too")
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
    if args.together:
        found = measure_together(args.tokens, args.small)
        for count, rate in found.rates.items():
            print(f"{count:>3} at once {rate:8.1f} tokens/s in all   {rate / found.rates[1]:5.2f} times one")
        print(f"the same alone, among {COMPANIES[1]} and among {COMPANIES[2]}: {found.alike} of {COMPANIES[1]} texts")
        print(f"memory would allow one text {found.limit:.1f} tokens/s")
        ours, theirs = found.one
    else:
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
