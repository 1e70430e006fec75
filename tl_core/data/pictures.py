"""One file in, one clean JPEG out: verified by a full decode, upright, RGB, down-sized once."""

import io
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from tl_core.messages import Message, message

SHORT_SIDE = 320  # pixels: enough for the largest backbone input (299) and the crop
LONGEST_RATIO = 4  # a longer strip is cropped centrally before storing
MAX_PIXELS = 60_000_000  # decided from the header, before a byte is decoded
MAX_BYTES = 80 * 1024 * 1024
QUALITY = 92
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "MPO", "PPM")

Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS above says it in our words


class Rejected(Exception):
    """This file is not taken; `reason` says why."""

    def __init__(self, reason: Message):
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True)
class Picture:
    """A clean JPEG and its size in pixels."""

    data: bytes
    width: int
    height: int


def clean(data: bytes) -> Picture:
    """Decode `data` in full and return it as an upright RGB JPEG whose short side is at most 320 px.

    A JPEG that is already all that keeps its bytes.

    Raises:
        Rejected: the file is empty, no picture, damaged, or too large.
    """
    if not data:
        raise Rejected(message("The file is empty."))
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise Rejected(_what_instead(data)) from None
    except Exception as error:
        raise Rejected(message("The file is damaged ({reason}).", reason=str(error)[:120])) from None
    if image.width * image.height > MAX_PIXELS:
        raise Rejected(
            message("The picture is too large: {w} x {h} px. Make it smaller.", w=image.width, h=image.height)
        )
    if min(image.size) < 8:
        raise Rejected(message("The picture is too small: {w} x {h} px.", w=image.width, h=image.height))
    plain = image.format == "JPEG" and image.mode == "RGB" and image.getexif().get(0x0112, 1) == 1
    small = min(image.size) <= SHORT_SIDE and max(image.size) <= LONGEST_RATIO * min(image.size)
    try:
        if plain and not small:
            image.draft("RGB", (2 * SHORT_SIDE, 2 * SHORT_SIDE))  # libjpeg skips most of the work
        image.load()
        if plain and small:
            return Picture(data, *image.size)
        return _encoded(_fitted(rgb(image)))
    except Rejected:
        raise
    except Exception as error:
        raise Rejected(message("The file is damaged ({reason}).", reason=str(error)[:120])) from None


def rgb(image: Image.Image) -> Image.Image:
    """Upright RGB: EXIF rotation applied, transparency on white, 16 bits scaled to 8, first frame of an animation."""
    image.seek(0) if getattr(image, "n_frames", 1) > 1 else None
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        _low, high = image.getextrema()
        span = 65535 if image.mode.startswith("I") and high > 255 else max(high, 255)
        image = image.convert("F").point(lambda value: value * (255 / span)).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _fitted(image: Image.Image) -> Image.Image:
    short, long = min(image.size), max(image.size)
    if long > LONGEST_RATIO * short:
        keep = LONGEST_RATIO * short
        box = (0, (image.height - keep) // 2, image.width, (image.height + keep) // 2)
        if image.width > image.height:
            box = ((image.width - keep) // 2, 0, (image.width + keep) // 2, image.height)
        image = image.crop(box)
    if short > SHORT_SIDE:
        scale = SHORT_SIDE / short
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image


def _encoded(image: Image.Image) -> Picture:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return Picture(buffer.getvalue(), *image.size)


def _what_instead(data: bytes) -> Message:
    """Name what the file really is, so that people see their mistake."""
    start = data[:512].lstrip().lower()
    if data[:2] == b"PK":
        return message("This is a ZIP file inside another one; nested ZIP files are not opened.")
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        return message("This is a web page or drawing code, not a picture, whatever its name says.")
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return message("HEIC and AVIF pictures are not supported. Save them as JPEG.")
    if data[:4] == b"%PDF":
        return message("This is a PDF, not a picture.")
    return message("This is not a picture in a known format (JPEG, PNG, WebP, GIF, BMP, TIFF).")
