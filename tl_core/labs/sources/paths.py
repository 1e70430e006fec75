"""Which files such an experiment leaves beside its log: none. Nothing here imports TensorFlow."""

from pathlib import Path

MADE = ()


def whole(folder: Path) -> bool:
    """Whether there is a model: there never is."""
    return False


def ready(folder: Path, form: str) -> Path | None:
    """The model in this form: None."""
    return None
