"""A scratch data folder with tiny runs whose models are really saved, and a real engine process that is ended."""

import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tl_core.engine import client
from tl_core.images.pretrained.backbones import backbone
from tl_core.runs import store
from tl_core.tasks.image_classification import network
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, RunConfig

CLASSES = ("daisy", "rose", "tulip")


def until(condition: Callable[[], object], seconds: float = 120.0) -> object:
    """Wait until the condition is true and return what it returned; the limit is only for what never comes."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
    return found


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far, whatever else the machine does."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNet 0.25 at 128 px with random weights and a head for three classes, as a run saves it."""
    keras.utils.set_random_seed(0)
    row = backbone("mobilenet_0.25")
    base = network.load_base(row, "random", 128)
    head = network.build_head(HeadConfig(units=0), len(CLASSES), base.output_shape[1:])
    # A random network says nearly the same of every picture: spread what it says.
    noise = np.random.default_rng(0).uniform(-1, 1, (8, 3, 4, 3)).repeat(43, 1).repeat(32, 2)[:, :128]
    features = np.asarray(base(noise, training=False)).mean((1, 2))
    kernel = np.random.default_rng(1).normal(size=(features.shape[1], len(CLASSES)))
    kernel /= (features @ kernel).std(0)
    head.layers[-1].set_weights([kernel, -(features @ kernel).mean(0)])
    model = network.assemble(network.preprocessing(row, 128), base, head, len(CLASSES))
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def finished_run(tiny_model: Path) -> Callable[[], str]:
    """Makes runs that have a model; their pictures are gone, as after deleting the dataset. Returns the run's id."""

    def make() -> str:
        config = RunConfig(DataConfig("0123456789abcdef"), BackboneConfig("mobilenet_0.25", "random", 128))
        run = store.create(config, owner="me")
        (run.folder / "model.keras").write_bytes(tiny_model.read_bytes())
        (run.folder / "labels.json").write_text(json.dumps(CLASSES))
        return run.id

    return make


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder for all tests of a file, an empty Keras cache without a network; its engine is ended at last."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TL_HOME", str(folder))
        environment.setenv("KERAS_HOME", str(folder / "keras"))
        environment.setenv("TL_WEIGHTS_URL", "http://127.0.0.1:9")
        yield folder
        client.stop()


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """Makes an encoded picture of coloured squares."""

    def make(seed: int = 0, size: tuple[int, int] = (200, 150), mode: str = "RGB", format: str = "JPEG") -> bytes:
        squares = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), np.uint8)
        image = Image.fromarray(squares).resize(size, Image.Resampling.NEAREST).convert(mode)
        buffer = io.BytesIO()
        image.save(buffer, format)
        return buffer.getvalue()

    return make
