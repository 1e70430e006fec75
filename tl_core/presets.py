"""Recipes that fill in a whole experiment: the article's two image demos with their exact settings, and defaults.

The first one is what a newcomer starts with.
"""

from dataclasses import dataclass, replace

from tl_core.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig
from tl_core.messages import Message, message


@dataclass(frozen=True)
class Preset:
    """A recipe: what it is called, what it is for, and everything but the pictures."""

    title: Message
    description: Message
    template: RunConfig

    def config(self, dataset: str) -> RunConfig:
        """The experiment on this dataset."""
        return replace(self.template, data=replace(self.template.data, dataset=dataset))


_DATA = DataConfig(dataset="")

PRESETS: dict[str, Preset] = {
    "quick": Preset(
        message("Quick start"),
        message("A small pretrained network, all blocks frozen: a good result within a minute on any computer."),
        RunConfig(
            _DATA,
            BackboneConfig("mobilenet_0.25", "imagenet", 224),
            HeadConfig("average", 256, 0.2, "softmax"),
            (PhaseConfig(-1, 15, 1e-3, "adam", "head"),),
        ),
    ),
    "two_phases": Preset(
        message("Head, then fine-tune"),
        message(
            "First the new head alone, then the last block adapts at a much lower rate: the usual way to the best "
            "result."
        ),
        RunConfig(
            _DATA,
            BackboneConfig("mobilenet_0.25", "imagenet", 224),
            HeadConfig("average", 256, 0.2, "softmax"),
            (
                PhaseConfig(-1, 10, 1e-3, "adam", "head"),
                PhaseConfig(4, 10, 1e-5, "adam", "fine-tuning"),
            ),
        ),
    ),
    "cats_dogs": Preset(
        message("Article: cats and dogs"),
        message(
            "The article's first demo: VGG16 at 150 px, frozen, Flatten, 256 units, one sigmoid unit, RMSprop 2e-5, "
            "30 epochs. For two classes."
        ),
        RunConfig(
            replace(_DATA, test=0.0),
            BackboneConfig("vgg16", "imagenet", 150),
            HeadConfig("flatten", 256, 0.0, "sigmoid"),
            (PhaseConfig(-1, 30, 2e-5, "rmsprop", "head"),),
            batch_size=20,
        ),
    ),
    "flowers": Preset(
        message("Article: five flowers"),
        message(
            "The article's second image demo: ResNet50 at 224 px, frozen, average pooling, 256 units, softmax, Adam, "
            "30 epochs."
        ),
        RunConfig(
            replace(_DATA, test=0.0),
            BackboneConfig("resnet50", "imagenet", 224),
            HeadConfig("average", 256, 0.0, "softmax"),
            (PhaseConfig(-1, 30, 1e-3, "adam", "head"),),
            batch_size=32,
        ),
    ),
    "scratch": Preset(
        message("From scratch"),
        message(
            "The same small network with random weights, nothing frozen: what training without transfer looks like."
        ),
        RunConfig(
            _DATA,
            BackboneConfig("mobilenet_0.25", "random", 128),
            HeadConfig("average", 256, 0.2, "softmax"),
            (PhaseConfig(0, 30, 1e-3, "adam", "from scratch"),),
        ),
    ),
}
