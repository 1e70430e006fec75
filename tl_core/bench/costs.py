"""Whether the cost that is told before a run is what the run then takes: over the registry of image backbones.

Three batches are tried, and a run of two epochs follows in the same process at once. Both are counted in processor
time, all cores together, so that other work on the machine spoils nothing. Weights are random: how long they take does
not depend on their values.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

from tl_core.base import events
from tl_core.bench.measures import Measure
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.split import split
from tl_core.images.pretrained.backbones import BACKBONES, backbone
from tl_core.runs import store
from tl_core.tasks.image_classification import calibration, training
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.estimate import BEGIN, calibrated, estimate

TARGET = 0.25  # error of the estimate, median over the registry


def costs(dataset: Dataset, names: Sequence[str] = tuple(BACKBONES)) -> Iterator[Measure]:
    """A line for each backbone, all blocks frozen and the last one thawed, and two for the medians.

    Args:
        dataset: its pictures, at the smallest size of each backbone.
        names: of the backbones.
    """
    epochs, wholes = [], []
    for name in names:
        size, last = min(backbone(name).sizes), len(backbone(name).blocks) - 1
        ways = {"frozen": PhaseConfig(-1, 2), "fine-tuned": PhaseConfig(last, 2, 1e-5, name="fine-tuning")}
        for way, phase in ways.items():
            network = BackboneConfig(name, "random", size)
            config = RunConfig(DataConfig(dataset.id), network, phases=(phase,), batch_size=8)
            parts = split(dataset, config.data)
            found = calibration.measure(calibrated(config), dataset, lambda: False, time.process_time)
            told = estimate(config, len(parts.train), len(parts.validation), calibration=found)
            seconds, epoch, size_kept, details = _run(config, dataset)
            epochs.append(told.epoch / epoch)
            wholes.append((told.seconds - BEGIN) / seconds)
            yield Measure(
                f"{backbone(name).title}, {way}: an epoch, told",
                epochs[-1],
                f"{epochs[-1]:.2f}x",
                "0.75x to 1.25x",
                abs(epochs[-1] - 1) <= TARGET,
                epoch,
                told.epoch,
                len(parts.train) / epoch,
                len(parts.train) / told.epoch,
                (
                    f"the whole run: {seconds:.1f} s, told {told.seconds - BEGIN:.1f} s ({wholes[-1]:.2f}x); "
                    f"activations: {size_kept:,} bytes, told {told.cached:,}",
                ),
                {"calibration": vars(found) | {"phases": [vars(pace) for pace in found.phases]}, **details},
            )
    for what, ratios in (("an epoch", epochs), ("a whole run", wholes)):
        error = statistics.median(abs(ratio - 1) for ratio in ratios)
        yield Measure(
            f"{what}, median error over {len(ratios)} runs",
            error,
            f"{100 * error:.0f} %",
            f"<= {100 * TARGET:.0f} %",
            error <= TARGET,
            0.0,
            0.0,
            None,
            None,
            (f"told / taken: {min(ratios):.2f}x to {max(ratios):.2f}x, median {statistics.median(ratios):.2f}x",),
        )


def _run(config: RunConfig, dataset: Dataset) -> tuple[float, float, int, dict[str, Any]]:
    """Processor seconds of the whole run and of its second epoch, bytes of its activations, and when each stage began
    (processor seconds from the call)."""
    stages: list[tuple[str, float]] = []
    began = time.process_time()

    def emit(event: events.Event) -> None:
        if isinstance(event, (events.Phase, events.Epoch)):
            stages.append((event.phase if isinstance(event, events.Phase) else "epoch", time.process_time() - began))

    folder = store.create(config, owner="bench").folder
    outcome = training.train(config, dataset, folder, emit, lambda: False, resume=False, started=lambda **_: None)
    seconds = time.process_time() - began
    first, second = (at for stage, at in stages if stage == "epoch")
    return seconds, second - first, outcome.cached or 0, {"run_seconds": seconds, "stages": stages}
