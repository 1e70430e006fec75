"""L-BFGS: the minimum of a smooth convex function, from values and gradients alone.

J. Nocedal and S. Wright, Numerical Optimization, 2006, algorithms 7.4 and 7.5. Steps are halved until they lower the
function enough (Armijo) or, near the minimum, where differences of values drown in rounding, until the slope along the
step says so: W. Hager and H. Zhang, SIAM Journal on Optimization 16, 2005, formula 4.1.
"""

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

MEMORY = 10  # pairs of steps and changes of the gradient that are kept
TOLERANCE = 3e-5  # of the largest component of the gradient
MOST_STEPS = 500
MOST_HALVINGS = 20
ENOUGH = 1e-4  # of the decrease that the slope promises
ROUNDING = 1e-6  # of a value, relative: what is computed in float32 is no more exact

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]  # float64 [d] to its value and its gradient, float64 [d]


def minimum(function: Function, point: np.ndarray) -> np.ndarray:
    """Where the function is smallest, float64 [d]; searched for from `point` on."""
    value, slope = function(point)
    pairs: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=MEMORY)
    for _ in range(MOST_STEPS):
        if abs(slope).max() < TOLERANCE:
            break
        direction = -_scaled(slope, pairs)
        promised = float(slope @ direction)
        length = 1.0 if pairs else min(1.0, 1.0 / abs(slope).sum())
        for _ in range(MOST_HALVINGS):
            ahead = point + length * direction
            new, new_slope = function(ahead)
            if new <= value + ENOUGH * length * promised:
                break
            if new <= value + ROUNDING * abs(value) and new_slope @ direction <= (2 * ENOUGH - 1) * promised:
                break
            length /= 2
        else:
            break  # rounding hides where it goes down: this is the minimum
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
