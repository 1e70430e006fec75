"""What the engine can be asked about texts, and which models it keeps for that; no TensorFlow."""

from dataclasses import dataclass
from typing import Literal

from tl_core.base.calls import Call, Source
from tl_core.tasks.text_generation import entries
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Event

_HERE = "tl_core.tasks.text_generation.predict"

Form = Literal["hub", "keras", "lora"]
Part = tuple[int, int]  # (block, head), or (block, WHOLE)
WHOLE = -1


@dataclass(frozen=True)
class Generate:
    """Let a language model continue a prompt."""

    model: str  # as the engine's source is called behind "text:"
    prompt: str | tuple[int, ...]  # a text, or the ids of its tokens
    settings: Settings
    written: tuple[int, ...] = ()  # ids already written behind the prompt


@dataclass(frozen=True)
class Export:
    """A file of a run's model to take home, made now if need be."""

    run: str
    form: Form


@dataclass(frozen=True)
class Ablate:
    """What would come next with some heads or whole blocks switched off."""

    model: str  # as for `Generate`
    prompt: tuple[int, ...]  # ids of tokens; none: a text that begins
    written: tuple[int, ...]  # ids behind the prompt
    token: int  # the one that came next
    off: tuple[Part, ...]


@dataclass(frozen=True)
class Compared:
    """A token that might come next: its probability by the whole network, and with parts of it switched off."""

    id: int
    text: str
    before: float
    after: float


@dataclass(frozen=True)
class Occlude:
    """By how much a token becomes less likely where one before it is hidden."""

    model: str
    prompt: tuple[int, ...]
    written: tuple[int, ...]
    token: int
    back: tuple[int, ...]  # which are hidden, one at a time: 1 is the last one before it


GENERATE: Call[Generate, Event] = Call(
    "text_generation.generate",
    Generate,
    Event,
    f"{_HERE}.generate",
    stream=True,
    write=entries.entry,
    read=entries.event,
)
EXPORT: Call[Export, str] = Call("text_generation.export", Export, str, f"{_HERE}.export")
ABLATE: Call[Ablate, tuple[Compared, ...]] = Call(
    "text_generation.ablate", Ablate, tuple[Compared, ...], f"{_HERE}.ablate"
)
OCCLUDE: Call[Occlude, tuple[float, ...]] = Call(
    "text_generation.occlude", Occlude, tuple[float, ...], f"{_HERE}.occlude"
)

CALLS = (GENERATE, EXPORT, ABLATE, OCCLUDE)
SOURCES = (Source("text", f"{_HERE}.load", f"{_HERE}.version"),)
