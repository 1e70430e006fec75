"""BatchNorm at less cost, with the results it has anyway. What layers are does not change: weights, configuration and
saved files stay those of `keras.layers.BatchNormalization`.

With fixed statistics, as when pretrained blocks predict or are fine-tuned, it is a scale and a shift of each channel,
which the convolution before it can do by itself (Jacob et al. 2017, section 3.2, https://arxiv.org/abs/1712.05877).
`folded` gives such a network.

With the statistics of the batch, Keras 3 on TensorFlow composes it of a dozen operations, each of which reads and
writes all activations: on a CPU they take longer than the convolutions of a MobileNet. `fuse` has them done by one.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def folded(model: keras.Model) -> keras.Model:
    """The same function as `model` in inference mode, with each BatchNorm that directly follows a convolution in it.

    Args:
        model: flat and functional, with one input and one output. It is not changed.

    Returns:
        A model of the very same weights: what changes in `model` changes here, and gradients reach kernels, scales and
        shifts. Equal but for rounding; `model` itself where there is nothing to fold.
    """
    operations = [operation for operation in model.operations if not isinstance(operation, keras.layers.InputLayer)]
    uses = Counter(id(x) for operation in operations for x in keras.tree.flatten(operation.input))
    replaced = {}
    for norm in operations:
        if isinstance(norm, keras.layers.BatchNormalization):
            before = norm.input._keras_history.operation
            plain = type(before) in _CONVOLUTIONS and before.activation is keras.activations.linear
            if plain and before in operations and uses[id(norm.input)] == 1:
                replaced |= {before: _Folded(before, norm), norm: lambda x, **_: x}
    if not replaced:
        return model
    x = keras.Input(model.input.shape[1:], dtype=model.input.dtype)
    outputs = model._run_through_graph(x, operation_fn=lambda operation: replaced.get(operation, operation))
    return keras.Model(x, outputs, name=model.name)


class _Folded(keras.layers.Layer):
    """A convolution and the BatchNorm behind it, in inference mode."""

    def __init__(self, convolution: keras.Layer, norm: keras.layers.BatchNormalization):
        super().__init__(name=convolution.name, dtype=convolution.dtype_policy, autocast=False)
        self.convolution, self.norm = convolution, norm

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        convolution, norm = self.convolution, self.norm
        scale = keras.ops.rsqrt(norm.moving_variance + norm.epsilon) * (norm.gamma if norm.scale else 1.0)
        shift = (norm.beta if norm.center else 0.0) - norm.moving_mean * scale
        if convolution.use_bias:
            shift += convolution.bias * scale
        kernel = convolution.kernel
        if isinstance(convolution, keras.layers.DepthwiseConv2D):  # kernel [h, w, channels, outputs of each]
            convolve, scale = keras.ops.depthwise_conv, keras.ops.reshape(scale, kernel.shape[2:])
        else:
            convolve = keras.ops.conv
        x = convolve(
            keras.ops.cast(x, self.compute_dtype),
            keras.ops.cast(kernel * scale, self.compute_dtype),
            strides=convolution.strides,
            padding=convolution.padding,
            data_format=convolution.data_format,
            dilation_rate=convolution.dilation_rate,
        )
        return x + keras.ops.cast(shift, self.compute_dtype)


def fuse(model: keras.Model) -> None:
    """Let every BatchNorm of feature maps in `model` train with one operation. Without TensorFlow: nothing.

    The operation answers the unbiased estimate of a batch's variance, as in the paper (Ioffe & Szegedy 2015,
    https://arxiv.org/abs/1502.03167). Keras keeps the biased one, and so it is made that one again: the app then learns
    what the script that it shows learns.
    """
    if keras.backend.backend() != "tensorflow":
        return
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.scale and layer.center:
            layer.call = partial(_fused, layer, layer.call)


def _fused(
    layer: keras.layers.BatchNormalization,
    plain: Callable[..., tf.Tensor],  # the layer's own call
    inputs: tf.Tensor,
    training: bool | None = None,
    mask: tf.Tensor | None = None,
) -> tf.Tensor:
    if not (training and layer.trainable) or len(inputs.shape) != 4:
        return plain(inputs, training=training, mask=mask)
    gamma, beta = (tf.cast(weight.value, tf.float32) for weight in (layer.gamma, layer.beta))
    outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(inputs, gamma, beta, epsilon=layer.epsilon)
    count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)  # values of a channel
    variance *= (count - 1) / count
    for moving, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
        moving.assign(moving * layer.momentum + value * (1 - layer.momentum))
    return outputs
