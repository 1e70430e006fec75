"""Recipes that fill in a whole experiment: the article's two image demos with their exact settings, and defaults.

The first one is what a newcomer starts with. The small recipes use the backbone whose ImageNet weights are installed
with the app; `recipe` gives each as it works on this computer, `on_small` the article's on that backbone.
"""

from dataclasses import dataclass, replace

from tl_core.base.messages import Message, message
from tl_core.images.pretrained import weights
from tl_core.images.pretrained.backbones import BACKBONES, Backbone
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig


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
SMALL = "efficientnet_lite0"  # the backbone of the small recipes: real ImageNet weights, without a network

PRESETS: dict[str, Preset] = {
    "quick": Preset(
        message("Quick start"),
        message(
            "A small network that knows ImageNet, all blocks frozen: good results within a minute, on any computer."
        ),
        RunConfig(
            _DATA,
            BackboneConfig(SMALL, "imagenet", 224),
            HeadConfig("average", 256, 0.5, "softmax"),
            (PhaseConfig(-1, 15, 1e-3, "adam", "head"),),
        ),
    ),
    "two_phases": Preset(
        message("Head, then fine-tune"),
        message(
            "First the new head alone, then late blocks adapt at a tenth of the rate, on slightly varied pictures: the "
            "usual way to the best result. Takes a few minutes."
        ),
        RunConfig(
            _DATA,
            BackboneConfig(SMALL, "imagenet", 224),
            HeadConfig("average", 256, 0.5, "softmax"),
            (
                PhaseConfig(-1, 5, 1e-3, "adam", "head"),
                PhaseConfig(5, 8, 1e-4, "adam", "fine-tuning"),
            ),
            augmentation="light",
            label_smoothing=0.1,
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
            BackboneConfig(SMALL, "random", 128),
            HeadConfig("average", 256, 0.2, "softmax"),
            (PhaseConfig(0, 30, 1e-3, "adam", "from scratch"),),
        ),
    ),
}


def recipe(name: str) -> Preset:
    """A recipe as it works on this computer.

    Where the package with the weights of the small recipes' backbone is missing, this project's own backbone takes its
    place: nothing needs to be downloaded, and all small recipes stay comparable.

    Args:
        name: key of `PRESETS`.
    """
    preset = PRESETS[name]
    template, row = preset.template, bundled()
    if row is None or template.backbone.name != SMALL or small_is_here():
        return preset
    source = "random" if template.backbone.weights == "random" else "bundled"
    phases = tuple(
        replace(phase, frozen_blocks=len(row.blocks) - 1) if phase.frozen_blocks > 0 else phase
        for phase in template.phases
    )
    own = BackboneConfig(row.name, source, row.default_size)
    return replace(preset, template=replace(template, backbone=own, phases=phases))


def on_small(name: str) -> RunConfig:
    """An article's recipe with the small recipes' backbone and everything else as it is, for where its own ImageNet
    weights cannot be had. No pictures are chosen yet.
    """
    template = PRESETS[name].template
    return replace(template, backbone=BackboneConfig(SMALL, "imagenet", template.backbone.image_size))


def small_is_here() -> bool:
    """Whether the ImageNet weights of the small recipes' backbone are on this computer, undamaged."""
    return weights.package_problem(BACKBONES[SMALL]) is None


def bundled() -> Backbone | None:
    """The first backbone whose weights are shipped with the app; None where the file is absent."""
    return next((row for row in BACKBONES.values() if row.bundled_file("bundled")), None)
