"""What can be asked of the process that holds the models, as rows: declared by tasks, answered by the engine.

A row names a question, the dataclasses that go in and out, and where it is answered; who asks and who serves know no
more than that. No TensorFlow: the answer's module is imported when somebody asks.
"""

import dataclasses
import importlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from tl_core.base import records
from tl_core.base.errors import UserError
from tl_core.base.events import Event, Phase, Progress
from tl_core.base.messages import Message

Request = TypeVar("Request")
Reply = TypeVar("Reply")


def plain(value: Any) -> Any:
    """JSON of a reply or a request: dataclasses, sentences, errors and tuples of them."""
    if isinstance(value, (Message, UserError)):
        return value.to_json()
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


@dataclass(frozen=True)
class Call(Generic[Request, Reply]):
    """One question.

    Attributes:
        name: of its own among all calls: "<task>.<what>".
        request: a dataclass; the contents of files are its field `files`, a tuple of bytes.
        reply: the type of the answer, or of each of the things that are answered one after another.
        answer: dotted path of the function that answers: (request, desk) -> reply, or an iterator of replies.
        stream: whether it is an iterator.
        write: JSON of a reply.
        read: the reply out of its JSON; by default as `tl_core.base.records.value` reads its type.
    """

    name: str
    request: type[Request]
    reply: Any
    answer: str
    stream: bool = False
    write: Callable[[Reply], Any] = plain
    read: Callable[[Any], Reply] | None = None

    def replied(self, data: Any) -> Reply:
        """The reply out of its JSON."""
        return self.read(data) if self.read else records.value(self.reply, data)


class Run(Protocol):
    """What is known of a run where a call names one."""

    @property
    def name(self) -> str:
        """As people call it."""

    @property
    def folder(self) -> Path:
        """Its own."""

    @property
    def config(self) -> Any:
        """What it was asked to do; None where that cannot be read."""


@dataclass(frozen=True)
class Desk:
    """What the engine gives to whoever answers a call.

    Attributes:
        say: takes a sentence about what happens now, for whoever waits.
        is_gone: whether nobody waits any more.
        use: a model by its source, loaded, and for the block nobody else's.
        run: a run by its id; raises a UserError if it is not there or cannot be read.
        building: held while a model is built: one at a time, memory peaks there.
    """

    say: Callable[[Message], None]
    is_gone: Callable[[], bool]
    use: Callable[[str], AbstractContextManager[Any]]
    run: Callable[[str], Run]
    building: AbstractContextManager[Any]


class Model(Protocol):
    """A loaded model as the engine keeps it."""

    bytes: int  # of its weights, and of what else it holds
    version: object  # changes when its files do


@dataclass(frozen=True)
class Source:
    """A kind of models that the engine keeps loaded; one of them is called "<prefix>:<name>".

    Attributes:
        load: dotted path of (name, desk) -> `Model`.
        version: dotted path of (name, desk) -> what tells a model from a later one of the same name; None where there
            is but one. It may raise an OSError or a UserError: there is none.
    """

    prefix: str
    load: str
    version: str


def resolve(path: str) -> Callable[..., Any]:
    """The function at a dotted path; its module is imported."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def downloaded(event: Event) -> dict[str, str]:
    """How many megabytes of a download are here, for a sentence with {done} and {total}; empty for other events."""
    if not isinstance(event, (Phase, Progress)) or not event.total:
        return {}
    done = event.done if isinstance(event, Progress) else 0
    return {"done": f"{done / 1e6:.1f}", "total": f"{event.total / 1e6:.1f}"}


def packed(request: Any) -> bytes:
    """A request as it travels: a line of JSON, and behind it the bytes of its files, one after another."""
    files: Sequence[bytes] = getattr(request, "files", ())
    said = plain(dataclasses.replace(request, files=()) if files else request)
    said["files"] = [len(file) for file in files]
    return b"".join([json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"), b"\n", *files])


def unpacked(cls: type[Request], data: bytes) -> Request:
    """Read what `packed` wrote.

    Raises:
        ValueError: it is something else.
    """
    line, _, rest = data.partition(b"\n")
    said = records.value(dict[str, Any], records.loads(line))
    files, start = [], 0
    for size in records.value(tuple[records.Count, ...], said.pop("files", ())):
        files.append(rest[start : start + size])
        start += size
    if start != len(rest):
        raise ValueError("the files are not as long as they are said to be")
    return records.build(cls, {**said, "files": files} if files else said)
