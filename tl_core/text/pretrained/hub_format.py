"""A model's folder in the Hub's format, read, checked and written: config.json, vocab.json, merges.txt, weights.

Nothing here imports TensorFlow.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.text.pretrained.shape import Shape, weight_shapes
from tl_core.text.tokenizer import END

WEIGHTS = "model.safetensors"
FILES = ("config.json", "vocab.json", "merges.txt", WEIGHTS)
OTHERS = ("tokenizer_config.json", "README.md")  # what may lie there too and belongs to the model


def check(folder: Path) -> None:
    """Look for the four files, and whether the weights file is as long as its own header says.

    Raises:
        UserError: names what is missing or damaged.
    """
    if not folder.is_dir():
        raise UserError(
            message("There is no folder {folder}.", folder=str(folder)),
            message("Check the path; it must lie on the computer that runs the app."),
        )
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise UserError(
            message("{folder} is no GPT-2 folder: {files} is missing.", folder=str(folder), files=missing),
            message("A folder in the Hub's format holds {files}.", files=list(FILES)),
        )
    if not whole(folder / WEIGHTS):
        raise _damaged(folder / WEIGHTS)
    read_shape(folder)


def whole(path: Path) -> bool:
    """Whether a safetensors file begins with a readable header and has exactly the length that it announces."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= size - 8:
                return False
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        return size == 8 + length + max(ends)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def read_shape(folder: Path) -> Shape:
    """The network that config.json describes.

    Raises:
        UserError: it is unreadable, or not a GPT-2 that this app can run.
    """
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        family = config.get("model_type", "gpt2")
        if family != "gpt2":
            raise UserError(
                message("{folder} holds a model of the kind {kind}.", folder=str(folder), kind=str(family)),
                message("This app runs models of the kind gpt2."),
            )
        width = int(config["n_embd"])
        unusual = (
            config.get("activation_function", "gelu_new") not in ("gelu_new", "gelu_pytorch_tanh")
            or (config.get("n_inner") or 4 * width) != 4 * width
            or config.get("scale_attn_by_inverse_layer_idx", False)
            or not config.get("scale_attn_weights", True)
            or abs(config.get("layer_norm_epsilon", 1e-5) - 1e-5) > 1e-9
        )
        if unusual:
            raise UserError(
                message("The model in {folder} departs from GPT-2's network.", folder=str(folder)),
                message("This app runs GPT-2's own network in any size."),
            )
        vocabulary, context, layers, heads = (
            int(config[key]) for key in ("vocab_size", "n_positions", "n_layer", "n_head")
        )
        if min(vocabulary, context, layers, heads, width) < 1 or width % heads:
            raise ValueError("sizes")
        return Shape(vocabulary, context, layers, heads, width)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(folder / "config.json") from error


def read_weights(folder: Path, shape: Shape) -> dict[str, np.ndarray]:
    """Every weight as float32 under its short name ("wte.weight", "h.0.attn.c_attn.weight").

    A `transformer.` in front of the names is taken off; masks, and an output layer of its own, are left out: GPT-2's
    output layer is the token embedding.

    Raises:
        UserError: the file is damaged, or a weight is missing, of the wrong shape or not a number.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / WEIGHTS
    arrays = {}
    try:
        with safe_open(path, framework="numpy") as file:
            stored = {name.removeprefix("transformer."): name for name in file.keys()}  # noqa: SIM118
            for name, size in weight_shapes(shape).items():
                array = file.get_tensor(stored[name])
                if array.shape != size:
                    raise KeyError(name)
                arrays[name] = np.asarray(array, np.float32)
    except KeyError as error:
        raise UserError(
            message("{file} does not fit its config.json: {weight}.", file=str(path), weight=str(error.args[0])),
            message("Get the folder's files again from one place."),
        ) from error
    except (SafetensorError, OSError, TypeError) as error:
        raise _damaged(path) from error
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise _damaged(path)
    return arrays


def write(
    target: Path, shape: Shape, weights: Mapping[str, np.ndarray], tokenizer_from: Path, half: bool = False
) -> None:
    """Write a folder that transformers, KerasHub and this app load: the weights with the tokenizer of another folder.

    The weights file appears last and at once, so that a folder with one is whole.

    Args:
        target: made if need be; may be `tokenizer_from` itself.
        half: store float16 instead of float32.
    """
    from safetensors.numpy import save_file

    target.mkdir(parents=True, exist_ok=True)
    for name in ("vocab.json", "merges.txt"):
        if target != tokenizer_from:
            shutil.copyfile(tokenizer_from / name, target / name)
    end = json.loads((target / "vocab.json").read_text(encoding="utf-8")).get(END)
    dtype = np.float16 if half else np.float32
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": "gelu_new",
        "vocab_size": shape.vocabulary,
        "n_positions": shape.context,
        "n_ctx": shape.context,
        "n_embd": shape.width,
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "layer_norm_epsilon": 1e-5,
        "resid_pdrop": 0.1,
        "embd_pdrop": 0.1,
        "attn_pdrop": 0.1,
        "bos_token_id": end,
        "eos_token_id": end,
        "tie_word_embeddings": True,
        "torch_dtype": np.dtype(dtype).name,
    }
    settings = {"tokenizer_class": "GPT2Tokenizer", "model_max_length": shape.context, "add_prefix_space": False}
    _write_json(target / "config.json", config)
    _write_json(target / "tokenizer_config.json", settings)
    arrays = {name: np.ascontiguousarray(weights[name], dtype) for name in weight_shapes(shape)}
    part = target / (WEIGHTS + ".part")
    save_file(arrays, part, metadata={"format": "pt"})  # transformers reads nothing without this word
    part.replace(target / WEIGHTS)


def ends_last(folder: Path) -> bool:
    """Whether KerasHub can write with the model: its `<|endoftext|>` is not id 0, with which KerasHub pads."""
    return json.loads((folder / "vocab.json").read_text(encoding="utf-8")).get(END) != 0


def end_last(source: Path, target: Path, half: bool = False) -> None:
    """Write a model whose `<|endoftext|>` is id 0 with it as the last id, as GPT-2 has it: the same model.

    Args:
        target: made if need be; may be `source` itself.
        half: store float16 instead of float32.
    """
    shape = read_shape(source)
    weights = read_weights(source, shape)
    vocabulary = json.loads((source / "vocab.json").read_text(encoding="utf-8"))
    moved = {token: (number - 1) % shape.vocabulary for token, number in vocabulary.items()}
    in_order = dict(sorted(moved.items(), key=lambda item: item[1]))
    target.mkdir(parents=True, exist_ok=True)
    if target != source:
        shutil.copyfile(source / "merges.txt", target / "merges.txt")
    (target / "vocab.json").write_text(json.dumps(in_order, ensure_ascii=False), encoding="utf-8")
    write(target, shape, weights | {"wte.weight": np.roll(weights["wte.weight"], -1, axis=0)}, target, half)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _damaged(path: Path) -> UserError:
    return UserError(
        message("{file} is damaged or incomplete.", file=str(path)),
        message("Delete it and get it again."),
    )
