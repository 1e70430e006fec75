"""Where a run's model lies; nothing is made here, and nothing here imports TensorFlow.

runs/<id>/model.keras    the complete model
runs/<id>/labels.json    the names of the classes, in the order of the probabilities
runs/<id>/familiarity.npz  what the run's own pictures look like to the model, once somebody has asked
runs/<id>/features.npz     the map of their features, likewise, and neighbours.npz how t-SNE lays it out
"""

from pathlib import Path

from tl_core.base import records

FILES = {"keras": "model.keras"}
LABELS = "labels.json"
FAMILIAR = "familiarity.npz"
FEATURES = "features.npz"
NEIGHBOURS = "neighbours.npz"
MADE = (FAMILIAR, FEATURES, NEIGHBOURS)  # of the model: they can be made again


def model_path(folder: Path) -> Path:
    """Where a run's model lies."""
    return folder / FILES["keras"]


def whole(folder: Path) -> bool:
    """Whether the run's folder holds the whole model."""
    return model_path(folder).is_file()


def ready(folder: Path, form: str) -> Path | None:
    """The file of a run in this form if it is there; None for other forms too."""
    path = folder / FILES[form] if form in FILES else None
    return path if path and path.is_file() else None


def labels(folder: Path) -> tuple[str, ...]:
    """The names of the classes that the run's model tells apart; written together with the model.

    Raises:
        OSError: there are none.
        ValueError: the file is damaged.
    """
    return records.value(tuple[str, ...], records.loads((folder / LABELS).read_bytes()))
