"""Take a fine-tuned model home: the Hub's format, a KerasHub preset, LoRA's weights alone; and the run as a script."""

import contextlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import message
from tl_core.tasks.text_generation import card, code
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text import tokenizer
from tl_core.text.data import corpus
from tl_core.text.pretrained import hub_format as format_
from tl_core.text.pretrained import registry

Form = Literal["hub", "keras", "lora"]
FILES: dict[Form, str] = {"hub": "hub-format.zip", "keras": "keras-hub-preset.zip", "lora": "weights.lora.h5"}


def made(config: TextConfig, folder: Path, form: Form) -> Path:
    """The file of a run in this form; the run's model is made from its best round where it was interrupted.

    Args:
        config: the run's.
        folder: the run's.
        form: "hub" and "keras" are ZIPs of folders, "lora" is one .h5 file.

    Raises:
        UserError: no round was completed, or the run trained without LoRA.
    """
    from tl_core.tasks.text_generation import tuned

    if form == "lora" and not config.lora_rank:
        raise _no_lora()
    tuned.complete(config, folder)
    return {"hub": hub_zip, "keras": keras_zip, "lora": lora_file}[form](folder)


def ready(folder: Path, form: Form) -> Path | None:
    """The file of a run in this form if it is there and of the model as it is; nothing is made."""
    path, model = folder / FILES[form], folder / "model"
    whole = (model / "model.safetensors").is_file() and path.is_file()
    return path if whole and (form == "lora" or _newer(path, model)) else None


def hub_zip(folder: Path) -> Path:
    """A ZIP of the run's model in the Hub's format, which transformers, KerasHub and this app load.

    Raises:
        UserError: the run has no model yet.
    """
    target, model = folder / FILES["hub"], _model(folder)
    if not _newer(target, model):
        with for_others(model, folder) as ready_made:
            _zip(ready_made, target)
    return target


def keras_zip(folder: Path) -> Path:
    """A ZIP of the run's model as a KerasHub preset: `keras_hub.models.GPT2CausalLM.from_preset(folder)`.

    Raises:
        UserError: the run has no model yet.
    """
    target, model = folder / FILES["keras"], _model(folder)
    if not _newer(target, model):
        building = folder / f".preset-{os.getpid()}"
        try:
            with for_others(model, folder) as ready_made:
                save_preset(ready_made, building)
            _zip(building, target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return target


@contextlib.contextmanager
def script_zip(config: TextConfig) -> Iterator[Path]:
    """A ZIP with the run's settings as a script and all that it needs, which is gone afterwards.

    The two parts of the text, as they were trained and validated on, and the model that it began with, unless the
    script fetches that one itself. Nothing here imports TensorFlow.

    Raises:
        UserError: the text has been deleted, or the model is not to be had any more.
    """
    texts = corpus.split(corpus.load(config.corpus), config.validation, config.straighten)
    found = registry.find(config.model)
    source = None if code.fetched(config) else found.folder
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
                with for_others(source, Path(place)) as ready_made:
                    for name in (*format_.FILES, *format_.OTHERS):
                        if (ready_made / name).is_file():
                            archive.write(ready_made / name, f"{code.BASE}/{name}")
        yield target


@contextlib.contextmanager
def for_others(model: Path, near: Path) -> Iterator[Path]:
    """A model's folder in the Hub's format with which KerasHub can write: a copy that is gone afterwards, if need be.

    Only models of earlier versions of this app need one, and those that have no card (README.md).

    Args:
        near: where a copy may lie.
    """
    if format_.ends_last(model) and (model / card.FILE).is_file():
        yield model
        return
    with tempfile.TemporaryDirectory(prefix=".for-others-", dir=near) as place:
        target = Path(place)
        if format_.ends_last(model):
            for name in (*format_.FILES, *format_.OTHERS):
                if (model / name).is_file():
                    shutil.copyfile(model / name, target / name)
        else:
            format_.end_last(model, target)
        (target / card.FILE).write_text(card.card(format_.read_shape(target)), encoding="utf-8")
        yield target


def save_preset(model: Path, target: Path) -> None:
    """Write a model folder in the Hub's format as a KerasHub preset, tokenizer and card included."""
    import keras_hub

    from tl_core.text.pretrained.model import backbone

    shape = format_.read_shape(model)
    network = backbone(shape, format_.read_weights(model, shape))
    bpe = keras_hub.tokenizers.GPT2Tokenizer(str(model / "vocab.json"), str(model / "merges.txt"))
    preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(bpe, sequence_length=shape.context)
    keras_hub.models.GPT2CausalLM(network, preprocessor).save_to_preset(str(target))
    shutil.copyfile(model / card.FILE, target / card.FILE)


def lora_file(folder: Path) -> Path:
    """LoRA's weights alone, a few hundred kilobytes: `backbone.enable_lora(rank)`, then `load_lora_weights(file)`.

    Raises:
        UserError: the run trained without LoRA, or has not ended.
    """
    path = folder / FILES["lora"]
    if not path.exists():
        raise _no_lora()
    return path


def _no_lora() -> UserError:
    return UserError(
        message("This run has no LoRA weights."),
        message("They exist once a run with a LoRA rank has ended."),
    )


def _model(folder: Path) -> Path:
    path = folder / "model"
    if not (path / "model.safetensors").is_file():
        raise UserError(
            message("This run has no model yet."),
            message("Wait until it has ended, or press Stop: the best weights so far become its model."),
        )
    return path


def _newer(target: Path, model: Path) -> bool:
    """Whether the file was made from the model as it is; a resumed run makes another one."""
    made_from = (model / "model.safetensors").stat().st_mtime_ns
    return target.exists() and target.stat().st_mtime_ns >= made_from


def _zip(source: Path, target: Path) -> None:
    """Stored, not deflated: weights hardly shrink. Appears at once."""
    part = target.with_suffix(f".{os.getpid()}.part")
    with disk_full_explained(), zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(source))
    part.replace(target)
