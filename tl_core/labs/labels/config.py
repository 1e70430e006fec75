"""What this experiment is: pictures, a frozen backbone, how many labels are made wrong, what is done with suspects."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import built, setting, validate
from tl_core.images.data.split import DataConfig
from tl_core.images.pretrained.backbones import BACKBONES, Backbone, backbone
from tl_core.labs import settings as declared
from tl_core.labs.cut.config import USUAL
from tl_core.tasks.image_classification.config import BackboneConfig

Cleaning = Literal["out", "relabel"]


@dataclass(frozen=True)
class LabelsConfig:
    """One experiment, complete.

    A seed decides which labels are made wrong, the folds, and which four fifths of the pictures a head learns from. The
    pictures that judge the heads are the same for all seeds, and their labels stay as they are.
    """

    data: DataConfig
    backbone: BackboneConfig = USUAL
    planted: float = setting(
        0.05,
        key="planted",
        label=message("Labels made wrong"),
        term=message("share of wrong labels"),
        group="data",
        shown="slider",
        low=0,
        high=0.4,
        offered=(0.0, 0.2),
        percent=True,
        off=message("none"),
        help=message(
            "So many labels are exchanged for another class before the search, so that it is known which ones are to "
            "be found. The pictures on disk stay as they are. 0 searches the labels as they are."
        ),
    )
    looked_at: float = setting(
        0.10,
        key="looked_at",
        label=message("Labels looked at"),
        term=message("share of labels looked at"),
        group="training",
        shown="slider",
        low=0.01,
        high=0.5,
        offered=(0.01, 0.3),
        percent=True,
        help=message("So many of the most doubtful labels count as suspects."),
    )
    cleaning: Cleaning = setting(
        "out",
        key="cleaning",
        label=message("Suspects are"),
        term=message("cleaning"),
        group="training",
        shown="segments",
        choices={"out": message("left out"), "relabel": message("given the class that the probe says")},
        help=message("What is done with the suspects before the head is trained again."),
    )
    seeds: int = setting(
        5,
        key="seeds",
        label=message("Seeds"),
        term=message("number of seeds"),
        group="training",
        shown="number",
        low=1,
        high=10,
        help=message(
            "So often everything is repeated, with other labels made wrong, other folds and other pictures to learn "
            "from. The band shows how much chance alone changes."
        ),
    )
    pictures: int = declared.pictures()
    guess: int = declared.guess(100)  # per cent of the planted labels that are expected among the suspects; 0: none
    kind: Literal["labels"] = "labels"

    @property
    def epochs(self) -> int:
        """None: nothing is trained by epochs."""
        return 0

    @property
    def row(self) -> Backbone:
        """The backbone's row in the registry."""
        return backbone(self.backbone.name)

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `read` reads back."""
        return dataclasses.asdict(self)


def read(data: Any) -> LabelsConfig:
    """Build and validate a config from `LabelsConfig.to_json`'s dictionary.

    Raises:
        UserError: a key is unknown or missing, a value is of another type or out of range, the backbone is unknown or
            not offered at this size, or no pictures are asked for that could judge.
    """
    config = built(LabelsConfig, data)
    check(config)
    return config


def check(config: LabelsConfig) -> None:
    """Check every value, and that they fit together.

    Raises:
        UserError: as `read`.
    """
    validate(config)
    config.row.feature_side(config.backbone.image_size)
    if config.data.validation == config.data.test == 0:
        raise UserError(
            message("Heads are judged on pictures that they have not seen, and none are asked for."),
            message("Give validation or the last test a share of the pictures."),
        )


def title(config: LabelsConfig) -> str:
    """The backbone's name for a reader."""
    row = BACKBONES.get(config.backbone.name)
    return row.title if row else config.backbone.name
