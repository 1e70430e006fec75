"""How image classification learns: what the training loop asks of it, phase by phase and epoch by epoch.

pictures -> activations at the freeze boundary (computed once) -> upper blocks and head (trained here)
"""

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np

from tl_core.base import events
from tl_core.base.errors import Stopped
from tl_core.classification import mistakes, report, steps
from tl_core.classification.learner import Chunk, ClassificationLearner
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.images.pretrained.backbones import boundary
from tl_core.images.shifts import SHIFTS
from tl_core.tasks.image_classification import export, network
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.features import Activations
from tl_core.training import optimizers, precision
from tl_core.training.activations import fingerprint
from tl_core.training.learner import Standing
from tl_core.training.options import Precision


class ImageLearner(ClassificationLearner):
    """As `tl_core.training.learner.Learner` says.

    Args:
        config: the experiment.
        dataset: its pictures.
        folder: the run's folder.
        emit: takes events.
        should_stop: asked several times a second.
    """

    activations: Activations
    unit = "images"

    def __init__(
        self,
        config: RunConfig,
        dataset: Dataset,
        folder: Path,
        emit: Callable[[events.Event], None],
        should_stop: Callable[[], bool],
    ):
        self.config, self.dataset, self.folder = config, dataset, folder
        self.emit, self.should_stop = emit, should_stop
        self.row = config.row
        self.phases, self.patience = len(config.phases), config.early_stopping
        self.base, self.standing, self.report = "", Standing(), None
        self.shifted: dict[str, float] = {}  # accuracy on changed validation pictures, once it is measured
        for part in ("validation", "test"):
            report.path(folder, part).unlink(missing_ok=True)  # of an earlier attempt

    def precision(self) -> Precision:
        """Depthwise networks stay in float32 on a CPU; for others a convolution is timed."""
        slow = self.row.cpu_precision == "float32"
        return precision.resolve(
            self.config.precision, lambda: 0.0 if slow else precision.convolution_gain(self.should_stop)
        )

    def begin(self, standing: Standing) -> None:
        """Load the backbone, build the head, and divide the pictures."""
        config, self.standing = self.config, standing
        labels = np.array([image.label for image in self.dataset.images], np.int32)
        self.split, self.labels = mistakes.made(config.mistake, split(self.dataset, config.data), labels, config.seed)
        self.importance = steps.importance(self.labels, self.split.train, config.class_weights)
        keras.utils.set_random_seed(config.seed)
        settings = config.backbone
        self.network = network.load_base(self.row, settings.weights, settings.image_size, self.emit, self.should_stop)
        self.head = network.build_head(
            config.head, len(self.dataset.classes), self.network.output_shape[1:], config.seed
        )
        self.preprocessing = network.preprocessing(self.row, settings.image_size)
        self.base = fingerprint(self.network.weights)
        lowest = min(boundary(self.row, phase.frozen_blocks) for phase in config.phases)
        self.initial = [(variable, variable.value.numpy()) for variable in self.variables(lowest)]
        self.divided: int | None = None  # where the network is

    def phase(self, number: int) -> events.Phase:
        """Divide the network at the phase's boundary: what is computed once, and what is trained."""
        config, phase = self.config, self.config.phases[number]
        for variable, value in self.initial:
            variable.assign(value)
        self._divide(boundary(self.row, phase.frozen_blocks))
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
            frozen=self.network.count_params() + self.head.count_params() - trainable,
            steps_per_epoch=epoch,
        )

    def variables(self, lowest: int) -> list[keras.Variable]:
        """Of the blocks above a boundary, and of the head."""
        return [*network.upper_blocks(self.network, self.row, lowest).variables, *self.head.variables]

    def weights(self, lowest: int) -> list[keras.Variable]:
        """As `export.load_best` takes them."""
        return [*network.upper_blocks(self.network, self.row, lowest).weights, *self.head.weights]

    def prepare(self, epochs: int) -> None:
        """Activations of the training pictures in the views that the epochs want, and of the validation pictures."""
        done = self.standing.epoch
        views = {self.view(epoch) for epoch in range(done + 1, done + epochs + 1)}
        wanted = dict.fromkeys(sorted(views), self.split.train)
        wanted[0] = np.concatenate([wanted.get(0, []), self.split.validation]).astype(np.int64)
        self.activations.prepare(wanted)

    def chunks(self) -> Iterator[Chunk]:
        """The training pictures in the epoch's own order and view."""
        epoch = self.standing.epoch + 1
        order = np.random.default_rng((self.config.seed, epoch)).permutation(self.split.train)
        left = order[self.standing.batch * self.config.batch_size :]
        return steps.chunks(self.activations, left, self.view(epoch), self.pace)

    def finish(self) -> None:
        """Write the report on the validation pictures, and the model.

        Where the last phase froze all that the run ever froze, its activations are those of the best weights too, and
        serve again.
        """
        validation = self.split.validation
        if len(validation):
            self.emit(events.Phase(phase="evaluation", total=len(validation), unit="images"))
            for variable, value in self.initial:
                variable.assign(value)
            if self.standing.best_epoch:
                export.load_best(self.folder, self.network, self.head, self.row)
            if self.divided is None or self.divided > self.standing.lowest:
                self._divide(boundary(self.row, self.config.phases[-1].frozen_blocks))
                self.activations.prepare({0: validation})
            self.report = report.report(
                "validation",
                self.dataset.id,
                self.dataset.classes,
                [self.dataset.images[index] for index in validation],
                self.predictions(),
            )
            report.save(self.report, self.folder)
            if self.config.shifts:
                self.shifted = self._shifted()
        if self.should_stop():
            raise Stopped
        self.emit(events.Phase(phase="saving"))
        export.model_file(self.folder, self.config, self.dataset)

    def metrics(self) -> Mapping[str, float]:
        """Of the report and of changed pictures, or of the best epoch."""
        return {**super().metrics(), **self.shifted}

    def _shifted(self) -> dict[str, float]:
        """Accuracy of the network as it is on the validation pictures, changed; by the names of the metrics."""
        validation = self.split.validation
        found = {}
        for name, change in SHIFTS.items():
            probabilities = self.predictions(self.activations.computed(validation, 0, steps.BATCH, change))
            found[name] = float((probabilities.argmax(1) == self.labels[validation]).mean())
        return found

    def _divide(self, frozen: int) -> None:
        self.divided = frozen
        trunk, upper = network.split_base(self.network, self.row, frozen)
        head = self.head
        if frozen == len(self.row.blocks) and self.config.head.pooling == "average":
            trunk, upper, head = network.pool_early(trunk, head)
        self.activations = Activations(
            self.config, self.dataset, self.preprocessing, trunk, frozen, self.emit, self.should_stop
        )
        self.part = network.TrainedPart(upper, head, self.config.keeps_statistics)
        self.predict = steps.predictor(self.part, self.activations)
        self.looking = steps.Pace(self.activations, steps.BATCH)  # one validation finds it out, the next one uses it

    def view(self, epoch: int) -> int:
        """The view of the pictures that an epoch of the run trains on; validation always sees view 0."""
        return 0 if self.config.augmentation == "none" else (epoch - 1) % self.config.views + 1
