"""What the engine answers about pictures, and the loaded model that says what is in them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.base.calls import Desk, Run, downloaded
from tl_core.base.errors import Stopped, UserError
from tl_core.base.events import Event, Phase, Progress
from tl_core.base.messages import message
from tl_core.images import decoding
from tl_core.images.data import dataset as datasets
from tl_core.images.data import drawn, pictures
from tl_core.images.pretrained import batchnorm, packages, weights
from tl_core.images.pretrained.backbones import Backbone, backbone
from tl_core.tasks.image_classification import (
    before_after,
    evaluation,
    export,
    familiarity,
    feature_map,
    network,
    paths,
)
from tl_core.tasks.image_classification.calls import (
    DRAWN,
    Answer,
    Channels,
    Classify,
    Detect,
    Detected,
    Evaluate,
    Explain,
    Explanation,
    LayOut,
    Method,
    ModelFile,
    ReadChannels,
    Recognize,
    Recognized,
)
from tl_core.tasks.image_classification.channels import ChannelReader
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.explanation import Explainer
from tl_core.training.activations import fingerprint

BATCH = 16  # pictures passed through a network together
DRAWINGS = {f"{DRAWN}{kind}": drawn.Drawing(kind, 120 // len(drawn.CLASSES[kind]), seed=1) for kind in drawn.CLASSES}


class Classifier:
    """A model, cut behind its resizing so that pictures of different sizes make one batch, and run once.

    Args:
        model: from uint8 pictures of any size to probabilities.
        classes: their names, in the model's order.
        row: the backbone that it contains.

    Attributes:
        bytes: of its weights.
        version: changes when the model's file does.
    """

    def __init__(self, model: keras.Model, classes: tuple[str, ...], row: Backbone, version: object):
        self.version = version
        self.bytes = sum(int(np.prod(weight.shape)) * 4 for weight in model.weights)
        self._model, self._classes = model, classes
        resized = next(layer.output for layer in model.layers if None not in layer.output.shape[1:])
        outputs = [model.output, *_features(model)]
        resize, rest = keras.Model(model.input, resized), batchnorm.folded(keras.Model(resized, outputs))
        pixels = tf.TensorSpec((1, None, None, 3), tf.float32)
        inputs = tf.TensorSpec((None, *resized.shape[1:]), resized.dtype)
        self._resize = tf.function(lambda x: resize(x, training=False), input_signature=[pixels], autograph=False)
        self._network = tf.function(
            lambda x: tf.nest.flatten(rest(x, training=False)), input_signature=[inputs], autograph=False
        )
        self._network(self._resize(tf.zeros((1, 240, 320, 3))))
        self._explainer = Explainer(model, resized, lambda pixels: self._network(pixels)[0])
        self._channels = ChannelReader(model, resized, {block.name: block.cut for block in row.blocks})

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
        inputs = [item if isinstance(item, UserError) else self.resized(item) for item in decoded]
        good = [item for item in inputs if not isinstance(item, UserError)]
        rows: list[np.ndarray] = []
        for start in range(0, len(good), BATCH):
            if is_gone():
                break
            rows += list(self._network(tf.stack(good[start : start + BATCH]))[0].numpy())
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

    def channels(self, decoded: np.ndarray, block: str) -> Channels:
        """What the channels of a block make of a picture [h, w, 3], pixels 0 to 255 of any size."""
        blocks = tuple(self._channels.cuts)
        pixels = self._resize(decoded[None].astype(np.float32))[0].numpy()
        return replace(self._channels.read(pixels, block if block in blocks else blocks[-1]), blocks=blocks)

    def look(self, batches: Iterable[np.ndarray], is_gone: Callable[[], bool]) -> tuple[np.ndarray, np.ndarray]:
        """What the network of a run makes of pictures.

        Args:
            batches: float32 [n, size, size, 3], resized.
            is_gone: says that nobody waits any more.

        Returns:
            Probabilities [n, classes], and the backbone's features averaged over the picture [n, width].

        Raises:
            Stopped: nobody waits any more.
        """
        said = []
        for batch in batches:
            if is_gone():
                raise Stopped
            said.append([part.numpy() for part in self._network(batch)])
        probabilities, features = zip(*said, strict=True)
        return np.concatenate(probabilities), np.concatenate(features)

    def resized(self, pixels: tf.Tensor, _seed: object = None) -> tf.Tensor:
        """One picture [h, w, 3], pixels 0 to 255, as the network takes it."""
        return self._resize(tf.cast(pixels, tf.float32)[None])[0]

    @cached_property
    def weights(self) -> str:
        """The mark of its weights."""
        return fingerprint(self._model.weights)


def _features(model: keras.Model) -> list[keras.KerasTensor]:
    """What a run's head begins with, averaged over the picture; other models have no such place."""
    heads = [layer for layer in model.layers if layer.name == "head_pool"]
    return [keras.layers.GlobalAveragePooling2D()(head.input) for head in heads]


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


def read_channels(asked: ReadChannels, desk: Desk) -> Channels:
    """The feature maps of one picture."""
    decoded = decoded_picture(asked.files[0])
    if isinstance(decoded, UserError):
        raise decoded
    with desk.use(asked.source) as classifier:
        return classifier.channels(decoded, asked.block)


def evaluate(asked: Evaluate, desk: Desk) -> None:
    """Predict one part of a run's pictures and keep the report in its folder."""
    run = _run(asked.run, desk)
    desk.say(message("Loading the model…"))
    dataset = datasets.load(run.config.data.dataset)
    evaluation.evaluate(run.folder, run.config, dataset, asked.part, emit=_teller(desk), should_stop=desk.is_gone)


def lay_out(asked: LayOut, desk: Desk) -> None:
    """Keep the map of the features of the run's validation pictures, and for t-SNE also how that lays it out."""
    run = _run(asked.run, desk)
    if feature_map.load(run.folder, "pca") is None:
        desk.say(message("Loading the model…"))
        dataset = datasets.load(run.config.data.dataset)
        before_after.look(run.folder, run.config, dataset, emit=_teller(desk), should_stop=desk.is_gone)
    if asked.layout == "tsne" and feature_map.load(run.folder, "tsne") is None:
        desk.say(message("t-SNE looks for a place for every picture…"))
        feature_map.lay_out(run.folder)


def _teller(desk: Desk) -> Callable[[Event], None]:
    """Says how many pictures have been looked at."""

    def emit(event: Event) -> None:
        if isinstance(event, (Phase, Progress)) and event.total:
            done = event.done if isinstance(event, Progress) else 0
            desk.say(message("Looking at the pictures: {done} of {total}", done=done, total=event.total))

    return emit


def recognize(asked: Recognize, desk: Desk) -> Recognized:
    """Whether pictures look like any that the run has learned from."""
    run = _run(asked.run, desk)
    classifier = _classifier(asked.run, desk)
    familiar = _familiar(run, classifier, desk)
    decoded = [decoded_picture(file) for file in asked.files]
    good = [classifier.resized(item) for item in decoded if not isinstance(item, UserError)]
    scores = iter(familiar.scores(*classifier.look([tf.stack(good)], desk.is_gone)) if good else [])
    found = tuple(None if isinstance(item, UserError) else next(scores) for item in decoded)
    return Recognized(found, familiar.limits, familiar.trained, len(familiar.softmax))


def detect(asked: Detect, desk: Desk) -> Detected:
    """How well the run's scores tell its validation pictures from others."""
    run = _run(asked.run, desk)
    classifier = _classifier(asked.run, desk)
    familiar = _familiar(run, classifier, desk)
    if asked.other.startswith(DRAWN):
        return familiar.told_from(*classifier.look(_drawn(asked.other, classifier, desk), desk.is_gone))
    paths = familiarity.others(datasets.load(asked.other))
    return familiar.told_from(*_looked_at(classifier, paths, desk))


def _drawn(name: str, classifier: Classifier, desk: Desk) -> Iterator[np.ndarray]:
    """Pictures that are drawn now and kept nowhere, in batches as the network takes them."""
    drawing = DRAWINGS.get(name)
    if drawing is None:
        raise UserError(message("There are no drawn pictures called {name}.", name=name), message("Choose others."))
    total = drawing.per_class * len(drawing.classes)
    batch: list[tf.Tensor] = []
    for number, (_name, file) in enumerate(drawn.pictures(drawing), 1):
        batch.append(classifier.resized(decoding.decode(file)))
        if len(batch) == BATCH or number == total:
            yield tf.stack(batch)
            batch = []
            desk.say(message("Looking at the pictures: {done} of {total}", done=number, total=total))


def _classifier(run_id: str, desk: Desk) -> Classifier:
    with desk.use(f"run:{run_id}") as classifier:
        return classifier


def _familiar(run: Run, classifier: Classifier, desk: Desk) -> familiarity.Familiar:
    """What the run's own pictures look like to it, as kept or found now."""
    kept = familiarity.load(run.folder, classifier.weights)
    if kept is None:
        dataset = datasets.load(run.config.data.dataset)
        kept = familiarity.measured(run.config, dataset, lambda paths: _looked_at(classifier, paths, desk))
        familiarity.save(run.folder, classifier.weights, kept)
    return kept


def _looked_at(classifier: Classifier, paths: Sequence[Path], desk: Desk) -> tuple[np.ndarray, np.ndarray]:
    """Look at stored pictures, and say how far it is."""

    def batches() -> Iterator[np.ndarray]:
        for place, batch in decoding.batches(paths, None, classifier.resized, BATCH):
            yield batch
            desk.say(message("Looking at the pictures: {done} of {total}", done=place.stop, total=len(paths)))

    return classifier.look(batches(), desk.is_gone)


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
    version, row = version_of_run(name, desk), backbone(_run(name, desk).config.backbone.name)
    desk.say(message("Loading the model…"))
    with desk.building:
        try:
            model = keras.models.load_model(path, compile=False)
            return Classifier(model, paths.labels(path.parent), row, version)
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
        return Classifier(network.load_with_top(row), tuple(classes), row, None)


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
