"""What a run's pictures look like to its network, so that others can be told from them; kept with the weights' mark.

Two scores, both higher for what is better known: the probability of the likeliest class (Hendrycks and Gimpel 2017,
https://arxiv.org/abs/1610.02136), and minus the Mahalanobis distance to the nearest class mean (Lee et al. 2018,
https://arxiv.org/abs/1807.03888) of the backbone's last feature maps, averaged. Means and covariance are those of
training pictures, the thresholds those that accept 95 % of the validation pictures. Test pictures are not touched.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.classification import known
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.tasks.image_classification.calls import Detected, Scores, Separation
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.paths import FAMILIAR
from tl_core.training import checkpoint

ACCEPTED = 0.95  # the share of validation pictures that is called known
LEARNED = 600  # training pictures at most: what more of them would change is little
ASIDE = 300  # validation pictures at most, and others that are compared with them

See = Callable[[Sequence[Path]], tuple[np.ndarray, np.ndarray]]  # probabilities [n, classes] and features [n, width]


@dataclass(frozen=True)
class Familiar:
    """What a network makes of its run's own pictures.

    Attributes:
        means: of the training pictures' features.
        softmax, distance: scores of the validation pictures, float32 [n]; the distance is negative.
        trained: training pictures that were looked at.
    """

    means: known.ClassMeans
    softmax: np.ndarray
    distance: np.ndarray
    trained: int

    @property
    def limits(self) -> Scores:
        """From which softmax on, and up to which distance, a picture is called known."""
        return Scores(known.threshold(self.softmax, ACCEPTED), -known.threshold(self.distance, ACCEPTED))

    def scores(self, probabilities: np.ndarray, features: np.ndarray) -> list[Scores]:
        """Of pictures, by what the network says of them."""
        distances = -self.means.score(features)
        return [
            Scores(float(softmax), float(distance))
            for softmax, distance in zip(known.maximum_softmax(probabilities), distances, strict=True)
        ]

    def told_from(self, probabilities: np.ndarray, features: np.ndarray) -> Detected:
        """How well each score tells the validation pictures from others."""
        limits = self.limits
        return Detected(
            _separated(self.softmax, known.maximum_softmax(probabilities), limits.softmax),
            _separated(self.distance, self.means.score(features), -limits.distance),
            len(self.softmax),
            len(features),
        )


def measured(config: RunConfig, dataset: Dataset, see: See) -> Familiar:
    """Look at a run's training and validation pictures.

    Raises:
        UserError: no pictures validate, or those of each class are all the same.
    """
    parts = split(dataset, config.data)
    if not len(parts.validation):
        raise UserError(
            message("Without validation pictures there is no threshold from which on a picture counts as known."),
            message("Set aside a share of the pictures for validation and train again."),
        )
    labels = np.array([image.label for image in dataset.images])
    train, validation = _chosen(parts.train, labels, LEARNED), _chosen(parts.validation, labels, ASIDE)
    paths = [dataset.path(dataset.images[index]) for index in (*train, *validation)]
    probabilities, features = see(paths)
    try:
        means = known.fit(features[: len(train)], labels[train])
    except ValueError as error:
        raise UserError(
            message("The training pictures all look the same to this network: {reason}", reason=str(error)),
            message("Train with more, and different, pictures."),
        ) from error
    aside = slice(len(train), None)
    return Familiar(means, known.maximum_softmax(probabilities[aside]), means.score(features[aside]), len(train))


def others(dataset: Dataset) -> list[Path]:
    """Pictures of another dataset to compare with, of each class as many."""
    labels = np.array([image.label for image in dataset.images])
    chosen = _chosen(np.arange(len(labels)), labels, ASIDE)
    return [dataset.path(dataset.images[index]) for index in chosen]


def save(folder: Path, weights: str, familiar: Familiar) -> None:
    """Keep it in the run's folder; `weights` is the mark of those that it was measured with."""
    means = familiar.means
    facts = {"weights": weights, "trained": familiar.trained, "shrinkage": means.shrinkage}
    arrays = [means.whitening, means.means, means.labels, familiar.softmax, familiar.distance]
    checkpoint.keep(folder / FAMILIAR, facts, arrays)


def load(folder: Path, weights: str) -> Familiar | None:
    """What was kept, if it belongs to these weights; None if not, or if the file is not there or damaged."""
    saved = checkpoint.load(folder / FAMILIAR)
    if saved is None or saved.facts.get("weights") != weights:
        return None
    whitening, means, labels, softmax, distance = saved.arrays
    return Familiar(
        known.ClassMeans(whitening, means, labels, saved.facts["shrinkage"]), softmax, distance, saved.facts["trained"]
    )


def _chosen(indices: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """At most so many, of each class as many as there are, but two of each at least where it has them."""
    order = np.random.default_rng(0).permutation(indices)
    nth = np.zeros(len(order), int)
    for label in np.unique(labels[order]):
        mine = labels[order] == label
        nth[mine] = np.arange(mine.sum())
    count = max(most, int((nth < 2).sum()))
    return order[np.argsort(nth, kind="stable")[:count]]


def _separated(mine: np.ndarray, theirs: np.ndarray, limit: float) -> Separation:
    found = known.detection(mine, theirs, limit)  # not its true positives: `mine` gave the limit
    return Separation(found.auroc, found.low, found.high, found.false_positives)
