"""Patterns without any thing in them: a *wrong* source task, from which little can be transferred.

Each is a function of (random, u, v) with u and v running over the turned and scaled picture; it returns a value from 0
to 1 that is coloured with two or three colours drawn anew.
"""

from collections.abc import Callable

import numpy as np

from tl_core.images.data.drawn.brush import Random

Field = np.ndarray  # float32 [side, side]


def _fract(x: Field) -> Field:
    return x - np.floor(x)


def _smooth(x: Field) -> Field:
    return x * x * (3 - 2 * x)


def _hash(i: Field, j: Field, salt: float = 0.0) -> Field:
    """A number from 0 to 1 for each whole-numbered cell."""
    return _fract(np.sin(i * 127.1 + j * 311.7 + salt * 74.7) * 43758.547)


def _hills(u: Field, v: Field, salt: float = 0.0) -> Field:
    """Value noise: smooth, one random height at each whole number."""
    i, j = np.floor(u), np.floor(v)
    a, b = _smooth(u - i), _smooth(v - j)
    top = _hash(i, j, salt) * (1 - a) + _hash(i + 1, j, salt) * a
    low = _hash(i, j + 1, salt) * (1 - a) + _hash(i + 1, j + 1, salt) * a
    return top * (1 - b) + low * b


def _clouds(u: Field, v: Field, salt: float = 0.0) -> Field:
    octaves = [_hills(u * 2**k, v * 2**k, salt + k) * 0.5 ** (k + 1) for k in range(4)]
    return sum(octaves, np.zeros_like(octaves[0])) / 0.9375


def _cells(u: Field, v: Field) -> tuple[Field, Field]:
    """Distances to the nearest and to the second nearest of the points scattered one a cell (Worley 1996)."""
    i, j = np.floor(u), np.floor(v)
    nearest, second = np.full(u.shape, 9.0), np.full(u.shape, 9.0)
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            x, y = i + di + _hash(i + di, j + dj, 1), j + dj + _hash(i + di, j + dj, 2)
            distance = np.hypot(u - x, v - y)
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    return nearest, second


def _stripes(random: Random, u: Field, v: Field) -> Field:
    return _fract(u) < random.uniform(0.25, 0.7)


def _waves(random: Random, u: Field, v: Field) -> Field:
    return 0.5 + 0.5 * np.sin(2 * np.pi * (u + random.uniform(0.2, 0.6) * np.sin(random.uniform(1, 3) * v)))


def _zigzag(random: Random, u: Field, v: Field) -> Field:
    return _fract(u + random.uniform(0.5, 1.2) * np.abs(2 * _fract(v / 2) - 1)) < 0.5


def _dots(random: Random, u: Field, v: Field) -> Field:
    return np.hypot(_fract(u + 0.5 * (np.floor(v) % 2)) - 0.5, _fract(v) - 0.5) < random.uniform(0.18, 0.4)


def _rings(random: Random, u: Field, v: Field) -> Field:
    radius = np.hypot(u - u.mean() + random.normal(), v - v.mean() + random.normal())
    return 0.5 + 0.5 * np.sin(2 * np.pi * radius)


def _spiral(random: Random, u: Field, v: Field) -> Field:
    u, v = u - u.mean() + random.normal(), v - v.mean() + random.normal()
    return 0.5 + 0.5 * np.sin(2 * np.pi * np.hypot(u, v) + random.integers(1, 5) * np.arctan2(v, u))


def _rays(random: Random, u: Field, v: Field) -> Field:
    angle = np.arctan2(v - v.mean() + random.normal(), u - u.mean() + random.normal())
    return np.sin(angle * random.integers(6, 20)) > 0


def _checks(random: Random, u: Field, v: Field) -> Field:
    return (np.floor(u) + np.floor(v)) % 2


def _plaid(random: Random, u: Field, v: Field) -> Field:
    return 0.5 * (_fract(u) < random.uniform(0.3, 0.6)) + 0.5 * (_fract(v) < random.uniform(0.3, 0.6))


def _grid(random: Random, u: Field, v: Field) -> Field:
    width = random.uniform(0.06, 0.2)
    return (_fract(u) < width) | (_fract(v) < width)


def _bricks(random: Random, u: Field, v: Field) -> Field:
    row = np.floor(v)
    along = u / 2 + 0.5 * (row % 2)
    joint = (_fract(along) < 0.06) | (_fract(v) < 0.12)
    return np.where(joint, 0, 0.55 + 0.45 * _hash(np.floor(along), row))


def _hexagons(random: Random, u: Field, v: Field) -> Field:
    high = np.sqrt(3).astype(np.float32)
    distances = []
    for shift in (0.0, 0.5):  # a hexagonal grid is two rectangular ones
        x, y = np.abs(_fract(u + shift) - 0.5), np.abs((_fract(v / high + shift) - 0.5) * high)
        distances.append(np.maximum(x, 0.5 * x + 0.5 * high * y))
    return np.minimum(*distances) < random.uniform(0.36, 0.46)


def _triangles(random: Random, u: Field, v: Field) -> Field:
    skewed = u + 0.5 * v
    return (_fract(skewed) + _fract(v) < 1) * 0.7 + 0.3 * _hash(np.floor(skewed), np.floor(v))


def _scales(random: Random, u: Field, v: Field) -> Field:
    row = np.floor(v)
    along = _fract(u + 0.5 * (row % 2)) - 0.5
    return np.clip(np.hypot(along * 1.7, _fract(v)), 0, 1)


def _cracks(random: Random, u: Field, v: Field) -> Field:
    nearest, second = _cells(u, v)
    return np.clip((second - nearest) * random.uniform(4, 9), 0, 1)


def _pebbles(random: Random, u: Field, v: Field) -> Field:
    return np.clip(1.15 - _cells(u, v)[0] * 1.4, 0, 1)


def _marble(random: Random, u: Field, v: Field) -> Field:
    return 0.5 + 0.5 * np.sin(3 * (u + random.uniform(2, 4) * _clouds(u / 2, v / 2)))


def _wood(random: Random, u: Field, v: Field) -> Field:
    return _fract(np.hypot(u * 0.5, v * 3 + _clouds(u / 3, v)) * 0.6 + 0.1 * _hills(u * 2, v * 14))


def _fog(random: Random, u: Field, v: Field) -> Field:
    return np.clip(1.8 * _clouds(u / 2, v / 2) - 0.4, 0, 1)


def _specks(random: Random, u: Field, v: Field) -> Field:
    return random.random(u.shape) < _clouds(u / 3, v / 3) ** 2


def _camouflage(random: Random, u: Field, v: Field) -> Field:
    return np.floor(4 * np.clip(1.6 * _clouds(u / 2, v / 2) - 0.3, 0, 0.99)) / 3


def _weave(random: Random, u: Field, v: Field) -> Field:
    over = (np.floor(u) + np.floor(v)) % 2
    bulge = np.where(over, np.sin(np.pi * _fract(u)), np.sin(np.pi * _fract(v)))
    return bulge * np.where(over, 1.0, 0.7)


TEXTURES: dict[str, Callable[[Random, Field, Field], Field]] = {
    "bricks": _bricks, "camouflage": _camouflage, "checks": _checks, "cracks": _cracks, "dots": _dots, "fog": _fog,
    "grid": _grid, "hexagons": _hexagons, "marble": _marble, "pebbles": _pebbles, "plaid": _plaid, "rays": _rays,
    "rings": _rings, "scales": _scales, "specks": _specks, "spiral": _spiral, "stripes": _stripes,
    "triangles": _triangles, "waves": _waves, "weave": _weave, "wood": _wood, "zigzag": _zigzag,
}  # fmt: skip


def texture(name: str, random: Random, side: int) -> np.ndarray:
    """One pattern in colours, scale and direction of its own: uint8 [side, side, 3]."""
    y, x = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j].astype(np.float32)
    turn, cells = random.uniform(0, 2 * np.pi), random.uniform(3, 9)
    stretch = random.uniform(0.75, 1.3)
    u = (x * np.cos(turn) + y * np.sin(turn)) * cells + random.uniform(0, 40)
    v = (y * np.cos(turn) - x * np.sin(turn)) * cells * stretch + random.uniform(0, 40)
    value = np.asarray(TEXTURES[name](random, u, v), np.float32)[..., None]
    low, middle, high = _colours(random)
    colours = np.where(value < 0.5, low + (middle - low) * 2 * value, middle + (high - middle) * (2 * value - 1))
    light = 1 + random.uniform(0, 0.3) * (x + y - 1)[..., None]
    pixels = colours * light + random.normal(0, random.uniform(0, 10), (side, side, 1))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _colours(random: Random) -> np.ndarray:
    """Three colours, float32 [3, 3], the outer two well apart in lightness."""
    ends = random.uniform(0, 255, (2, 3))
    while abs(ends[0].mean() - ends[1].mean()) < 60:
        ends = random.uniform(0, 255, (2, 3))
    middle = ends.mean(0) + random.normal(0, 30, 3)
    return np.stack([ends[0], middle, ends[1]]).astype(np.float32)
