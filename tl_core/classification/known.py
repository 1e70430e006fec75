"""Known or not? Scores that tell pictures of the classes learned from pictures of something else.

Higher scores mean better known. D. Hendrycks and K. Gimpel, A baseline for detecting misclassified and
out-of-distribution examples, ICLR 2017 (maximum softmax); K. Lee and others, A simple unified framework for detecting
out-of-distribution samples, NeurIPS 2018 (Mahalanobis distance to class means with a shared covariance).
"""

from dataclasses import dataclass

import numpy as np

LEVEL = 0.95  # of the interval
RESAMPLES = 1000


@dataclass(frozen=True)
class ClassMeans:
    """A Gaussian a class, all with the same covariance, in coordinates in which that is the unit matrix."""

    whitening: np.ndarray  # float32 [d, d]: features @ whitening have it
    means: np.ndarray  # float32 [classes that occur, d], whitened
    labels: np.ndarray  # int64 [classes that occur], rising
    shrinkage: float  # 0 to 1: how much of the covariance is a multiple of the unit matrix

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances of features [n, d] to the means: float32 [n, classes that occur]."""
        white = features.astype(np.float32, copy=False) @ self.whitening
        squares = (white**2).sum(1)[:, None] - 2 * white @ self.means.T + (self.means**2).sum(1)
        return np.maximum(squares, 0)

    def score(self, features: np.ndarray) -> np.ndarray:
        """How well known each is: minus the distance (not squared) to the nearest mean, float32 [n]."""
        return -np.sqrt(self.distances(features).min(1))


@dataclass(frozen=True)
class Detection:
    """How well a score tells known from unknown."""

    auroc: float  # how often a known picture scores higher than an unknown one
    low: float  # 95 % interval of that over the pictures; it says nothing of another training of the network
    high: float
    threshold: float  # a picture is called known from here on
    true_positives: float  # the share of known pictures that are called known
    false_positives: float  # the share of unknown pictures that are called known


def maximum_softmax(probabilities: np.ndarray) -> np.ndarray:
    """The probability of the most probable class, [n], of probabilities [n, classes]."""
    return probabilities.max(1)


def fit(features: np.ndarray, labels: np.ndarray) -> ClassMeans:
    """Means of the classes and their shared covariance, from training examples.

    The covariance within classes is drawn towards a multiple of the unit matrix, as much as O. Ledoit and M. Wolf
    (Journal of Multivariate Analysis 88, 2004) find best: with fewer examples than features it could not be inverted
    otherwise.

    Args:
        features: float32 [n, d].
        labels: int [n]; one class at least has two different examples.

    Raises:
        ValueError: the shapes do not fit together, or the examples of each class are all the same.
    """
    if features.ndim != 2 or labels.shape != (len(features),) or not len(labels):
        raise ValueError(f"features {features.shape} and labels {labels.shape} do not fit together")
    features = features.astype(np.float64)
    found, places = np.unique(labels, return_inverse=True)
    means = np.array([features[labels == label].mean(0) for label in found])
    centred = features - means[places]
    covariance, shrinkage = ledoit_wolf(centred)
    values, vectors = np.linalg.eigh(covariance)
    if values[-1] <= 0:
        raise ValueError("the examples of each class are all the same")
    whitening = vectors / np.sqrt(np.maximum(values, 1e-9 * values[-1]))
    return ClassMeans(
        whitening.astype(np.float32), (means @ whitening).astype(np.float32), found.astype(np.int64), shrinkage
    )


def ledoit_wolf(centred: np.ndarray) -> tuple[np.ndarray, float]:
    """The covariance of rows [n, d] whose mean is zero, shrunk towards a multiple of the unit matrix, and how much.

    O. Ledoit and M. Wolf, 2004, equations 9 to 14; d squared numbers of memory, nothing cubic.
    """
    n, d = centred.shape
    sample = centred.T @ centred / n
    scale = np.trace(sample) / d
    spread = (sample**2).sum() - d * scale**2  # squared distance of the sample's covariance from the target
    noise = (((centred**2).sum(1) ** 2).sum() / n - (sample**2).sum()) / n  # and what of it is chance
    share = float(np.clip(noise / spread, 0, 1)) if spread > 0 else 1.0
    return (1 - share) * sample + share * scale * np.eye(d), share


def threshold(scores: np.ndarray, true_positive_rate: float = 0.95) -> float:
    """The highest threshold from which on at least this share of validation examples is called known.

    Args:
        scores: [n] of examples of the known classes that were not trained on, at least one.
        true_positive_rate: above 0, at most 1.

    Raises:
        ValueError: there are no scores, or the rate is another.
    """
    if not len(scores) or not 0 < true_positive_rate <= 1:
        raise ValueError(f"no threshold for a rate of {true_positive_rate} from {len(scores)} scores")
    kept = int(np.ceil(true_positive_rate * len(scores) - 1e-9))
    return float(np.sort(scores)[len(scores) - kept])


def detection(known: np.ndarray, unknown: np.ndarray, limit: float) -> Detection:
    """How well a score tells known pictures from unknown ones with this threshold.

    The interval is the percentile bootstrap's over the pictures of both kinds (B. Efron, Annals of Statistics 7, 1979).

    Args:
        known, unknown: scores [n] and [m], at least one each; the known ones are not those that gave the threshold.
        limit: the threshold.

    Raises:
        ValueError: one of them is empty.
    """
    draw = np.random.default_rng(0)
    drawn = [auroc(draw.choice(known, len(known)), draw.choice(unknown, len(unknown))) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    accepted = [float((scores >= limit).mean()) for scores in (known, unknown)]
    return Detection(auroc(known, unknown), float(low), float(high), limit, *accepted)


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """The area under the ROC curve: how often a known one scores higher than an unknown one, ties counting half.

    T. Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006.

    Args:
        known, unknown: scores [n] and [m], at least one each, none of them NaN.

    Raises:
        ValueError: one of them is empty.
    """
    if not len(known) or not len(unknown):
        raise ValueError("both kinds are needed")
    below = np.sort(unknown)
    wins = np.searchsorted(below, known, "left") + np.searchsorted(below, known, "right")
    return float(wins.sum() / (2 * len(known) * len(unknown)))
