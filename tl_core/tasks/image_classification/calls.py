"""What the engine can be asked about pictures, and which models it keeps for that; no TensorFlow."""

from dataclasses import dataclass
from typing import Literal

from tl_core.base.calls import Call, Source
from tl_core.base.errors import UserError
from tl_core.classification.report import Part

_HERE = "tl_core.tasks.image_classification.predict"


@dataclass(frozen=True)
class Answer:
    """What the network says of one picture: (class, probability) from the likeliest on, or why it says nothing."""

    name: str
    labels: tuple[tuple[str, float], ...]
    error: UserError | None = None


@dataclass(frozen=True)
class Classify:
    """Say what is in pictures."""

    source: str  # "run:<run id>" or "imagenet:<backbone name>"
    names: tuple[str, ...]  # one for each file
    top: int  # classes told for each picture
    files: tuple[bytes, ...] = ()  # in any format that ingest takes


Method = Literal["grad_cam", "occlusion"]


@dataclass(frozen=True)
class Explain:
    """Say which places of a picture speak for a class."""

    source: str  # as for `Classify`
    label: str  # the class
    method: Method
    check: bool = False  # whether the map earns trust, too
    files: tuple[bytes, ...] = ()  # one picture


@dataclass(frozen=True)
class Checks:
    """Whether a map marks what the answer hangs on, and whether it belongs to what the network has learned.

    Attributes:
        shares: of the picture that are covered, 0 first.
        marked: probability of the class at each of them, what the map marks most covered first.
        random: the same with random places covered first, the mean of `draws`.
        correlation: of the map with that of the same network with shuffled weights, -1 to 1.
    """

    shares: tuple[float, ...]
    marked: tuple[float, ...]
    random: tuple[float, ...]
    draws: int
    correlation: float


@dataclass(frozen=True)
class Explanation:
    """A map of the centred square of the picture that the network sees.

    Attributes:
        probability: that the network gives the class.
        values: rows from top to bottom; what they mean is told in `explanation.Explainer.map`.
        checks: where they were asked for.
    """

    probability: float
    values: tuple[tuple[float, ...], ...]
    checks: Checks | None = None


@dataclass(frozen=True)
class ReadChannels:
    """Say what the channels of a block make of a picture."""

    source: str  # as for `Classify`
    block: str  # its name; one that the network does not have: the last one
    files: tuple[bytes, ...] = ()  # one picture


@dataclass(frozen=True)
class Channel:
    """The map of one channel, of the centred square of the picture that the network sees."""

    number: int
    values: tuple[tuple[float, ...], ...]  # rows from top to bottom


@dataclass(frozen=True)
class Channels:
    """What a block makes of a picture."""

    block: str
    total: int  # channels
    flat: int  # of them say the same everywhere in this picture
    shown: tuple[Channel, ...]  # those that vary most over the picture, the most first
    blocks: tuple[str, ...] = ()  # all that the network has, in their order


@dataclass(frozen=True)
class Evaluate:
    """Predict one part of a run's pictures and keep the report in its folder."""

    run: str
    part: Part


@dataclass(frozen=True)
class Recognize:
    """Say whether pictures look like any that a run has learned from."""

    run: str
    files: tuple[bytes, ...] = ()  # in any format that ingest takes


@dataclass(frozen=True)
class Scores:
    """How well known a picture is."""

    softmax: float  # the probability of the likeliest class: more is better known
    distance: float  # of Mahalanobis, to the nearest class mean: less is better known


@dataclass(frozen=True)
class Recognized:
    """Scores of pictures, and the thresholds that they are compared with."""

    pictures: tuple[Scores | None, ...]  # None for a file that is no picture
    limits: Scores  # a picture is known from this softmax on, and up to this distance
    trained: int  # training pictures whose features gave the class means
    validated: int  # validation pictures that gave the limits


@dataclass(frozen=True)
class Detect:
    """Measure how well a run's scores tell its validation pictures from others."""

    run: str
    other: str  # id of a dataset, or "drawn:<kind>" for pictures that are drawn now


@dataclass(frozen=True)
class Separation:
    """How well one score tells known pictures from others."""

    auroc: float  # how often a known picture scores higher than another one
    low: float  # 95 % interval over the pictures
    high: float
    accepted: float  # the share of the others that is called known all the same


@dataclass(frozen=True)
class Detected:
    """What was measured."""

    softmax: Separation
    distance: Separation
    known: int  # validation pictures
    unknown: int  # other pictures


Layout = Literal["pca", "tsne"]


@dataclass(frozen=True)
class LayOut:
    """Look at a run's validation pictures before its training and after, and keep the map of their features.

    What has been kept already is not computed again.
    """

    run: str
    layout: Layout


@dataclass(frozen=True)
class ModelFile:
    """A run's complete model, made now if need be."""

    run: str


CLASSIFY: Call[Classify, tuple[Answer, ...]] = Call(
    "image_classification.classify", Classify, tuple[Answer, ...], f"{_HERE}.classify"
)
EXPLAIN: Call[Explain, Explanation] = Call("image_classification.explain", Explain, Explanation, f"{_HERE}.explain")
READ_CHANNELS: Call[ReadChannels, Channels] = Call(
    "image_classification.read_channels", ReadChannels, Channels, f"{_HERE}.read_channels"
)
EVALUATE: Call[Evaluate, None] = Call("image_classification.evaluate", Evaluate, type(None), f"{_HERE}.evaluate")
RECOGNIZE: Call[Recognize, Recognized] = Call(
    "image_classification.recognize", Recognize, Recognized, f"{_HERE}.recognize"
)
DETECT: Call[Detect, Detected] = Call("image_classification.detect", Detect, Detected, f"{_HERE}.detect")
LAY_OUT: Call[LayOut, None] = Call("image_classification.lay_out", LayOut, type(None), f"{_HERE}.lay_out")
MODEL_FILE: Call[ModelFile, str] = Call("image_classification.model_file", ModelFile, str, f"{_HERE}.model_file")

CALLS = (CLASSIFY, EXPLAIN, READ_CHANNELS, EVALUATE, RECOGNIZE, DETECT, LAY_OUT, MODEL_FILE)
DRAWN = "drawn:"
SOURCES = (
    Source("run", f"{_HERE}.of_run", f"{_HERE}.version_of_run"),
    Source("imagenet", f"{_HERE}.of_imagenet", f"{_HERE}.only_version"),
)
