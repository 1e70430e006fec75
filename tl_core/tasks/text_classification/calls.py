"""What the engine can be asked about texts to be classified, and which models it keeps for that; no TensorFlow."""

from dataclasses import dataclass

from tl_core.base.calls import Call, Source
from tl_core.classification.report import Part

PREFIX = "classifier"  # of the source of a run's model: "classifier:<run id>"
_HERE = "tl_core.tasks.text_classification.predict"


@dataclass(frozen=True)
class Answer:
    """What the network says of one text."""

    labels: tuple[tuple[str, float], ...]  # class and probability, from the likeliest on
    words: tuple[tuple[str, float], ...] = ()  # and by how much the first one's falls without the word; if asked for


@dataclass(frozen=True)
class Classify:
    """Say of which class texts are."""

    source: str
    texts: tuple[str, ...]
    influence: bool = False  # of each word, by occlusion


@dataclass(frozen=True)
class Evaluate:
    """Predict one part of a run's texts and keep the report in its folder."""

    run: str
    part: Part


@dataclass(frozen=True)
class ModelFile:
    """A run's whole model as a ZIP, made now if need be."""

    run: str


CLASSIFY: Call[Classify, tuple[Answer, ...]] = Call(
    "text_classification.classify", Classify, tuple[Answer, ...], f"{_HERE}.classify"
)
EVALUATE: Call[Evaluate, None] = Call("text_classification.evaluate", Evaluate, type(None), f"{_HERE}.evaluate")
MODEL_FILE: Call[ModelFile, str] = Call("text_classification.model_file", ModelFile, str, f"{_HERE}.model_file")

CALLS = (CLASSIFY, EVALUATE, MODEL_FILE)
SOURCES = (Source(PREFIX, f"{_HERE}.of_run", f"{_HERE}.version_of_run"),)
