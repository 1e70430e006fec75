"""What the engine answers about pictures, and the loaded model that says what is in them."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.base.calls import Desk, Run, downloaded
from tl_core.base.errors import UserError
from tl_core.base.events import Event, Phase, Progress
from tl_core.base.messages import message
from tl_core.images import decoding
from tl_core.images.data import dataset as datasets
from tl_core.images.data import pictures
from tl_core.images.pretrained import batchnorm, packages, weights
from tl_core.images.pretrained.backbones import backbone
from tl_core.tasks.image_classification import evaluation, export, network, paths
from tl_core.tasks.image_classification.calls import (
    Answer,
    Classify,
    Evaluate,
    Explain,
    Explanation,
    Method,
    ModelFile,
)
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.explanation import Explainer

BATCH = 16  # pictures passed through a network together


class Classifier:
    """A model, cut behind its resizing so that pictures of different sizes make one batch, and run once.

    Attributes:
        bytes: of its weights.
        version: changes when the model's file does.
    """

    def __init__(self, model: keras.Model, classes: tuple[str, ...], version: object):
        self.version = version
        self.bytes = sum(int(np.prod(weight.shape)) * 4 for weight in model.weights)
        self._classes = classes
        resized = next(layer.output for layer in model.layers if None not in layer.output.shape[1:])
        resize, rest = keras.Model(model.input, resized), batchnorm.folded(keras.Model(resized, model.output))
        pixels = tf.TensorSpec((1, None, None, 3), tf.float32)
        inputs = tf.TensorSpec((None, *resized.shape[1:]), resized.dtype)
        self._resize = tf.function(lambda x: resize(x, training=False), input_signature=[pixels], autograph=False)
        self._network = tf.function(lambda x: rest(x, training=False), input_signature=[inputs], autograph=False)
        self._network(self._resize(tf.zeros((1, 240, 320, 3))))
        self._explainer = Explainer(model, resized, self._network)

    def classify(
        self,
        names: Sequence[str],
        decoded: Iterable[np.ndarray | UserError],
        top: int,
        is_gone: Callable[[], bool],
    ) -> list[Answer]:
        """Say what is in pictures.

        Args:
            names: one for each picture.
            decoded: [h, w, 3] pixels 0 to 255 of any size, or what is wrong with the file; in the same order.
            top: so many classes for each, the likeliest first.
            is_gone: says that nobody waits any more; then the answers that are missing are left out.
        """
        inputs = [
            item if isinstance(item, UserError) else self._resize(item[None].astype(np.float32))[0] for item in decoded
        ]
        good = [item for item in inputs if not isinstance(item, UserError)]
        rows: list[np.ndarray] = []
        for start in range(0, len(good), BATCH):
            if is_gone():
                break
            rows += list(self._network(tf.stack(good[start : start + BATCH])).numpy())
        answers, results = [], iter(rows)
        for name, item in zip(names, inputs, strict=True):
            if isinstance(item, UserError):
                answers.append(Answer(name, (), item))
            elif (row := next(results, None)) is not None:
                best = np.argsort(-row, kind="stable")[:top]
                answers.append(Answer(name, tuple((self._classes[i], float(row[i])) for i in best)))
        return answers

    def explain(self, decoded: np.ndarray, label: str, method: Method, check: bool) -> Explanation:
        """Which places of a picture speak for a class.

        Args:
            decoded: [h, w, 3] pixels 0 to 255 of any size.
            label: the class.
            check: whether the map earns trust, too.

        Raises:
            UserError: the network does not know the class.
        """
        if label not in self._classes:
            raise UserError(
                message("This network does not know the class {name}.", name=label), message("Choose one of its own.")
            )
        place, explainer = self._classes.index(label), self._explainer
        pixels = self._resize(decoded[None].astype(np.float32))[0].numpy()
        found = explainer.map(pixels, place, method)
        return Explanation(
            float(explainer.probabilities([pixels], place)[0]),
            tuple(tuple(map(float, row)) for row in found),
            explainer.check(pixels, place, method, found) if check else None,
        )


def decoded_picture(data: bytes) -> np.ndarray | UserError:
    """The pixels of a picture file [h, w, 3], or what is wrong with it."""
    try:
        return decoding.decode(data)
    except pictures.Rejected as error:
        return UserError(error.reason, message("Choose another picture."))


def classify(asked: Classify, desk: Desk) -> tuple[Answer, ...]:
    """One answer for each file, in order; a file that is no picture has an error instead of labels."""
    with ThreadPoolExecutor(2) as pool:
        decoded = pool.map(decoded_picture, asked.files)
        with desk.use(asked.source) as classifier:
            return tuple(classifier.classify(asked.names, decoded, asked.top, desk.is_gone))


def explain(asked: Explain, desk: Desk) -> Explanation:
    """A map of one picture."""
    decoded = decoded_picture(asked.files[0])
    if isinstance(decoded, UserError):
        raise decoded
    desk.say(message("Asking which places of the picture count…"))
    with desk.use(asked.source) as classifier:
        return classifier.explain(decoded, asked.label, asked.method, asked.check)


def evaluate(asked: Evaluate, desk: Desk) -> None:
    """Predict one part of a run's pictures and keep the report in its folder."""
    run = _run(asked.run, desk)

    def emit(event: Event) -> None:
        if isinstance(event, (Phase, Progress)) and event.total:
            done = event.done if isinstance(event, Progress) else 0
            desk.say(message("Looking at the pictures: {done} of {total}", done=done, total=event.total))

    desk.say(message("Loading the model…"))
    dataset = datasets.load(run.config.data.dataset)
    evaluation.evaluate(run.folder, run.config, dataset, asked.part, emit=emit, should_stop=desk.is_gone)


def model_file(asked: ModelFile, desk: Desk) -> str:
    """Where the run's complete model lies; one that was finished is there even when its pictures have been deleted."""
    run = _run(asked.run, desk)
    finished = paths.model_path(run.folder)
    try:
        dataset = datasets.load(run.config.data.dataset)
    except UserError:
        if finished.is_file():
            return str(finished)
        raise
    desk.say(message("Preparing the model…"))
    with desk.building:
        return str(export.model_file(run.folder, run.config, dataset))


def of_run(name: str, desk: Desk) -> Classifier:
    """The network of a run, by the run's id."""
    path = Path(model_file(ModelFile(name), desk))
    version = version_of_run(name, desk)
    desk.say(message("Loading the model…"))
    with desk.building:
        try:
            model = keras.models.load_model(path, compile=False)
            return Classifier(model, paths.labels(path.parent), version)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                message("The model of this run cannot be read: {reason}", reason=str(error)[:200]),
                message("Its file is damaged or of another version of Keras. Train it again."),
            ) from error


def of_imagenet(name: str, desk: Desk) -> Classifier:
    """A backbone with its classifier of 1,000 classes."""
    row = backbone(name)

    def emit(event: Event) -> None:
        if so_far := downloaded(event):
            desk.say(message("Downloading ImageNet weights: {done} of {total} MB", **so_far))

    weights.obtain(row, "imagenet", row.native_size, top=True, emit=emit)  # others may build meanwhile
    classes = packages.class_names()
    desk.say(message("Loading the model…"))
    with desk.building:
        return Classifier(network.load_with_top(row), tuple(classes), None)


def version_of_run(name: str, desk: Desk) -> object:
    """When the run's model was written; it may have been trained further since."""
    return paths.model_path(desk.run(name).folder).stat().st_mtime_ns


def only_version(name: str, desk: Desk) -> object:
    """ImageNet's weights never change."""
    return None


def _run(run_id: str, desk: Desk) -> Run:
    run = desk.run(run_id)
    if not isinstance(run.config, RunConfig):
        raise UserError(
            message("The run {name} learned from text, not from pictures.", name=run.name),
            message("Choose another run."),
        )
    return run
