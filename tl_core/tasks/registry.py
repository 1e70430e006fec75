"""The kinds of experiments: what a config.json holds is read here, whichever kind it is."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from tl_core.images.pretrained.backbones import BACKBONES, backbone, boundary
from tl_core.tasks.image_classification.config import RunConfig, run_config
from tl_core.tasks.text_generation import config as texts
from tl_core.tasks.text_generation.config import TextConfig, text_config
from tl_core.text.pretrained.registry import CHECKPOINTS

Config = RunConfig | TextConfig


def config(data: Any) -> Config:
    """Build and validate a config from its `to_json`; `kind` says which one, and an old file without it is an image's.

    Raises:
        UserError: a key is unknown or missing, a value is of another type or out of range, the backbone is unknown, or
            the network has fewer blocks than are to be frozen.
    """
    if isinstance(data, Mapping) and data.get("kind") == "text":
        found = text_config(data)
        if found.model in CHECKPOINTS:  # else a folder, which may not be here
            for number in range(len(found.phases)):
                texts.boundary(found, CHECKPOINTS[found.model].shape, number)
        return found
    found = run_config(data)
    for phase in found.phases:
        boundary(backbone(found.backbone.name), phase.frozen_blocks)
    return found


def title(of: Config) -> str:
    """The pretrained network's name for a reader: "MobileNet", "GPT-2 (124M)", or the name of a folder."""
    if of.kind == "text":
        row = CHECKPOINTS.get(of.model)
        return row.title if row else PurePath(of.model).name or of.model
    row = BACKBONES.get(of.backbone.name)
    return row.title if row else of.backbone.name
