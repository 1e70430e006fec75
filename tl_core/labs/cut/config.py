"""What this experiment is: pictures, a backbone, where its weights come from, and how often it is repeated."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import built, in_range, validate
from tl_core.images.data.split import DataConfig
from tl_core.images.pretrained.backbones import BACKBONES, Backbone, backbone
from tl_core.labs import settings as declared
from tl_core.tasks.image_classification.config import BackboneConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.recipes import PRESETS

USUAL = BackboneConfig("efficientnet_lite0", "imagenet", 128)


@dataclass(frozen=True)
class CutConfig:
    """One experiment, complete.

    A seed decides which pictures a probe learns from and is tested on, and the weights of a random network. So the
    spread over seeds is that of other pictures and, for the random network, of other networks too.
    """

    data: DataConfig
    backbone: BackboneConfig = USUAL  # its weights; random ones stand beside them
    seeds: int = declared.seeds()
    pictures: int = declared.pictures()
    guess: int = declared.guess(1000)  # behind which block its owner expects the best probe, from 1; 0: no guess
    kind: Literal["cut"] = "cut"

    @property
    def epochs(self) -> int:
        """None: nothing is trained by epochs."""
        return 0

    @property
    def row(self) -> Backbone:
        """The backbone's row in the registry."""
        return backbone(self.backbone.name)

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the blocks behind which a probe stands; place n leaves n blocks frozen, counted from 1."""
        return tuple(block.name for block in self.row.blocks)

    def training(self, frozen: int) -> RunConfig:
        """A training with so many blocks frozen on the same pictures; where some adapt, the head learns first."""
        quick = dataclasses.replace(PRESETS["quick"].template, data=self.data, backbone=self.backbone)
        if frozen == len(self.places):
            return quick
        head, adapting = PhaseConfig(-1, 5, 1e-3, "adam", "head"), PhaseConfig(frozen, 8, 1e-4, "adam", "fine-tuning")
        return dataclasses.replace(quick, phases=(head, adapting))

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `read` reads back."""
        return dataclasses.asdict(self)


def read(data: Any) -> CutConfig:
    """Build and validate a config from `CutConfig.to_json`'s dictionary.

    Raises:
        UserError: a key is unknown or missing, a value is of another type or out of range, the backbone is unknown or
            not offered at this size, or there is nothing to set beside random weights.
    """
    config = built(CutConfig, data)
    check(config)
    return config


def check(config: CutConfig) -> None:
    """Check every value, and that they fit together.

    Raises:
        UserError: as `read`.
    """
    validate(config)
    config.row.feature_side(config.backbone.image_size)
    in_range(message("guess"), config.guess, 0, len(config.places))
    if config.data.validation == 0:
        raise UserError(
            message("A probe is tested on validation pictures, and none are asked for."),
            message("Give them a share of the pictures."),
        )
    declared.beside_random(config.backbone.weights)


def title(config: CutConfig) -> str:
    """The backbone's name for a reader."""
    row = BACKBONES.get(config.backbone.name)
    return row.title if row else config.backbone.name
