"""Loaded models, the few used last. Which there are, and how one is loaded, the tasks say."""

import gc
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tl_core.base.calls import Call, Desk, Model, Source, resolve
from tl_core.base.errors import UserError
from tl_core.base.messages import Message, message
from tl_core.engine import tasks
from tl_core.engine.protocol import State, explained
from tl_core.runs import store

MOST = 4  # models held at once
SMALLEST_BUDGET = 1 << 30  # bytes of weights that may be held on any machine
ABSENT = State("absent")

Say = Callable[[Message], None]


@dataclass
class _Slot:
    """The place of one model, loaded or not."""

    lock: threading.Lock = field(default_factory=threading.Lock)  # while it is loaded, and while it is used
    loaded: Model | None = None
    state: State = ABSENT


class Models:
    """The models used last: at most `most`, whose weights take at most `budget` bytes together.

    Args:
        most: number of models.
        budget: bytes; by default a quarter of the machine's memory. The newest model is kept even if it is larger.
    """

    def __init__(self, most: int = MOST, budget: int | None = None):
        self.most = most
        self.budget = budget or max(SMALLEST_BUDGET, _memory() // 4)
        self._slots: OrderedDict[str, _Slot] = OrderedDict()
        self._lock = threading.Lock()
        self._building = threading.Lock()  # one model is built at a time

    @property
    def held(self) -> list[str]:
        """The sources of the loaded models, the one used last at the end."""
        with self._lock:
            return [source for source, slot in self._slots.items() if slot.loaded]

    def load(self, source: str) -> None:
        """Load a model if it is not there.

        Raises:
            UserError: it cannot be had.
        """
        with self.desk().use(source):
            pass

    def state(self, source: str) -> State:
        """How far a model is; "ready" also means that its file has not changed since."""
        with self._lock:
            slot = self._slots.get(source)
        if slot is None:
            return ABSENT
        if slot.loaded and slot.state.status == "ready" and not self._is_current(slot.loaded, source):
            return ABSENT
        return slot.state

    def answer(self, call: Call, request: Any, say: Say, is_gone: Callable[[], bool]) -> Any:
        """What the call's task answers: a reply, or an iterator of them."""
        return resolve(call.answer)(request, self.desk(say, is_gone))

    def desk(self, say: Say = lambda sentence: None, is_gone: Callable[[], bool] = lambda: False) -> Desk:
        """What is given to those who answer."""

        @contextmanager
        def use(source: str) -> Iterator[Model]:
            with self._use(source, desk) as model:
                yield model

        desk = Desk(say, is_gone, use, _run, self._building)
        return desk

    @contextmanager
    def _use(self, source: str, desk: Desk) -> Iterator[Model]:
        """The model, loaded, and for the block nobody else's."""
        slot = self._slot(source)
        while not slot.lock.acquire(timeout=0.5):
            if slot.state.message:
                desk.say(slot.state.message)
        try:
            loaded = slot.loaded
            if loaded is None or not self._is_current(loaded, source):
                loaded = self._load(slot, source, desk)
            with self._lock:
                self._slots[source] = slot
                self._slots.move_to_end(source)
            yield loaded
        finally:
            slot.lock.release()

    def _slot(self, source: str) -> _Slot:
        with self._lock:
            return self._slots.setdefault(source, _Slot())

    def _load(self, slot: _Slot, source: str, desk: Desk) -> Model:
        def tell(sentence: Message) -> None:
            slot.state = State("loading", sentence)
            desk.say(sentence)

        slot.loaded = None
        tell(message("Loading the model…"))
        try:
            row, name = _row(source)
            loaded: Model = resolve(row.load)(name, replace(desk, say=tell))
            slot.loaded = loaded
        except Exception as error:
            slot.state = State("failed", error=explained(error))
            raise
        slot.state = State("ready")
        self._forget(source)
        return loaded

    def _is_current(self, loaded: Model, source: str) -> bool:
        """Whether a model is the one that its source names now: a run may have been trained on."""
        row, name = _row(source)
        try:
            return loaded.version == resolve(row.version)(name, self.desk())
        except (OSError, UserError):
            return loaded.version is None

    def _forget(self, newest: str) -> None:
        """Let go of the models used longest ago until what is held fits; whoever uses one keeps it until done."""
        with self._lock:
            while True:
                held = [(source, slot.loaded) for source, slot in self._slots.items() if slot.loaded]
                size = sum(loaded.bytes for _, loaded in held)
                oldest = next((source for source, _ in held if source != newest), None)
                if oldest is None or (len(held) <= self.most and size <= self.budget):
                    break
                del self._slots[oldest]
        gc.collect()


def _row(source: str) -> tuple[Source, str]:
    """The kind of a model, and its name.

    Raises:
        UserError: there is no such kind.
    """
    prefix, _, name = source.partition(":")
    if row := tasks.sources().get(prefix):
        return row, name
    raise UserError(message("There is no model named {name}.", name=source), message("Choose one from the list."))


def _run(run_id: str) -> store.Run:
    run = store.get(run_id)
    if run.problem:
        raise run.problem
    return run


def _memory() -> int:
    """Bytes of the machine's memory; 8 GB where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 8 << 30
