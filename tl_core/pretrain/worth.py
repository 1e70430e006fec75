"""Measure what the bundled backbone is worth: transfer to photographs that had no part in any choice.

    python -m tl_core pretrain evaluate --data DIR            development photographs only; as often as wanted
    python -m tl_core pretrain evaluate --data DIR --final    once, when everything is chosen; goes onto the card
                                                              (with --only in parts, each once; what the card had
                                                              before is kept on it as an earlier look)

`DIR` holds flowers.zip (class/file.jpg) and cats_dogs.zip (part/class/file.jpg). A hash of a photograph's name sends a
fifth of them to the final part. Without --final that part is not opened, and each seed examines on another fifth of the
rest. Everything is trained by `tl_core.tasks.image_classification.training`, as on the page.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tl_core.base import paths
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.ingest import ingest
from tl_core.images.pretrained import weights
from tl_core.images.pretrained.backbones import backbone
from tl_core.pretrain import card
from tl_core.tasks.image_classification import evaluation, training
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig

FINAL = 5  # one photograph in so many is kept for the last look
NAME = "mobilenetv2_0.5"
SIZE = 224  # larger than in pretraining: of 96, 128, 160, 192 and 224 px the best on development photographs
HEAD = HeadConfig("average", 256, 0.5)
FROZEN = (PhaseConfig(-1, 60, 3e-4),)
TUNED = (
    PhaseConfig(-1, 30, 3e-4),
    PhaseConfig(2, 15, 2e-4, name="fine-tuning"),
    PhaseConfig(2, 15, 7e-5, name="fine-tuning"),
    PhaseConfig(2, 10, 2e-5, name="fine-tuning"),
)
SCRATCH = (PhaseConfig(0, 60, 1e-3, name="from scratch"),)  # with less dropout, or it would learn less


@dataclass(frozen=True)
class Trial:
    """One kind of training, and how many photographs of each class it gets (at most)."""

    title: str
    archive: str  # flowers or cats_dogs
    per_class: int
    config: RunConfig
    goal: float = 0.0


def _trial(
    title: str, archive: str, per_class: int, source: str, phases: tuple[PhaseConfig, ...], goal: float = 0.0
) -> Trial:
    config = RunConfig(
        DataConfig("", validation=0.0, test=0.0),  # all photographs teach: the settings are chosen beforehand
        BackboneConfig(NAME, source, SIZE),
        dataclasses.replace(HEAD, dropout=0.3) if phases is SCRATCH else HEAD,
        phases,
        batch_size=16,
        augmentation="strong" if phases is TUNED else "light",
        views=16 if phases is TUNED else 8,
    )
    return Trial(title, archive, per_class, config, goal)


TRIALS = {
    "frozen": _trial("flowers, frozen", "flowers", 200, "bundled", FROZEN, 0.72),
    "tuned": _trial("flowers, fine-tuned", "flowers", 200, "bundled", TUNED, 0.78),
    "scratch": _trial("flowers, from scratch", "flowers", 200, "random", SCRATCH),
    "few_frozen": _trial("flowers, 20 a class, frozen", "flowers", 20, "bundled", FROZEN),
    "few_scratch": _trial("flowers, 20 a class, from scratch", "flowers", 20, "random", SCRATCH),
    "cats_dogs": _trial("cats and dogs, 1,000 a class, frozen", "cats_dogs", 1000, "bundled", FROZEN, 0.80),
    "patterns": _trial("flowers, frozen, patterns as the source", "flowers", 200, "patterns", FROZEN),
    "few_patterns": _trial("flowers, 20 a class, frozen, patterns as the source", "flowers", 20, "patterns", FROZEN),
    "imagenet": _trial("flowers, frozen, ImageNet MobileNet 0.25 at 224 px", "flowers", 200, "imagenet", FROZEN),
}
TRIALS["imagenet"] = dataclasses.replace(
    TRIALS["imagenet"],
    config=dataclasses.replace(TRIALS["imagenet"].config, backbone=BackboneConfig("mobilenet_0.25", "imagenet", 224)),
)


def is_final(name: str) -> bool:
    """Whether the photograph of this name in its archive is kept for the last look."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % FINAL == 0


def measure(trial: Trial, archive: Path, seed: int, folder: Path, final: bool = False) -> float:
    """Train once; the share of the examination photographs that is right.

    Args:
        trial: what to train.
        archive: the ZIP.
        seed: decides which photographs are trained on (and examined, without `final`), the first weights, everything.
        folder: for the run; made.
        final: examine on the final part.

    Raises:
        UserError: weights are not to be had.
    """
    dataset = _dataset(trial, archive, seed, final)
    data = dataclasses.replace(trial.config.data, dataset=dataset.id, seed=seed)
    config = dataclasses.replace(trial.config, data=data, seed=seed)
    folder.mkdir(parents=True)
    keras.backend.clear_session()
    training.train(
        config,
        dataset,
        folder,
        lambda event: None,
        lambda: False,
        resume=False,
        started=lambda **facts: None,
    )
    return evaluation.evaluate(folder, config, dataset, "test").accuracy


def _dataset(trial: Trial, archive: Path, seed: int, final: bool) -> Dataset:
    """Photographs to train on under train/, those of the examination under test/."""
    files = []
    with zipfile.ZipFile(archive) as opened:
        names = sorted(name for name in opened.namelist() if name.endswith(".jpg"))
        classes = sorted({name.split("/")[-2] for name in names})
        for number, label in enumerate(classes):
            own = [name for name in names if name.split("/")[-2] == label]
            free = [name for name in own if not is_final(name)]
            free = [free[index] for index in np.random.default_rng((seed, number)).permutation(len(free))]
            fifth = len(free) // FINAL
            examined = [name for name in own if is_final(name)] if final else free[:fifth]
            learned = (free if final else free[fifth:])[: trial.per_class]
            for part, chosen in (("train", learned), ("test", examined)):
                files += [(f"{part}/{label}/{name.replace('/', '-')}", opened.read(name)) for name in sorted(chosen)]
    return ingest(files, name=f"{archive.stem} {trial.per_class} {seed}")


def _available(trial: Trial) -> bool:
    row, wanted = backbone(trial.config.backbone.name), trial.config.backbone
    if wanted.weights == "imagenet":
        return weights.find(row, "imagenet", wanted.image_size) is not None
    return wanted.weights in row.sources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of `python -m tl_core pretrain evaluate`."""
    parser.add_argument("--data", type=Path, required=True, help="folder with flowers.zip and cats_dogs.zip")
    parser.add_argument("--only", nargs="+", choices=TRIALS, default=list(TRIALS), metavar="TRIAL", help=str([*TRIALS]))
    parser.add_argument("--seeds", type=int, default=5, help="default 5")
    parser.add_argument("--final", action="store_true", help="examine on the final part, and write it onto the card")


def main(args: argparse.Namespace) -> int:
    """Print a line for each trial; with --final the card of the bundled weights gets the figures."""
    results = []
    with tempfile.TemporaryDirectory(prefix="worth-") as home:
        os.environ["TL_HOME"] = home  # datasets, activations and runs go with it
        for name in args.only:
            trial = TRIALS[name]
            if not _available(trial):
                print(f"{trial.title}: the weights are not on this computer", flush=True)
                continue
            began = time.time()
            right = [
                measure(
                    trial, args.data / f"{trial.archive}.zip", seed, paths.runs() / f"{name}-{seed}", final=args.final
                )
                for seed in range(args.seeds)
            ]
            results.append(_result(name, trial, right))
            print(f"{_line(results[-1])}   ({(time.time() - began) / args.seeds:.0f} s each)", flush=True)
    if args.final:
        _keep(results, args.seeds)
    return 0


def _result(name: str, trial: Trial, right: Sequence[float]) -> dict[str, Any]:
    return {
        "name": name,
        "title": trial.title,
        "goal": trial.goal,
        "mean": round(float(np.mean(right)), 4),
        "deviation": round(float(np.std(right)), 4),
        "right": [round(value, 4) for value in right],
        "config": trial.config.to_json(),
    }


def _line(result: Mapping[str, Any]) -> str:
    each = " ".join(f"{100 * value:.1f}" for value in result["right"])
    goal = f", goal {100 * result['goal']:.0f} %" if result["goal"] else ""
    return f"{result['title']}: {100 * result['mean']:.1f} ± {100 * result['deviation']:.1f} % ({each}){goal}"


def _keep(results: Sequence[Mapping[str, Any]], seeds: int) -> None:
    path = backbone(NAME).bundled_file("bundled")
    if path is None:
        return
    known = weights.card(path)
    look = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "sha256": known["sha256"]}
    measured = {result["name"]: {**result, **look} for result in results}
    before = known["transfer"].get("results", [])
    kept = {result["name"]: result for result in before if result["name"] not in measured} | measured
    known["transfer"] = {
        "pictures": "a fifth of the photographs of flowers.zip and cats_dogs.zip",
        "seeds": seeds,
        "results": [kept[name] for name in TRIALS if name in kept],
        "earlier": known["transfer"].get("earlier", []) + [result for result in before if result["name"] in measured],
        "independent": known["transfer"].get("independent", {}),
    }
    card.save(known, path)
    print(json.dumps(known["transfer"]["results"]), flush=True)
