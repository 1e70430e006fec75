"""Texts that are being written: a thread for each asks the engine and keeps what it says, token by token.

They lie in this process's memory, each for the visitor who asked for it, so that a page can be reloaded and watched in
two windows. What is old, too much, or no longer looked at, is forgotten. No Streamlit here.
"""

import contextlib
import json
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tl_core.base.errors import Stopped, UserError
from tl_core.base.messages import Message, message
from tl_core.engine import client
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Beams, Ended, Remark, from_json, loops
from tl_core.text.pretrained import pieces
from tl_core.text.pretrained.shape import Shape

RUNNING = 64  # texts written at once, of all visitors; the engine takes them in turn
RUNNING_EACH = 2  # of one visitor; a further one stops the oldest
KEPT_EACH = 16  # texts of one visitor
KEPT_LOOKS = 48  # looks inside them
KEPT_BYTES = 64 * 1024 * 1024  # of all texts
KEPT_SECONDS = 3600.0
ABANDONED = 60.0  # seconds without a look at it after which a text is not written any further
LOOP = 8  # tokens; shorter repetitions are ordinary English
LONGEST = 4096  # tokens
TOKEN = '{"kind":"written"'  # how a token's entry begins

_all: dict[str, "Writing"] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Order:
    """What is to be written.

    Attributes:
        model: what the engine calls it.
        base: the pretrained model whose tokenizer it uses.
        prompt: a text, or the ids of its tokens.
        written: ids of tokens behind the prompt, of the sample that is being written.
        pace: tokens a second, so that people can follow; 0 for as fast as it can.
    """

    model: str
    base: str
    shape: Shape
    prompt: str | tuple[int, ...]
    settings: Settings
    written: tuple[int, ...] = ()
    pace: float = 0.0


@dataclass(eq=False)
class Writing:
    """One text. `entries` only grows; each is JSON for the page. `version` counts every change."""

    owner: str
    order: Order
    parent: str = ""  # id of the text that it branched off from
    kept: int = 0  # tokens of it that it began with
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    entries: list[str] = field(default_factory=list)
    remarks: list[Message] = field(default_factory=list)
    beams: Beams | None = None
    status: Message | None = None
    error: UserError | None = None
    version: int = 0
    done: bool = False
    size: int = 0  # bytes
    began: float = field(default_factory=time.monotonic)
    seen: float = field(default_factory=time.monotonic)  # when somebody last asked for it
    stop: threading.Event = field(default_factory=threading.Event)
    prompt_cut: bool = False
    until: int | None = None  # tokens of the sample at which it pauses by itself
    looks: dict["Look", str] = field(default_factory=dict)  # -> the text that looked there
    logits: np.ndarray | None = None  # of a look: float32 [vocabulary]

    def put(self, entry: dict[str, Any]) -> None:
        """Add an entry."""
        self.put_text(json.dumps(entry, ensure_ascii=False, separators=(",", ":")))

    def put_text(self, text: str) -> None:
        """Add an entry that is JSON already."""
        self.entries.append(text)
        self.size += len(text)
        self.version += 1

    @property
    def is_look(self) -> bool:
        """Whether it only looks inside a token of another text."""
        return bool(self.order.settings.told)

    @property
    def last(self) -> dict[str, Any]:
        """The newest entry; empty before there is one."""
        return json.loads(self.entries[-1]) if self.entries else {}

    def tokens(self, sample: int) -> list[dict[str, Any]]:
        """The entries of a sample's tokens so far."""
        read = (json.loads(entry) for entry in list(self.entries) if entry.startswith(TOKEN))
        return [entry for entry in read if entry["sample"] == sample]


@dataclass(frozen=True)
class Look:
    """Where a reader looks inside: token `index` of a sample, or of the prompt's as the model sees it (sample -1)."""

    sample: int
    index: int
    attention: tuple[int, int]  # (block, head)
    heads: bool  # all of them too


def begin(
    owner: str, order: Order, parent: str = "", kept: Sequence[dict[str, Any]] = (), until: int | None = None
) -> Writing:
    """Write a text in the background.

    Args:
        owner: the visitor.
        order: what to write.
        parent: id of the text it branches off from.
        kept: entries of the tokens in `order.written`.
        until: it pauses by itself when a sample has so many tokens.

    Raises:
        UserError: too many texts are being written.
    """
    writing = Writing(owner, order, parent, len(kept), until=until)
    for entry in kept:
        writing.put(entry)
    with _lock:
        _forget()
        _make_room(owner)
        _all[writing.id] = writing
    _start(writing)
    return writing


def go_on(owner: str, writing_id: str, step: bool = False) -> Writing | None:
    """Write on where a text was paused, or as much again where it has reached its length.

    None if the text is forgotten, or cannot go on: it is being written, or the model has ended it.

    Args:
        step: one token only.

    Raises:
        UserError: too many texts are being written.
    """
    with _lock:
        writing = get(owner, writing_id)
        if writing is None or not writing.done:
            return None
        order = _further(writing)
        if order is None:
            return None
        _make_room(owner)
        writing.order, writing.until = order, len(order.written) + 1 if step else None
        writing.stop, writing.done, writing.error = threading.Event(), False, None
        writing.seen = time.monotonic()
        writing.version += 1
    _start(writing)
    return writing


def get(owner: str, writing_id: str) -> Writing | None:
    """A visitor's text; None if it is forgotten, or somebody else's."""
    writing = _all.get(writing_id)
    return writing if writing and owner and writing.owner == owner else None


def can_go_on(writing: Writing) -> bool:
    """Whether `go_on` would find something to write."""
    return writing.done and _further(writing) is not None


def stop(owner: str, writing_id: str) -> None:
    """Let a visitor's text end with the token that is being written."""
    if writing := get(owner, writing_id):
        writing.stop.set()


def _further(writing: Writing) -> Order | None:
    """What is still to be written of a text that is not being written; None if the model has ended it."""
    order, last = writing.order, writing.last
    sample = last.get("sample", order.settings.first)
    written, settings = tuple(entry["id"] for entry in writing.tokens(sample)), order.settings
    if last.get("kind") == "ended" and last["reason"] != "paused":
        if sample + 1 < settings.samples:
            sample, written = sample + 1, ()
        elif last["reason"] == "end" or settings.samples > 1 or len(written) >= LONGEST:
            return None
        else:
            settings = replace(settings, length=min(LONGEST, 2 * settings.length))
    return replace(order, settings=replace(settings, first=sample), written=written)


def _make_room(owner: str) -> None:
    """Stop the oldest of a visitor's running texts where there are too many; held under the lock."""
    running = [other for other in _all.values() if not other.done]
    mine = [other for other in running if other.owner == owner]
    for other in mine[: max(0, len(mine) - RUNNING_EACH + 1)]:
        other.stop.set()
    if len(running) >= RUNNING:
        raise UserError(
            message("{n} texts are being written at this moment.", n=len(running)),
            message("Wait a little, then try again."),
        )


def _start(writing: Writing) -> None:
    threading.Thread(target=_write, args=(writing,), daemon=True, name=f"writing-{writing.id}").start()


def _write(writing: Writing) -> None:
    order, due = writing.order, 0.0
    settings = order.settings
    if writing.until is not None:
        settings = replace(settings, length=min(writing.until, settings.length), samples=settings.first + 1)

    def hear(sentence: Message) -> None:
        if _unwanted(writing):
            raise Stopped
        writing.status = sentence
        writing.version += 1

    try:
        lines = client.write_lines(order.model, order.prompt, settings, order.written, hear)
        with contextlib.closing(lines):
            for line in lines:
                is_token = _take_down(writing, line.decode())
                if order.pace and is_token:
                    due = max(due, time.monotonic()) + 1 / order.pace
                    writing.stop.wait(due - time.monotonic())
                if _unwanted(writing):
                    break
    except Stopped:
        pass
    except UserError as error:
        writing.error = error
    except Exception:
        logging.getLogger(__name__).exception("writing %s failed", writing.id)
        writing.error = UserError(
            message("Something unexpected went wrong while the text was written."),
            message("Try again; the server's log says more."),
        )
    finally:
        if not writing.error and writing.last.get("kind") != "ended":
            _end(writing, writing.last.get("sample", order.settings.first), "paused")
        writing.status = None
        writing.done = True
        writing.version += 1


def _unwanted(writing: Writing) -> bool:
    return writing.stop.is_set() or time.monotonic() - writing.seen > ABANDONED


def _take_down(writing: Writing, line: str) -> bool:
    """Keep an event, as the engine has spelled it; returns whether it is a token."""
    writing.status = None
    if line.startswith(TOKEN):
        _cut_prompt(writing)
        if writing.order.settings.logits:
            seen = json.loads(line)
            writing.logits = np.asarray(seen.pop("logits"), np.float32)
            writing.size += writing.logits.nbytes
            writing.put(seen)
        else:
            writing.put_text(line)
        return True
    event = from_json(json.loads(line))
    if isinstance(event, Beams):
        _cut_prompt(writing)
        writing.beams = event
        writing.version += 1
    elif isinstance(event, Remark):
        writing.remarks.append(event.message)
        writing.version += 1
    elif isinstance(event, Ended):
        _end(writing, event.sample, event.reason)
    return False


def _end(writing: Writing, sample: int, reason: str) -> None:
    """A sample's end so far, with its circles; what could have been longer was paused."""
    ids, settings = [entry["id"] for entry in writing.tokens(sample)], writing.order.settings
    if reason == "stopped" or (reason == "length" and len(ids) < settings.length and settings.strategy != "beam"):
        reason = "paused"
    circles = [[found.start, found.size, found.repeated] for found in loops(ids, LOOP)]
    writing.put({"kind": "ended", "sample": sample, "reason": reason, "loops": circles})


def _cut_prompt(writing: Writing) -> None:
    """The prompt's tokens, once; known when the model's files are here, those of a look are known already."""
    if writing.prompt_cut:
        return
    writing.prompt_cut = True
    bpe = pieces.bpe_of(writing.order.base)
    if bpe is not None and isinstance(writing.order.prompt, str):
        cut = pieces.cut(bpe, writing.order.prompt, writing.order.shape)
        ids, attention = cut.ids[-len(cut.labels) :], writing.order.settings.attention
        known = {"ids": ids, "labels": cut.labels, "texts": cut.texts, "cut": len(cut.ids) > len(ids)}
        writing.put({"kind": "prompt", **known, "attention": attention})


def _forget() -> None:
    """Drop finished texts that are old, or the oldest where there are too many; held under the lock."""
    now = time.monotonic()
    done = [writing for writing in _all.values() if writing.done]  # oldest first
    total = sum(writing.size for writing in _all.values())
    each = Counter((writing.owner, writing.is_look) for writing in done)
    for writing in done:
        kind = (writing.owner, writing.is_look)
        too_many = each[kind] > (KEPT_LOOKS if writing.is_look else KEPT_EACH)
        if now - writing.seen > KEPT_SECONDS or too_many or total > KEPT_BYTES:
            del _all[writing.id]
            each[kind] -= 1
            total -= writing.size
