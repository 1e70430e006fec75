"""How text classification learns: what the training loop asks of it, phase by phase and epoch by epoch.

tokens -> activations at the freeze boundary (computed once) -> upper blocks and head (trained here)
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tl_core.base import events
from tl_core.classification import report, steps
from tl_core.classification.learner import Chunk, ClassificationLearner
from tl_core.tasks.text_classification import model, network
from tl_core.tasks.text_classification.config import TextClassificationConfig, boundary
from tl_core.tasks.text_classification.features import Activations
from tl_core.text.data.labelled import LabelledTexts, split
from tl_core.text.pretrained import encoder as encoders
from tl_core.text.pretrained.encoders import shape_of
from tl_core.training import optimizers, precision
from tl_core.training.learner import Standing
from tl_core.training.options import Precision


class TextClassificationLearner(ClassificationLearner):
    """As `tl_core.training.learner.Learner` says.

    Args:
        config: the experiment.
        dataset: its texts.
        folder: the run's folder.
        emit: takes events.
        should_stop: asked several times a second.
    """

    activations: Activations
    unit = "texts"

    def __init__(
        self,
        config: TextClassificationConfig,
        dataset: LabelledTexts,
        folder: Path,
        emit: Callable[[events.Event], None],
        should_stop: Callable[[], bool],
    ):
        self.config, self.dataset, self.folder = config, dataset, folder
        self.emit, self.should_stop = emit, should_stop
        self.phases, self.patience = len(config.phases), config.early_stopping
        self.base, self.standing, self.report = "", Standing(), None
        for part in ("validation", "test"):
            report.path(folder, part).unlink(missing_ok=True)  # of an earlier attempt

    def precision(self) -> Precision:
        """On a CPU the largest product of a layer is timed."""
        return precision.resolve(self.config.precision, self._gain)

    def begin(self, standing: Standing) -> None:
        """Load the encoder, build the head, and divide the texts."""
        config, self.standing = self.config, standing
        self.examples = self.dataset.examples
        self.split = split(self.dataset, config.data)
        self.labels = np.array([example.label for example in self.examples], np.int32)
        self.importance = steps.importance(self.labels, self.split.train, config.class_weights)
        self.encoder, self.head = model.untrained(config, len(self.dataset.classes), self.emit, self.should_stop)
        self.base = encoders.mark(self.encoder)
        lowest = min(boundary(self.encoder.shape, phase.frozen_blocks) for phase in config.phases)
        self.initial = [(variable, variable.value.numpy()) for variable in self.variables(lowest)]
        self.divided: int | None = None  # where the network is

    def phase(self, number: int) -> events.Phase:
        """Divide the network at the phase's boundary: what is computed once, and what is trained."""
        config, phase = self.config, self.config.phases[number]
        for variable, value in self.initial:
            variable.assign(value)
        self._divide(boundary(self.encoder.shape, phase.frozen_blocks))
        epoch = math.ceil(len(self.split.train) / config.batch_size)
        variables = self.part.trainable_variables
        self.optimizer = optimizers.built(phase, variables, phase.epochs * epoch)
        self.take = steps.trainer(
            self.part, self.optimizer, self.activations, config.batch_size, config.label_smoothing
        )
        self.pace = steps.Pace(self.activations, config.batch_size)
        trainable = sum(math.prod(variable.shape) for variable in variables)
        return events.Phase(
            phase=phase.name,
            total=phase.epochs,
            unit="epochs",
            first_epoch=self.standing.first_epoch,
            frozen_blocks=self.activations.boundary,
            learning_rate=phase.learning_rate,
            trainable=trainable,
            frozen=self.encoder.shape.parameters + self.head.count_params() - trainable,
            steps_per_epoch=epoch,
        )

    def variables(self, lowest: int) -> list[keras.Variable]:
        """Of the blocks above a boundary, and of the head; the seeds of dropout's masks with them."""
        return [*encoders.block_variables(self.encoder, lowest, seeds=True), *self.head.variables]

    def weights(self, lowest: int) -> list[keras.Variable]:
        """As `model.load_best` takes them."""
        return [*encoders.block_variables(self.encoder, lowest), *self.head.weights]

    def prepare(self, epochs: int) -> None:
        """Activations of the training and the validation texts."""
        self.activations.prepare(np.concatenate([self.split.train, self.split.validation]))

    def chunks(self) -> Iterator[Chunk]:
        """The training texts in the epoch's own order."""
        order = np.random.default_rng((self.config.seed, self.standing.epoch + 1)).permutation(self.split.train)
        left = order[self.standing.batch * self.config.batch_size :]
        return steps.chunks(self.activations, left, 0, self.pace)

    def finish(self) -> None:
        """Write the report on the validation texts, and the names of the classes."""
        validation = self.split.validation
        model.write_labels(self.folder, self.dataset.classes)
        if not len(validation):
            return
        self.emit(events.Phase(phase="evaluation", total=len(validation), unit="texts"))
        for variable, value in self.initial:
            variable.assign(value)
        if self.standing.best_epoch:
            model.load_best(self.folder, self.encoder, self.head)
        if self.divided is None or self.divided > self.standing.lowest:
            self._divide(boundary(self.encoder.shape, self.config.phases[-1].frozen_blocks))
            self.activations.prepare(validation)
        examples = [self.examples[index] for index in validation]
        self.report = report.report("validation", self.dataset.id, self.dataset.classes, examples, self.predictions())
        report.save(self.report, self.folder)

    def _gain(self) -> float:
        shape = shape_of(self.config.encoder.name)
        return _product_gain(
            self.config.batch_size * self.config.encoder.length, shape.width, shape.hidden, self.should_stop
        )

    def _divide(self, frozen: int) -> None:
        self.divided = frozen
        self.activations = Activations(self.config, self.dataset, self.encoder, frozen, self.emit, self.should_stop)
        self.part = network.TrainedPart(self.encoder, frozen, self.head)
        self.predict = steps.predictor(self.part, self.activations)
        self.looking = steps.Pace(self.activations, steps.BATCH)  # one validation finds it out, the next one uses it


def _product_gain(rows: int, width: int, hidden: int, should_stop: Callable[[], bool]) -> float:
    """How many times as fast as in float32 the largest product of a layer runs in bfloat16 on this CPU."""

    def product(dtype: str) -> Callable[[], tf.Tensor]:
        layer = keras.layers.Dense(hidden, dtype=dtype)
        tokens = tf.zeros((rows, width), dtype)
        return tf.function(lambda: layer(tokens)[0, 0])

    return precision.gain(("product", rows, width, hidden), product, should_stop)
