"""Pictures and folders for the tests, drawn with Pillow: small, different from one another, and really files."""

import io
import struct
import zlib
from pathlib import Path

from PIL import Image

RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (255, 255, 255)


def picture(number: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """A plain picture whose colour says its number: no two numbers below 4,096 give the same file."""
    image = Image.new("RGB", size, (number % 16 * 16, number // 16 % 16 * 16, number // 256 % 16 * 16))
    image.paste(WHITE, (0, 0, 8, 8))
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The picture as a file of this kind."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(number: int = 0, size: tuple[int, int] = (48, 40)) -> bytes:
    """A numbered picture as a JPEG."""
    return encoded(picture(number, size))


def quarters(size: tuple[int, int] = (64, 40)) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right: shows what is turned or mirrored."""
    image = Image.new("RGB", size, WHITE)
    w, h = size[0] // 2, size[1] // 2
    image.paste(RED, (0, 0, w, h))
    image.paste(GREEN, (w, 0, size[0], h))
    image.paste(BLUE, (0, h, w, size[1]))
    return image


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes whose header announces this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(900))) + chunk(b"IEND", b"")
    )


def tree(root: Path, **classes: int) -> Path:
    """A folder with one sub-folder for each class and so many different pictures in it."""
    number = 0
    for name, count in classes.items():
        (root / name).mkdir(parents=True)
        for index in range(count):
            (root / name / f"{index}.jpg").write_bytes(jpeg(number))
            number += 1
    return root
