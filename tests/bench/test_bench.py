"""The benchmark works from end to end at a tiny size, and its plain loop is a fair one."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tl_core.__main__ import main
from tl_core.bench import drawn, measures, plain, start
from tl_core.images import decoding
from tl_core.images.data.split import split
from tl_core.images.pretrained.backbones import backbone
from tl_core.runs.executors import spare
from tl_core.tasks.image_classification import network


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TL_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def dataset(home):
    return measures.bring_in(None, seed=0, quick=True)


@pytest.mark.slow
def test_all_parts_in_one_run(home, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(spare, "ENOUGH", 0)  # whatever else is at work here
    monkeypatch.setattr(spare, "SHORT", 0)
    before = set(home.rglob("*"))
    assert main(["bench", "--quick", "--json", str(tmp_path / "bench.json")]) == 0
    printed = capsys.readouterr().out
    assert set(home.rglob("*")) == before, "the benchmark must not touch the reader's data folder"
    written = json.loads((tmp_path / "bench.json").read_text())
    demo, finetuning, overhead, cached, computed = written["measures"]
    assert demo["ratio"] == pytest.approx(demo["plain_seconds"] / demo["app_seconds"])
    assert abs(demo["details"]["difference_points"]) <= 5
    assert demo["details"]["photos"] == [60, 30]
    assert finetuning["ratio"] > 1
    assert overhead["app_seconds"] > 0
    for each in (cached, computed):  # how much the spare saves depends on who else works
        assert each["ratio"] == pytest.approx(each["plain_seconds"] / each["app_seconds"])
        assert len(each["details"]["app_seconds"]) == 1
    assert cached["details"]["features_seconds"] == [0] and computed["details"]["features_seconds"][0] > 0
    assert {"processor", "cores", "load", "tensorflow", "keras"} <= written["machine"].keys()
    rows = [line.split() for line in printed.splitlines() if line.split()]
    assert rows[0][:3] == ["ratio", "target", "measure"]
    assert rows[1][0] == f"{demo['ratio']:.1f}x"


def test_without_a_spare_there_is_nothing_to_compare(dataset, monkeypatch):
    monkeypatch.setenv("TL_WARM", "0")
    assert start.start(measures.demo_config(dataset, "random", 0, quick=True), dataset, 1) == []


def test_an_unknown_part_is_refused(capsys):
    assert main(["bench", "everything"]) == 2
    assert "demo, finetuning, overhead, start" in capsys.readouterr().out


def test_drawn_pictures_are_the_same_for_a_seed_and_differ_between_seeds(tmp_path):
    def drawing(name: str, seed: int) -> list[bytes]:
        folder = drawn.draw(tmp_path / name, {"train": 2}, seed)
        return [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]

    assert drawing("a", 1) == drawing("b", 1)
    assert drawing("a", 1) != drawing("c", 2)
    assert len(set(drawing("a", 1))) == 4


def test_the_plain_loop_sees_the_pixels_of_the_app(dataset):
    config = measures.demo_config(dataset, "random", 0, quick=True)
    indices = split(dataset, config.data).train[:8]
    pixels, labels = next(iter(plain._pictures(config, dataset, indices)))
    scaled = network.preprocessing(backbone(config.backbone.name), config.backbone.image_size)
    files = [dataset.path(dataset.images[index]) for index in indices]
    _place, expected = next(decoding.batches(files, None, decoding.resizer(scaled), 8))
    np.testing.assert_allclose(pixels.numpy(), expected, atol=1e-4)
    assert labels.numpy().tolist() == [dataset.images[index].label for index in indices]


def test_the_plain_loop_freezes_what_the_config_freezes(dataset):
    config = measures.demo_config(dataset, "random", 0, quick=True)
    model = plain._model(config, dataset)
    assert {variable.path.split("/")[0] for variable in model.trainable_variables} == {
        "head_hidden",
        "head_probabilities",
    }
    thawed = dataclasses.replace(config, phases=(dataclasses.replace(config.phases[0], frozen_blocks=4),))
    last = backbone("mobilenet_0.25").blocks[4].trainable
    trained = sum(int(np.prod(variable.shape)) for variable in plain._model(thawed, dataset).trainable_variables)
    head = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    assert trained == head + last


def test_a_part_of_the_pictures_keeps_classes_and_parts_in_proportion(dataset):
    config = measures.demo_config(dataset, "random", 0, quick=True)
    some = measures._some(dataset, config, 30)
    parts = split(some, config.data)
    assert (len(parts.train), len(parts.validation)) == (20, 10)
    for indices in (parts.train, parts.validation):
        labels = [some.images[index].label for index in indices]
        assert labels.count(0) == labels.count(1)


def test_the_demo_is_the_articles(dataset):
    config = measures.demo_config(dataset, "random", 0, quick=False)
    assert (config.backbone.name, config.backbone.image_size, config.epochs) == ("vgg16", 150, 30)
    assert list(measures.DEMO.items()) == [("train", 1000), ("validation", 500)]
    assert measures.PLAIN_EPOCHS == 2


def test_a_folder_of_photographs_can_be_measured(tmp_path, home):
    folder = drawn.draw(tmp_path / "mine", {"train": 3, "validation": 2}, 7)
    dataset = measures.bring_in(Path(folder), seed=0, quick=True)
    assert (dataset.name, dataset.classes, len(dataset.images)) == ("mine", ("horizontal", "vertical"), 10)
