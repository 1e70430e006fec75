"""Pictures as they were not in training: without colour, and blurred; a test of what a network has learned to look at.

Such changes stand for the world's: another camera, another light. A measured network meets them only here, never in
training. The kind of corruption is that of D. Hendrycks and T. Dietterich, Benchmarking Neural Network Robustness to
Common Corruptions and Perturbations, 2019, https://arxiv.org/abs/1903.12261 (blur is among theirs; grey is added here,
because it leaves every shape as it is).
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

BLUR = 0.02  # standard deviation of the blur, as a share of a picture's shorter side


def grey(pixels: np.ndarray) -> np.ndarray:
    """The picture's luminance (ITU-R BT.601) in all three channels: uint8 [h, w, 3] in and out."""
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))


def blurred(pixels: np.ndarray) -> np.ndarray:
    """The picture under a Gaussian blur as wide as `BLUR` says: uint8 [h, w, 3] in and out."""
    radius = BLUR * min(pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


SHIFTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # what is measured of it: how a picture is changed
    "accuracy_grey": grey,
    "accuracy_blurred": blurred,
}
