"""Which source helps? Scores that rank pretrained networks before anything is trained.

Both look only at what a frozen network makes of the target's pictures, and at their labels. Whether such a ranking
holds is to be looked at afterwards, against the gain measured (`tl_core.labs.ranks`): simple heuristics can be as good
as elaborate scores (arXiv 2510.06448).
"""

import math

import numpy as np

STEPS = 100  # of the fixed-point iteration; it takes fewer than ten, mostly
CLOSE = 1e-6  # relative change of alpha / beta at which it ends
SMALL = 1e-12  # of the largest eigenvalue: what lies below is rounding


def logme(features: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """LogME: the logarithm of the evidence for a Bayesian linear model of the labels, an example, the classes' mean.

    For each class, whether an example belongs to it (0 or 1) is modelled as F w plus noise of variance 1 / beta, with a
    Gaussian prior of variance 1 / alpha on w; alpha and beta are those for which the evidence is greatest, found by
    fixed-point iteration. Higher is better; only differences between networks on the same examples mean anything.

    K. You and others, LogME: practical assessment of pre-trained models for transfer learning, ICML 2021, equations 3
    and 4; the iteration on eigenvalues is that of Ranking and tuning pre-trained models, JMLR 23, 2022, algorithm 3.

    Args:
        features: float32 [n, d], at least one value other than zero.
        labels: int [n], 0 to classes - 1; classes without examples are left out.
        classes: at least two.

    Raises:
        ValueError: all features are zero, or the shapes do not fit together.
    """
    _check(features, labels)
    wanted = np.eye(classes)[labels][:, np.unique(labels)]  # [n, classes that occur]
    eigenvalues, squares = _spectrum(features.astype(np.float64), wanted)
    totals = (wanted**2).sum(0)
    n = len(features)
    found = [evidence(eigenvalues, own, total, n) for own, total in zip(squares.T, totals, strict=True)]
    return float(np.mean([value for value, _, _ in found]) / n)


def evidence(eigenvalues: np.ndarray, squares: np.ndarray, total: float, n: int) -> tuple[float, float, float]:
    """The greatest logarithm of the evidence for one target y, and the alpha and beta where it is reached.

    Args:
        eigenvalues: of F F', those above zero, float64 [k].
        squares: of the components of y along their eigenvectors, float64 [k].
        total: y'y.
        n: examples.
    """
    rest = max(total - float(squares.sum()), 0.0)  # what no weights can explain
    alpha = beta = 1.0
    for _ in range(STEPS):
        ratio = alpha / beta
        gamma = float((eigenvalues / (eigenvalues + ratio)).sum())  # effective number of weights
        size = float((eigenvalues * squares / (eigenvalues + ratio) ** 2).sum())  # of the weights, squared
        error = float((squares / (1 + eigenvalues / ratio) ** 2).sum()) + rest
        alpha, beta = gamma / (size + 1e-9), (n - gamma) / (error + 1e-9)
        if abs(alpha / beta - ratio) <= CLOSE * ratio:
            break
    return log_evidence(eigenvalues, squares, total, n, alpha, beta), alpha, beta


def log_evidence(
    eigenvalues: np.ndarray, squares: np.ndarray, total: float, n: int, alpha: float, beta: float
) -> float:
    """The logarithm of the density of y, which is normal with mean 0 and covariance 1 / beta + F F' / alpha."""
    variances = 1 / beta + eigenvalues / alpha
    rest = max(total - float(squares.sum()), 0.0)
    size = np.log(variances).sum() - (n - len(eigenvalues)) * math.log(beta)
    return float(-0.5 * (n * math.log(2 * math.pi) + size + (squares / variances).sum() + beta * rest))


def separation(features: np.ndarray, labels: np.ndarray) -> float:
    """How far apart classes lie: the scatter between their means over the scatter within them. Higher is better.

    The ratio of traces: 0 where all means are the same, 1 where means are as far from the middle as examples from their
    mean; infinite where examples of a class are all the same. R. Fisher, Annals of Eugenics 7, 1936, for one feature.

    Args:
        features: float32 [n, d].
        labels: int [n], of at least two classes.

    Raises:
        ValueError: there is one class, or the shapes do not fit together.
    """
    _check(features, labels)
    features = features.astype(np.float64)
    found, places = np.unique(labels, return_inverse=True)
    if len(found) < 2:
        raise ValueError("one class cannot be told from others")
    means = np.array([features[labels == label].mean(0) for label in found])
    within = float(((features - means[places]) ** 2).sum())
    between = float(((means[places] - features.mean(0)) ** 2).sum())
    return between / within if within else math.inf


def _spectrum(features: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues [k] of F F' above zero, and squared components [k, classes] of the targets, by the smaller side."""
    wide = features.shape[0] <= features.shape[1]
    values, vectors = np.linalg.eigh(features @ features.T if wide else features.T @ features)
    kept = values > SMALL * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    if wide:
        return values, (vectors.T @ wanted) ** 2
    return values, (vectors.T @ (features.T @ wanted)) ** 2 / values[:, None]


def _check(features: np.ndarray, labels: np.ndarray) -> None:
    if features.ndim != 2 or labels.shape != (len(features),) or not features.any():
        raise ValueError(f"features {features.shape} and labels {labels.shape} do not fit together, or say nothing")
