"""Ship pretrained weights: a file in half precision, and its card, which says how it was made and what it is worth.

mobilenetv2_0.5_96.weights.h5    as Keras' `load_weights` reads it
mobilenetv2_0.5_96.json          the card for programs; holds the file's SHA-256
mobilenetv2_0.5_96.md            the same for people (after Mitchell et al. 2019, https://arxiv.org/abs/1810.03993)
"""

import dataclasses
import hashlib
import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

from tl_core.images.pretrained.weights import card_path
from tl_core.pretrain import source_tasks
from tl_core.pretrain.source_tasks import Source

PHOTOGRAPHS_LIMITS = (
    "It is small and saw few, small pictures, and its use is to be compared with: real ImageNet weights come with the "
    "app (EfficientNet-Lite0) and are far better.",
    "It never saw a picture of more than 112 px, and most had 32: fine differences, as between breeds or species, "
    "largely escape it.",
    "It was not examined for bias and is not fit for any use in which an error does harm; it is made for lessons.",
)
PATTERNS_LIMITS = (
    "It never saw a thing: it is a wrong source on purpose, to show what a backbone is worth whose task had nothing to "
    "do with yours.",
)


def write_half(backbone: keras.Model, path: Path) -> None:
    """Save the weights in float16 in the layout of Keras' `.weights.h5`.

    Raises:
        ValueError: a weight is too large for float16, or not a number.
    """
    whole = path.with_name("whole.weights.h5")
    backbone.save_weights(whole)
    with h5py.File(whole) as source, h5py.File(path, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Dataset):
                with np.errstate(over="ignore"):
                    values = item[()].astype(np.float16)
                if not np.isfinite(values).all():
                    raise ValueError(f"{name} cannot be written in half precision")
                target.create_dataset(name, data=values)  # without names and other attributes: only the weights count

        source.visititems(copy)
    whole.unlink()


def write(
    path: Path,
    backbone: keras.Model,
    recipe: Mapping[str, Any],
    sources: Sequence[Source],
    log: Sequence[Mapping[str, Any]],
    command: str,
    note: str = "",
) -> dict[str, Any]:
    """Write the weights to `path` and the card beside it.

    Args:
        path: ends in .weights.h5.
        backbone: with the weights to ship.
        recipe: all settings of the pretraining; `epochs` is what it was planned for.
        sources: what it was pretrained on.
        log: one record an epoch that was trained, with loss, source accuracies by name, and seconds.
        command: what to type to make it anew.
        note: what is to be said besides.

    Returns:
        The card.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_half(backbone, path)
    last = log[-1]
    card = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
        "network": f"MobileNetV2, alpha {recipe['alpha']:g}, without its top",
        "parameters": backbone.count_params(),
        "pixels": "RGB from 0 to 255, scaled to x / 127.5 - 1",
        "made": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": _machine(),
        "command": command,
        "recipe": dict(recipe),
        "epochs_trained": last["epoch"],
        "note": note,
        "seconds": round(sum(record["seconds"] for record in log)),
        "data": [_described(source) for source in sources],
        "source_accuracy": {source.name: last[source.name] for source in sources},
        "source_loss": last["loss"],
        "transfer": {},
        "limits": list(PATTERNS_LIMITS if sources[0].name == "patterns" else PHOTOGRAPHS_LIMITS),
        "log": [dict(record) for record in log],
    }
    save(card, path)
    return card


def save(card: Mapping[str, Any], path: Path) -> None:
    """Write the card, as JSON and as Markdown, beside the weights file `path`."""
    side = card_path(path)
    side.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    side.with_name(side.name.removesuffix(".json") + ".md").write_text(markdown(card), encoding="utf-8")


def markdown(card: Mapping[str, Any]) -> str:
    """The card for people."""
    planned, trained = card["recipe"]["epochs"], card["epochs_trained"]
    unfinished = f" of {planned} planned: **the pretraining was not finished**" if trained < planned else ""
    lines = [
        f"# {card['file']}",
        "",
        f"{card['network']}: {card['parameters']:,} parameters in half precision, {card['bytes'] / 1e6:.2f} MB. "
        f"Pixels are {card['pixels']}.",
        "",
        f"SHA-256 `{card['sha256']}`",
        "",
        "## What it was pretrained on",
        "",
        "| pictures | classes | what | from | terms | right on held-out pictures |",
        "|--:|--:|:--|:--|:--|--:|",
    ]
    for item in card["data"]:
        home = f"[{item['makers']}]({item['home']})" if item["home"] else item["makers"]
        right = card["source_accuracy"][item["name"]]
        lines.append(
            f"| {item['pictures']:,} | {item['classes']} | {item['title']}, at most {item['side']} px | {home} "
            f"| {item['terms']} | {100 * right:.1f} % of {item['held_out']:,} |"
        )
    lines += [
        "",
        "Use the weights within the terms of the pictures. The pictures that people bring, and the photographs with "
        "which this project measures transfer, were never among them.",
        "",
        "## How",
        "",
        f"{trained} epochs{unfinished}, {card['seconds'] / 60:.0f} minutes on {card['machine']}, {card['made']}. "
        f"{card['note'] + ' ' if card['note'] else ''}"
        "The weights are the moving average over the last steps; the recipe and its sources are in "
        "`tl_core/pretrain/images.py`:",
        "",
        f"    {card['command']}",
        "",
        ", ".join(f"{name} {value:g}" for name, value in card["recipe"].items()),
        "",
        "## What it is worth",
        "",
        *_worth(card["transfer"]),
        "",
        "## What it is not good at",
        "",
        *(f"- {sentence}" for sentence in card["limits"]),
        "",
    ]
    return "\n".join(lines)


def _worth(transfer: Mapping[str, Any]) -> list[str]:
    if not transfer:
        return ["Not measured yet: `python -m tl_core pretrain evaluate --final`."]
    lines = [
        f"Right on {transfer['pictures']}, which were split off before anything was chosen; mean and standard "
        f"deviation over {transfer['seeds']} seeds.",
        "",
        "| task | right | measured | goal |",
        "|:--|--:|:--|--:|",
    ]
    for row in transfer["results"]:
        missed = ", missed" if row["mean"] < row["goal"] else ""
        goal = f"{100 * row['goal']:.0f} %{missed}" if row["goal"] else ""
        lines.append(f"| {row['title']} | {_share(row)} | {row['date']} | {goal} |")
    if transfer["earlier"]:
        lines += [
            "",
            "These photographs were looked at before, with other weights or settings; what has changed since then was "
            "chosen on the remaining photographs, yet a later look is not a first:",
            "",
            *(
                f"- {row['title']}: {_share(row)} ({row['date']}, weights {row['sha256'][:8]})"
                for row in transfer["earlier"]
            ),
        ]
    if independent := transfer.get("independent"):
        lines += [
            "",
            f"An independent look, by somebody who had no part in making the weights: {independent['how']}.",
            "",
            "| task | photographs | right | ImageNet's EfficientNet-Lite0, the same way |",
            "|:--|--:|--:|--:|",
            *(
                f"| {row['title']} | {row['pictures']} | {_share(row)} | {100 * row['imagenet']:.1f} % |"
                for row in independent["results"]
            ),
        ]
    return lines


def _share(row: Mapping[str, Any]) -> str:
    return f"{100 * row['mean']:.1f} ± {100 * row['deviation']:.1f} %"


def _described(source: Source) -> dict[str, Any]:
    known = dataclasses.asdict(source_tasks.origin(source.name))
    return {
        "name": source.name,
        **known,
        "title": known["title"] or source.name,
        "pictures": len(source.labels),
        "held_out": int(source.held_out.sum()),
        "classes": len(source.classes),
        "side": int(source.images.shape[1]),
    }


def _machine() -> str:
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        processor = names[0] if names else processor
    gpus = len(tf.config.list_physical_devices("GPU"))
    return (
        f"{os.cpu_count()} cores of {processor}, {gpus or 'no'} GPU, Python {platform.python_version()}, "
        f"TensorFlow {tf.__version__}, Keras {keras.__version__}"
    )
