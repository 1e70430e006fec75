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
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tl_core.engine import client
from tl_core.errors import Stopped, UserError
from tl_core.messages import Message, message
from tl_core.text import pieces
from tl_core.text.sampling import Settings
from tl_core.text.shape import Shape
from tl_core.text.writing import Beams, Ended, Event, Remark, Speller, Written, loop

RUNNING = 64  # texts written at once, of all visitors; the engine takes them in turn
RUNNING_EACH = 2  # of one visitor; a further one stops the oldest
KEPT_EACH = 16  # texts of one visitor
KEPT_BYTES = 64 * 1024 * 1024  # of all texts
KEPT_SECONDS = 3600.0
ABANDONED = 60.0  # seconds without a look at it after which a text is not written any further
LOOP = 8  # tokens; shorter repetitions are ordinary English
LONGEST = 4096  # tokens

_all: dict[str, "Writing"] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Order:
    """What is to be written.

    Attributes:
        model: what the engine calls it.
        base: the pretrained model whose tokenizer it uses.
        written: ids of tokens behind the prompt that the reader chose to keep.
        pace: tokens a second, so that people can follow; 0 for as fast as it can.
    """

    model: str
    base: str
    shape: Shape
    prompt: str
    settings: Settings
    written: tuple[int, ...] = ()
    pace: float = 0.0


@dataclass(eq=False)
class Writing:
    """One text. `entries` only grows; each is JSON for the page. `version` counts every change."""

    owner: str
    order: Order
    parent: str = ""  # id of the text that it branched off from
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
    looks: dict[tuple[int, int], str] = field(default_factory=dict)  # (sample, index) -> the text that looked inside

    def put(self, entry: dict[str, Any]) -> None:
        """Add an entry."""
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
        self.entries.append(text)
        self.size += len(text)
        self.version += 1

    def tokens(self, sample: int) -> list[dict[str, Any]]:
        """The entries of a sample's tokens so far."""
        read = (json.loads(entry) for entry in list(self.entries) if entry.startswith('{"kind":"written"'))
        return [entry for entry in read if entry["sample"] == sample]


def begin(owner: str, order: Order, parent: str = "", kept: Sequence[dict[str, Any]] = ()) -> Writing:
    """Write a text in the background.

    Args:
        owner: the visitor.
        order: what to write.
        parent: id of the text it branches off from.
        kept: entries of the tokens in `order.written`.

    Raises:
        UserError: too many texts are being written.
    """
    writing = Writing(owner, order, parent)
    for entry in kept:
        writing.put(entry)
    with _lock:
        _forget()
        running = [other for other in _all.values() if not other.done]
        mine = [other for other in running if other.owner == owner]
        for other in mine[: max(0, len(mine) - RUNNING_EACH + 1)]:
            other.stop.set()
        if len(running) >= RUNNING:
            raise UserError(
                message("{n} texts are being written at this moment.", n=len(running)),
                message("Wait a little, then try again."),
            )
        _all[writing.id] = writing
    threading.Thread(target=_write, args=(writing,), daemon=True, name=f"writing-{writing.id}").start()
    return writing


def get(owner: str, writing_id: str) -> Writing | None:
    """A visitor's text; None if it is forgotten, or somebody else's."""
    writing = _all.get(writing_id)
    return writing if writing and owner and writing.owner == owner else None


def take(owner: str, writing_id: str, sample: int, index: int, token: int) -> Writing | None:
    """Write on from another token: the text stays as it is before `index`, there stands `token`.

    As many tokens as were asked for follow behind it. None if the text is forgotten, or never had this choice.

    Raises:
        UserError: too many texts are being written.
    """
    origin = get(owner, writing_id)
    tokens = origin.tokens(sample) if origin else []
    if not 0 <= index < len(tokens):
        return None
    candidates = tokens[index]["candidates"] or _candidates(owner, origin.looks.get((sample, index), ""))
    place = [candidate[0] for candidate in candidates]
    bpe = pieces.bpe_of(origin.order.base)
    if token not in place or bpe is None:
        return None
    before = [entry["id"] for entry in tokens[:index]]
    chosen = candidates[place.index(token)]
    kept = [
        *tokens[:index],
        {
            **tokens[index],
            "id": token,
            "text": Speller(bpe, before).text(token),
            "probability": chosen[2],
            "rank": place.index(token) + 1,
            "candidates": candidates,
            "taken": True,
            "lens": [],
        },
    ]
    asked = origin.order.settings.length - len(origin.order.written)
    settings = replace(origin.order.settings, length=min(LONGEST, len(kept) + asked), samples=1)
    order = replace(origin.order, settings=settings, written=(*before, token))
    return begin(owner, order, origin.id, [{**entry, "sample": 0} for entry in kept])


def look(owner: str, writing_id: str, sample: int, index: int, attention: tuple[int, int]) -> Writing | None:
    """Write one token of a text once more, to see inside: what every block predicts, where one head looks.

    None if the text is forgotten.

    Raises:
        UserError: too many texts are being written.
    """
    origin = get(owner, writing_id)
    tokens = origin.tokens(sample) if origin else []
    if not 0 <= index < len(tokens):
        return None
    settings = replace(origin.order.settings, length=index + 1, samples=1, lens=True, attention=attention)
    if settings.strategy == "beam":  # its tokens are not drawn one by one: show the network's own probabilities
        settings = replace(settings, strategy="sample", temperature=1.0, top_k=0, top_p=1.0)
    before = tuple(entry["id"] for entry in tokens[:index])
    order = replace(origin.order, settings=settings, written=before, pace=0.0)
    seen = begin(owner, order, origin.id)
    origin.looks[sample, index] = seen.id
    return seen


def stop(owner: str, writing_id: str) -> None:
    """Let a visitor's text end with the token that is being written."""
    if writing := get(owner, writing_id):
        writing.stop.set()


def _candidates(owner: str, look_id: str) -> list[list[Any]]:
    """What a look inside found for its token; beam search itself tells none."""
    seen = get(owner, look_id)
    tokens = seen.tokens(0) if seen else []
    return tokens[0]["candidates"] if tokens else []


def _write(writing: Writing) -> None:
    order, due = writing.order, 0.0

    def hear(sentence: Message) -> None:
        if _unwanted(writing):
            raise Stopped
        writing.status = sentence
        writing.version += 1

    try:
        events = client.write(order.model, order.prompt, order.settings, order.written, hear)
        with contextlib.closing(events):
            for event in events:
                _take_down(writing, event)
                if order.pace and isinstance(event, Written):
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
        writing.status = None
        writing.done = True
        writing.version += 1


def _unwanted(writing: Writing) -> bool:
    return writing.stop.is_set() or time.monotonic() - writing.seen > ABANDONED


def _take_down(writing: Writing, event: Event) -> None:
    if not writing.prompt_cut and isinstance(event, Written | Beams):
        _cut_prompt(writing)
    writing.status = None
    if isinstance(event, Written):
        writing.put(_token(event))
    elif isinstance(event, Beams):
        writing.beams = event
        writing.version += 1
    elif isinstance(event, Remark):
        writing.remarks.append(event.message)
        writing.version += 1
    elif isinstance(event, Ended):
        found = loop([entry["id"] for entry in writing.tokens(event.sample)])
        writing.put(
            {
                "kind": "ended",
                "sample": event.sample,
                "reason": event.reason,
                "tokens": event.tokens,
                "first": event.first_seconds,
                "seconds": event.seconds,
                "speed": event.tokens_per_second,
                "loop": [found.start, found.size, found.repeated] if found and found.repeated >= LOOP else None,
            }
        )


def _cut_prompt(writing: Writing) -> None:
    """The prompt's tokens, known once the model's files are here."""
    writing.prompt_cut = True
    bpe = pieces.bpe_of(writing.order.base)
    if bpe is not None:
        cut = pieces.cut(bpe, writing.order.prompt, writing.order.shape)
        attention = writing.order.settings.attention
        writing.put({"kind": "prompt", "count": cut.count, "labels": cut.labels, "attention": attention})


def _token(event: Written) -> dict[str, Any]:
    """A token as the page gets it, figures cut to four digits."""
    return {
        "kind": "written",
        "sample": event.sample,
        "index": event.index,
        "id": event.id,
        "text": event.text,
        "probability": _short(event.probability),
        "rank": event.rank,
        "kept": event.kept,
        "candidates": [[c.id, c.text, _short(c.before), _short(c.after)] for c in event.candidates],
        "lens": [
            [guess.block, [[c.id, c.text, _short(c.before)] for c in guess.candidates], _short(guess.chosen)]
            for guess in event.lens
        ],
        "attention": [_short(weight) for weight in event.attention],
    }


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _forget() -> None:
    """Drop finished texts that are old, or the oldest where there are too many; held under the lock."""
    now = time.monotonic()
    done = [writing for writing in _all.values() if writing.done]  # oldest first
    each: dict[str, int] = {}
    total = sum(writing.size for writing in _all.values())
    for writing in done:
        each[writing.owner] = each.get(writing.owner, 0) + 1
    for writing in done:
        if now - writing.seen > KEPT_SECONDS or each[writing.owner] > KEPT_EACH or total > KEPT_BYTES:
            del _all[writing.id]
            each[writing.owner] -= 1
            total -= writing.size
