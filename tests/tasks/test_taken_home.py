"""What is taken home answers as the app does, in a process that has nothing of this project: one for all of them.

The names of the classes are such as people give them, or would to do harm.
"""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tasks import elsewhere
from tests.tasks.experiments import Experiment
from tests.tasks.image_classification import toys
from tests.tasks.text_classification import tiny
from tl_core.base.paths import ASSETS
from tl_core.classification import report
from tl_core.images.data import dataset as datasets
from tl_core.tasks import registry
from tl_core.tasks.image_classification import evaluation, paths
from tl_core.tasks.image_classification import export as image_export
from tl_core.tasks.image_classification.config import PhaseConfig
from tl_core.tasks.text_classification import config as texts_config
from tl_core.tasks.text_classification import export as texts_export
from tl_core.tasks.text_classification import model as classifiers
from tl_core.tasks.text_classification.config import DataConfig, EncoderConfig, TextClassificationConfig
from tl_core.tasks.text_generation import export
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.decoder import Decoder
from tl_core.tasks.text_generation.generation import generate
from tl_core.tasks.text_generation.sampling import Settings
from tl_core.tasks.text_generation.stream import Written
from tl_core.text import tokenizer
from tl_core.text.data import corpus
from tl_core.text.pretrained import model

ODD = '../"""\'{x}<b>$m$**好**\u202e'  # a path, quotes, a placeholder, markup, and a sign that turns the direction
HELD_OUT = ASSETS / "weights" / "gpt2-tales"


@dataclass(frozen=True)
class Asked:
    """One thing taken home: how it is read, what it is asked, and how the answer is compared with the app's."""

    reader: str
    place: Path
    questions: list[str]
    compare: Callable[[Any], None]


def finished(config: registry.Config, tmp: Path) -> Path:
    """The folder of a run that ended by itself."""
    Experiment(config, tmp.parent).run(tmp.name)
    return tmp


def unpacked(archive: Path, target: Path) -> Path:
    """The ZIP's folder."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(target)
    return target


def images(tmp: Path, precision: str) -> Asked:
    """Stripes; the app's own report agrees too, though it was written in the precision of the training."""
    stripes = toys.dataset({"level": 10, "slanting": 10, "upright": 10})
    stripes = datasets.relabel(stripes, [image.key for image in stripes.images if image.label == 1], ODD)
    weights = toys.pretrained(tmp / "small.weights.h5")
    config = toys.config(stripes, PhaseConfig(3, 3, 1e-3), weights=weights, precision=precision)
    folder = finished(config, tmp / "run")
    asked, of_training = evaluation.evaluate(folder, config, stripes, "validation"), report.load(folder, "validation")
    pictures = {image.key: image for image in stripes.images}
    files = [stripes.path(pictures[item.key]) for item in asked.predictions]
    preprocessing, classifier = image_export.load(image_export.model_path(folder), config)
    ours = np.concatenate([rows for _, rows in evaluation.predictions(preprocessing, classifier, files)])

    def compare(said: list[list[float]]) -> None:
        answers = np.array(said)
        assert paths.labels(folder) == stripes.classes
        assert np.abs(answers - ours).max() <= 1e-5
        assert answers.sum(1) == pytest.approx(np.ones(len(answers)), abs=1e-5)
        of_true = answers[np.arange(len(answers)), [item.true for item in asked.predictions]]
        differences = np.abs(of_true - [item.true_probability for item in of_training.predictions])
        assert differences.mean() <= (1.5e-5 if precision == "float32" else 0.02)

    return Asked("keras", image_export.model_path(folder), [str(file) for file in files], compare)


def opinions(tmp: Path) -> Asked:
    """Good and bad, under another name."""
    dataset = tiny.texts(80, labels=("bad", ODD))
    config = TextClassificationConfig(
        DataConfig(dataset.id, 0.25),
        EncoderConfig(str(tiny.write(tmp / "tiny")), length=16),
        phases=(texts_config.PhaseConfig(-1, 4, 3e-2),),
        precision="float32",
    )
    folder = finished(config, tmp / "run")
    path = texts_export.made(config, folder)
    assert texts_export.made(config, folder) == path
    texts = ["this film was good", f"not {ODD} a good\nstory", "--help"]
    found = classifiers.load(folder, config)

    def compare(said: list[list]) -> None:
        assert [text for text, _ in said] == texts
        for (_, answer), row in zip(said, found.predict(texts), strict=True):
            assert answer.keys() == {"bad", ODD}
            assert [answer[name] for name in found.classes] == pytest.approx(row, abs=1e-5)

    return Asked("its script", unpacked(path, tmp / "home"), texts, compare)


def tales(tmp: Path, reader: str, rank: int | None) -> Asked:
    """The bundled GPT-2, as it is (None) or tuned, read by KerasHub or by transformers."""
    ours = place = HELD_OUT
    if rank is not None:
        text = corpus.paste((HELD_OUT / "held_out.txt").read_text(encoding="utf-8")[:6000], name="tales")
        config = TextConfig(text.id, lora_rank=rank, evaluate_every=4, batch_size=2, context=32, sample_length=1)
        folder = tmp.parent / f"rank {rank}"  # both readers are asked of one run
        if not folder.exists():
            finished(config.with_phase(steps=4, learning_rate=5e-2 if rank else 5e-3), folder)
        ours = folder / "model"
        taken = export.hub_zip(folder) if reader == "transformers" else export.keras_zip(folder)
        place = unpacked(taken, tmp / "home")

    def compare(said: str) -> None:
        assert said == as_the_app_writes(ours) and len(said) > len(elsewhere.PROMPT) + 20
        assert (ours == HELD_OUT) == (said == as_the_app_writes(HELD_OUT)), "another model, another text"

    return Asked(reader, place, [], compare)


def as_the_app_writes(place: Path) -> str:
    """Greedily, behind the token that KerasHub puts in front of every prompt."""
    language = model.load_folder(place)
    prompt = tokenizer.END + elsewhere.PROMPT
    length = elsewhere.LENGTH - len(tokenizer.encode(language.tokenizer, prompt))
    written = generate(
        Decoder(language.shape, language.weights),
        language.tokenizer,
        prompt,
        Settings(length=length, strategy="greedy"),
    )
    ids = [event.id for event in written if isinstance(event, Written) and event.id != language.end]
    return elsewhere.PROMPT + tokenizer.decode(language.tokenizer, ids)


CASES: dict[str, dict[str, Callable[[Path], Asked]]] = {
    "image_classification": {
        "float32": lambda tmp: images(tmp, "float32"),
        "bfloat16": lambda tmp: images(tmp, "mixed_bfloat16"),
    },
    "text_classification": {"a ZIP with its script": opinions},
    "text_generation": {
        f"{name}, {reader}": partial(tales, reader=reader, rank=rank)
        for name, rank in {"bundled": None, "tuned": 0, "LoRA": 2}.items()
        for reader in ("keras_hub", "transformers")
    },
}
ALL = [(task, case) for task, cases in CASES.items() for case in cases]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], tuple[Asked, Any]]:
    """Everything that is taken home, and what it says in one fresh process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TL_HOME", str(tmp_path_factory.mktemp("home")))
        asked = [CASES[task][case](tmp_path_factory.mktemp("run")) for task, case in ALL]
        given = json.dumps([[each.reader, str(each.place), each.questions] for each in asked])
        command = [sys.executable, "-I", elsewhere.__file__]
        done = subprocess.run(command, input=given, capture_output=True, text=True, cwd=tmp_path_factory.mktemp("cwd"))
        assert done.returncode == 0, done.stderr[-3000:]
        said = json.loads(done.stdout.splitlines()[-1])
        return dict(zip(ALL, zip(asked, said, strict=True), strict=True))


@pytest.mark.slow
@pytest.mark.timeout(900)  # whichever is first waits for six trainings and another process
@pytest.mark.parametrize(("task", "case"), ALL)
def test_what_is_taken_home_answers_as_the_app_does(task: str, case: str, answered):
    asked, said = answered[task, case]
    asked.compare(said)
