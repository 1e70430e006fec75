"""The script of an experiment in a ZIP with all that it needs. TensorFlow-free."""

import contextlib
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tl_core.base.errors import disk_full_explained
from tl_core.classification import mistakes
from tl_core.images.data import dataset as datasets
from tl_core.images.data.split import split
from tl_core.images.pretrained import packages, weights
from tl_core.images.pretrained.backbones import Backbone
from tl_core.tasks.image_classification import code
from tl_core.tasks.image_classification.config import RunConfig


@contextlib.contextmanager
def script_zip(config: RunConfig) -> Iterator[Path]:
    """A ZIP with the script and all that it needs, which is gone afterwards.

    train.py, the pictures as training/<class>/ and validation/<class>/, and weights that Keras does not fetch itself.

    Raises:
        UserError: the pictures have been deleted, or the weights are not to be had any more.
    """
    dataset, row = datasets.load(config.data.dataset), config.row
    true, folders = np.array([image.label for image in dataset.images]), code.folders(dataset.classes)
    parts, labels = mistakes.made(config.mistake, split(dataset, config.data), true, config.seed)
    counts = np.bincount(labels[parts.train], minlength=len(folders)).tolist()
    file = _weights_file(config, row)
    text = code.keras_code(config, counts, dataset.classes, validated=len(parts.validation) > 0)
    with disk_full_explained(), tempfile.TemporaryDirectory(prefix="tl-script-") as place:
        target = Path(place) / "script.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("train.py", text)
            if file:
                archive.write(file, code.file_name(file.name))
            for part, indices in (("training", parts.train), ("validation", parts.validation)):
                for folder in folders if len(indices) else ():
                    archive.mkdir(f"{part}/{folder}")  # also one that is empty here, so that the classes are the same
                for index in indices:
                    image = dataset.images[index]
                    archive.write(dataset.path(image), f"{part}/{folders[labels[index]]}/{index:06}.jpg")
        yield target


def _weights_file(config: RunConfig, row: Backbone) -> Path | None:
    """The file that goes with the script; None where Keras fetches the weights, or there are none."""
    wanted = config.backbone.weights
    if wanted == "random" or (wanted == "imagenet" and not row.package):
        return None
    if wanted == "imagenet" and row.package:
        return packages.convert(row.package)
    found = weights.find(row, wanted, config.backbone.image_size)
    return found.path if found else None
