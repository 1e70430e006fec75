"""Pretrain a small GPT-2 from nothing on a collection of tales: the source task of the bundled language model.

    python -m tl_core pretrain text --source FILE --output DIR

The output folder is in the Hub's format (config.json, vocab.json, merges.txt, model.safetensors in half precision)
with a model card. Stopped and started again it goes on exactly where it was.

Sources of the recipe: matrices inside the blocks are trained with Muon (Jordan et al. 2024,
https://kellerjordan.github.io/posts/muon/), which needs fewer steps, the rest with AdamW (Loshchilov & Hutter 2019,
https://arxiv.org/abs/1711.05101); clipped gradients after Brown et al. 2020 (https://arxiv.org/abs/2005.14165);
constant rate with a cool-down after Hägele et al. 2024 (https://arxiv.org/abs/2405.18392).
"""

import argparse
import dataclasses
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from tl_core.pretrain import tales
from tl_core.tasks.text_generation.card import use
from tl_core.text import tokenizer
from tl_core.text.pretrained import hub_format, network
from tl_core.text.pretrained.shape import Shape

HELD_OUT_TOKENS = 10_000  # of the excerpt that goes with the model


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, besides the text."""

    vocabulary: int = 4096
    context: int = 256  # tokens
    layers: int = 4
    heads: int = 4
    width: int = 256
    steps: int = 6000
    batch_size: int = 16  # windows of `context` tokens
    learning_rate: float = 2e-3  # AdamW: embeddings, gains and biases
    matrix_rate: float = 0.02  # Muon; 0 trains the matrices with AdamW too
    weight_decay: float = 0.05
    dropout: float = 0.1
    clip: float = 1.0  # largest norm of all gradients together
    warmup: int = 200  # steps
    decay: float = 0.35  # share of the steps
    seed: int = 0

    @property
    def shape(self) -> Shape:
        """The network."""
        return Shape(self.vocabulary, self.context, self.layers, self.heads, self.width)

    def rate_at(self, step: int) -> float:
        """Factor on the learning rates: up during the warm-up, constant, then down to 0 over the last `decay`.

        Until the decay begins nothing depends on `steps`, so a training can still be made longer or shorter.
        """
        left = (self.steps - step) / (self.decay * self.steps)
        return min(1.0, (step + 1) / self.warmup, left)


@dataclass(frozen=True)
class Corpus:
    """Token ids in one row, each text behind an `<|endoftext|>`: int32 [n]."""

    training: np.ndarray
    held_out: np.ndarray
    held_out_bytes: int  # of the held-out texts in UTF-8


def prepare(source: Path, folder: Path, recipe: Recipe) -> Corpus:
    """Clean and split the source, train the tokenizer on the training tales alone (once), and encode."""
    training, held_out = tales.split(tales.read(source))
    if not (folder / "merges.txt").exists():
        tokenizer.save(tokenizer.train(training, recipe.vocabulary), folder)
    bpe = tokenizer.load(folder)
    end = bpe.token_to_id(tokenizer.END)

    def row(texts: Sequence[str]) -> np.ndarray:
        return np.array([i for encoding in bpe.encode_batch(list(texts)) for i in (end, *encoding.ids)], np.int32)

    return Corpus(row(training), row(held_out), sum(len(text.encode()) for text in held_out))


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path,
    report: Callable[[dict], None],
    every: int = 100,
    checkpoint_seconds: float = 120.0,
) -> dict[str, np.ndarray]:
    """Train, with a checkpoint every two minutes in `folder`; go on from it when it is there.

    Args:
        report: called every `every` steps with step, loss, held_out (bits per byte), tokens_per_second, seconds.

    Returns:
        The weights, float32, under the Hub's names.
    """
    start = network.random_weights(recipe.shape, recipe.seed)
    weights = {name: tf.Variable(value) for name, value in start.items()}
    first = {name: tf.Variable(tf.zeros_like(value)) for name, value in start.items()}
    second = {name: tf.Variable(tf.zeros_like(value)) for name, value in start.items() if not _by_muon(name, recipe)}
    state = {
        f"{kind}/{name}": variable
        for kind, variables in (("weight", weights), ("first", first), ("second", second))
        for name, variable in variables.items()
    }
    checkpoint = folder / "checkpoint.npz"
    begin, spent = _restore(checkpoint, state, recipe)
    step_function = _step(recipe, weights, first, second)
    evaluate = evaluator(recipe.shape)

    began, saved, losses, told = time.time(), time.time(), [], (begin, time.time())
    for step in range(begin, recipe.steps):
        inputs, targets = _batch(corpus.training, recipe, step)
        rate = tf.constant(recipe.rate_at(step), tf.float32)
        losses.append(step_function(inputs, targets, rate, tf.constant([recipe.seed, step]), tf.constant(step + 1.0)))
        last = step + 1 == recipe.steps
        if last or (step + 1) % every == 0:
            loss = float(np.mean([value.numpy() for value in losses]))
            speed = (step + 1 - told[0]) * recipe.batch_size * recipe.context / (time.time() - told[1])
            part = corpus.held_out if last else corpus.held_out[:30_000]
            size = corpus.held_out_bytes * len(part) / len(corpus.held_out)
            held_out = evaluate(weights, part)
            report(
                {
                    "step": step + 1,
                    "loss": round(loss, 4),
                    "held_out": round(held_out / math.log(2) / size, 4),
                    "tokens_per_second": round(speed),
                    "seconds": round(spent + time.time() - began),
                }
            )
            losses, told = [], (step + 1, time.time())
        if last or time.time() - saved > checkpoint_seconds:
            _save(checkpoint, state, recipe, step + 1, spent + time.time() - began)
            saved = time.time()
    return {name: variable.numpy() for name, variable in weights.items()}


def _step(
    recipe: Recipe, weights: dict[str, tf.Variable], first: dict[str, tf.Variable], second: dict[str, tf.Variable]
) -> Callable[..., tf.Tensor]:
    """One optimizer step: (inputs, targets, rate factor, random seed, step number from 1) -> loss in nats a token."""

    @tf.function
    def step(inputs: tf.Tensor, targets: tf.Tensor, rate: tf.Tensor, seed: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            half = {name: tf.cast(weight, tf.bfloat16) for name, weight in weights.items()}
            hidden = network.hidden_states(half, recipe.shape, inputs, recipe.dropout, seed)
            loss = tf.reduce_mean(_losses(hidden, half, targets))
        slopes = tape.gradient(loss, list(weights.values()))
        slopes = [tf.convert_to_tensor(slope) for slope in slopes]
        slopes, _ = tf.clip_by_global_norm(slopes, recipe.clip)
        for (name, weight), slope in zip(weights.items(), slopes, strict=True):
            decay = recipe.weight_decay if len(weight.shape) == 2 and not name.startswith("w") else 0.0
            if _by_muon(name, recipe):
                first[name].assign(0.95 * first[name] + slope)
                direction = _orthogonal(slope + 0.95 * first[name], parts=3 if "c_attn" in name else 1)
                own_rate = rate * recipe.matrix_rate
            else:
                first[name].assign(0.9 * first[name] + 0.1 * slope)
                second[name].assign(0.98 * second[name] + 0.02 * tf.square(slope))
                mean, square = first[name] / (1 - 0.9**number), second[name] / (1 - 0.98**number)
                direction = mean / (tf.sqrt(square) + 1e-8)
                own_rate = rate * recipe.learning_rate
            weight.assign_sub(own_rate * (direction + decay * weight))
        return loss

    return step


def _by_muon(name: str, recipe: Recipe) -> bool:
    return (
        recipe.matrix_rate > 0
        and name.startswith("h.")
        and name.endswith(("c_attn.weight", "proj.weight", "fc.weight"))
    )


def _orthogonal(update: tf.Tensor, parts: int) -> tf.Tensor:
    """The update with singular values near 1 (five Newton-Schulz steps), each of `parts` column blocks alone."""
    pieces = tf.stack(tf.split(update, parts, axis=1))
    rows, columns = pieces.shape[1], pieces.shape[2]
    x = pieces if rows <= columns else tf.linalg.matrix_transpose(pieces)
    x = x / (tf.norm(x, axis=(1, 2), keepdims=True) + 1e-7)
    x = tf.cast(x, tf.bfloat16)
    for _ in range(5):
        gram = tf.matmul(x, x, transpose_b=True)
        x = 3.4445 * x + tf.matmul(-4.7750 * gram + 2.0315 * tf.matmul(gram, gram), x)
    x = tf.cast(x, tf.float32)
    x = x if rows <= columns else tf.linalg.matrix_transpose(x)
    return tf.concat(tf.unstack(x), 1) * math.sqrt(max(1.0, columns / rows))


def _losses(hidden: tf.Tensor, weights: network.Weights, targets: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of every target in nats: float32 [batch * time]."""
    flat = tf.reshape(hidden, (-1, hidden.shape[-1]))
    logits = tf.cast(tf.matmul(flat, weights["wte.weight"], transpose_b=True), tf.float32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(tf.reshape(targets, [-1]), logits)


def evaluator(shape: Shape) -> Callable[[network.Weights, np.ndarray], float]:
    """A function (weights, row of tokens) -> cross-entropy of the whole row in nats.

    Windows overlap by half, so that every token but the first few is predicted from at least half a context.
    """
    half = shape.context // 2

    @tf.function
    def losses(weights: network.Weights, windows: tf.Tensor) -> tf.Tensor:
        values = _losses(network.hidden_states(weights, shape, windows[:, :-1]), weights, windows[:, 1:])
        return tf.reshape(values, (-1, shape.context))

    def evaluate(weights: network.Weights, row: np.ndarray) -> float:
        starts = np.arange(0, len(row) - shape.context - 1, half)
        total = 0.0
        for group in range(0, len(starts), 16):
            chosen = starts[group : group + 16]
            padded = np.resize(chosen, 16)  # one shape, one compilation
            windows = row[padded[:, None] + np.arange(shape.context + 1)]
            values = losses(dict(weights), tf.constant(windows)).numpy()[: len(chosen)]
            total += float(values[:, half:].sum()) + (float(values[0, :half].sum()) if group == 0 else 0.0)
        predicted = int(starts[-1]) + shape.context
        return total * (len(row) / predicted)

    return evaluate


def _batch(row: np.ndarray, recipe: Recipe, step: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The windows of one step: every epoch cuts the row at another offset and shuffles the pieces."""
    pieces = (len(row) - 1) // recipe.context - 1
    wanted = np.arange(step * recipe.batch_size, (step + 1) * recipe.batch_size)
    starts = np.empty(len(wanted), np.int64)
    for epoch in np.unique(wanted // pieces):
        random = np.random.default_rng((recipe.seed, int(epoch)))
        offset, order = random.integers(recipe.context), random.permutation(pieces)
        own = wanted // pieces == epoch
        starts[own] = offset + order[wanted[own] % pieces] * recipe.context
    windows = row[starts[:, None] + np.arange(recipe.context + 1)]
    return tf.constant(windows[:, :-1]), tf.constant(windows[:, 1:])


def _save(path: Path, state: dict[str, tf.Variable], recipe: Recipe, step: int, seconds: float) -> None:
    arrays = {name: variable.numpy() for name, variable in state.items()}
    with open(path.with_suffix(".part"), "wb") as file:
        np.savez(file, step=step, seconds=seconds, recipe=json.dumps(dataclasses.asdict(recipe)), **arrays)
    path.with_suffix(".part").replace(path)


def _restore(path: Path, state: dict[str, tf.Variable], recipe: Recipe) -> tuple[int, float]:
    """Steps and seconds spent already."""
    if not path.exists():
        return 0, 0.0
    with np.load(path) as saved:
        differs = set(json.loads(str(saved["recipe"])).items()) ^ set(dataclasses.asdict(recipe).items())
        if {name for name, _ in differs} - {"steps", "decay"}:
            raise ValueError(f"{path} was made by another recipe; choose another output folder or delete it")
        for name, variable in state.items():
            variable.assign(saved[name])
        return int(saved["step"]), float(saved["seconds"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of `python -m tl_core pretrain text`."""
    parser.add_argument("--source", type=Path, required=True, help="UTF-8 text file with the tales")
    parser.add_argument("--output", type=Path, required=True, help="where checkpoint, log and model go")
    for item in dataclasses.fields(Recipe):
        option = "--" + item.name.replace("_", "-")
        parser.add_argument(option, type=item.type, default=item.default, help=f"default {item.default}")


def main(args: argparse.Namespace) -> int:
    """Run the pretraining; progress goes to the screen and to log.jsonl in the output folder."""
    recipe = Recipe(**{item.name: getattr(args, item.name) for item in dataclasses.fields(Recipe)})
    args.output.mkdir(parents=True, exist_ok=True)
    corpus = prepare(args.source, args.output, recipe)
    ratio = corpus.held_out_bytes / len(corpus.held_out)
    print(
        f"{recipe.shape.parameters:,} parameters, {len(corpus.training):,} training tokens, "
        f"{len(corpus.held_out):,} held out, {ratio:.2f} bytes a token",
        flush=True,
    )

    last: dict = {}

    def report(record: dict) -> None:
        last.update(record)
        print(json.dumps(record), flush=True)
        with open(args.output / "log.jsonl", "a") as file:
            file.write(json.dumps(record) + "\n")

    weights = train(recipe, corpus, args.output, report)
    hub_format.write(args.output, recipe.shape, weights, args.output, half=True)
    bpe = tokenizer.load(args.output)
    excerpt = tokenizer.decode(bpe, corpus.held_out[:HELD_OUT_TOKENS].tolist()).replace(tokenizer.END, "\n\n").strip()
    (args.output / "held_out.txt").write_text(excerpt + "\n", encoding="utf-8")
    (args.output / "README.md").write_text(card(recipe, corpus, args.source.name, last), encoding="utf-8")
    return 0


def card(recipe: Recipe, corpus: Corpus, source: str, last: dict) -> str:
    """The model card: what it is, what it learned from, how well, what it is not for."""
    perplexity = 2 ** (last["held_out"] * corpus.held_out_bytes / len(corpus.held_out))
    shape = recipe.shape
    readings = last["step"] * recipe.batch_size * recipe.context / len(corpus.training)
    minutes = last["seconds"] / 60
    return f"""---
license: cc0-1.0
language: en
pipeline_tag: text-generation
---

# A small GPT-2 that tells fairy tales

GPT-2's network with {shape.layers} blocks, {shape.heads} heads and a width of {shape.width}, {shape.parameters:,}
parameters, context {shape.context} tokens, with its own byte-level BPE of {shape.vocabulary:,} tokens. Pretrained from
nothing by this project; the files are in the Hub's format, half precision.

| | |
| --- | --- |
| source | `{source}`: public-domain collections (Grimm, Andersen, Lang, Jacobs), cut into tales |
| training | {len(corpus.training):,} tokens, read {readings:.1f} times |
| held out | whole tales, by a hash of their text: {len(corpus.held_out):,} tokens, {corpus.held_out_bytes:,} bytes |
| bits per byte, held out | {last["held_out"]:.3f} |
| perplexity per token, held out | {perplexity:.1f} |
| steps | {last["step"]:,} of {recipe.batch_size} windows, {minutes:.0f} minutes on a shared two-core machine |

Bits per byte are measured with half-overlapping windows, so that a token is predicted from at least
{shape.context // 2} others. Paragraphs that a held-out tale shares with a training tale were taken out of training.

Made again with

    python -m tl_core pretrain text --source {source} --output DIR --steps {recipe.steps}

**Meant for** showing how pretraining, generation and fine-tuning work on a machine without a network. **Not meant for**
facts, advice or conversation: it knows nothing but old tales, and it has their view of kings, women, strangers and
wolves. `held_out.txt` is an excerpt of the held-out tales; fine-tuning uses it to measure forgetting.

{use(shape.context)}"""
