"""The article's way, in plain Keras: the frozen base is part of the model, and `fit` passes every picture through it.

It is given every fair advantage: pictures are decoded and resized on parallel threads ahead of the network (`tf.data`
with AUTOTUNE, where the article decodes in Python), and XLA is off, which is slower for these networks on a CPU. It
sees the same pixels, weights and order of pictures as the app, so that accuracies can be compared epoch by epoch.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.images.pretrained.backbones import backbone, boundary
from tl_core.tasks.image_classification import network
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.training.optimizers import OPTIMIZERS


@dataclass(frozen=True)
class PlainEpoch:
    """One epoch of `fit`, validation included; the first one also contains building and tracing the model."""

    seconds: float
    val_accuracy: float


def epochs(config: RunConfig, dataset: Dataset) -> Iterator[PlainEpoch]:
    """Train the first phase of `config`, one epoch for each `next`."""
    began = time.perf_counter()
    model = _model(config, dataset)
    parts = split(dataset, config.data)
    validation = _pictures(config, dataset, parts.validation)
    number = 0
    while True:
        number += 1
        order = np.random.default_rng((config.seed, number)).permutation(
            parts.train
        )  # as tl_core.tasks.image_classification.training
        history = model.fit(
            _pictures(config, dataset, order), validation_data=validation, epochs=1, verbose=0, shuffle=False
        )
        yield PlainEpoch(time.perf_counter() - began, float(history.history["val_accuracy"][0]))
        began = time.perf_counter()


def _model(config: RunConfig, dataset: Dataset) -> keras.Model:
    row, phase = backbone(config.backbone.name), config.phases[0]
    keras.utils.set_random_seed(config.seed)
    base = network.load_base(row, config.backbone.weights, config.backbone.image_size)
    head = network.build_head(config.head, len(dataset.classes), base.output_shape[1:], config.seed)
    network.split_base(base, row, boundary(row, phase.frozen_blocks))  # freezes the blocks below the boundary
    model = keras.Sequential([base, head])
    loss = "binary_crossentropy" if config.head.output == "sigmoid" else "sparse_categorical_crossentropy"
    optimizer = OPTIMIZERS[phase.optimizer](phase.learning_rate)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    return model


def _pictures(config: RunConfig, dataset: Dataset, indices: np.ndarray) -> tf.data.Dataset:
    """Batches of (network input, labels), read from the disk and resized anew in every epoch."""
    scaled = network.preprocessing(backbone(config.backbone.name), config.backbone.image_size)
    images = [dataset.images[index] for index in indices]
    files = [str(dataset.path(image)) for image in images]
    labels = np.array([image.label for image in images], np.int32)

    def read(file: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = tf.io.decode_jpeg(tf.io.read_file(file), channels=3, dct_method="INTEGER_ACCURATE")
        return scaled(tf.cast(pixels, tf.float32)[None])[0], label

    pictures = tf.data.Dataset.from_tensor_slices((files, labels)).map(read, tf.data.AUTOTUNE)
    return pictures.batch(config.batch_size).prefetch(tf.data.AUTOTUNE)
