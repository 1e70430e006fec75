"""The weights that come with the app: complete, undamaged, small, and worth having."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from tl_core.images.pretrained import weights
from tl_core.images.pretrained.backbones import BACKBONES
from tl_core.images.pretrained.weights import card_path, find
from tl_core.pretrain import worth

FILES = [(row, source) for row in BACKBONES.values() for source in row.bundled if row.bundled_file(source)]
ids = [f"{row.name}-{source}" for row, source in FILES]
FACTS = (
    "file", "sha256", "bytes", "network", "parameters", "pixels", "made", "machine", "command", "recipe",
    "epochs_trained", "seconds", "data", "source_accuracy", "source_loss", "transfer", "limits", "log",
)  # fmt: skip


@pytest.fixture(scope="module")
def base():
    """Builds each bundled network once."""
    from tl_core.tasks.image_classification import network

    built = {}

    def get(row, source):
        if (row.name, source) not in built:
            built[row.name, source] = network.load_base(row, source, row.default_size)
        return built[row.name, source]

    return get


def waves(size: int) -> np.ndarray:
    """Three pictures."""
    y, x = np.mgrid[:size, :size] / size
    return np.stack([np.stack([np.sin(9 * x * k), np.cos(7 * y), x * y], -1) for k in (1, 2, 3)]).astype("float32")


@pytest.fixture(scope="module")
def said_elsewhere(tmp_path_factory) -> dict[str, list[float]]:
    """The pooled features of the same pictures by every bundled network, in another process."""
    for row, _ in FILES:
        np.save(tmp_path_factory.getbasetemp() / f"{row.default_size}.npy", waves(row.default_size))
    program = (
        "import json, sys; import numpy as np; from tl_core.tasks.image_classification import network\n"
        "from tl_core.images.pretrained.backbones import backbone\n"
        "said = {}\n"
        "for name, source in json.loads(sys.argv[1]):\n"
        "    row = backbone(name); base = network.load_base(row, source, row.default_size)\n"
        "    pooled = np.asarray(base(np.load(f'{sys.argv[2]}/{row.default_size}.npy'), training=False)).mean((1, 2))\n"
        "    said[f'{name}-{source}'] = pooled.ravel().tolist()\n"
        "print(json.dumps(said))"
    )
    names = json.dumps([(row.name, source) for row, source in FILES])
    command = [sys.executable, "-c", program, names, str(tmp_path_factory.getbasetemp())]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_a_backbone_comes_with_the_app():
    assert ("mobilenetv2_0.5", "bundled") in [(row.name, source) for row, source in FILES]


@pytest.mark.parametrize(("row", "source"), FILES, ids=ids)
def test_the_file_is_small_and_undamaged_and_its_card_complete(row, source):
    from tl_core.pretrain import card

    path = find(row, source, row.default_size).path
    made = weights.card(path)
    assert path.stat().st_size == made["bytes"] <= 3_000_000
    assert hashlib.sha256(path.read_bytes()).hexdigest() == made["sha256"]
    assert made["file"] == path.name
    assert made["parameters"] == row.parameters
    assert set(FACTS) <= made.keys()
    assert len(made["log"]) == made["epochs_trained"] == made["log"][-1]["epoch"]
    assert made["source_accuracy"].keys() == {item["name"] for item in made["data"]}
    assert all(item["terms"] and item["makers"] and item["pictures"] > 1000 for item in made["data"])
    assert made["limits"] and "seed" in made["recipe"]
    text = card_path(path).with_suffix("").with_name(path.name.removesuffix(".weights.h5") + ".md").read_text()
    assert text == card.markdown(made)


@pytest.mark.parametrize(("row", "source"), FILES, ids=ids)
def test_it_looks_at_pictures_and_always_says_the_same(row, source, base, said_elsewhere):
    model, pictures = base(row, source), waves(row.default_size)
    features = np.asarray(model(pictures, training=False))
    assert np.isfinite(features).all()
    assert features.std() > 0.05  # and not dead
    assert np.abs(features[0] - features[1]).max() > 0.1
    np.testing.assert_allclose(np.asarray(model(pictures, training=False)), features, atol=1e-5)
    pooled = features.mean((1, 2))
    np.testing.assert_allclose(said_elsewhere[f"{row.name}-{source}"], pooled.ravel(), atol=1e-4)


def test_photographs_of_the_final_part_are_never_trained_on_before(shared, tl_home):
    archive = shared / "data" / "flowers.zip"
    with zipfile.ZipFile(archive) as file:
        names = [name for name in file.namelist() if name.endswith(".jpg")]
    kept = {name.replace("/", "-") for name in names if worth.is_final(name)}
    assert 150 < len(kept) < 250
    trial = worth.TRIALS["few_frozen"]

    def parts(final: bool) -> tuple[set[str], set[str]]:
        dataset = worth._dataset(trial, archive, 0, final)
        return tuple(
            {image.key.split("/")[-1] for image in dataset.images if image.part == part} for part in ("train", "test")
        )

    learned, examined = parts(final=False)
    assert len(learned) == 100 and len(examined) > 100
    assert not (learned | examined) & kept
    assert not learned & examined
    learned, examined = parts(final=True)
    assert examined == kept and len(learned) == 100 and not learned & kept


@pytest.mark.slow
def test_it_knows_more_of_flowers_than_patterns_or_chance_do(shared, base):
    """Nearest class mean on frozen features of 100 development photographs of each class; a goal needs more seeds."""
    from tl_core.tasks.image_classification import network

    row = BACKBONES["mobilenetv2_0.5"]
    with zipfile.ZipFile(shared / "data" / "flowers.zip") as file:
        names = sorted(name for name in file.namelist() if name.endswith(".jpg") and not worth.is_final(name))
        classes = sorted({name.split("/")[0] for name in names})
        chosen = [name for one in classes for name in [n for n in names if n.startswith(one + "/")][:100]]
        photographs = [Image.open(io.BytesIO(file.read(name))).convert("RGB") for name in chosen]
    pixels = np.stack([np.asarray(photo.resize((row.default_size,) * 2)) for photo in photographs])
    prepared = network.preprocessing(row, row.default_size).predict(pixels, verbose=0)

    def accuracy(model) -> float:
        features = model.predict(prepared, verbose=0).mean((1, 2))
        features = (features - features.mean(0)) / (features.std(0) + 1e-3)
        grouped = features.reshape(len(classes), 100, -1)
        means = grouped[:, :50].mean(1)
        distances = ((grouped[:, 50:, None] - means) ** 2).sum(-1)
        return float((distances.argmin(-1) == np.arange(len(classes))[:, None]).mean())

    right = accuracy(base(row, "bundled"))
    assert right > 0.5  # guessing: 0.2
    assert right > accuracy(network.load_base(row, "random", row.default_size)) + 0.1
    if row.bundled_file("patterns"):
        assert right > accuracy(base(row, "patterns")) + 0.05
