"""The map of the features: what a run's network makes of its validation pictures, before its training and after.

From a notebook, with a run that has ended:

    from tl_core.images.data import dataset as datasets
    from tl_core.runs import store
    from tl_core.tasks.image_classification import before_after, feature_map

    run = store.get("RUN")
    before_after.look(run.folder, run.config, datasets.load(run.config.data.dataset))
    found = feature_map.load(run.folder, "pca")
    print(found.after.points, found.after.same.mean(), found.before and found.before.same.mean())
    print([(block.name, block.weights) for block in found.moved], found.kept is not None and found.kept.mean())

What was found is kept in the run's folder with the mark of its weights: a second look takes no time. No TensorFlow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.classification import layout
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.tasks.image_classification.calls import Layout
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.paths import FEATURES, NEIGHBOURS
from tl_core.training import checkpoint

VERSION = 1  # of what is kept; raise it when that changes
MOST = 3_000  # validation pictures that are looked at
SEED = 0  # decides which, where there are more
LEAST = 4  # of which there is something to see, and which t-SNE can lay out


@dataclass(frozen=True)
class Laid:
    """What one network makes of the pictures.

    Attributes:
        points: float32 [n, 2].
        same: bool [n], whether the nearest other picture is of the same class, by all features.
        shown: the share of the features' variance that the two axes show; None where they are no axes (t-SNE).
    """

    points: np.ndarray
    same: np.ndarray
    shown: float | None


@dataclass(frozen=True)
class Moved:
    """How far training has moved a block.

    Attributes:
        name: of the block.
        weights: the L2 distance of its weights after training from those before, as a share of the length of these.
        statistics: likewise of BatchNorm's moving means and variances; None where the block has none.
    """

    name: str
    weights: float
    statistics: float | None


@dataclass(frozen=True)
class FeatureMap:
    """Pictures, where the networks put them, and what lies between these networks.

    Attributes:
        pictures: the hashes of their files, and `names` their places in the dataset.
        true, predicted: int64 [n], classes; what is predicted by the run's network.
        total: validation pictures; n of them were looked at.
        width: of the features that were measured: averaged over the picture.
        before: None where training has left the backbone as it was.
        pretrained: whether the backbone knew anything before.
        moved: the backbone's blocks, from the input up.
        kept: bool [n], whether the backbone with the head of its source task still says of a picture what it said
            before training; None where that head is not at hand, or nothing has moved.
    """

    pictures: tuple[str, ...]
    names: tuple[str, ...]
    true: np.ndarray
    predicted: np.ndarray
    total: int
    width: int
    pretrained: bool
    moved: tuple[Moved, ...]
    kept: np.ndarray | None
    before: Laid | None
    after: Laid


def chosen(config: RunConfig, dataset: Dataset) -> tuple[np.ndarray, int]:
    """The places of the pictures that are looked at, and how many validate.

    Raises:
        UserError: too few do.
    """
    validation = split(dataset, config.data).validation
    if len(validation) < LEAST:
        raise UserError(
            message("A map of the features needs at least {n} validation pictures.", n=LEAST),
            message("Set aside a larger share of the pictures for validation and train again."),
        )
    order = np.random.default_rng(SEED).permutation(validation)
    return np.sort(order[:MOST]), len(validation)


def save(
    folder: Path,
    config: RunConfig,
    dataset: Dataset,
    indices: np.ndarray,
    total: int,
    predicted: np.ndarray,
    features: tuple[np.ndarray, ...],
    moved: Sequence[Moved] = (),
    kept: np.ndarray | None = None,
) -> None:
    """Keep what the networks make of the pictures.

    Args:
        indices: of the pictures.
        total: validation pictures.
        predicted: int [n].
        features: float32 [n, width] of the run's network, and behind it, if it is another one, of that before training.
        moved, kept: as `FeatureMap` has them.
    """
    images = [dataset.images[index] for index in indices]
    true = np.array([image.label for image in images])
    facts = {
        "weights": _mark(folder),
        "pictures": [image.id for image in images],
        "names": [image.key for image in images],
        "total": total,
        "width": features[0].shape[1],
        "pretrained": config.backbone.weights != "random",
        "moved": [[block.name, block.weights, block.statistics] for block in moved],
        "kept": None if kept is None else kept.tolist(),
    }
    arrays = [true, predicted]
    for each in features:
        arrays += [*layout.components(each), layout.same_class(each, true)]
    checkpoint.keep(folder / FEATURES, facts, arrays)


def lay_out(folder: Path) -> None:
    """Find and keep where t-SNE puts the pictures of the map that was kept.

    It goes on to its end whoever waits: half a minute for 3,000 pictures, and what it finds is there the next time.
    """
    saved = checkpoint.load(folder / FEATURES)
    if saved is not None:
        facts = {"weights": saved.facts["weights"]}
        checkpoint.keep(folder / NEIGHBOURS, facts, [layout.neighbourly(turned) for turned in saved.arrays[2::3]])


def load(folder: Path, how: Layout) -> FeatureMap | None:
    """The map that was kept, if it belongs to the run's weights; None if it does not, is damaged or not there."""
    saved, laid = checkpoint.load(folder / FEATURES), checkpoint.load(folder / NEIGHBOURS)
    mark = _mark(folder)
    if saved is None or saved.facts.get("weights") != mark:
        return None
    if how == "tsne" and (laid is None or laid.facts.get("weights") != mark):
        return None
    facts, (true, predicted, *rest) = saved.facts, saved.arrays
    networks = [
        Laid(turned[:, :2], same, float(shares[:2].sum()))
        if laid is None or how == "pca"
        else Laid(laid.arrays[number], same, None)
        for number, (turned, shares, same) in enumerate(zip(rest[::3], rest[1::3], rest[2::3], strict=True))
    ]
    return FeatureMap(
        tuple(facts["pictures"]),
        tuple(facts["names"]),
        true,
        predicted,
        facts["total"],
        facts["width"],
        facts["pretrained"],
        tuple(Moved(*block) for block in facts["moved"]),
        None if facts["kept"] is None else np.array(facts["kept"], bool),
        networks[1] if len(networks) > 1 else None,
        networks[0],
    )


def _mark(folder: Path) -> str:
    """What tells the run's best weights from later ones, and this way of keeping a map from others."""
    best = checkpoint.best_path(folder)
    return f"{VERSION} {best.stat().st_mtime_ns if best.is_file() else 0}"
