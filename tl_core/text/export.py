"""Take a fine-tuned model home: the Hub's format, a KerasHub preset, LoRA's weights alone, and the run's code."""

import os
import shutil
import zipfile
from pathlib import Path

from tl_core.errors import UserError
from tl_core.messages import message


def hub_zip(folder: Path) -> Path:
    """A ZIP of the run's model in the Hub's format, which transformers, KerasHub and this app load.

    Raises:
        UserError: the run has no model yet.
    """
    return _zipped(_model(folder), folder / "hub-format.zip")


def keras_zip(folder: Path) -> Path:
    """A ZIP of the run's model as a KerasHub preset: `keras_hub.models.GPT2CausalLM.from_preset(folder)`.

    Raises:
        UserError: the run has no model yet.
    """
    target = folder / "keras-hub-preset.zip"
    if not target.exists():
        preset, building = _model(folder), folder / f".preset-{os.getpid()}"
        try:
            save_preset(preset, building)
            _zipped(building, target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return target


def save_preset(model: Path, target: Path) -> None:
    """Write a model folder in the Hub's format as a KerasHub preset, tokenizer included."""
    import keras_hub

    from tl_core.text import folder as format_
    from tl_core.text.model import backbone

    shape = format_.read_shape(model)
    network = backbone(shape, format_.read_weights(model, shape))
    bpe = keras_hub.tokenizers.GPT2Tokenizer(str(model / "vocab.json"), str(model / "merges.txt"))
    preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(bpe, sequence_length=shape.context)
    keras_hub.models.GPT2CausalLM(network, preprocessor).save_to_preset(str(target))


def lora_file(folder: Path) -> Path:
    """LoRA's weights alone, a few hundred kilobytes: `backbone.enable_lora(rank)`, then `load_lora_weights(file)`.

    Raises:
        UserError: the run trained without LoRA, or has not ended.
    """
    path = folder / "weights.lora.h5"
    if not path.exists():
        raise UserError(
            message("This run has no LoRA weights."),
            message("They exist once a run with a LoRA rank has ended."),
        )
    return path


def _model(folder: Path) -> Path:
    path = folder / "model"
    if not (path / "model.safetensors").is_file():
        raise UserError(
            message("This run has no model yet."),
            message("Wait until it has ended, or press Stop: the best weights so far become its model."),
        )
    return path


def _zipped(source: Path, target: Path) -> Path:
    """Stored, not deflated: weights hardly shrink. Appears at once."""
    if target.exists():
        return target
    part = target.with_suffix(f".{os.getpid()}.part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(source))
    part.replace(target)
    return target
