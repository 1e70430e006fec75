"""What the engine can be asked about texts, and which models it keeps for that; no TensorFlow."""

from dataclasses import dataclass
from typing import Literal

from tl_core.base.calls import Call, Source
from tl_core.tasks.text_generation import entries
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Event

_HERE = "tl_core.tasks.text_generation.predict"

Form = Literal["hub", "keras", "lora"]


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

CALLS = (GENERATE, EXPORT)
SOURCES = (Source("text", f"{_HERE}.load", f"{_HERE}.version"),)
