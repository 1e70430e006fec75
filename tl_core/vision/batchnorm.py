"""BatchNorm at less cost, with the results it has anyway. What layers are does not change: weights, configuration and
saved files stay those of `keras.layers.BatchNormalization`.

While it is trained, Keras 3 on TensorFlow composes it of a dozen operations, each of which reads and writes all
activations: on a CPU they take longer than the convolutions of a MobileNet. `fuse` has them done by one.

In a frozen trunk it is a fixed scale and shift of each channel, which the convolution before it can do by itself
(Jacob et al. 2017, section 3.2, https://arxiv.org/abs/1712.05877). `folded` gives such a trunk.
"""

from collections import Counter
from functools import partial

import keras
import numpy as np
import tensorflow as tf

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def fuse(model: keras.Model) -> None:
    """Let every BatchNorm of feature maps in `model` train with one operation. Without TensorFlow: nothing.

    The moving variance then takes the unbiased estimate of each batch, as in the paper (Ioffe & Szegedy 2015,
    https://arxiv.org/abs/1502.03167), where Keras takes the biased one.
    """
    if keras.backend.backend() != "tensorflow":
        return
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.scale and layer.center:
            layer.call = partial(_fused, layer, layer.call)


def _fused(layer: keras.layers.BatchNormalization, plain, inputs: tf.Tensor, training=None, mask=None) -> tf.Tensor:  # noqa: ANN001
    if not (training and layer.trainable) or len(inputs.shape) != 4:
        return plain(inputs, training=training, mask=mask)
    gamma, beta = (tf.cast(weight.value, tf.float32) for weight in (layer.gamma, layer.beta))
    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=layer.epsilon)
    for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving * layer.momentum + value * (1 - layer.momentum))
    return outputs


def folded(model: keras.Model) -> keras.Model:
    """The same function as `model` in inference mode, with each BatchNorm that directly follows a convolution in it.

    Args:
        model: flat and functional, with one input and one output. It is not changed; a layer without BatchNorm behind
            it is shared with the result.

    Returns:
        A model for prediction alone, equal but for rounding; `model` itself where there is nothing to fold.
    """
    operations = [operation for operation in model.operations if not isinstance(operation, keras.layers.InputLayer)]
    uses = Counter(id(x) for operation in operations for x in keras.tree.flatten(operation.input))
    replaced = {}
    for norm in operations:
        if isinstance(norm, keras.layers.BatchNormalization):
            before = norm.input._keras_history.operation
            plain = type(before) in _CONVOLUTIONS and before.activation is keras.activations.linear
            if plain and before in operations and uses[id(norm.input)] == 1:
                replaced |= {before: _merged(before, norm), norm: lambda x, **_: x}
    if not replaced:
        return model
    x = keras.Input(model.input.shape[1:], dtype=model.input.dtype)
    outputs = model._run_through_graph(x, operation_fn=lambda operation: replaced.get(operation, operation))
    return keras.Model(x, outputs, name=model.name)


def _merged(convolution: keras.Layer, norm: keras.layers.BatchNormalization) -> keras.Layer:
    """One convolution with bias for both."""
    scale = 1 / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    scale *= norm.gamma.numpy() if norm.scale else 1
    shift = norm.beta.numpy() if norm.center else 0
    kernel, *bias = convolution.get_weights()
    merged = type(convolution).from_config(convolution.get_config() | {"use_bias": True})
    merged.build(convolution.input.shape)
    depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)  # kernel [h, w, channels, outputs of each]
    offset = (sum(bias) - norm.moving_mean.numpy()) * scale + shift
    merged.set_weights([kernel * (scale.reshape(kernel.shape[2:]) if depthwise else scale), offset])
    return merged
