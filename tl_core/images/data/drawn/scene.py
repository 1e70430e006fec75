"""What surrounds the drawn thing: backgrounds, things in the way, light, lens and the style of the whole picture."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tl_core.images.data.drawn.brush import Canvas, Colour, Random, bow, mix, oval, shade, vary

SIDE = 224  # pixels of a finished picture
FINE = 2  # the canvas is this much larger
COARSE = SIDE // 4  # pixels of a background before it is enlarged: out of focus for free
ACROSS = np.linspace(-1, 1, SIDE, dtype=np.float32)


def noise(random: Random, side: int, cells: int) -> np.ndarray:
    """Smooth noise, 0 to 1, float32 [side, side], with about `cells` hills a side."""
    grid = Image.fromarray((random.random((cells + 1, cells + 1)) * 255).astype(np.uint8))
    return np.asarray(grid.resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255


def clouds(random: Random, side: int, cells: int = 3) -> np.ndarray:
    """Noise of several sizes, 0 to 1, float32 [side, side]."""
    layers = [noise(random, side, cells * 2**octave) * 0.5**octave for octave in range(4)]
    return sum(layers, np.zeros_like(layers[0])) / 1.875


def _gradient(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return mix(top, bottom, np.linspace(0, 1, COARSE))[:, None] * np.ones((1, COARSE, 1))


def _meadow(random: Random) -> Image.Image:
    far, near = vary(random, (150, 186, 120), 18), vary(random, (66, 104, 48), 16)
    pixels = _gradient(far, near) * (0.8 + 0.4 * clouds(random, COARSE)[..., None])
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    canvas = Canvas(image)
    for _ in range(70):
        x, y = random.uniform(-5, COARSE + 5), random.uniform(0.2, 1.3) * COARSE
        tip = (x + random.normal(0, 5), y - random.uniform(8, 26))
        canvas.line(bow((x, y), tip, random.normal(0, 0.1), 5), shade(near, random.uniform(0.6, 1.5)), 1, 0.6)
    _bokeh(canvas, random, 9, 4)
    return image


def _bokeh(canvas: Canvas, random: Random, count: int, size: float) -> None:
    for _ in range(random.integers(count // 2, count + 1)):
        colour = random.choice(((236, 226, 140), (230, 150, 170), (240, 240, 236), (190, 220, 150), (200, 170, 220)))
        x, y = random.uniform(0, COARSE, 2)
        canvas.disc(x, y, random.uniform(0.4, 1) * size, vary(random, colour, 12), random.uniform(0.25, 0.7))


def _sky(random: Random) -> Image.Image:
    top = vary(random, random.choice(((86, 142, 206), (130, 170, 214), (236, 170, 120), (150, 150, 176))), 12)
    pixels = _gradient(top, mix(top, (248, 240, 226), random.uniform(0.4, 0.8)))
    cloud = np.clip((clouds(random, COARSE) - 0.45) * 3, 0, 1)[..., None]
    pixels = pixels * (1 - cloud * 0.8) + np.array((250, 248, 244)) * cloud * 0.8
    hills = (0.75 + 0.12 * noise(random, COARSE, 3)[0]) * COARSE
    ground = np.arange(COARSE)[:, None] > hills[None]
    grass = vary(random, (88, 126, 64), 16) * (0.8 + 0.4 * clouds(random, COARSE)[..., None])
    return Image.fromarray(np.clip(np.where(ground[..., None], grass, pixels), 0, 255).astype(np.uint8))


def _wood(random: Random) -> Image.Image:
    base = vary(random, random.choice(((150, 104, 66), (196, 156, 112), (104, 76, 58), (206, 196, 180))), 12)
    planks = int(random.integers(3, 6))
    row = (np.arange(COARSE) * planks // COARSE)[:, None]
    tone = random.uniform(0.85, 1.15, planks)[row]
    grain = np.asarray(Image.fromarray((random.random((COARSE, 6)) * 255).astype(np.uint8)).resize((COARSE, COARSE)))
    joint = np.where((np.arange(COARSE) * planks % COARSE)[:, None] < planks, 0.6, 1.0)
    pixels = base * (tone * joint * (0.82 + 0.3 * grain / 255))[..., None]
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return image.rotate(90) if random.random() < 0.5 else image


def _soil(random: Random) -> Image.Image:
    base = vary(random, random.choice(((98, 76, 58), (124, 100, 76), (120, 118, 112))), 10)
    pixels = base * (0.45 + 0.75 * clouds(random, COARSE, 7) + 0.25 * random.random((COARSE, COARSE)))[..., None]
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    canvas = Canvas(image)
    for _ in range(26):
        x, y = random.uniform(0, COARSE, 2)
        canvas.polygon(oval(x, y, *random.uniform(0.6, 2.6, 2)), shade(base, random.uniform(0.6, 1.6)), 0.8)
    return image


def _room(random: Random) -> Image.Image:
    wall = vary(random, random.choice(((206, 196, 178), (170, 186, 190), (214, 180, 166), (120, 130, 140))), 14)
    image = Image.fromarray(np.clip(_gradient(shade(wall, 1.12), shade(wall, 0.86)), 0, 255).astype(np.uint8))
    canvas = Canvas(image)
    for _ in range(int(random.integers(2, 6))):  # books, a frame, a window, somewhere behind
        x, y = random.uniform(0, COARSE, 2)
        w, h = random.uniform(4, 20, 2)
        box = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
        canvas.polygon(
            box, vary(random, random.choice(((90, 110, 140), (230, 226, 214), (150, 90, 70), (70, 90, 70))), 18), 0.8
        )
    table = random.uniform(0.7, 0.95) * COARSE
    canvas.polygon(
        np.array([(0, table), (COARSE, table), (COARSE, COARSE), (0, COARSE)]), vary(random, (140, 104, 76), 16)
    )
    return image


def _leaves(random: Random) -> Image.Image:
    base = vary(random, (62, 96, 56), 16)
    image = Image.new("RGB", (COARSE, COARSE), tuple(int(v) for v in np.clip(shade(base, 0.6), 0, 255)))
    canvas = Canvas(image)
    for _ in range(60):
        x, y = random.uniform(-3, COARSE + 3, 2)
        tone = shade(base, random.uniform(0.6, 1.6))
        canvas.polygon(oval(x, y, random.uniform(4, 10), random.uniform(1.5, 4), random.uniform(0, np.pi), 12), tone)
    _bokeh(canvas, random, 8, 3)
    return image


GREENERY = ((70, 112, 52), (120, 132, 70), (96, 132, 66), (150, 160, 110), (84, 120, 92))
OUTDOORS = (_meadow, _meadow, _sky, _soil, _leaves)
INDOORS = (_wood, _room)
EVERYWHERE = (*OUTDOORS, *INDOORS)


def background(random: Random, kinds: tuple[Callable[[Random], Image.Image], ...], focus: float) -> Image.Image:
    """A background as large as the canvas; `focus` 0 is a soft blur, 1 shows more."""
    image = kinds[random.integers(len(kinds))](random)
    image = image.filter(ImageFilter.GaussianBlur(0.6 + 1.2 * max(0.0, 1 - focus)))
    return _enlarged(image)


def in_the_way(image: Image.Image, random: Random, count: int, flat: Colour | None = None) -> None:
    """Draw blades of grass and twigs with leaves in front of a picture, often too near to be sharp."""
    if not count:
        return
    side = image.width
    layer = Image.new("RGBA", image.size, (60, 80, 40, 0))
    near = Canvas(layer, flat)
    for _ in range(count):
        green = vary(random, GREENERY[random.integers(len(GREENERY))], 12)
        wide = random.uniform(0.01, 0.035) * side
        if random.random() < 0.7:
            foot = np.array([random.uniform(-0.1, 1.1) * side, side * 1.05])
            tip = foot + np.array([random.normal(0, 0.3), -random.uniform(0.35, 1.1)]) * side
            _blade(near, bow(foot, tip, random.normal(0, 0.14)), wide, green)
        else:
            left = random.random() < 0.5
            start = np.array([-0.05 if left else 1.05, random.uniform(0, 1)]) * side
            end = start + np.array([random.uniform(0.3, 0.8) * (1 if left else -1), random.normal(0, 0.25)]) * side
            twig = bow(start, end, random.normal(0, 0.1))
            near.line(twig, shade(vary(random, (104, 84, 60), 8), 0.9), wide * 0.5)
            for at in random.integers(3, len(twig), 4):
                turn = random.uniform(0, 2 * np.pi)
                tip = twig[at] + np.array([np.cos(turn), np.sin(turn)]) * random.uniform(0.08, 0.16) * side
                _blade(near, bow(twig[at], tip, random.normal(0, 0.1)), wide * 1.8, green, 0.5)
    blur = float(random.choice((0.6, 0.6, 2.5, 5.0)))
    layer = layer.filter(ImageFilter.GaussianBlur(blur))
    image.paste(layer, (0, 0), layer)


def _blade(canvas: Canvas, spine: np.ndarray, width: float, green: np.ndarray, widest: float = 0.1) -> None:
    """A narrow leaf around `spine` that ends in a point."""
    t = np.linspace(0, 1, len(spine))
    half = width * np.minimum(t / widest, (1 - t) / (1 - widest))[:, None]
    along = np.gradient(spine, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1) / (np.linalg.norm(along, axis=1)[:, None] + 1e-6)
    canvas.polygon(np.concatenate([spine + across * half, (spine - across * half)[::-1]]), shade(green, 0.78))
    canvas.polygon(np.concatenate([spine + across * half, spine[::-1]]), green)


def finish(random: Random, image: Image.Image, difficulty: float) -> Image.Image:
    """Light, lens and film: lit from somewhere, a little unsharp and grainy."""
    blur = random.uniform(0.1, 0.35 + 1.5 * difficulty) if random.random() < 0.3 + 0.6 * difficulty else 0
    image = image.filter(ImageFilter.GaussianBlur(blur)) if blur > 0.2 else image
    pixels = np.asarray(image, np.float32) / 255
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)
    strength = (0.1 + 0.35 * difficulty) * random.uniform(0.2, 1)
    angle = random.uniform(0, 2 * np.pi)
    light = 1 + float(strength * np.cos(angle)) * x + float(strength * np.sin(angle)) * y
    light *= 1 - random.uniform(0, 0.22) * (x**2 + y**2)
    if random.random() < 0.4 * difficulty:  # dappled shade of a tree
        shade_of = np.clip((clouds(random, SIDE // 4, 4) - 0.46) * 9, 0, 1)
        spots = Image.fromarray((shade_of * 255).astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        light *= 0.68 + 0.42 * np.asarray(spots, np.float32) / 255
    warmth = random.normal(0, 0.05 + 0.07 * difficulty)
    contrast = np.float32(random.uniform(1 - 0.4 * difficulty, 1 + 0.15 * difficulty))
    light *= np.float32(random.uniform(1 - 0.35 * difficulty, 1 + 0.2 * difficulty))
    pixels *= light[..., None] * np.array([1 + warmth, 1.0, 1 - warmth], np.float32) * contrast
    pixels += 0.5 - 0.5 * contrast
    pixels += (0.005 + 0.02 * difficulty * random.random()) * random.standard_normal((SIDE, SIDE, 1), np.float32)
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))


# Styles: a domain gap that can be turned on ---------------------------------------------------------------------------


def styled(random: Random, image: Image.Image, gap: str) -> Image.Image:
    """The finished picture in another style; "none" and "silhouette" (drawn flat from the start) leave it."""
    return {"painted": _painted, "sketch": _sketch, "night": _night}.get(gap, lambda random, image: image)(
        random, image
    )


def _painted(random: Random, image: Image.Image) -> Image.Image:
    """Broad brush strokes first, fine ones last, each along the edge that it lies on."""
    soft = image.filter(ImageFilter.GaussianBlur(2))
    grey = np.asarray(soft.convert("L"), np.float32)
    down, across = np.gradient(grey)
    direction = np.arctan2(down, across) + np.pi / 2
    direction = direction + 0.6 * (noise(random, SIDE, 5) - 0.5)
    colours = np.asarray(soft)
    draw = ImageDraw.Draw(soft)
    for count, length, width in ((500, 13, 8), (900, 8, 4), (900, 5, 2)):
        at = random.integers(0, SIDE, (count, 2))
        angle = direction[at[:, 1], at[:, 0]]
        reach = np.stack([np.cos(angle), np.sin(angle)], 1) * length * random.uniform(0.6, 1.2, (count, 1))
        tones = np.clip(colours[at[:, 1], at[:, 0]] * random.uniform(0.9, 1.12, (count, 1)), 0, 255).astype(int)
        for line, tone in zip(np.concatenate([at - reach, at + reach], 1).tolist(), tones.tolist(), strict=True):
            draw.line(line, fill=tuple(tone), width=width)
    weave = 1 + 0.02 * np.sin(np.arange(SIDE) * np.pi / 1.5)
    pixels = np.asarray(soft, np.float32) * (weave[:, None] * weave[None])[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _sketch(random: Random, image: Image.Image) -> Image.Image:
    """A pencil drawing: grey divided by its own blur leaves the edges; hatching where it is dark."""
    grey = np.asarray(image.convert("L"), np.float32)
    blurred = np.asarray(image.convert("L").filter(ImageFilter.GaussianBlur(5)), np.float32)
    lines = np.clip(grey / np.maximum(blurred, 1), 0.3, 1.0) ** 2.6
    y, x = np.mgrid[:SIDE, :SIDE]
    slant = random.uniform(0.5, 1.6)
    hatch = 0.5 + 0.5 * np.sin((x + slant * y) * 1.5 + 3 * noise(random, SIDE, 6))
    darkness = np.clip(0.62 - blurred / 255, 0, 0.5)
    paper = np.array(vary(random, (246, 240, 226), 2)) / 255
    tone = np.clip(lines - darkness * hatch * 1.2, 0, 1) * (0.96 + 0.06 * random.random((SIDE, SIDE)))
    pixels = paper * tone[..., None] + np.array((0.22, 0.22, 0.26)) * (1 - tone[..., None])
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def _night(random: Random, image: Image.Image) -> Image.Image:
    """Moonlight and the beam of a torch, with the grain of a camera that sees too little."""
    pixels = np.asarray(image, np.float32) / 255
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j].astype(np.float32)
    cx, cy = random.uniform(-0.4, 0.4, 2)
    beam = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / random.uniform(0.2, 0.5))[..., None]
    grey = pixels.mean(-1, keepdims=True)
    moon = (0.35 * pixels + 0.65 * grey) * np.array((0.18, 0.25, 0.42), np.float32)
    lit = pixels * np.array((0.95, 0.88, 0.66), np.float32)
    pixels = moon * (1 - beam) + lit * beam * random.uniform(0.6, 0.95)
    pixels += 0.035 * random.standard_normal(pixels.shape, np.float32)
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def dusk(random: Random) -> Image.Image:
    """The background of silhouettes: a sky after sunset, as large as the canvas."""
    top = vary(random, random.choice(((70, 70, 130), (60, 90, 140), (150, 80, 110), (90, 60, 110))), 10)
    low = vary(random, random.choice(((252, 170, 90), (250, 130, 80), (250, 210, 150), (240, 150, 160))), 10)
    pixels = _gradient(top, low)
    cloud = np.clip((clouds(random, COARSE) - 0.5) * 2.5, 0, 1)[..., None]
    pixels = pixels * (1 - 0.5 * cloud) + np.array((255, 214, 180)) * 0.5 * cloud
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    canvas = Canvas(image)
    canvas.disc(
        random.uniform(0, COARSE), random.uniform(0.4, 0.9) * COARSE, random.uniform(4, 8), (255, 240, 210), 0.9
    )
    return _enlarged(image.filter(ImageFilter.GaussianBlur(1)))


def _enlarged(image: Image.Image) -> Image.Image:
    """A background as large as the canvas; smooth only to the pixels of the finished picture, for speed."""
    smooth = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return smooth.resize((SIDE * FINE, SIDE * FINE), Image.Resampling.NEAREST)


def behind(image: Image.Image, blur: float) -> Image.Image:
    """What has been drawn so far, out of focus: further things are drawn in front of it."""
    small = image.reduce(FINE).filter(ImageFilter.GaussianBlur(blur))
    return small.resize(image.size, Image.Resampling.NEAREST)
