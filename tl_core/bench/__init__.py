"""Measure this machine: `python -m tl_core bench`. Knows no page.

Everything is compared within one run, the ratio comes first.

    demo        the article's VGG16 demo, 30 epochs over a frozen base: this app against the article's plain Keras loop
    finetuning  an epoch of fine-tuning the last block: with the activation cache against plain Keras
    overhead    worker process, event log and live curves against a bare loop over the same steps
    start       from *Start* to the first epoch of the default experiment: with the warm spare against without it
    costs       what is told before a run against what it takes, for every backbone (only where it is asked for: long)

It works in a data folder of its own that is deleted at the end, so nothing is cached beforehand.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tl_core.base.messages import message
from tl_core.images.pretrained.backbones import BACKBONES
from tl_core.tasks.image_classification import recipes

if TYPE_CHECKING:
    from tl_core.bench.measures import Measure

PARTS = ("demo", "finetuning", "overhead", "start")
LONG = ("costs",)
LIBRARIES = ("tensorflow", "keras", "numpy", "pillow")
_LINE = "{:>8}  {:>13}  {:<44} {:>9} {:>9} {:>11} {:>13}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of `python -m tl_core bench`."""
    parser.add_argument(
        "parts", nargs="*", metavar="part", help=f"what to measure: {', '.join(PARTS)} (all), {', '.join(LONG)}"
    )
    parser.add_argument("--data", type=Path, help="ZIP or folder of two classes; without it pictures are drawn")
    parser.add_argument("--weights", default="random", help="of the backbone: random, imagenet or a file (random)")
    parser.add_argument("--photos", type=int, default=600, help="pictures used for finetuning, 0 for all (600)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and drawn pictures (0)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes and MobileNet: does it work at all?")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file too")


def main(args: argparse.Namespace) -> int:
    """Measure and print a table, line by line; 0 whatever comes out, 2 for an unknown part."""
    unknown = [part for part in args.parts if part not in PARTS + LONG]
    if unknown:
        print(message("There is no part {parts}; choose from {known}.", parts=unknown, known=list(PARTS + LONG)))
        return 2
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _scratch():
        from tl_core.bench import measures
        from tl_core.bench.costs import costs
        from tl_core.bench.overhead import overhead
        from tl_core.bench.start import start

        dataset = measures.bring_in(args.data, args.seed, args.quick)
        config = measures.demo_config(dataset, args.weights, args.seed, args.quick)
        done: list[Measure] = []

        def tell(some: Iterable["Measure"]) -> None:
            for one in some:
                done.append(one)
                print(_lines(one), flush=True)

        print(_heading())
        for part in args.parts or PARTS:
            print(message("Measuring {part}…", part=part), file=sys.stderr, flush=True)
            if part == "demo":
                tell([measures.demo(config, dataset)])
            elif part == "finetuning":
                tell([measures.finetuning(config, dataset, args.photos)])
            elif part == "overhead":
                rounds, epochs = (1, 4) if args.quick else (3, 60)
                tell([overhead(config, dataset, rounds, epochs)])
            elif part == "costs":
                small = measures.bring_in(args.data, args.seed, quick=True)
                tell(costs(small, (config.backbone.name,) if args.quick else tuple(BACKBONES)))
            else:
                first = config if args.quick else recipes.recipe("quick").config(dataset.id)
                tell(start(first, dataset, rounds=1 if args.quick else 3))
    machine = _machine()
    print("\n".join(f"{name}: {value}" for name, value in machine.items()))
    if args.json:
        results = [dataclasses.asdict(measure) for measure in done]
        args.json.write_text(json.dumps({"machine": machine, "measures": results}, indent=1), encoding="utf-8")
    return 0


@contextlib.contextmanager
def _scratch() -> Iterator[None]:
    """A data folder for this run alone."""
    before = os.environ.get("TL_HOME")
    folder = tempfile.mkdtemp(prefix="tl-bench-")
    os.environ["TL_HOME"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["TL_HOME"]
        else:
            os.environ["TL_HOME"] = before
        shutil.rmtree(folder, ignore_errors=True)


def _machine() -> dict[str, Any]:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(load, 1),  # above the number of cores, something else was at work
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
        "date": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _heading() -> str:
    return _LINE.format("ratio", "target", "measure", "app s", "plain s", "app img/s", "plain img/s")


def _lines(one: "Measure") -> str:
    """A line for a measure, its ratio first, and below it what one must know to read it."""
    seconds = (f"{one.app_seconds:,.2f}", f"{one.plain_seconds:,.2f}")
    rates = ("" if rate is None else f"{rate:,.0f}" for rate in (one.app_rate, one.plain_rate))
    line = _LINE.format(one.shown, one.target, one.name, *seconds, *rates)
    return "\n".join([line, *(f"{'':>25}{remark}" for remark in one.remarks)])
