"""L-BFGS: the minimum of a smooth convex function, from values and gradients alone.

J. Nocedal and S. Wright, Numerical Optimization, 2006, algorithms 7.4 and 7.5, with backtracking as the line search.
"""

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

MEMORY = 10  # pairs of steps and changes of the gradient that are kept
TOLERANCE = 1e-5  # of the largest component of the gradient
MOST_STEPS = 500

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]  # float64 [d] to its value and its gradient, float64 [d]


def minimum(function: Function, point: np.ndarray) -> np.ndarray:
    """Where the function is smallest, float64 [d]; from `point` on, steps are halved until they lower it enough."""
    value, slope = function(point)
    pairs: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=MEMORY)
    for _ in range(MOST_STEPS):
        if abs(slope).max() < TOLERANCE:
            break
        direction = -_scaled(slope, pairs)
        length = 1.0 if pairs else min(1.0, 1.0 / abs(slope).sum())
        while length > 1e-10:
            ahead = point + length * direction
            new, new_slope = function(ahead)
            if new <= value + 1e-4 * length * float(slope @ direction):
                break
            length /= 2
        else:
            break  # no step is short enough: this is the minimum, as far as float32 can tell
        step, change = ahead - point, new_slope - slope
        if (product := float(step @ change)) > 1e-12:
            pairs.append((step, change, product))
        point, value, slope = ahead, new, new_slope
    return point


def _scaled(slope: np.ndarray, pairs: Sequence[tuple[np.ndarray, np.ndarray, float]]) -> np.ndarray:
    """The inverse Hessian that the pairs tell of, times the gradient (the two-loop recursion)."""
    result = slope.copy()
    shares = []
    for step, change, product in reversed(pairs):
        shares.append(float(step @ result) / product)
        result -= shares[-1] * change
    if pairs:
        _, change, product = pairs[-1]
        result *= product / float(change @ change)
    for (step, change, product), share in zip(pairs, reversed(shares), strict=True):
        result += (share - float(change @ result) / product) * step
    return result
