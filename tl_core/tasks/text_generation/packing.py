"""The script of an experiment in a ZIP with all that it needs. TensorFlow-free."""

import contextlib
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tl_core.base.errors import disk_full_explained
from tl_core.tasks.text_generation import card, code
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text import tokenizer
from tl_core.text.data import corpus
from tl_core.text.pretrained import hub_format as format_
from tl_core.text.pretrained import registry


@contextlib.contextmanager
def script_zip(config: TextConfig) -> Iterator[Path]:
    """A ZIP with the run's settings as a script and all that it needs, which is gone afterwards.

    The two parts of the text, as they were trained and validated on, and the model that it began with, unless the
    script fetches that one itself.

    Raises:
        UserError: the text has been deleted, or the model is not to be had any more.
    """
    texts = corpus.split(corpus.load(config.corpus), config.validation, config.straighten)
    found = registry.find(config.model)
    source = None if code.fetched(config) or found is None else found.folder
    shape = format_.read_shape(source) if source else registry.checkpoint(config.model).shape
    validated = bool(texts[1])
    if validated and found:  # else nobody here can tell how many tokens it has
        tokens = len(tokenizer.encode(tokenizer.load(found.folder), texts[1]))
        validated = tokens > min(config.context, shape.context)
    with disk_full_explained(), tempfile.TemporaryDirectory(prefix="tl-script-") as place:
        target = Path(place) / "script.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(code.SCRIPT, code.keras_code(config, shape, validated))
            for name, text in zip((code.TRAINING, code.VALIDATION), texts, strict=True):
                if text:
                    archive.writestr(name, text)
            if source:
                with card.for_others(source, Path(place)) as ready_made:
                    for name in (*format_.FILES, *format_.OTHERS):
                        if (ready_made / name).is_file():
                            archive.write(ready_made / name, f"{code.BASE}/{name}")
        yield target
