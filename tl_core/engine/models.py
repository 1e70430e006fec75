"""Loaded models, the few used last, and what can be asked of them. This is where the engine imports TensorFlow."""

import gc
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import keras

from tl_core.base.errors import UserError
from tl_core.base.events import Event, Phase, Progress
from tl_core.base.messages import Message, message
from tl_core.classification.report import Part
from tl_core.engine.classifiers import Classifier, decoded_picture
from tl_core.engine.generations import Writer
from tl_core.engine.protocol import Answer, State, explained
from tl_core.images.data import dataset as datasets
from tl_core.images.pretrained import packages, weights
from tl_core.images.pretrained.backbones import backbone
from tl_core.runs import store
from tl_core.tasks.image_classification import evaluation, export, network, paths
from tl_core.tasks.registry import TASKS, of
from tl_core.tasks.text_generation import export as text_export
from tl_core.tasks.text_generation import stream, tuned
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.text.pretrained import hub_format as text_folder
from tl_core.text.pretrained import model as language_models
from tl_core.text.pretrained import registry

MOST = 4  # models held at once
SMALLEST_BUDGET = 1 << 30  # bytes of weights that may be held on any machine
ABSENT = State("absent")

Say = Callable[[Message], None]


@dataclass
class _Slot:
    """The place of one model, loaded or not."""

    lock: threading.Lock = field(default_factory=threading.Lock)  # while it is loaded, and while it looks at pictures
    loaded: Classifier | Writer | None = None
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
        with self._use(source, lambda sentence: None):
            pass

    def state(self, source: str) -> State:
        """How far a model is; "ready" also means that its file has not changed since."""
        with self._lock:
            slot = self._slots.get(source)
        if slot is None:
            return ABSENT
        if slot.loaded and slot.state.status == "ready" and _version(source) != slot.loaded.version:
            return ABSENT
        return slot.state

    def classify(
        self, source: str, files: Sequence[tuple[str, bytes]], top: int, say: Say, is_gone: Callable[[], bool]
    ) -> list[Answer]:
        """As `tl_core.engine.client.classify`; `is_gone` says that nobody waits any more."""
        with ThreadPoolExecutor(2) as pool:
            decoded = pool.map(decoded_picture, (data for _, data in files))
            with self._use(source, say) as classifier:
                return classifier.classify([name for name, _ in files], decoded, top, is_gone)

    def evaluate(self, run_id: str, part: Part, say: Say, is_gone: Callable[[], bool]) -> None:
        """Predict one part of a run's pictures and keep the report in its folder."""
        run = _image_run(run_id)

        def emit(event: Event) -> None:
            if isinstance(event, (Phase, Progress)) and event.total:
                done = event.done if isinstance(event, Progress) else 0
                say(message("Looking at the pictures: {done} of {total}", done=done, total=event.total))

        say(message("Loading the model…"))
        evaluation.evaluate(
            run.folder, run.config, datasets.load(run.config.data.dataset), part, emit=emit, should_stop=is_gone
        )

    def write(
        self,
        model: str,
        prompt: str | Sequence[int],
        settings: Settings,
        written: Sequence[int],
        say: Say,
        is_gone: Callable[[], bool],
    ) -> Iterator[stream.Event]:
        """As `tl_core.engine.client.write`; `is_gone` says that nobody reads any more."""
        with self._use(f"text:{model}", say) as writer:
            pass  # it is loaded; from here on several texts are written with it by turns
        yield from writer.write(prompt, settings, written, is_gone)

    def text_export(self, run_id: str, form: str, say: Say) -> Path:
        """As `tl_core.engine.client.text_export`."""
        run = _text_run(run_id)
        say(message("Preparing the model…"))
        with self._building:
            return text_export.made(run.config, run.folder, form)

    def model_file(self, run_id: str, say: Say) -> Path:
        """The run's complete model; one that was finished is there even when its pictures have been deleted."""
        run = _image_run(run_id)
        finished = export.model_path(run.folder)
        try:
            dataset = datasets.load(run.config.data.dataset)
        except UserError:
            if finished.is_file():
                return finished
            raise
        say(message("Preparing the model…"))
        with self._building:
            return export.model_file(run.folder, run.config, dataset)

    @contextmanager
    def _use(self, source: str, say: Say) -> Iterator[Classifier | Writer]:
        """The model, loaded, and for the block nobody else's."""
        slot = self._slot(source)
        while not slot.lock.acquire(timeout=0.5):
            if slot.state.message:
                say(slot.state.message)
        try:
            if slot.loaded is None or slot.loaded.version != _version(source):
                self._load(slot, source, say)
            with self._lock:
                self._slots[source] = slot
                self._slots.move_to_end(source)
            yield slot.loaded
        finally:
            slot.lock.release()

    def _slot(self, source: str) -> _Slot:
        with self._lock:
            return self._slots.setdefault(source, _Slot())

    def _load(self, slot: _Slot, source: str, say: Say) -> None:
        def tell(sentence: Message) -> None:
            slot.state = State("loading", sentence)
            say(sentence)

        slot.loaded = None
        tell(message("Loading the model…"))
        try:
            kind, _, name = source.partition(":")
            loaders = {"run": self._of_run, "imagenet": self._of_imagenet, "text": self._of_text}
            if kind not in loaders:
                raise UserError(
                    message("There is no model named {name}.", name=source), message("Choose one from the list.")
                )
            slot.loaded = loaders[kind](name, tell)
        except Exception as error:
            slot.state = State("failed", error=explained(error))
            raise
        slot.state = State("ready")
        self._forget(source)

    def _of_run(self, run_id: str, tell: Say) -> Classifier:
        path = self.model_file(run_id, tell)
        version = _version(f"run:{run_id}")
        tell(message("Loading the model…"))
        with self._building:
            try:
                model = keras.models.load_model(path, compile=False)
                classes = paths.labels(path.parent)
                return Classifier(model, classes, version)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise UserError(
                    message("The model of this run cannot be read: {reason}", reason=str(error)[:200]),
                    message("Its file is damaged or of another version of Keras. Train it again."),
                ) from error

    def _of_imagenet(self, name: str, tell: Say) -> Classifier:
        row = backbone(name)

        def emit(event: Event) -> None:
            if megabytes := _megabytes(event):
                tell(message("Downloading ImageNet weights: {done} of {total} MB", **megabytes))

        weights.obtain(row, "imagenet", row.native_size, top=True, emit=emit)  # others may build meanwhile
        classes = packages.class_names()
        tell(message("Loading the model…"))
        with self._building:
            return Classifier(network.load_with_top(row), tuple(classes), _version(f"imagenet:{name}"))

    def _of_text(self, name: str, tell: Say) -> Writer:
        """`name` is a checkpoint's, a folder's path, or "run:<run id>"."""

        def emit(event: Event) -> None:
            if megabytes := _megabytes(event):
                tell(message("Downloading the language model: {done} of {total} MB", **megabytes))

        version = _version(f"text:{name}")
        kind, _, run_id = name.partition(":")
        run = _text_run(run_id) if kind == "run" else None
        if not (run and tuned.whole(run.folder)):
            registry.obtain(run.config.model if run else name, emit)  # others may build meanwhile
        tell(message("Loading the model…"))
        with self._building:
            language = tuned.load(run.config, run.folder) if run else language_models.load(name)
            return Writer(language, version)

    def _forget(self, newest: str) -> None:
        """Let go of the models used longest ago until what is held fits; whoever uses one keeps it until done."""
        with self._lock:
            while True:
                held = [(source, slot) for source, slot in self._slots.items() if slot.loaded]
                size = sum(slot.loaded.bytes for _, slot in held)
                oldest = next((source for source, _ in held if source != newest), None)
                if oldest is None or (len(held) <= self.most and size <= self.budget):
                    break
                del self._slots[oldest]
        gc.collect()


def _image_run(run_id: str) -> store.Run:
    run = _readable(run_id)
    if of(run.config) is not TASKS["image"]:
        raise UserError(
            message("The run {name} learned from text, not from pictures.", name=run.name),
            message("Choose another run."),
        )
    return run


def _text_run(run_id: str) -> store.Run:
    run = _readable(run_id)
    if of(run.config) is not TASKS["text"]:
        raise UserError(
            message("The run {name} learned from pictures, not from text.", name=run.name),
            message("Choose another run."),
        )
    return run


def _readable(run_id: str) -> store.Run:
    run = store.get(run_id)
    if run.problem:
        raise run.problem
    return run


def _megabytes(event: Event) -> dict[str, str]:
    """How far a download is; empty for other events."""
    if not isinstance(event, (Phase, Progress)) or not event.total:
        return {}
    done = event.done if isinstance(event, Progress) else 0
    return {"done": f"{done / 1e6:.1f}", "total": f"{event.total / 1e6:.1f}"}


def _version(source: str) -> object:
    """What tells a model from a later one of the same source, a run that was trained on or a folder that was written.

    None where there is one only, or none.
    """
    kind, _, name = source.partition(":")
    versions = {"run": _version_of_run, "text": _version_of_text}
    try:
        return versions[kind](name) if kind in versions else None
    except (OSError, UserError):
        return None


def _version_of_run(run_id: str) -> object:
    return export.model_path(store.get(run_id).folder).stat().st_mtime_ns


def _version_of_text(name: str) -> object:
    if name.startswith("run:"):
        return tuned.version(store.get(name.removeprefix("run:")).folder)
    if name in registry.CHECKPOINTS:
        return None
    return (Path(name).expanduser() / text_folder.WEIGHTS).stat().st_mtime_ns


def _memory() -> int:
    """Bytes of the machine's memory; 8 GB where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 8 << 30
