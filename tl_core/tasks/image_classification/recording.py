"""What a recording tells of a run on pictures: its lesson, weights, pictures, classes and report."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from tl_core.base.messages import Message, message
from tl_core.classification import report as reports
from tl_core.classification.report import Report
from tl_core.images.data import dataset as datasets
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.drawn import CLASSES
from tl_core.images.data.split import Split, split
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.lesson import Lesson

WEIGHTS = {
    "imagenet": message("ImageNet"),
    "bundled": message("this project's own"),
    "patterns": message("patterns only"),
    "random": message("random"),
}


def weights(config: RunConfig) -> Message:
    """What the backbone knew when training began."""
    return WEIGHTS.get(config.backbone.weights, message("a file of its maker's own"))


def untaught(config: RunConfig) -> bool:
    """Whether it knew nothing."""
    return config.backbone.weights == "random"


def classes(config: RunConfig) -> tuple[str, ...]:
    """What is told apart.

    Raises:
        UserError: the pictures are gone.
    """
    return datasets.load(config.data.dataset).classes


def data(config: RunConfig, name: Message) -> Message:
    """What it learned from, called `name` or, where that is empty, as its owner calls it.

    Raises:
        UserError: the pictures are gone.
    """
    dataset = datasets.load(config.data.dataset)
    return divided(name, dataset, split(dataset, config.data))


def divided(name: Message, dataset: Dataset, parts: Split) -> Message:
    """How many pictures there were to train on and to validate; called `name` or, where that is empty, as they are."""
    return message(
        "{name}: {training} pictures to train on, {validation} to validate",
        name=name if name.text else Message(dataset.name),
        training=f"{len(parts.train):,}",
        validation=f"{len(parts.validation):,}",
    )


def keep(run: Path, into: Path) -> None:
    """Write what of the run's report anybody may see: figures and confusion matrix, without the pictures."""
    made = reports.load(run, "validation")
    if made is not None:
        reports.save(replace(made, predictions=()), into)


def result(folder: Path) -> Report | None:
    """What `keep` wrote, if there was something."""
    return reports.load(folder, "validation")


def _drawn(config: RunConfig, classes: tuple[str, ...], phases: tuple[str, ...]) -> bool:
    taught = config.backbone.weights != "random"
    same = tuple(phase.name for phase in config.phases) == phases and taught == (phases[0] == "head")
    return same and classes == CLASSES["flowers"]


def _article(config: RunConfig, classes: tuple[str, ...], backbone: str, classes_then: tuple[str, ...]) -> bool:
    return config.backbone.name == backbone and classes == classes_then


FLOWERS = ("daisy", "dandelion", "roses", "sunflowers", "tulips")
UNTAUGHT = message(
    "The article's settings, but the frozen blocks are random: nothing is transferred, and this is what is left. "
    "Compare it with the same demo on weights that know ImageNet."
)
LESSONS: dict[str, Lesson] = {
    "frozen": Lesson(
        message("Drawn flowers, frozen backbone"),
        message("Drawn flowers"),
        message(
            "Only the head learns. See where its first epoch already stands compared with the run from scratch, how "
            "early the curves level off, and how short an epoch is."
        ),
        partial(_drawn, phases=("head",)),
    ),
    "fine_tuned": Lesson(
        message("Drawn flowers, head first, then fine-tuning"),
        message("Drawn flowers"),
        message(
            "At the marker late blocks thaw and adapt at a much lower rate. See what that changes, and whether "
            "training accuracy runs away from validation accuracy."
        ),
        partial(_drawn, phases=("head", "fine-tuning")),
    ),
    "scratch": Lesson(
        message("Drawn flowers, from scratch"),
        message("Drawn flowers"),
        message(
            "Nothing is frozen and nothing is known: the curves begin at guessing. Compare the last validation "
            "accuracy, and the time it took, with the frozen run."
        ),
        partial(_drawn, phases=("from scratch",)),
    ),
    "cats_dogs_lite0": Lesson(
        message("The article's first demo on EfficientNet-Lite0: cats and dogs"),
        message("Cats and dogs (photographs)"),
        message(
            "The article's settings on a backbone that knows ImageNet, all blocks frozen. It learned from many kinds "
            "of dogs and some of cats: see how much is right after the first epoch already."
        ),
        partial(_article, backbone="efficientnet_lite0", classes_then=("cats", "dogs")),
    ),
    "flowers_lite0": Lesson(
        message("The article's second demo on EfficientNet-Lite0: five flowers"),
        message("Flowers (photographs)"),
        message(
            "The article's settings on a backbone that knows ImageNet, all blocks frozen. Of the five flowers ImageNet "
            "has the daisy only; what it learned from other things serves the others too."
        ),
        partial(_article, backbone="efficientnet_lite0", classes_then=FLOWERS),
    ),
    "cats_dogs": Lesson(
        message("The article's first demo: cats and dogs"),
        message("Cats and dogs (photographs)"),
        message(
            "VGG16 with all blocks frozen and a head of two million parameters. Watch the gap between training and "
            "validation accuracy: it says how much the head memorises."
        ),
        partial(_article, backbone="vgg16", classes_then=("cats", "dogs")),
        UNTAUGHT,
        message("The contrast: the article's first demo with random weights"),
    ),
    "flowers": Lesson(
        message("The article's second demo: five flowers"),
        message("Flowers (photographs)"),
        message(
            "ResNet50 with all blocks frozen; average pooling keeps the head at half a million parameters. See how "
            "soon validation accuracy stops following training accuracy."
        ),
        partial(_article, backbone="resnet50", classes_then=FLOWERS),
        UNTAUGHT,
        message("The contrast: the article's second demo with random weights"),
    ),
}
