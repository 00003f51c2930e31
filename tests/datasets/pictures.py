"""Make small files for the tests of this room."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def noise_png(seed: int, side: int = 12) -> bytes:
    """A PNG of random pixels: no two seeds are alike."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return encoded(Image.fromarray(pixels))


def png_header(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds almost nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def drawing(seed: int, size: tuple[int, int] = (96, 96)) -> bytes:
    """A PNG of six discs: no two seeds look much alike, whatever their size."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (96, 96), "white")
    for _ in range(6):
        x, y = (int(v) for v in random.integers(0, 70, 2))
        colour = tuple(int(v) for v in random.integers(0, 200, 3))
        ImageDraw.Draw(image).ellipse((x, y, x + 25, y + 25), fill=colour)
    return encoded(image.resize(size))


def drawings(**extra: bytes) -> dict[str, bytes]:
    """Two classes of 20 drawings each, and more: ``a_small`` is the member ``a/small.png``."""
    members = {f"{name}/{n:02d}.png": drawing(100 * k + n) for k, name in enumerate("ab")
               for n in range(20)}  # fmt: skip
    return members | {name.replace("_", "/") + ".png": data for name, data in extra.items()}


def tied_patients() -> dict[str, bytes]:
    """Four classes of 12 images, and a table of patients whom no split can keep together.

    Those of class a must be in three subsets, and so must those of b: 2 and 3 are in the same one.
    Then c lacks a subset.
    """
    patients = {"a": (0, 1, 2), "b": (0, 1, 3), "c": (0, 2, 3), "d": (4, 5, 6)}
    members: dict[str, bytes] = {}
    lines = ["file,label,PatientID"]
    for place, (name, those) in enumerate(patients.items()):
        for patient in those:
            for number in range(4):
                file = f"{name}/{patient}-{number}.png"
                members[file] = noise_png(100 * place + 10 * patient + number)
                lines.append(f"{file},{name},P{patient}")
    return members | {"labels.csv": "\n".join(lines).encode()}


def write_zip(
    path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def two_classes(images_per_class: int = 3, prefix: str = "") -> dict[str, bytes]:
    """Members ``cats/0.png`` ... and ``dogs/0.png`` ..., all different."""
    return {
        f"{prefix}{name}/{position}.png": noise_png(100 * number + position)
        for number, name in enumerate(("cats", "dogs"))
        for position in range(images_per_class)
    }


def interlaced_png(pixels: np.ndarray) -> bytes:
    """uint8 or uint16 ``(H, W[, 3])`` as an interlaced PNG, which Pillow cannot save."""
    height, width = pixels.shape[:2]
    depth = pixels.dtype.itemsize
    packed = b""
    for x, y, across, down in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):  # fmt: skip
        for row in pixels[y::down, x::across]:
            packed += b"\0" + row.astype(f">u{depth}").tobytes() if row.size else b""
    colour = 0 if pixels.ndim == 2 else 2
    header = struct.pack(">IIBBBBB", width, height, 8 * depth, colour, 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(packed)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def tiff(
    pixels: np.ndarray, *, apart: bool = False, compression: int = 1, white_is_zero: bool = False
) -> bytes:
    """``(H, W)`` or ``(H, W, C)`` of any numbers as a TIFF, little endian, not packed.

    ``apart``: each channel for itself. Other values of ``compression`` are claimed only.
    """
    height, width, channels = (*pixels.shape, 1)[:3]
    planes = pixels.reshape(height, width, channels).transpose(2, 0, 1) if apart else pixels
    body = planes.astype(pixels.dtype.newbyteorder("<")).tobytes()
    strips = channels if apart else 1
    number = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    photometric = 2 if channels == 3 else 0 if white_is_zero else 1
    tags: list[tuple[int, str, list[int]]] = [
        (256, "I", [width]),
        (257, "I", [height]),
        (258, "H", [8 * pixels.dtype.itemsize] * channels),
        (259, "H", [compression]),
        (262, "H", [photometric]),
        (273, "I", [8 + len(body) // strips * strip for strip in range(strips)]),
        (277, "H", [channels]),
        (278, "I", [height]),
        (279, "I", [len(body) // strips] * strips),
        (284, "H", [2 if apart else 1]),
        (339, "H", [number] * channels),
    ]
    directory, beyond = struct.pack("<H", len(tags)), b""
    at = 8 + len(body) + 2 + 12 * len(tags) + 4
    for tag, kind, values in tags:
        packed = struct.pack(f"<{len(values)}{kind}", *values)
        directory += struct.pack("<HHI", tag, 3 if kind == "H" else 4, len(values))
        if len(packed) <= 4:
            directory += packed.ljust(4, b"\0")
        else:
            directory += struct.pack("<I", at + len(beyond))
            beyond += packed
    start = b"II*\0" + struct.pack("<I", 8 + len(body))
    return start + body + directory + struct.pack("<I", 0) + beyond
