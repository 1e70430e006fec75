"""Why does a network say so? Two maps of one picture, each of another kind, and two checks whether a map earns trust.

Grad-CAM (Selvaraju et al. 2017, https://arxiv.org/abs/1610.02391) weighs the channels of the last feature maps by the
gradient of the class's score: it asks the inside of the network, once. Occlusion (Zeiler and Fergus 2014,
https://arxiv.org/abs/1311.2901) covers one place after another and asks the whole network anew: it needs to know
nothing of the inside.

A map that deserves trust marks what the answer hangs on: while more and more of the picture is covered, its places
first, the probability falls faster than with random places first (deletion, Petsiuk et al. 2018,
https://arxiv.org/abs/1806.07421). And it belongs to what was learned: a network whose weights are shuffled has another
one (Adebayo et al. 2018, https://arxiv.org/abs/1810.03292).
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from tl_core.images.pretrained import batchnorm
from tl_core.tasks.image_classification.calls import Checks, Method

CELLS = 8  # of an occlusion map, each way; the covered square is two of them wide
BATCH = 16  # covered pictures that the network sees together
SHARES = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9)  # of the picture that the deletion check covers, one after the other
RANDOM = 4  # random maps that it compares with


class Explainer:
    """Maps of what one network says.

    Args:
        model: flat and functional; among its last operations is a dense layer or an activation of softmax or sigmoid.
        pixels: where in it the picture has its square size, [n, side, side, 3] of 0 to 255.
        predict: from there, float32, to probabilities [n, classes].
    """

    def __init__(self, model: keras.Model, pixels: keras.KerasTensor, predict: Callable[[tf.Tensor], tf.Tensor]):
        self._model = model
        self._pixels = pixels
        self._predict = predict

    def map(self, pixels: np.ndarray, label: int, method: Method) -> np.ndarray:
        """How much each place speaks for a class.

        Args:
            pixels: float32 [side, side, 3], 0 to 255.
            label: of the class.

        Returns:
            float32 [height, width], negative where a place speaks against the class. Of Grad-CAM the largest magnitude
            is 1; the paper's last step, which leaves out what is negative, is not taken. Of occlusion: by how much
            the probability falls where this place is covered, in the mean.
        """
        return self._grad_cam(pixels, label) if method == "grad_cam" else self._occlusion(pixels, label)

    def check(self, pixels: np.ndarray, label: int, method: Method, found: np.ndarray, seed: int = 0) -> Checks:
        """The two checks of a map that `map` has found.

        Args:
            seed: of the random places and of the shuffling.
        """
        random = np.random.default_rng(seed)
        maps = [found, *random.random((RANDOM, *found.shape), dtype=np.float32)]
        pictures = [covered(pixels, each, share) for each in maps for share in SHARES]
        whole, *rest = self.probabilities([pixels, *pictures], label)
        marked, *others = np.reshape(rest, (len(maps), len(SHARES)))
        with self._shuffled(random):
            other = self.map(pixels, label, method)
        return Checks(
            shares=(0.0, *SHARES),
            marked=(float(whole), *map(float, marked)),
            random=(float(whole), *map(float, np.mean(others, 0))),
            draws=RANDOM,
            correlation=correlation(found, other),
        )

    def probabilities(self, pictures: Sequence[np.ndarray], label: int) -> np.ndarray:
        """What the network says of a class, float32 [n]."""
        rows = [
            self._predict(tf.constant(np.stack(pictures[start : start + BATCH]))).numpy()[:, label]
            for start in range(0, len(pictures), BATCH)
        ]
        return np.concatenate(rows)

    def _grad_cam(self, pixels: np.ndarray, label: int) -> np.ndarray:
        activations = tf.cast(self._features(tf.constant(pixels[None])), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(activations)
            scores = self._scores(activations)[0]
            others = tf.concat([scores[:label], scores[label + 1 :]], 0)
            score = scores[label] - tf.reduce_logsumexp(others)
        gradient = tape.gradient(score, activations)[0].numpy()
        weighed = (activations[0].numpy() * gradient.mean((0, 1))).sum(-1)
        return weighed / max(np.abs(weighed).max(), np.finfo(np.float32).tiny)

    def _occlusion(self, pixels: np.ndarray, label: int) -> np.ndarray:
        side, colour = len(pixels), pixels.mean((0, 1))
        edges = np.linspace(0, side, CELLS + 1).round().astype(int)
        corners = [(row, column) for row in range(CELLS - 1) for column in range(CELLS - 1)]
        pictures = [pixels]
        for row, column in corners:
            pictures.append(pixels.copy())
            pictures[-1][edges[row] : edges[row + 2], edges[column] : edges[column + 2]] = colour
        whole, *rest = self.probabilities(pictures, label)
        fallen, times = np.zeros((CELLS, CELLS), np.float32), np.zeros((CELLS, CELLS), np.float32)
        for (row, column), probability in zip(corners, rest, strict=True):
            fallen[row : row + 2, column : column + 2] += whole - probability
            times[row : row + 2, column : column + 2] += 1
        return fallen / times

    @cached_property
    def _last_maps(self) -> keras.KerasTensor:
        """The last activations that still have places."""
        return next(x for x in _behind(self._model.output) if len(x.shape) == 4 and min(x.shape[1:3]) > 1)

    @cached_property
    def _features(self) -> Callable[[tf.Tensor], tf.Tensor]:
        lower = batchnorm.folded(keras.Model(self._pixels, self._last_maps))
        inputs = tf.TensorSpec((1, *self._pixels.shape[1:]), tf.float32)
        return tf.function(lambda x: lower(x, training=False), input_signature=[inputs], autograph=False)

    @cached_property
    def _scores(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """From the last maps to the classes' scores before softmax or sigmoid, float32 [n, classes].

        A probability itself would not do: the gradient of one that has reached 1 is nothing.
        """
        answer = next(x for x in _behind(self._model.output) if _squashes(x._keras_history.operation))
        last = answer._keras_history.operation
        upper = keras.Model(self._last_maps, _before(answer))

        def scores(activations: tf.Tensor) -> tf.Tensor:
            x = tf.cast(upper(activations, training=False), tf.float32)
            if isinstance(last, keras.layers.Dense):
                x = tf.matmul(x, tf.cast(last.kernel, tf.float32)) + tf.cast(last.bias, tf.float32)
            x = tf.reshape(x, (len(x), -1))
            return tf.concat([tf.zeros_like(x), x], -1) if x.shape[-1] == 1 else x

        return scores

    @contextlib.contextmanager
    def _shuffled(self, random: np.random.Generator) -> Iterator[None]:
        """In the block each of the network's weights has its numbers in a random order."""
        own = self._model.get_weights()
        try:
            self._model.set_weights([random.permutation(each.ravel()).reshape(each.shape) for each in own])
            yield
        finally:
            self._model.set_weights(own)


def covered(pixels: np.ndarray, values: np.ndarray, share: float) -> np.ndarray:
    """A picture without the places of which a map says most: they get the picture's mean colour.

    Args:
        pixels: [side, side, 3].
        values: [height, width], stretched to the picture.
        share: of the picture that is covered.
    """
    side = len(pixels)
    large = tf.image.resize(values[..., None], (side, side)).numpy()[..., 0]
    places = np.argsort(-large, axis=None, kind="stable")[: round(share * side * side)]
    without = pixels.reshape(-1, 3).copy()
    without[places] = pixels.mean((0, 1))
    return without.reshape(pixels.shape)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's, of two maps of one shape; 0 where one of them is flat."""
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def _before(x: keras.KerasTensor) -> keras.KerasTensor:
    """What an activation of a graph was made of, the first of it; an operation may stand in several graphs."""
    made = x._keras_history
    return made.operation._inbound_nodes[made.node_index].input_tensors[0]


def _behind(x: keras.KerasTensor) -> Iterator[keras.KerasTensor]:
    """An activation and those before it, from the last on."""
    while True:
        yield x
        x = _before(x)


def _squashes(operation: keras.Operation) -> bool:
    """Whether it turns scores into probabilities."""
    kinds = (keras.activations.softmax, keras.activations.sigmoid)
    return isinstance(operation, keras.layers.Softmax) or getattr(operation, "activation", None) in kinds
