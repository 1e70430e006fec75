"""The script of an experiment in a ZIP with all that it needs. TensorFlow-free."""

import contextlib
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tl_core.base.errors import disk_full_explained
from tl_core.tasks.text_classification import code, material
from tl_core.tasks.text_classification.config import TextClassificationConfig
from tl_core.text.data.labelled import split
from tl_core.text.pretrained import encoders
from tl_core.text.pretrained.hub_format import WEIGHTS


@contextlib.contextmanager
def script_zip(config: TextClassificationConfig) -> Iterator[Path]:
    """A ZIP with the script and all that it needs, which is gone afterwards.

    train.py, the texts as training.jsonl and validation.jsonl, and the encoder unless it comes from the Hub.

    Raises:
        UserError: the texts have been deleted, or the encoder is not to be had any more.
    """
    dataset = material.load(config)
    parts, examples = split(dataset, config.data), dataset.examples
    shape = encoders.shape_of(config.encoder.name)
    labels = np.array([example.label for example in examples])
    counts = np.bincount(labels[parts.train], minlength=len(dataset.classes)).tolist()
    validated = len(parts.validation) > 0
    with disk_full_explained(), tempfile.TemporaryDirectory(prefix="tl-script-") as place:
        target = Path(place) / "script.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(code.SCRIPT, code.keras_code(config, shape, counts, dataset.classes, validated))
            for name, indices in zip(code.PARTS, (parts.train, parts.validation), strict=True):
                rows = [[examples[index].text, dataset.classes[examples[index].label]] for index in indices]
                lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
                if rows:
                    archive.writestr(f"{name}.jsonl", lines.encode("utf-8", "replace"))
            if not code.fetched(config):
                folder = encoders.obtain(config.encoder.name).folder
                for name in (encoders.CONFIG, WEIGHTS, *encoders.TOKENIZING):
                    if (folder / name).is_file():
                        archive.write(folder / name, f"{code.BASE}/{name}")
        yield target
