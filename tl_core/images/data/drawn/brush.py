"""Shapes and colours: what flowers and animals are drawn with.

Everything is drawn on a canvas larger than the picture and scaled down at the end, which smooths all edges. Points are
float [n, 2] in pixels of that canvas, x to the right and y down; colours are float [3] or [n, 3], 0 to 255.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

Random = np.random.Generator
Colour = np.ndarray | Sequence[float]


class Canvas:
    """A picture being drawn; `flat` replaces every colour (for silhouettes)."""

    def __init__(self, image: Image.Image, flat: Colour | None = None):
        self.flat = None if flat is None else np.asarray(flat, float)
        self.show(image)

    def show(self, image: Image.Image) -> None:
        """Go on drawing on `image`."""
        self.image = image
        self.side = image.width
        self.solid = ImageDraw.Draw(image)
        self.clear = ImageDraw.Draw(image, "RGBA")  # blends with what is there; slower

    def ink(self, colours: np.ndarray | Colour) -> list:
        """Colours [..., 3] as nested lists of whole numbers, all the same one on a flat canvas."""
        colours = np.asarray(colours, float)
        if self.flat is not None:
            colours = np.broadcast_to(self.flat, colours.shape)
        return np.clip(colours, 0, 255).astype(int).tolist()

    def polygon(self, points: np.ndarray, colour: Colour, alpha: float = 1.0) -> None:
        """A filled polygon."""
        fill = tuple(self.ink(colour))
        if alpha < 1:
            self.clear.polygon(points.ravel().tolist(), fill=(*fill, int(255 * alpha)))
        else:
            self.solid.polygon(points.ravel().tolist(), fill=fill)

    def line(self, points: np.ndarray, colour: Colour, width: float, alpha: float = 1.0) -> None:
        """A line of `width` pixels with rounded corners."""
        width = max(1, round(width))
        self.lines(points[None], np.asarray(colour)[None], width, alpha)

    def lines(self, points: np.ndarray, colours: np.ndarray, width: float, alpha: float = 1.0) -> None:
        """Many lines, float [n, p, 2], each in its colour, [n, 3]."""
        width = max(1, round(width))
        joint = "curve" if width > 3 and points.shape[1] > 2 else None
        draw, end = (self.clear, (int(255 * alpha),)) if alpha < 1 else (self.solid, ())
        for line, fill in zip(points.reshape(len(points), -1).tolist(), self.ink(colours), strict=True):
            draw.line(line, fill=(*fill, *end), width=width, joint=joint)

    def disc(self, x: float, y: float, radius: float, colour: Colour, alpha: float = 1.0) -> None:
        """A filled circle."""
        draw, end = (self.clear, (int(255 * alpha),)) if alpha < 1 else (self.solid, ())
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*self.ink(colour), *end))


@dataclass(frozen=True)
class Pose:
    """Where a thing stands: its own unit 1 becomes `size` pixels, turned and seen at a slant."""

    x: float
    y: float
    size: float
    turn: float = 0.0  # radians, clockwise
    tilt: float = 1.0  # 1 is seen from the front, 0.4 nearly from the side
    mirror: bool = False

    def place(self, points: np.ndarray) -> np.ndarray:
        """Own coordinates [..., 2] to pixels."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        scale = np.array([-1.0 if self.mirror else 1.0, self.tilt]) * self.size
        return (points * scale) @ np.array([[cos, sin], [-sin, cos]]) + (self.x, self.y)


def mix(one: Colour, other: Colour, share: float | np.ndarray) -> np.ndarray:
    """`share` 0 is the first colour, 1 the other; an array [n] of shares gives [n, 3]."""
    share = np.asarray(share, float)[..., None]
    return np.asarray(one, float) * (1 - share) + np.asarray(other, float) * share


def shade(colour: Colour, factor: float | np.ndarray) -> np.ndarray:
    """Lighter (above 1) or darker; above 1 the colour moves towards white, so that it does not glare."""
    colour = np.asarray(colour, float)
    if isinstance(factor, float | int):
        return colour * factor if factor <= 1 else colour + (255 - colour) * min(factor - 1, 1)
    factor = np.asarray(factor, float)[..., None]
    return np.where(factor <= 1, colour * factor, colour + (255 - colour) * np.clip(factor - 1, 0, 1))


def vary(random: Random, colour: Colour, amount: float = 10) -> np.ndarray:
    """The colour, a little off."""
    return np.clip(np.asarray(colour, float) + random.normal(0, amount, 3) + random.normal(0, amount), 0, 255)


def blob(points: Sequence[Sequence[float]], steps: int = 8) -> np.ndarray:
    """A smooth closed curve through `points` (a Catmull-Rom spline): float [len(points) * steps, 2]."""
    p = np.asarray(points, float)
    before, after, next2 = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = (np.arange(steps) / steps)[None, :, None]
    p, before, after, next2 = (q[:, None, :] for q in (p, before, after, next2))
    curve = p + 0.5 * t * (
        after - before + t * (2 * before - 5 * p + 4 * after - next2 + t * (3 * (p - after) + next2 - before))
    )
    return curve.reshape(-1, 2)


def oval(x: float, y: float, width: float, height: float, turn: float = 0.0, points: int = 28) -> np.ndarray:
    """An ellipse with half-axes `width` and `height`."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    cos, sin = np.cos(turn), np.sin(turn)
    u, v = width * np.cos(angle), height * np.sin(angle)
    return np.stack([x + u * cos - v * sin, y + u * sin + v * cos], 1)


def bow(
    start: Sequence[float] | np.ndarray, end: Sequence[float] | np.ndarray, bend: float, points: int = 14
) -> np.ndarray:
    """A curve from `start` to `end` that bulges sideways by `bend` times its length."""
    base = np.asarray(start, float)
    along = np.asarray(end, float) - base
    t = np.linspace(0, 1, points)[:, None]
    return base + along * t + np.array([-along[1], along[0]]) * (bend * 4 * t * (1 - t))


def outline(half_width: np.ndarray) -> np.ndarray:
    """A petal or leaf along the x axis from 0 to 1 out of its half-widths at equal distances: float [2n, 2]."""
    t = np.linspace(0, 1, len(half_width))
    return np.concatenate([np.stack([t, half_width], 1), np.stack([t, -half_width], 1)[::-1]])


def petals(
    canvas: Canvas,
    pose: Pose,
    shape: np.ndarray,
    angles: np.ndarray,
    lengths: np.ndarray,
    widths: np.ndarray,
    colours: np.ndarray,
    *,
    root: float = 0.0,
    depth: float = 0.25,
    veins: int = 1,
    rim: float = 0.0,
) -> None:
    """Draw one petal after the other around the pose's centre, each shaded from its edge to its middle.

    Args:
        canvas: what to draw on.
        pose: where, how large, how slanted.
        shape: the petal as `outline` makes it, float [p, 2].
        angles: radians, float [n].
        lengths: float [n], 1 reaches the pose's size.
        widths: factors of the shape's half-width, float [n].
        colours: float [n, 3].
        root: where petals begin, as a distance from the centre.
        depth: how much darker the edge is than the middle, 0 to 1.
        veins: fine lines along the petal, 0 to 3.
        rim: how much lighter a line along the edge is, 0 for none.
    """
    layers = np.array([1.0, 0.72, 0.4])
    scaled = (
        shape[None, None]
        * np.stack([lengths[:, None] * (0.94 + 0.06 * layers), widths[:, None] * layers], -1)[:, :, None]
    )
    scaled[..., 0] += root + (1 - layers)[None, :, None] * 0.05 * lengths[:, None, None]
    cos, sin = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    turned = np.stack([scaled[..., 0] * cos - scaled[..., 1] * sin, scaled[..., 0] * sin + scaled[..., 1] * cos], -1)
    placed = pose.place(turned)
    tones = shade(colours[:, None], np.array([1 - depth, 1.0, 1 + 0.5 * depth])[None])
    middle = len(shape) // 2
    edges = placed[:, 0]
    share = (np.arange(veins) + 1)[None, :, None, None] / (veins + 1)
    lines = edges[:, None, :middle] * share + edges[:, None, : middle - 1 : -1] * (1 - share)
    vein_colours = np.repeat(tones[:, :1], veins, 1)
    polygons = placed.reshape(*placed.shape[:2], -1).tolist()
    for index, (layers, fills) in enumerate(zip(polygons, canvas.ink(tones), strict=True)):
        for points, fill in zip(layers, fills, strict=True):
            canvas.solid.polygon(points, fill=tuple(fill))
        if rim:
            tip = edges[index, middle // 2 : middle + middle // 2]
            canvas.line(tip, shade(tones[index, 1], 1 + rim), pose.size * 0.03, 0.8)
        if veins:
            canvas.lines(lines[index, :, 1:-2], vein_colours[index], max(1.0, pose.size * 0.012), 0.45)
