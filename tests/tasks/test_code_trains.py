"""The code that is shown is the code that trains: a run, then its script in a process that has nothing of this project.

Both begin with the same weights and take the same steps, so what they reach agrees far more closely than is asked for.
Where pictures are varied, each draws its own variations; there the task is one that both learn for certain.
"""

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tasks.image_classification import toys
from tests.tasks.text_classification import tiny
from tests.tasks.text_generation import folders
from tl_core.base import events
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.drawn import Drawing, ingest_drawn
from tl_core.images.data.split import DataConfig
from tl_core.tasks import registry
from tl_core.tasks.image_classification.config import BackboneConfig, HeadConfig, PhaseConfig, RunConfig
from tl_core.tasks.text_classification import config as texts_config
from tl_core.tasks.text_classification import training as texts_training
from tl_core.tasks.text_classification.config import EncoderConfig, TextClassificationConfig
from tl_core.tasks.text_generation import config as text_config
from tl_core.tasks.text_generation import training
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.text.data import corpus, grammar
from tl_core.text.data.corpus import Corpus
from tl_core.text.pretrained.shape import Shape

ALONE = "import importlib.util, runpy; assert importlib.util.find_spec('tl_core') is None; runpy.run_path('train.py')"
HEAD, UPPER = PhaseConfig(-1, 4, 2e-3), PhaseConfig(4, 3, 3e-4, "rmsprop", "fine-tuning")
BUNDLED = BackboneConfig("mobilenetv2_0.5", "bundled", 96)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory):
    """One data folder for all: the same pictures and texts serve several runs."""
    path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TL_HOME", str(path))
        yield path


@pytest.fixture(scope="module")
def animals() -> Dataset:
    return ingest_drawn(Drawing("animals", 70, difficulty=0.2))


@pytest.fixture(scope="module")
def stripes() -> Dataset:
    return toys.dataset({"level": 80, "upright": 72})


@pytest.fixture(scope="module")
def weather() -> Corpus:
    return corpus.paste(grammar.write("weather", texts=60), name="weather")


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


IMAGES = {
    "frozen": {"phases": (replace(HEAD, epochs=6),)},
    "fine-tuned": {
        "phases": (PhaseConfig(4, 4, 5e-4, "adamw", "fine-tuning", "cosine"),),
        "head": HeadConfig("average", 32, 0.3),
        "batch_size": 8,
    },
    "two phases": {
        "phases": (HEAD, UPPER),
        "early_stopping": 2,
        "label_smoothing": 0.1,
    },
}
VARIED = {
    "varied": {
        "phases": (replace(HEAD, epochs=8, learning_rate=1e-2), replace(UPPER, learning_rate=1e-4)),
        "head": HeadConfig("average", 32, output="sigmoid"),
        "augmentation": "strong",
        "class_weights": True,
    },
}


def image_run(pictures: Dataset, settings: dict, tmp_path: Path) -> tuple[float, float]:
    """Validation accuracy of a run and of its script, in per cent."""
    common = {"backbone": BUNDLED, "head": HeadConfig("average", 32), "batch_size": 16, "precision": "float32"}
    config = RunConfig(DataConfig(pictures.id, validation=0.75, test=0.0), **{**common, **settings})
    outcome, _ = toys.run(config, pictures, tmp_path / "run")
    return 100 * outcome.metrics["accuracy"], 100 * says(config, tmp_path / "script")


@pytest.mark.slow
@pytest.mark.parametrize("name", IMAGES)
def test_the_script_of_an_image_run_reaches_what_the_run_reaches(name: str, animals: Dataset, tmp_path: Path):
    reached, again = image_run(animals, IMAGES[name], tmp_path)
    assert 60 < reached < 100, "it learns, and leaves something that could go another way"
    assert again == pytest.approx(reached, abs=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIED)
def test_where_chance_has_a_part_run_and_script_learn_the_task_alike(name: str, stripes: Dataset, tmp_path: Path):
    reached, again = image_run(stripes, VARIED[name], tmp_path)
    assert reached > 95
    assert again == pytest.approx(reached, abs=1)


TUNED = text_config.PhaseConfig(steps=30)
TEXTS = {
    "frozen": {"phases": (replace(TUNED, frozen_blocks=4),), "dropout": 0.2},
    "fine-tuned": {"phases": (TUNED,)},
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


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_the_script_of_a_text_run_reaches_what_the_run_reaches(name: str, weather: Corpus, home: Path, tmp_path: Path):
    config = TextConfig(
        weather.id, evaluate_every=12, sample_every=1000, sample_length=8, batch_size=4, context=32, **TEXTS[name]
    )
    if config.model == "random":
        tiny = Shape(vocabulary=300, context=64, layers=2, heads=2, width=16)
        config = replace(config, model=str(folders.write(tmp_path / "base", tiny)))
    folder = tmp_path / "run"
    folder.mkdir()
    log: list[events.Event] = []
    outcome = training.train(
        config, weather, folder, log.append, lambda: False, resume=False, started=lambda **facts: None
    )
    reached, before = outcome.metrics["perplexity"], outcome.metrics["base_perplexity"]
    assert reached < 0.8 * before
    again = says(config, tmp_path / "script")
    assert again == pytest.approx(reached, rel=0.02)


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


@pytest.mark.slow
@pytest.mark.parametrize("name", OPINIONS)
def test_the_script_of_a_classifier_of_texts_reaches_what_the_run_reaches(name: str, home: Path, tmp_path: Path):
    """Without dropout in the encoder, whose masks each draws for itself, both take the very same steps."""
    settings, dataset = dict(OPINIONS[name]), tiny.texts(240)
    encoder = EncoderConfig(str(tiny.write(tmp_path / "tiny")), settings.pop("weights", "pretrained"), 16)
    config = TextClassificationConfig(
        texts_config.DataConfig(dataset.id, 0.4), encoder, dropout=0.0, batch_size=16, precision="float32", **settings
    )
    folder = tmp_path / "run"
    folder.mkdir()
    outcome = texts_training.train(
        config, dataset, folder, lambda event: None, lambda: False, resume=False, started=lambda **facts: None
    )
    reached = 100 * outcome.metrics["accuracy"]
    assert reached > 60
    assert 100 * says(config, tmp_path / "script") == pytest.approx(reached, abs=1)
