"""EfficientNet-Lite0's weights from PyTorch's names and shapes to those of `efficientnet_lite`."""

from collections.abc import Mapping

import numpy as np

_REPEATS = (1, 2, 2, 3, 3, 4, 1)  # layers of each of the seven blocks
_CONVOLUTIONS = {
    "_conv_stem": "stem_conv",
    "_expand_conv": "expand_conv",
    "_depthwise_conv": "dwconv",
    "_project_conv": "project_conv",
    "_conv_head": "top_conv",
}
_NORMS = {  # (inside a block, PyTorch's name) -> Keras'
    (False, "_bn0"): "stem_bn",
    (False, "_bn1"): "top_bn",
    (True, "_bn0"): "expand_bn",
    (True, "_bn1"): "dwconv_bn",
    (True, "_bn2"): "project_bn",
}
_PARTS = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def keras_layout(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays by "<layer>/<weight>". Kernels go from [out, in, h, w] to [h, w, in, out], depthwise ones from
    [channels, 1, h, w] to [h, w, channels, 1]; the classifier's from [out, in] to [in, out].
    """
    blocks = [f"block{number}{letter}_" for number, n in enumerate(_REPEATS, 1) for letter in "abcd"[:n]]
    named = {}
    for name, tensor in tensors.items():
        *place, layer, part = name.split(".")  # "_blocks.3._bn1.weight"
        if part == "num_batches_tracked":  # PyTorch's own count
            continue
        prefix = blocks[int(place[1])] if place else ""
        if layer == "_fc":
            named["predictions/bias" if part == "bias" else "predictions/kernel"] = tensor.T
        elif layer in _CONVOLUTIONS:
            axes = (2, 3, 0, 1) if layer == "_depthwise_conv" else (2, 3, 1, 0)
            named[f"{prefix}{_CONVOLUTIONS[layer]}/kernel"] = tensor.transpose(axes)
        else:
            named[f"{prefix}{_NORMS[bool(place), layer]}/{_PARTS[part]}"] = tensor
    return {name: np.ascontiguousarray(array) for name, array in named.items()}
