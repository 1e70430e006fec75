"""Features in two dimensions, to be looked at; and how well they part the classes, measured in all dimensions.

PCA turns the features so that the first two axes show as much of their spread as two can. t-SNE (L. van der Maaten and
G. Hinton, Journal of Machine Learning Research 9, 2008) keeps neighbours together and gives up everything else: sizes
of groups and distances between them mean nothing there. scikit-learn computes both; it is imported when it is needed.
"""

import numpy as np

KEPT = 50  # principal components that t-SNE begins with: with the first 30 to 50 it is faster and hardly differs
PERPLEXITY = 30.0  # of t-SNE: about how many neighbours count; its authors advise 5 to 50
SEED = 0  # of both


def components(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first principal components of features.

    Args:
        features: float32 [n, width], at least two rows.

    Returns:
        float32 [n, at most KEPT], and the share of the whole variance that each of them has.
    """
    from sklearn.decomposition import PCA

    turned = PCA(min(KEPT, *features.shape), random_state=SEED).fit_transform(features)
    whole = max(float(features.var(0).sum()), np.finfo(np.float32).tiny)
    return turned.astype(np.float32), (turned.var(0) / whole).astype(np.float32)


def neighbourly(turned: np.ndarray) -> np.ndarray:
    """t-SNE of what `components` has found, float32 [n, 2]; the same on every call.

    Args:
        turned: float32 [n, components], at least four rows.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    perplexity = min(PERPLEXITY, (len(turned) - 1) / 3)  # fewer examples have fewer neighbours
    with threadpool_limits(1):  # its threads wait for each other without rest: on a busy machine two take ten times it
        return TSNE(init="pca", perplexity=perplexity, random_state=SEED).fit_transform(turned)


def same_class(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether the nearest other example (by Euclidean distance) is of the same class, bool [n].

    Its mean is the accuracy of a 1-nearest-neighbour classifier with one example left out after another (T. Cover and
    P. Hart, IEEE Transactions on Information Theory 13, 1967).

    Args:
        features: float32 [n, width], at least two rows.
        labels: int [n].
    """
    squares = (features**2).sum(1)
    distances = squares[:, None] + squares - 2 * features @ features.T
    np.fill_diagonal(distances, np.inf)
    return labels[distances.argmin(1)] == labels


def by_chance(labels: np.ndarray) -> float:
    """How often another example, taken at random, is of the same class.

    Args:
        labels: int [n], at least two.
    """
    counts, n = np.bincount(labels), len(labels)
    return float((counts * (counts - 1)).sum() / (n * (n - 1)))
