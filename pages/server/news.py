"""Telling readers what is new in the texts they listen to: one task looks for all of them, a few times a second.

What came in between travels together, and what several readers are told alike is put together once.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from pages.server import generations
from pages.server.generations import Writing
from pages.ui.i18n import catalogue

GATHER = 0.04  # seconds between two looks; text seems to flow
TURN = 15.0  # seconds after which a browser is asked to listen anew: a server that is ended waits for whoever listens
AGAIN = b'data: {"again":true}\n\n'


@dataclass(eq=False)
class _Reader:
    """Somebody who listens.

    Attributes:
        known: entries that have been told.
        until: when the turn is over.
        version: of the text, when it was told last.
        heard: what is to be told next; a slow reader is told more at once, later.
        last: whether nothing follows that.
    """

    writing: Writing
    known: int
    language: str
    until: float
    version: int = -1
    heard: bytes = b""
    last: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)


class _Room:
    """All who listen, and the one task that looks for them as long as there are any."""

    def __init__(self) -> None:
        self.readers: set[_Reader] = set()
        self.telling: asyncio.Task | None = None

    def enter(self, reader: _Reader) -> None:
        """Told the first at once."""
        self.readers.add(reader)
        _look([reader])
        if self.telling is None or self.telling.done():
            self.telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self.readers:
            await asyncio.sleep(GATHER)
            _look(list(self.readers))


_rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, _Room] = WeakKeyDictionary()  # a server has one loop


async def follow(writing: Writing, known: int, language: str) -> AsyncIterator[bytes]:
    """Server-sent events with all that is new in a text, the first at once; the last says that it is done.

    Each event's data is JSON, its id the number of entries told so far.

    Args:
        writing: the text.
        known: entries that the reader has.
        language: of the sentences in it.
    """
    reader = _Reader(writing, known, language, time.monotonic() + TURN)
    room = _rooms.setdefault(asyncio.get_running_loop(), _Room())
    try:
        room.enter(reader)
        while not reader.last or reader.heard:
            await reader.news.wait()
            reader.news.clear()
            heard, reader.heard = reader.heard, b""
            yield heard
    finally:
        room.readers.discard(reader)


def _look(readers: list[_Reader]) -> None:
    """Give everybody what is new for them; who is still being told the last waits until that has arrived."""
    now = time.monotonic()
    told: dict[tuple[str, int, str], tuple[int, int, bool, bytes]] = {}
    for reader in readers:
        writing = reader.writing
        writing.seen = now
        if reader.heard or reader.last:
            continue
        if writing.version != reader.version:
            alike = (writing.id, reader.known, reader.language)
            if alike not in told:
                told[alike] = _told(writing, reader.known, reader.language)
            reader.version, reader.known, reader.last, reader.heard = told[alike]
        if now >= reader.until and not reader.last:  # however much there is to tell
            reader.last, reader.heard = True, reader.heard + AGAIN
        if reader.heard:
            reader.news.set()


def _told(writing: Writing, known: int, language: str) -> tuple[int, int, bool, bytes]:
    """The text's version, how many entries are known then, whether it is done, and the event that says so.

    What has been said in sentences is said again, there is little.
    """
    translate = catalogue(language).gettext
    done, version = writing.done, writing.version  # before the entries: what comes in between is told next time
    entries = writing.entries[known:]
    error, beams, status = writing.error, writing.beams, writing.status
    known += len(entries)
    rest = {
        "done": done,
        "length": writing.order.settings.length,
        "more": done and generations.can_go_on(writing),
        "next": known,
        "status": status.translated(translate) if status else "",
        "error": f"{error.what.translated(translate)} {error.remedy.translated(translate)}" if error else "",
        "remarks": [remark.translated(translate) for remark in list(writing.remarks)],
        "beams": [[text, score] for text, score in zip(beams.texts, beams.scores, strict=True)] if beams else [],
    }
    data = f'{{"entries":[{",".join(entries)}],{json.dumps(rest, ensure_ascii=False)[1:]}'
    return version, known, done, f"id: {known}\ndata: {data}\n\n".encode("utf-8", "replace")
