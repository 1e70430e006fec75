"""Every row of the registry against the real model, built with random weights."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest

from tl_core.base.errors import UserError
from tl_core.images.pretrained.backbones import BACKBONES, Backbone, backbone, boundary
from tl_core.tasks.image_classification.config import BackboneConfig, DataConfig, HeadConfig, PhaseConfig, RunConfig
from tl_core.tasks.image_classification.parameters import parameter_counts

ROWS = list(BACKBONES.values())
ids = [row.name for row in ROWS]


def count(weights) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def config(name: str, size: int, frozen: int = -1, **head) -> RunConfig:
    return RunConfig(
        DataConfig("any"),
        BackboneConfig(name, "imagenet", size),
        HeadConfig(**head),
        (PhaseConfig(frozen_blocks=frozen, epochs=1),),
    )


@pytest.fixture(scope="module")
def base():
    """Builds each base once for all tests of this module, at the smallest size that leaves four pixels or more."""
    from tl_core.tasks.image_classification import network

    built = {}

    def get(row: Backbone):
        if row.name not in built:
            size = min(size for size, side in row.sizes.items() if side >= 2)
            built[row.name] = network.load_base(row, "random", size)
        return built[row.name]

    return get


def test_the_table_is_quick_to_import_since_it_needs_nothing_large():
    code = (
        "import sys, tl_core.images.pretrained.backbones, tl_core.images.pretrained.weights; "
        "assert not {'tensorflow', 'keras', 'numpy', 'h5py', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_are_there():
    mobile = {"mobilenet_0.25", "mobilenet_0.5", "mobilenet", "mobilenetv2_0.35", "mobilenetv2_0.5", "mobilenetv2"}
    others = {
        "efficientnet_lite0",
        "vgg16",
        "vgg19",
        "resnet50",
        "inceptionv3",
        "xception",
        "densenet121",
        "efficientnetv2b0",
        "convnexttiny",
    }
    assert set(ids) == mobile | others


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_blocks_cover_all_layers_once_and_the_counts_are_those_of_keras(row, base):
    model = base(row)
    layers = iter(model.layers[1:])
    for block in row.blocks:
        members = []
        while not members or members[-1].name != block.cut:
            members.append(next(layers))
        assert len(members) == block.layers, block
        assert sum(layer.count_params() for layer in members) == block.parameters, block
        assert sum(count(layer.trainable_weights) for layer in members) == block.trainable, block
    assert next(layers, None) is None
    assert row.parameters == model.count_params()
    assert row.channels == model.output.shape[-1]


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_feature_sides(row, base):
    model = base(row)
    sides = {size: shape_at(model, size)[1] for size in row.sizes}
    assert sides == row.sizes
    assert row.default_size in row.sizes
    assert row.native_size in row.sizes


def shape_at(model, size: int) -> tuple:
    """The shape that the layers of a model give for pictures of another size; nothing is built or computed."""
    import keras

    def passing(layer):
        inner = getattr(layer, "_functional", layer)  # of a Sequential: ConvNeXt has some, for one size each
        if isinstance(inner, keras.Model):
            return lambda x, **_: inner._run_through_graph(x, operation_fn=passing)
        return layer.compute_output_spec

    return model._run_through_graph(keras.KerasTensor((None, size, size, 3)), operation_fn=passing).shape


OF_KERAS = [row for row in ROWS if row.library == "keras.applications"]


@pytest.mark.parametrize("row", OF_KERAS, ids=[row.name for row in OF_KERAS])
def test_files_and_checksums_are_those_that_keras_applications_names(row, monkeypatch):
    """Asks keras.applications for ImageNet weights and notes what it would download.

    Its layers do nothing, so that no network is built only to learn a name.
    """
    import keras
    from keras.src.utils import file_utils

    class Asked(Exception):
        pass

    def get_file(fname=None, origin=None, file_hash=None, **ignored):
        raise Asked(fname, origin, file_hash)

    monkeypatch.setattr(file_utils, "get_file", get_file)
    monkeypatch.setattr(keras.layers.Layer, "__call__", lambda self, x, *_, **__: x[0] if isinstance(x, list) else x)
    build = getattr(keras.applications, row.application)
    from tl_core.images.pretrained.weights import url

    monkeypatch.delenv("TL_WEIGHTS_URL", raising=False)
    for top, files in ((False, row.no_top), (True, row.top)):
        for size, file in files.items():
            with pytest.raises(Asked) as asked:
                build(weights="imagenet", include_top=top, input_shape=(size, size, 3), **row.arguments)
            name, origin, checksum = asked.value.args
            assert (file.name, url(file)) == (name, origin)
            assert checksum in (file.checksum, None)  # Keras publishes none for the MobileNets


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_exactly_one_tensor_crosses_at_each_boundary_and_the_two_parts_equal_the_whole(row, base):
    import keras

    from tl_core.tasks.image_classification import network

    model = base(row)
    randomize_statistics(model)
    pixels = np.random.default_rng(0).normal(size=(2, *model.input.shape[1:])).astype("float32")
    whole = np.asarray(model(pixels, training=False))
    assert np.abs(whole).max() > 1e-6
    for frozen in range(len(row.blocks) + 1):
        trunk, upper = network.split_base(model, row, frozen)
        parts = np.asarray(upper(trunk(pixels, training=False), training=False))
        np.testing.assert_allclose(parts, whole, atol=1e-5 * max(1, np.abs(whole).max()), rtol=0)
        below, above = ({id(w) for w in part.weights} for part in (trunk, upper))
        assert not below & above
        assert len(below | above) == len(model.weights)
        assert not trunk.trainable_weights
        expected = sum(block.trainable for block in row.blocks[frozen:])
        assert count(upper.trainable_weights) == expected
        assert isinstance(trunk, keras.Model)


def randomize_statistics(model):
    """Zero-mean, unit-variance statistics and zero biases would hide mistakes."""
    random = np.random.default_rng(1)
    for weight in model.weights:
        if any(part in weight.path for part in ("moving_mean", "bias", "beta")):
            weight.assign(random.normal(scale=0.1, size=weight.shape))
        elif any(part in weight.path for part in ("moving_variance", "gamma")):
            weight.assign(random.uniform(0.5, 1.5, size=weight.shape))


def test_the_figures_of_the_article():
    assert backbone("vgg16").parameters == 14_714_688
    assert parameter_counts(config("vgg16", 150, pooling="flatten", units=256, output="sigmoid"), 2).head == 2_097_665
    assert parameter_counts(config("resnet50", 224, pooling="average", units=256), 5).head == 525_829


@pytest.mark.parametrize(
    ("name", "size", "frozen", "head"),
    [
        ("vgg16", 96, 4, {"pooling": "flatten", "units": 32, "output": "sigmoid"}),
        ("vgg16", 96, -1, {"pooling": "flatten", "units": 256}),
        ("resnet50", 96, 3, {"units": 256}),
        ("resnet50", 96, 0, {"units": 0}),
        ("mobilenet_0.25", 128, 2, {"units": 16, "dropout": 0.5}),
        ("mobilenetv2_0.35", 96, 5, {"units": 0, "pooling": "flatten"}),
        ("efficientnetv2b0", 96, 6, {"units": 8}),
    ],
)
def test_counts_equal_the_real_network(name, size, frozen, head, base):
    from tl_core.tasks.image_classification import network

    row = backbone(name)
    model = base(row)
    assert model.input.shape[1] == size
    classes = 2
    network.split_base(model, row, boundary(row, frozen))
    top = network.build_head(HeadConfig(**head), classes, model.output.shape[1:])
    complete = network.assemble(network.preprocessing(row, size), model, top, classes)
    counts = parameter_counts(config(name, size, frozen, **head), classes)
    assert counts.trainable == count(complete.trainable_weights)
    assert counts.frozen == count(complete.non_trainable_weights)
    assert counts.head == top.count_params()
    assert counts.trainable + counts.frozen == complete.count_params()


def test_counts_follow_the_phase():
    two = config("mobilenet_0.25", 224)
    two = dataclasses.replace(two, phases=(*two.phases, PhaseConfig(frozen_blocks=4, epochs=1, name="fine-tuning")))
    frozen, tuned = parameter_counts(two, 5, 0), parameter_counts(two, 5, 1)
    assert frozen.frozen == 218_544
    assert tuned.trainable - frozen.trainable == backbone("mobilenet_0.25").blocks[-1].trainable


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda: backbone("vgg61"), "vgg61"),
        (lambda: parameter_counts(config("vgg16", 151), 2), "151"),
        (lambda: parameter_counts(config("vgg16", 150, frozen=6), 2), "6"),
    ],
)
def test_mistakes_are_named(mistake, said):
    with pytest.raises(UserError, match=said):
        mistake()
