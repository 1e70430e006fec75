"""BatchNorm fused and folded computes what Keras' BatchNorm computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tl_core.images.pretrained import batchnorm
from tl_core.images.pretrained.backbones import backbone
from tl_core.tasks.image_classification import network

layers = keras.layers


def pixels(count=4, side=32, seed=0):
    return np.random.default_rng(seed).normal(size=(count, side, side, 3)).astype(np.float32)


def settle(model, seed=1):
    """Give every BatchNorm weights and statistics that are not those it begins with."""
    random = np.random.default_rng(seed)
    for layer in norms(model):
        layer.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return model


def norms(model):
    return [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]


def answer(model, images):
    return model(images, training=False).numpy()


def plain_and_other(change):
    """The same small network twice, the second one changed."""
    made = []
    for _ in range(2):
        keras.utils.set_random_seed(0)
        x = keras.Input((32, 32, 3))
        y = layers.Conv2D(8, 3, strides=2)(x)
        y = layers.BatchNormalization(momentum=0.9, name="norm")(y)
        y = layers.ReLU()(y)
        made.append(settle(keras.Model(x, layers.GlobalAveragePooling2D()(y))))
    change(made[1])
    return made


@pytest.mark.parametrize(
    ("name", "left"), [("mobilenetv2_0.35", 0), ("resnet50", 0), ("efficientnetv2b0", 0), ("densenet121", 62)]
)
def test_a_folded_backbone_says_the_same_with_fewer_norms(name, left):
    keras.utils.set_random_seed(0)
    base = settle(network.load_base(backbone(name), "random", 96))
    images = pixels(2, 96)
    before = answer(base, images)
    folded = batchnorm.folded(base)
    assert len(norms(folded)) == left
    assert answer(folded, images) == pytest.approx(before, abs=1e-4 * float(np.abs(before).max()))
    assert np.array_equal(answer(base, images), before), "the model itself is as it was"


def test_only_a_convolution_that_nothing_else_hears_takes_its_norm_in():
    x = keras.Input((32, 32, 3))
    heard_twice = layers.Conv2D(6, 3, padding="same", name="heard_twice")(x)
    y = layers.BatchNormalization()(heard_twice) + heard_twice
    y = layers.Conv2D(6, 3, activation="relu", name="bent")(y)
    y = layers.BatchNormalization()(y)
    y = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(y)
    y = layers.BatchNormalization(scale=False)(y)
    y = layers.Conv2D(4, 1, use_bias=False, name="no_bias")(y)
    y = layers.BatchNormalization(center=False)(y)
    model = settle(keras.Model(x, layers.Conv2D(2, 1, name="last")(y)))
    folded = batchnorm.folded(model)
    assert len(norms(folded)) == 2
    assert all(folded.get_layer(name) is model.get_layer(name) for name in ("heard_twice", "bent", "last"))
    assert answer(folded, pixels()) == pytest.approx(answer(model, pixels()), abs=1e-4)


def test_a_trunk_that_ends_between_convolution_and_norm_keeps_the_convolution():
    x = keras.Input((32, 32, 3))
    y = layers.Conv2D(4, 3)(x)
    model = settle(keras.Model(x, layers.BatchNormalization()(y)))
    trunk = keras.Model(model.input, y)
    assert batchnorm.folded(trunk) is trunk
    assert len(norms(batchnorm.folded(model))) == 0


def test_a_folded_network_learns_as_its_model_does_with_fixed_statistics():
    model, other = plain_and_other(lambda _: None)
    folded = batchnorm.folded(other)
    gradients = []
    for network_, owner in ((model, model), (folded, other)):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(network_(pixels(), training=False) ** 2)
        gradients.append(tape.gradient(loss, owner.trainable_variables))
    for expected, found in zip(*gradients, strict=True):
        assert np.abs(expected).max() > 1e-4
        assert np.asarray(found) == pytest.approx(np.asarray(expected), rel=1e-3, abs=1e-6)
    settle(other, seed=2)
    assert answer(folded, pixels()) == pytest.approx(answer(other, pixels()), abs=1e-5), "they share their weights"


def test_nothing_to_fold_is_the_model_itself():
    base = network.load_base(backbone("vgg16"), "random", 96)
    assert batchnorm.folded(base) is base


def test_a_fused_norm_learns_as_keras_does():
    plain, fused = plain_and_other(batchnorm.fuse)
    images = pixels(2)  # few: the biased and the unbiased estimate of a variance differ
    before = plain.get_layer("norm").moving_variance.numpy()
    steps = []
    for model in (plain, fused):
        with tf.GradientTape() as tape:
            outputs = model(images, training=True)
            loss = tf.reduce_mean(outputs**2)
        steps.append([outputs, *tape.gradient(loss, model.trainable_variables)])
    for expected, found in zip(*steps, strict=True):
        assert np.asarray(found) == pytest.approx(np.asarray(expected), abs=1e-5)
    one, other = (model.get_layer("norm") for model in (plain, fused))
    assert other.moving_mean.numpy() == pytest.approx(one.moving_mean.numpy(), abs=1e-5)
    assert other.moving_variance.numpy() == pytest.approx(one.moving_variance.numpy(), abs=1e-5)
    assert not np.allclose(one.moving_variance.numpy(), before)


def test_a_frozen_norm_stays_as_it_is_also_when_fused():
    plain, fused = plain_and_other(batchnorm.fuse)
    for model in (plain, fused):
        model.get_layer("norm").trainable = False
    before = fused.get_layer("norm").get_weights()
    assert np.array_equal(fused(pixels(), training=True), plain(pixels(), training=False))
    for one, other in zip(before, fused.get_layer("norm").get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_a_fused_network_is_saved_as_keras_knows_it(tmp_path):
    _, fused = plain_and_other(batchnorm.fuse)
    fused(pixels(), training=True)
    fused.save(tmp_path / "network.keras")
    opened = keras.models.load_model(tmp_path / "network.keras")
    assert "call" not in vars(opened.get_layer("norm"))
    assert np.array_equal(answer(opened, pixels()), answer(fused, pixels()))


def test_from_scratch_a_backbone_is_fused_and_a_pretrained_one_keeps_its_statistics():
    assert all("call" in vars(layer) for layer in norms(network.load_base(backbone("mobilenet_0.25"), "random", 128)))
    bundled = network.load_base(backbone("mobilenetv2_0.5"), "bundled", 96)
    assert not any("call" in vars(layer) for layer in norms(bundled))
