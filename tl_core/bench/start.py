"""From the click to the curve: how long a run takes from *Start* to its first epoch, with the spare and without it."""

import contextlib
import itertools
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tl_core.base import events, paths
from tl_core.base.locks import try_lock
from tl_core.bench.measures import Measure
from tl_core.images.data.dataset import Dataset
from tl_core.images.pretrained.backbones import backbone
from tl_core.runs import queue, store
from tl_core.runs.executors import spare
from tl_core.runs.executors.local import Local
from tl_core.runs.scheduler import TICK, Scheduler
from tl_core.tasks.image_classification.config import RunConfig

PATIENCE = 600.0  # seconds that anything here may take
MOST = 3.0  # seconds that a start with cached features may take: the goal


@dataclass(frozen=True)
class _Start:
    """Seconds from *Start* to the first epoch, and how many of them went into features."""

    seconds: float
    features: float


def start(config: RunConfig, dataset: Dataset, rounds: int) -> list[Measure]:
    """The first epoch of `config`, with features cached and not: handed to the spare against a worker that is started.

    Both take turns `rounds` times, under the real scheduler; the fastest of each counts, since other work on the
    machine only ever adds time. Empty where no spare may be started: `TL_WARM` is 0, or there is too little memory.
    """
    if not spare.enabled() or spare.available() < spare.ENOUGH:
        return []
    config = replace(config, phases=(replace(config.phases[0], epochs=1),))
    pictures = f"{len(dataset.images):,} pictures, {config.backbone.weights} weights at {config.backbone.image_size} px"
    imports = [_import() for _ in range(rounds)]
    found: dict[tuple[bool, bool], list[_Start]] = {}
    with _scheduling() as executor:
        for _ in range(rounds):
            for cached in (False, True):
                for warm in (False, True):
                    if not cached:
                        shutil.rmtree(paths.features())
                    if warm:
                        _warm_up(executor)
                    found.setdefault((cached, warm), []).append(_started(config))
    measures = []
    for cached in (True, False):
        handed, begun = found[cached, True], found[cached, False]
        app, plain = (min(each.seconds for each in starts) for starts in (handed, begun))
        features = min(each.features for each in handed)
        measures.append(
            Measure(
                f"Start to first epoch, features {'cached' if cached else 'computed'}",
                plain / app,
                f"{plain / app:.1f}x",
                f"<= {MOST:.0f} s" + ("" if cached else " + feat."),
                app - features <= MOST,
                app,
                plain,
                None,
                None,
                (
                    f"{backbone(config.backbone.name).title}, {pictures}; plain: without the spare",
                    f"median {_median(handed):.2f} against {_median(begun):.2f} s"
                    + ("" if cached else f", of which the features {features:.2f} s at least"),
                    f"`import tensorflow`: {min(imports):.2f} s (median {statistics.median(imports):.2f})",
                ),
                {
                    "app_seconds": [round(each.seconds, 3) for each in handed],
                    "plain_seconds": [round(each.seconds, 3) for each in begun],
                    "features_seconds": [round(each.features, 3) for each in handed],
                    "import_seconds": [round(seconds, 3) for seconds in imports],
                },
            )
        )
    return measures


@contextlib.contextmanager
def _scheduling() -> Iterator[Local]:
    """The scheduler at work in a thread, as the server has it; its executor's spare ends with the block."""
    executor, over = Local(), threading.Event()
    scheduling = Scheduler(executor)

    def go() -> None:
        while not over.is_set():
            scheduling.tick()
            queue.changed.wait(TICK)
            queue.changed.clear()

    thread = threading.Thread(target=go, name="scheduler", daemon=True)
    thread.start()
    try:
        yield executor
    finally:
        over.set()
        thread.join()
        executor.spare.let_go()


def _warm_up(executor: Local) -> None:
    """Want a spare as a page does, and wait until it has loaded everything."""
    spare.want()
    _wait(lambda: executor.spare.process is not None)
    _wait(lambda: "ready" in (paths.home() / "spare.log").read_text(errors="replace").split())


def _started(config: RunConfig) -> _Start:
    run = store.create(config, owner="bench")
    began = time.time()
    queue.submit(run.id)
    _wait(lambda: store.status(run) not in store.ACTIVE)
    _wait(lambda: _has_ended(run))
    log = events.read(run.log)[0]
    first = next((event.t for event in log if isinstance(event, events.Epoch)), None)
    if first is None:
        raise RuntimeError(str(log[-1]))
    phases = [event for event in log if isinstance(event, events.Phase)]
    features = sum(after.t - phase.t for phase, after in itertools.pairwise(phases) if phase.phase == "features")
    return _Start(first - began, features)


def _has_ended(run: store.Run) -> bool:
    """Whether the worker of a run has gone too: until then it may still be writing what it keeps."""
    with try_lock(run.folder / "lock") as free:
        return free


def _import() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import tensorflow"], capture_output=True, check=True)
    return time.perf_counter() - began


def _median(starts: list[_Start]) -> float:
    return statistics.median(each.seconds for each in starts)


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("a worker or the spare did not come")
        time.sleep(0.02)
