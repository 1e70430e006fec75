"""The code that is shown is the code that trains: a run, then its script in a process that has nothing of this project.

Both begin with the same weights and take the same steps, so what they reach agrees far more closely than is asked for.
Where pictures are varied, each draws its own variations, and a network from scratch lets rounding grow: there the task
is one that both learn for certain.
"""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tasks.experiments import Experiment
from tests.tasks.image_classification import toys
from tests.tasks.text_classification import tiny
from tests.tasks.text_generation import folders
from tl_core.images.data.drawn import Drawing, ingest_drawn
from tl_core.images.data.split import DataConfig
from tl_core.tasks import registry
from tl_core.tasks.image_classification.config import BackboneConfig, HeadConfig, PhaseConfig, RunConfig
from tl_core.tasks.text_classification import config as texts_config
from tl_core.tasks.text_classification.config import EncoderConfig, TextClassificationConfig
from tl_core.tasks.text_generation import config as text_config
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus, grammar
from tl_core.text.pretrained.shape import Shape

ALONE = "import importlib.util, runpy; assert importlib.util.find_spec('tl_core') is None; runpy.run_path('train.py')"
WAYS = {"frozen", "fine-tuned", "two phases", "from scratch"}  # that every task has; some have more
HEAD, UPPER = PhaseConfig(-1, 2, 4e-3), PhaseConfig(4, 2, 3e-4, "rmsprop", "fine-tuning")
BUNDLED = BackboneConfig("mobilenetv2_0.5", "bundled", 96)
IMAGES = {
    "frozen": {"phases": (replace(HEAD, epochs=3),)},
    "fine-tuned": {
        "phases": (PhaseConfig(4, 2, 1e-3, "adamw", "fine-tuning", "cosine"),),
        "head": HeadConfig("average", 32, 0.3),
        "batch_size": 8,
    },
    "two phases": {
        "phases": (HEAD, UPPER),
        "early_stopping": 2,
        "label_smoothing": 0.1,
    },
    "from scratch": {
        "phases": (PhaseConfig(0, 12, 1e-2, "adam", "from scratch"),),
        "backbone": BackboneConfig("mobilenet_0.25", "random", 128),
        "batch_size": 8,
    },
    "varied": {
        "phases": (replace(HEAD, epochs=5, learning_rate=1e-2), replace(UPPER, epochs=1, learning_rate=1e-4)),
        "head": HeadConfig("average", 32, output="sigmoid"),
        "augmentation": "strong",
        "class_weights": True,
    },
}
TUNED = text_config.PhaseConfig(steps=30)
TEXTS = {
    "frozen": {"phases": (replace(TUNED, frozen_blocks=4),), "dropout": 0.2},
    "fine-tuned": {"phases": (replace(TUNED, frozen_blocks=2),)},
    "two phases": {
        "phases": (
            replace(TUNED, frozen_blocks=-1, steps=20, name="head"),
            replace(TUNED, frozen_blocks=3, optimizer="rmsprop", learning_rate=5e-4, schedule="constant"),
        ),
        "early_stopping": 2,
    },
    "LoRA": {"phases": (replace(TUNED, frozen_blocks=2, learning_rate=5e-3),), "lora_rank": 4},
    "from scratch": {"phases": (replace(TUNED, learning_rate=1e-2, name="from scratch"),), "model": "random"},
}
THAWED = texts_config.PhaseConfig(2, 4, 5e-3, "adamw", "fine-tuning", "cosine")
OPINIONS = {
    "frozen": {"phases": (texts_config.PhaseConfig(-1, 6, 2e-2),), "label_smoothing": 0.1},
    "fine-tuned": {"phases": (THAWED,), "head": texts_config.HeadConfig(8, 0.0), "class_weights": True},
    "two phases": {
        "phases": (texts_config.PhaseConfig(-1, 2, 1e-2), replace(THAWED, optimizer="rmsprop", learning_rate=2e-3)),
        "early_stopping": 3,
    },
    "from scratch": {"phases": (texts_config.PhaseConfig(0, 12, 3e-3, "adam", "from scratch"),), "weights": "random"},
}


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory):
    """One data folder for all: the same pictures and texts serve several runs."""
    path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TL_HOME", str(path))
        yield path


def image_run(way: str, tmp_path: Path) -> RunConfig:
    """Drawn animals; stripes where the task has to be one that is learned for certain."""
    certain = {"from scratch": 1 / 3, "varied": 0.6}
    pictures = (
        toys.dataset({"level": 48, "upright": 48}) if way in certain else ingest_drawn(Drawing("animals", 50, 0.2))
    )
    common = {"backbone": BUNDLED, "head": HeadConfig("average", 32), "batch_size": 16, "precision": "float32"}
    split = DataConfig(pictures.id, validation=certain.get(way, 0.6), test=0.0)
    return RunConfig(split, **{**common, **IMAGES[way]})


def text_run(way: str, tmp_path: Path) -> TextConfig:
    """The weather, and the bundled GPT-2 or a tiny one that knows nothing."""
    weather = corpus.paste(grammar.write("weather", texts=60), name="weather")
    config = TextConfig(
        weather.id, evaluate_every=12, sample_every=1000, sample_length=8, batch_size=4, context=32, **TEXTS[way]
    )
    if config.model == "random":
        tiny_shape = Shape(vocabulary=300, context=64, layers=2, heads=2, width=16)
        config = replace(config, model=str(folders.write(tmp_path / "base", tiny_shape)))
    return config


def opinions_run(way: str, tmp_path: Path) -> TextClassificationConfig:
    """Without dropout in the encoder, whose masks each draws for itself, both take the very same steps."""
    settings, dataset = dict(OPINIONS[way]), tiny.texts(240)
    encoder = EncoderConfig(str(tiny.write(tmp_path / "tiny")), settings.pop("weights", "pretrained"), 16)
    return TextClassificationConfig(
        texts_config.DataConfig(dataset.id, 0.4), encoder, dropout=0.0, batch_size=16, precision="float32", **settings
    )


CASES: dict[str, tuple[Callable[[str, Path], registry.Config], dict]] = {
    "image_classification": (image_run, IMAGES),
    "text_generation": (text_run, TEXTS),
    "text_classification": (opinions_run, OPINIONS),
}


def says(config: registry.Config, place: Path) -> float:
    """Unpack what is handed out and run it there, alone; returns the metric on the last line."""
    with registry.of(config).room("packing").script_zip(config) as path, zipfile.ZipFile(path) as archive:
        archive.extractall(place)
    assert "tl_core" not in (place / "train.py").read_text(encoding="utf-8")
    left = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("TL_")}
    done = subprocess.run([sys.executable, "-I", "-c", ALONE], cwd=place, capture_output=True, text=True, env=left)
    assert done.returncode == 0, done.stderr[-3000:]
    last = re.fullmatch(r"validation (?:accuracy|perplexity): ([\d.]+)", done.stdout.strip().splitlines()[-1])
    return float(last.group(1))


CERTAIN = {("image_classification", way) for way in ("from scratch", "varied")}  # chance is a half


@pytest.mark.parametrize("task", CASES)
def test_every_task_has_each_way_of_training(task: str):
    assert CASES[task][1].keys() >= WAYS


@pytest.mark.slow
@pytest.mark.parametrize(("task", "way"), [(task, way) for task, (_, ways) in CASES.items() for way in ways])
def test_the_script_reaches_what_the_run_reaches(task: str, way: str, tmp_path: Path):
    config = CASES[task][0](way, tmp_path)
    reached = Experiment(config, tmp_path).run("run").outcome.metrics
    again = says(config, tmp_path / "script")
    if "perplexity" in reached:
        assert reached["perplexity"] < 0.8 * reached["base_perplexity"], "it learns"
        assert again == pytest.approx(reached["perplexity"], rel=0.02)
    else:
        assert reached["accuracy"] > (0.95 if (task, way) in CERTAIN else 0.6), "it learns"
        if config.kind == "image" and (task, way) not in CERTAIN:
            assert reached["accuracy"] < 1, "it leaves something that could go another way"
        assert 100 * again == pytest.approx(100 * reached["accuracy"], abs=1)
