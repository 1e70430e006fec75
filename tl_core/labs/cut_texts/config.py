"""What this experiment is: labelled texts, an encoder, and how often it is repeated."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.base.settings import built, in_range, validate
from tl_core.labs import settings as declared
from tl_core.tasks.text_classification import config as task
from tl_core.tasks.text_classification.config import EncoderConfig, TextClassificationConfig
from tl_core.tasks.text_classification.recipes import RECIPES
from tl_core.text.data.labelled import DataConfig
from tl_core.text.pretrained import encoders

title = task.title  # the encoder's name for a reader, of this config too
USUAL = EncoderConfig()


@dataclass(frozen=True)
class CutTextsConfig:
    """One experiment, complete.

    A seed decides which texts a probe learns from and is tested on, and the weights of a random encoder. So the spread
    over seeds is that of other texts and, for the random encoder, of other encoders too.
    """

    data: DataConfig
    encoder: EncoderConfig = USUAL  # its pretrained weights; random ones stand beside them
    seeds: int = declared.seeds()
    guess: int = declared.guess(1000)  # behind which block its owner expects the best probe, from 1; 0: no guess
    kind: Literal["cut_texts"] = "cut_texts"

    @property
    def epochs(self) -> int:
        """None: nothing is trained by epochs."""
        return 0

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the blocks behind which a probe stands; place n leaves n blocks frozen, counted from 1.

        Raises:
            UserError: the encoder is unknown, or its folder is gone.
        """
        return tuple(block.name for block in encoders.shape_of(self.encoder.name).blocks)

    def training(self, frozen: int) -> TextClassificationConfig:
        """A training with so many blocks frozen on the same texts; where some adapt, the head learns first."""
        base = TextClassificationConfig(self.data, self.encoder)
        if frozen == len(self.places):
            return dataclasses.replace(base, phases=RECIPES["quick"].config(base).phases)
        head, adapting = RECIPES["two_phases"].config(base).phases
        return dataclasses.replace(base, phases=(head, dataclasses.replace(adapting, frozen_blocks=frozen)))

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary that `read` reads back."""
        return dataclasses.asdict(self)


def read(data: Any) -> CutTextsConfig:
    """Build and validate a config from `CutTextsConfig.to_json`'s dictionary.

    Raises:
        UserError: a key is unknown or missing, a value is of another type or out of range, the encoder is unknown, or
            there is nothing to set beside random weights.
    """
    config = built(CutTextsConfig, data)
    check(config)
    return config


def check(config: CutTextsConfig) -> None:
    """Check every value, and that they fit together.

    Raises:
        UserError: as `read`.
    """
    validate(config)
    if encoders.is_named(config.encoder.name):  # else a folder, which may not be here
        in_range(message("guess"), config.guess, 0, len(config.places))
    if config.data.validation == 0:
        raise UserError(
            message("A probe is tested on validation texts, and none are asked for."),
            message("Give them a share of the texts."),
        )
    declared.beside_random(config.encoder.weights)
