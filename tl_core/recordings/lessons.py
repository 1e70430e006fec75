"""The recordings that come with the app: what each is called, what to notice, and which runs may be called that."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tl_core.base.messages import Message, message
from tl_core.images.data.drawn import CLASSES
from tl_core.tasks.image_classification.config import RunConfig


@dataclass(frozen=True)
class Written:
    """What a well-known recorded text is for, and who has to have written it."""

    title: Message
    notice: Message
    model: str = ""  # of tl_core.text.pretrained.registry.CHECKPOINTS


@dataclass(frozen=True)
class Lesson:
    """What a well-known recording is for, and whether a run is what the title says.

    `untaught` and `untaught_title` take the notice's and the title's place where the backbone knew nothing.
    """

    title: Message
    data: Message
    notice: Message
    fits: Callable[[RunConfig, tuple[str, ...]], bool] = lambda config, classes: True  # classes: of the pictures
    untaught: Message | None = None
    untaught_title: Message | None = None


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

TEXTS: dict[str, Written] = {
    "article_text": Written(
        message("The article's third demo: GPT-2 goes on from “Once upon a time”"),
        message(
            "The likeliest token is taken every time. Watch how soon the text goes round in circles, and how sure of "
            "itself the model becomes as it does."
        ),
        "gpt2",
    ),
    "tale": Written(
        message("The article's third demo, with the bundled model: “Once upon a time”"),
        message(
            "The likeliest token is taken every time, so this prompt always gives this text. See which words come "
            "back, and how sure of itself the model is when they do."
        ),
        "tales",
    ),
}
