"""EfficientNet-Lite0 in plain Keras: EfficientNet-B0 without squeeze-and-excitation, with ReLU6 instead of swish.

keras.applications does not have it. Nothing but Keras is used here: the script that a page shows contains this function
as it stands. The table is Google's (https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite).
"""

import keras


def EfficientNetLite0(
    include_top: bool = True, weights: None = None, input_shape: tuple[int, int, int] = (224, 224, 3)
) -> keras.Model:
    """The network with random weights, for pixels scaled to (x - 127) / 128, [n, height, width, 3].

    Returns:
        Probabilities of the 1,000 ImageNet classes, or without the top feature maps [n, height/32, width/32, 1280].
    """
    layers = keras.layers

    def normalized(x: keras.KerasTensor, name: str, activation: str = "") -> keras.KerasTensor:
        x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
        return layers.ReLU(6.0, name=activation)(x) if activation else x

    def convolved(
        x: keras.KerasTensor, channels: int, name: str, kernel: int = 1, stride: int = 1
    ) -> keras.KerasTensor:
        return layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, name=f"{name}_conv")(x)

    inputs = keras.Input(input_shape)
    x = normalized(convolved(inputs, 32, "stem", 3, 2), "stem", "stem_activation")
    # Repeats, kernel, stride of the first, expansion, channels of each of the seven blocks.
    table = (
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
    )
    for number, (repeats, kernel, stride, expansion, channels) in enumerate((*table, (1, 3, 1, 6, 320)), 1):
        for letter in "abcd"[:repeats]:
            name, before = f"block{number}{letter}", x
            if expansion > 1:
                x = convolved(x, before.shape[-1] * expansion, f"{name}_expand")
                x = normalized(x, f"{name}_expand", f"{name}_expand_activation")
            strides = stride if letter == "a" else 1
            x = layers.DepthwiseConv2D(kernel, strides, padding="same", use_bias=False, name=f"{name}_dwconv")(x)
            x = normalized(x, f"{name}_dwconv", f"{name}_activation")
            x = normalized(convolved(x, channels, f"{name}_project"), f"{name}_project")
            if letter != "a":
                x = layers.Add(name=f"{name}_add")([x, before])
    x = normalized(convolved(x, 1280, "top"), "top", "top_activation")
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(1000, activation="softmax", name="predictions")(layers.Dropout(0.2, name="top_dropout")(x))
    return keras.Model(inputs, x, name="efficientnet_lite0")
