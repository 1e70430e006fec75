"""The kinds of experiments: what a config.json holds is read here, whichever kind it is."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from tl_core.config import RunConfig, run_config
from tl_core.text.checkpoints import CHECKPOINTS
from tl_core.text.config import TextConfig, text_config
from tl_core.vision.backbones import BACKBONES

Config = RunConfig | TextConfig


def config(data: Mapping[str, Any]) -> Config:
    """Build and validate a config from its `to_json`; `kind` says which one, and an old file without it is an image's.

    Raises:
        UserError: a key is unknown or missing, or a value is out of range.
    """
    return text_config(data) if data.get("kind") == "text" else run_config(data)


def title(of: Config) -> str:
    """The pretrained network's name for a reader: "MobileNet", "GPT-2 (124M)", or the name of a folder."""
    if of.kind == "text":
        row = CHECKPOINTS.get(of.model)
        return row.title if row else PurePath(of.model).name or of.model
    row = BACKBONES.get(of.backbone.name)
    return row.title if row else of.backbone.name
