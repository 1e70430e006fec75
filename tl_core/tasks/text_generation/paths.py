"""Where a run's model lies, in its forms; nothing is made here, and nothing here imports TensorFlow.

runs/<id>/model/    the whole model in the Hub's format
"""

from pathlib import Path
from typing import Literal

from tl_core.text.pretrained.hub_format import WEIGHTS

Form = Literal["hub", "keras", "lora"]
FOLDER = "model"
FILES: dict[Form, str] = {"hub": "hub-format.zip", "keras": "keras-hub-preset.zip", "lora": "weights.lora.h5"}
MADE = (FILES["hub"], FILES["keras"])  # of the model, for whoever takes it home: they can be made again


def whole(folder: Path) -> bool:
    """Whether the run's folder holds the whole model."""
    return (folder / FOLDER / WEIGHTS).is_file()


def ready(folder: Path, form: str) -> Path | None:
    """The file of a run in this form if it is there and of the model as it is; None for other forms too."""
    path = folder / FILES[form] if form in FILES else None
    if path is None or not path.is_file() or not whole(folder):
        return None
    return path if form not in ("hub", "keras") or is_newer(path, folder / FOLDER) else None


def is_newer(target: Path, model: Path) -> bool:
    """Whether the file was made from the model as it is; a resumed run makes another one."""
    made_from = (model / WEIGHTS).stat().st_mtime_ns
    return target.exists() and target.stat().st_mtime_ns >= made_from
