"""Take a fine-tuned model home: the Hub's format, a KerasHub preset, LoRA's weights alone."""

import os
import shutil
import zipfile
from pathlib import Path

from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.messages import message
from tl_core.tasks.text_generation import card
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.paths import FILES, FOLDER, Form, is_newer, whole
from tl_core.text.pretrained import hub_format as format_


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


def hub_zip(folder: Path) -> Path:
    """A ZIP of the run's model in the Hub's format, which transformers, KerasHub and this app load.

    Raises:
        UserError: the run has no model yet.
    """
    target, model = folder / FILES["hub"], _model(folder)
    if not is_newer(target, model):
        with card.for_others(model, folder) as ready_made:
            _zip(ready_made, target)
    return target


def keras_zip(folder: Path) -> Path:
    """A ZIP of the run's model as a KerasHub preset: `keras_hub.models.GPT2CausalLM.from_preset(folder)`.

    Raises:
        UserError: the run has no model yet.
    """
    target, model = folder / FILES["keras"], _model(folder)
    if not is_newer(target, model):
        building = folder / f".preset-{os.getpid()}"
        try:
            with card.for_others(model, folder) as ready_made:
                save_preset(ready_made, building)
            _zip(building, target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return target


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
    if not whole(folder):
        raise UserError(
            message("This run has no model yet."),
            message("Wait until it has ended, or press Stop: the best weights so far become its model."),
        )
    return folder / FOLDER


def _zip(source: Path, target: Path) -> None:
    """Stored, not deflated: weights hardly shrink. Appears at once."""
    part = target.with_suffix(f".{os.getpid()}.part")
    with disk_full_explained(), zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(source))
    part.replace(target)
