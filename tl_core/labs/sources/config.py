"""What this experiment is: pictures, how often it is repeated, and which sources are set beside each other."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import built, in_range, setting, validate
from tl_core.images.data.split import DataConfig
from tl_core.images.pretrained.backbones import backbone
from tl_core.labs import settings as declared
from tl_core.tasks.image_classification.config import BackboneConfig

# By the source task, what learned it. All of them are here without a network.
SOURCES = {
    "imagenet": BackboneConfig("efficientnet_lite0", "imagenet", 128),
    "bundled": BackboneConfig("mobilenetv2_0.5", "bundled", 96),
    "patterns": BackboneConfig("mobilenetv2_0.5", "patterns", 96),
}


def shapes() -> tuple[tuple[str, int], ...]:
    """The backbones and image sizes of the sources, each once: what a random network is drawn of."""
    return tuple(dict.fromkeys((network.name, network.image_size) for network in SOURCES.values()))


def random(name: str) -> str:
    """What a backbone with random weights is called among the trials."""
    return f"random {name}"


@dataclass(frozen=True)
class SourcesConfig:
    """One experiment, complete.

    A seed decides which pictures a classifier learns from and is tested on, and the weights of the random networks.
    """

    data: DataConfig
    seeds: int = setting(
        3,
        key="seeds",
        label=message("Seeds"),
        term=message("number of seeds"),
        group="training",
        shown="number",
        low=1,
        high=10,
        help=message(
            "So often everything is repeated, with other pictures to learn from and to be tested on and with other "
            "random networks. The dots show how much chance alone changes."
        ),
    )
    pictures: int = declared.pictures()
    guess: int = declared.guess(1000)  # which of the sources its owner expects to help most, from 1; 0: no guess
    kind: Literal["sources"] = "sources"

    @property
    def epochs(self) -> int:
        """None: nothing is trained by epochs."""
        return 0

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `read` reads back."""
        return dataclasses.asdict(self)


def read(data: Any) -> SourcesConfig:
    """Build and validate a config from `SourcesConfig.to_json`'s dictionary.

    Raises:
        UserError: a key is unknown or missing, or a value is of another type or out of range.
    """
    config = built(SourcesConfig, data)
    check(config)
    return config


def check(config: SourcesConfig) -> None:
    """Check every value, and that they fit together.

    Raises:
        UserError: as `read`.
    """
    validate(config)
    in_range(message("guess"), config.guess, 0, len(SOURCES))
    if config.data.validation == 0:
        raise UserError(
            message("A probe is tested on validation pictures, and none are asked for."),
            message("Give them a share of the pictures."),
        )


def title(config: SourcesConfig) -> str:
    """What learned the sources, for a reader."""
    return ", ".join(backbone(name).title for name, _ in shapes())
