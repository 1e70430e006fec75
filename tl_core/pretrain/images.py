"""Pretrain a compact image backbone from nothing: the source task of the bundled weights.

Several labelled sources share one backbone, each with a classifier head of its own; every batch mixes them. The
resolution grows while training (small pictures teach quickly, large ones finish the work). What is kept is an
exponential moving average of the weights, which generalises better than the last step. A recipe may add that two
views of one picture are to be found among those of all others: contrast, as against the labels.

    python -m tl_core pretrain image --sources DIR --output DIR
    python -m tl_core pretrain image --patterns --output DIR       the contrast: a wrong source, drawn on the spot

Stopped and started again it goes on after its last epoch; `--export-only` ships what an unfinished one has reached.

Sources of the recipe: progressive resizing and its schedule after Tan & Le 2021 (EfficientNetV2,
https://arxiv.org/abs/2104.00298); random resized crops after Szegedy et al. 2014 (https://arxiv.org/abs/1409.4842);
AdamW after Loshchilov & Hutter 2019 (https://arxiv.org/abs/1711.05101); label smoothing after Szegedy et al. 2015
(https://arxiv.org/abs/1512.00567); the contrastive loss after Chen et al. 2020 (SimCLR,
https://arxiv.org/abs/2002.05709), together with labels after Islam et al. 2021 (https://arxiv.org/abs/2103.13517).
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tl_core.images.pretrained import batchnorm
from tl_core.pretrain import card, source_tasks
from tl_core.pretrain.source_tasks import Source


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, besides the pictures."""

    alpha: float = 0.5  # width of MobileNetV2
    image_size: int = 96  # pixels, final
    epochs: int = 30
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    ema: float = 0.9985  # decay per step
    warmup_epochs: float = 1.0
    smallest_crop: float = 0.35  # of the picture's area
    contrast: float = 0.0  # weight of the contrastive loss; above 0 every picture is in its batch twice
    temperature: float = 0.15  # of the contrastive loss
    pets: int = 1  # cats and dogs of Tiny ImageNet are shown so many times as often as its other classes
    seed: int = 0

    @property
    def views(self) -> int:
        """How often a picture is in its batch, each time cropped and coloured anew."""
        return 2 if self.contrast else 1

    def size_at(self, epoch: int) -> int:
        """Pixels per side at `epoch` (0 is the first): two thirds, five sixths, then the full size."""
        share = epoch / self.epochs
        return self.image_size * 2 // 3 if share < 0.5 else self.image_size * 5 // 6 if share < 0.8 else self.image_size


PATTERNS = Recipe(epochs=12, ema=0.98)  # fewer pictures, so the average forgets sooner


def build(recipe: Recipe, sources: list[Source]) -> tuple[keras.Model, keras.Model]:
    """The backbone (any size in, features out) and the training model.

    The latter takes pixels 0..255 and answers with one logits tensor for each source; where the recipe contrasts
    pictures, their projections [n, 128] follow.
    """
    keras.utils.set_random_seed(recipe.seed)
    backbone = keras.applications.MobileNetV2(
        input_shape=(None, None, 3), alpha=recipe.alpha, include_top=False, weights=None
    )
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.95  # Keras' 0.999 needs thousands of steps before the moving statistics mean anything
    batchnorm.fuse(backbone)
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(backbone.input)
    features = keras.layers.GlobalAveragePooling2D()(backbone(scaled))
    heads = [keras.layers.Dense(len(source.classes), name=source.name)(features) for source in sources]
    if recipe.contrast:
        hidden = keras.layers.Dense(256, activation="relu", name="projection_hidden")(features)
        heads.append(keras.layers.Dense(128, name="projection")(hidden))
    return backbone, keras.Model(backbone.input, heads)


def train(
    recipe: Recipe,
    sources: list[Source],
    folder: Path,
    report: Callable[[dict], None] = lambda record: None,
    start: Path | None = None,
) -> None:
    """Train, with a checkpoint after every epoch in `folder`; go on from it when it is there.

    Args:
        report: called once an epoch with loss, source accuracies of the averaged weights, and seconds.
        start: weights of an earlier round with which the backbone begins, instead of random ones.
    """
    backbone, model = build(recipe, sources)
    if start:
        backbone.load_weights(start)
    steps = sum(len(source.images) for source in sources) // recipe.batch_size
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        recipe.epochs * steps - int(recipe.warmup_epochs * steps),
        warmup_target=recipe.learning_rate,
        warmup_steps=int(recipe.warmup_epochs * steps),
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(model.trainable_variables)
    means = [tf.Variable(weight, trainable=False) for weight in model.weights]
    state = [*[weight.value for weight in model.weights], *means, *[v.value for v in optimizer.variables]]
    checkpoint = folder / "checkpoint.npz"
    first = _restore(checkpoint, state, recipe)

    counts = _shares(recipe, sources)
    step = _step(recipe, model, optimizer, means)
    for epoch in range(first, recipe.epochs):
        started, losses = time.time(), []
        orders = [_order(*pair, steps, recipe, epoch) for pair in zip(sources, counts, strict=True)]
        size = tf.constant(recipe.size_at(epoch))
        for rows in zip(*orders, strict=True):
            batches = [(tf.constant(s.images[i]), tf.constant(s.labels[i])) for s, i in zip(sources, rows, strict=True)]
            losses.append(step(batches, size))
        accuracies = _source_accuracies(model, means, sources, recipe)
        seconds = round(time.time() - started, 1)
        loss = round(float(np.mean([x.numpy() for x in losses])), 4)
        _save(checkpoint, state, recipe, epoch + 1)
        report({"epoch": epoch + 1, "size": int(size), "loss": loss, "seconds": seconds, **accuracies})


def averaged(recipe: Recipe, sources: list[Source], folder: Path) -> tuple[keras.Model, int]:
    """The backbone with the averaged weights of the checkpoint in `folder`, and how many epochs they were trained.

    Raises:
        ValueError: there is no checkpoint, or it was made by another recipe.
    """
    backbone, model = build(recipe, sources)
    epochs = _restore(folder / "checkpoint.npz", model.weights, recipe, first=len(model.weights))
    if not epochs:
        raise ValueError(f"no epoch was trained in {folder}")
    return backbone, epochs


def _step(recipe: Recipe, model: keras.Model, optimizer: keras.Optimizer, means: list[tf.Variable]) -> Callable:
    """One optimizer step over one batch of each source: [(images uint8, labels)], size -> loss."""

    @tf.function(reduce_retracing=True)
    def step(batches: list[tuple[tf.Tensor, tf.Tensor]], size: tf.Tensor) -> tf.Tensor:
        number = tf.cast(optimizer.iterations, tf.int32)
        shown = batches * recipe.views
        seeds = [tf.stack([recipe.seed, number * len(shown) + place]) for place in range(len(shown))]
        crop = recipe.smallest_crop
        views = [_augmented(images, size, crop, seed) for (images, _), seed in zip(shown, seeds, strict=True)]
        pixels = tf.concat(views, 0)
        counts = [len(labels) for _, labels in shown]
        with tf.GradientTape() as tape:
            outputs = tf.nest.flatten(model(pixels, training=True))
            heads, loss, start = outputs[: len(batches)] * recipe.views, 0.0, 0
            for head, (_, labels), count in zip(heads, shown, counts, strict=True):
                own = head[start : start + count]
                start += count
                targets = tf.one_hot(labels, head.shape[-1]) * (1 - recipe.label_smoothing)
                targets += recipe.label_smoothing / head.shape[-1]
                loss += tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(targets, own))
            loss /= sum(counts)
            if recipe.contrast:
                loss += recipe.contrast * _contrast(outputs[-1], recipe.temperature)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        step_number = tf.cast(optimizer.iterations, tf.float32)
        decay = tf.minimum(recipe.ema, (1 + step_number) / (10 + step_number))
        for mean, weight in zip(means, model.weights, strict=True):
            mean.assign(mean * decay + weight * (1 - decay))
        return loss

    return step


def _contrast(projections: tf.Tensor, temperature: float) -> tf.Tensor:
    """How badly each view is told from the others as that of the same picture; [2n, d], the second views last."""
    unit = tf.math.l2_normalize(projections, 1)
    count = len(projections)
    likeness = tf.linalg.set_diag(unit @ tf.transpose(unit) / temperature, tf.fill([count], -1e9))
    other = tf.roll(tf.range(count), count // 2, 0)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(other, likeness))


def _augmented(images: tf.Tensor, size: tf.Tensor, smallest: float, seed: tf.Tensor) -> tf.Tensor:
    """Random resized crop, flip, brightness, contrast and saturation; uint8 [n,s,s,3] -> float32 [n,size,size,3].

    `seed` (int32 [2]) decides all: a training that goes on from a checkpoint sees what it would have seen.
    """
    count = len(images)
    seeds = iter(tf.unstack(tf.random.split(seed, 8)))
    drawn = lambda low=0.0, high=1.0: tf.random.stateless_uniform((count,), next(seeds), low, high)  # noqa: E731
    area = drawn(smallest, 1.0)
    ratio = tf.exp(drawn(np.log(3 / 4), np.log(4 / 3)))
    height = tf.minimum(tf.sqrt(area / ratio), 1.0)
    width = tf.minimum(tf.sqrt(area * ratio), 1.0)
    top = drawn() * (1 - height)
    left = drawn() * (1 - width)
    flipped = drawn() < 0.5
    x1, x2 = tf.where(flipped, left + width, left), tf.where(flipped, left, left + width)
    boxes = tf.stack([top, x1, top + height, x2], 1)
    pixels = tf.image.crop_and_resize(tf.cast(images, tf.float32), boxes, tf.range(count), (size, size))
    pixels = tf.ensure_shape(pixels, (count, None, None, 3))
    factor = lambda low, high: drawn(low, high)[:, None, None, None]  # noqa: E731
    grey = tf.reduce_mean(pixels, 3, keepdims=True)
    pixels = grey + (pixels - grey) * factor(0.6, 1.4)
    mean = tf.reduce_mean(pixels, (1, 2, 3), keepdims=True)
    pixels = mean + (pixels - mean) * factor(0.7, 1.3)
    return tf.clip_by_value(pixels * factor(0.7, 1.3), 0, 255)


def _shares(recipe: Recipe, sources: list[Source]) -> list[int]:
    """Pictures of each source in a batch: by the square root of its size, so that a large source does not rule."""
    weights = np.sqrt([len(source.images) for source in sources])
    pictures = recipe.batch_size // recipe.views
    counts = np.floor(pictures * weights / weights.sum()).astype(int)
    counts[-1] += pictures - counts.sum()
    return counts.tolist()


def _order(source: Source, count: int, steps: int, recipe: Recipe, epoch: int) -> np.ndarray:
    """Which training pictures make up each batch of an epoch, reshuffled by (seed, epoch): int [steps, count]."""
    indices = np.flatnonzero(~source.held_out)
    indices = np.repeat(indices, np.where(source_tasks.pets(source)[indices], recipe.pets, 1))
    random = np.random.default_rng((recipe.seed, epoch))
    rounds = -(-count * steps // len(indices))
    shuffled = np.concatenate([random.permutation(indices) for _ in range(rounds)])
    return shuffled[: count * steps].reshape(steps, count)


def _source_accuracies(
    model: keras.Model, means: list[tf.Variable], sources: list[Source], recipe: Recipe
) -> dict[str, float]:
    """Accuracy of the averaged weights on each source's held-out pictures, at the final size."""
    current = [tf.identity(weight) for weight in model.weights]
    for weight, mean in zip(model.weights, means, strict=True):
        weight.assign(mean)
    accuracies = {}
    for index, source in enumerate(sources):
        chosen = np.flatnonzero(source.held_out)
        correct = 0
        for start in range(0, len(chosen), 256):
            rows = chosen[start : start + 256]
            pixels = tf.image.resize(source.images[rows], (recipe.image_size, recipe.image_size))
            correct += int(
                (np.argmax(tf.nest.flatten(model(pixels, training=False))[index], 1) == source.labels[rows]).sum()
            )
        accuracies[source.name] = round(correct / len(chosen), 4)
    for weight, value in zip(model.weights, current, strict=True):
        weight.assign(value)
    return accuracies


def _save(path: Path, state: list, recipe: Recipe, epochs: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {f"a{index}": np.asarray(value) for index, value in enumerate(state)}
    with open(path.with_suffix(".part"), "wb") as file:
        np.savez(file, epochs=epochs, recipe=json.dumps(dataclasses.asdict(recipe)), **arrays)
    path.with_suffix(".part").replace(path)


def _restore(path: Path, state: list, recipe: Recipe, first: int = 0) -> int:
    """Give `state` what the checkpoint holds from array number `first` on; epochs trained, 0 without a checkpoint."""
    if not path.exists():
        return 0
    with np.load(path) as saved:
        if json.loads(str(saved["recipe"])) != dataclasses.asdict(recipe):
            raise ValueError(f"{path} was made by another recipe; choose another output folder or delete it")
        for index, value in enumerate(state, first):
            value.assign(saved[f"a{index}"])
        return int(saved["epochs"])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of `python -m tl_core pretrain image`."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--sources", type=Path, help="folder of ZIPs, each class/file.jpg")
    what.add_argument("--patterns", action="store_true", help="draw patterns instead: a wrong source, for contrast")
    parser.add_argument("--output", type=Path, required=True, help="folder for checkpoints, the weights and their card")
    parser.add_argument("--export-only", action="store_true", help="no training: write what the checkpoint holds")
    parser.add_argument("--start", type=Path, help="weights of an earlier round to begin with, instead of random ones")
    parser.add_argument("--note", default="", help="a sentence for the card, where the training was no ordinary one")
    for item in dataclasses.fields(Recipe):
        normal, drawn = item.default, getattr(PATTERNS, item.name)
        said = f"default {normal}" + (f", with --patterns {drawn}" if drawn != normal else "")
        parser.add_argument(f"--{item.name.replace('_', '-')}", type=item.type, help=said)


def main(args: argparse.Namespace) -> int:
    """Pretrain; leave weights in half precision, their card and the log in the output folder."""
    given = {item.name: getattr(args, item.name) for item in dataclasses.fields(Recipe)}
    usual = PATTERNS if args.patterns else Recipe()
    recipe = dataclasses.replace(usual, **{name: value for name, value in given.items() if value is not None})
    if args.export_only:
        with np.load(args.output / "checkpoint.npz") as saved:
            recipe = Recipe(**json.loads(str(saved["recipe"])))
    decoded, log = args.output / "decoded", args.output / "log.jsonl"
    if args.patterns:
        sources = [source_tasks.patterns(decoded)]
    else:
        sources = [source_tasks.photographs(archive, decoded) for archive in sorted(args.sources.glob("*.zip"))]

    def report(record: dict) -> None:
        line = json.dumps(record)
        print(line, flush=True)
        with open(log, "a") as file:
            file.write(line + "\n")

    if not args.export_only:
        train(recipe, sources, args.output, report, args.start)
    backbone, epochs = averaged(recipe, sources, args.output)
    records = {record["epoch"]: record for record in map(json.loads, log.read_text().splitlines())}
    name = f"mobilenetv2_{recipe.alpha:g}_{recipe.image_size}{'_patterns' if args.patterns else ''}"
    path = args.output / f"{name}.weights.h5"
    command = f"python -m tl_core pretrain image {'--patterns' if args.patterns else '--sources DIR'} --output DIR"
    command += f" --start {args.start.name}" if args.start else ""
    for item, value in dataclasses.asdict(recipe).items():
        command += "" if value == getattr(usual, item) else f" --{item.replace('_', '-')} {value:g}"
    trained = [records[number + 1] for number in range(epochs)]
    made = card.write(path, backbone, dataclasses.asdict(recipe), sources, trained, command, args.note)
    print(f"{path}: {made['bytes']:,} bytes, SHA-256 {made['sha256']}, {epochs} of {recipe.epochs} epochs")
    return 0
