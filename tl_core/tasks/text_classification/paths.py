"""Where what a run leaves lies; nothing is made here, and nothing here imports TensorFlow.

runs/<id>/labels.json       the names of the classes, in the order of the probabilities
runs/<id>/classifier.zip    the whole model, tokenizer included, made when it is asked for
"""

from pathlib import Path

from tl_core.base import records
from tl_core.training import checkpoint

FILES = {"keras": "classifier.zip"}
LABELS = "labels.json"
MADE = tuple(FILES.values())  # of the model, for whoever takes it home: they can be made again


def whole(folder: Path) -> bool:
    """Whether the run's folder holds the whole model."""
    return ready(folder, "keras") is not None


def ready(folder: Path, form: str) -> Path | None:
    """The file of a run in this form if it is there and of the weights as they are; None for other forms too."""
    path, best = folder / FILES.get(form, ""), checkpoint.best_path(folder)
    if not path.is_file() or not best.is_file() or path.stat().st_mtime_ns < best.stat().st_mtime_ns:
        return None
    return path


def labels(folder: Path) -> tuple[str, ...]:
    """The names of the classes that a run tells apart.

    Raises:
        OSError: there are none.
        ValueError: the file is damaged.
    """
    return records.value(tuple[str, ...], records.loads((folder / LABELS).read_bytes()))
