"""One file in, one clean JPEG out: verified by a full decode, upright, sRGB, down-sized once, and nothing else in it.

Whatever else a camera or a program has written into a file stays outside: where and when a photograph was taken, with
what, comments, embedded previews, whatever is hung on behind its end.
"""

import contextlib
import io
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageCms, UnidentifiedImageError

from tl_core.base.messages import Message, message

SHORT_SIDE = 320  # pixels: enough for the largest backbone input (299) and the crop
SMALLEST = 8  # pixels of the short side; less shows nothing
LONGEST_RATIO = 4  # a longer strip is cropped centrally before storing
MAX_PIXELS = 60_000_000  # decided from the header, before a byte is decoded
MAX_BYTES = 80 * 1024 * 1024
AT_ONCE = 64_000_000  # pixels decoded at the same time in this process: about 0.5 GB at worst
QUALITY = 92
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")  # JPEG covers MPO: Pillow registers no MPO opener
ORIENTATION = 0x0112  # the EXIF tag; 1 is upright
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SOS, EOI, COM = 0xDA, 0xD9, 0xFE  # markers of a JPEG: a scan begins, the picture ends, a comment
APPLICATION = range(0xE0, 0xF0)  # markers of what programs add
KEPT = ((0xE0, b"JFIF\0", 14), (0xEE, b"Adobe", 12))  # of those what decoders go by: marker, beginning, bytes of it
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # that ends a scan
HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}

Image.MAX_IMAGE_PIXELS = None  # MAX_PIXELS above says it in our words

_room = threading.Condition()
_decoding = 0  # pixels


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

    A JPEG that is already all that keeps its pixels as they are, and its bytes if nothing else was in it.

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
        raise Rejected(_damaged(error)) from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Rejected(message("The picture is too large: {w} x {h} px. Make it smaller.", w=width, h=height))
    if min(width, height) < SMALLEST:
        raise Rejected(message("The picture is too small: {w} x {h} px.", w=width, h=height))
    try:
        small = min(width, height) <= SHORT_SIDE and max(width, height) <= LONGEST_RATIO * min(width, height)
        if image.format in ("JPEG", "MPO") and not small:
            image.draft(image.mode, (2 * SHORT_SIDE, 2 * SHORT_SIDE))  # libjpeg skips most of the work
        progressive = image.info.get("progressive")  # holds all its coefficients, whatever size is asked for
        with _counted(width * height if progressive else image.width * image.height):
            image.load()
            turn = _turn(image)
            upright = small and turn is None and image.format == "JPEG" and image.mode == "RGB"
            if upright and _profile(image) is None and (kept := bare(data)):
                return Picture(kept, width, height)
            return _encoded(_fitted(_upright(_colours(_srgb(_reduced(image))), turn)))
    except Exception as error:
        raise Rejected(_damaged(error)) from None


@contextlib.contextmanager
def _counted(pixels: int) -> Iterator[None]:
    """Wait until the pictures under decode leave room for this one; one that is too large for that goes alone."""
    global _decoding
    with _room:
        _room.wait_for(lambda: _decoding == 0 or _decoding + pixels <= AT_ONCE)
        _decoding += pixels
    try:
        yield
    finally:
        with _room:
            _decoding -= pixels
            _room.notify_all()


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes a loaded picture upright, as its EXIF says; damaged EXIF says nothing."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return None


def _upright(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return image if turn is None else image.transpose(turn)


def _reduced(image: Image.Image) -> Image.Image:
    """A large picture averaged to no less than three times the stored size, before colours cost memory."""
    factor = min(image.size) // (3 * SHORT_SIDE)
    return image.reduce(factor) if factor > 1 and image.mode in ("L", "LA", "RGB", "RGBA", "CMYK") else image


def _profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The colour profile inside a picture; None if there is none, it is damaged, or it is sRGB's own."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        return None if "sRGB" in ImageCms.getProfileDescription(profile) else profile
    except (KeyError, TypeError, OSError, ImageCms.PyCMSError):
        return None


def _srgb(image: Image.Image) -> Image.Image:
    """The picture's colours as a profile inside says that they are meant, in sRGB."""
    profile = _profile(image)
    mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}.get(profile.profile.xcolor_space.strip()) if profile else None
    if profile is None or mode is None or image.mode.startswith(("I", "F")):
        return image
    try:
        if "transparency" in image.info or image.mode in ("PA", "La", "RGBa"):
            image = image.convert("RGBA")
        alpha = image.getchannel("A") if "A" in image.getbands() else None
        plain = image if image.mode == mode else image.convert(mode)
        meant = ImageCms.profileToProfile(plain, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        image = meant or image
        if alpha is not None:
            image.putalpha(alpha)
    except (ImageCms.PyCMSError, ValueError):  # a profile that does not fit the picture
        pass
    return image


def _colours(image: Image.Image) -> Image.Image:
    """RGB of 8 bits: transparency on white, deeper greys scaled, the first frame of an animation."""
    if image.mode.startswith(("I", "F")):
        high: Any = image.getextrema()[1]
        span = 255.0 if high <= 255 else max(high, 65535.0)
        if image.mode == "F" and high <= 1:
            span = 1.0  # fractions
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
    return Picture(jpeg(image, QUALITY), *image.size)


def jpeg(image: Image.Image, quality: int) -> bytes:
    """A picture as a JPEG that holds nothing else; Pillow would write comments and XMP of the file it was read from."""
    buffer = io.BytesIO()
    image.info = {}
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def bare(data: bytes) -> bytes | None:
    """A JPEG without anything but the picture, its pixels untouched; None if it is laid out in some odd way.

    Source: ITU-T T.81, annex B; JFIF 1.02.
    """
    kept, at = [data[:2]], 2
    seen: set[int] = set()
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # filling
            at += 1
            continue
        if marker == EOI:
            break
        end = at + 2 + length
        if length < 2 or end > len(data):
            return None
        if marker in APPLICATION or marker == COM:
            for name, beginning, size in KEPT:
                if marker == name and name not in seen and data[at + 4 :].startswith(beginning) and length >= size + 2:
                    seen.add(name)
                    segment = bytearray(data[at + 4 : at + 4 + size])
                    if name == 0xE0:
                        segment[12:14] = b"\0\0"  # no preview
                    kept.append(data[at : at + 2] + (size + 2).to_bytes(2, "big") + segment)
        else:
            kept.append(data[at:end])
        at = end
        if marker == SOS:
            found = _MARKER.search(data, at)
            at = found.start() if found else len(data)
            kept.append(data[end:at])
    return b"".join([*kept, b"\xff\xd9"]) if data[at : at + 2] == b"\xff\xd9" else None


def _damaged(error: Exception) -> Message:
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return message("The file is cut off: its end is missing.")
    return message("The file is damaged ({reason}).", reason=str(error)[:120])


def _what_instead(data: bytes) -> Message:
    """Name what the file really is, so that people see their mistake."""
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return message("This is a ZIP file inside another one; nested ZIP files are not opened.")
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<svg", b"<!--")):
        return message("This is a web page or drawing code, not a picture, whatever its name says.")
    if data[4:8] == b"ftyp":
        if data[8:12] in HEIF:
            return message("HEIC and AVIF pictures are not supported. Save them as JPEG.")
        return message("This is a video, not a picture.")
    if data[:4] == b"%PDF":
        return message("This is a PDF, not a picture.")
    return message("This is not a picture in a known format (JPEG, PNG, WebP, GIF, BMP, TIFF).")
