"""Small real files for the cases: images of any format, trees, tables, and strange archives."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from tests.datasets.bad_inputs.making import write_folder
from tests.datasets.pictures import write_zip

Tree = dict[str, bytes]
EDGE = 24
_BLOCKS = 6
_FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "ppm": "PPM", "pgm": "PPM"}
_DISK_BYTES = 12_000


def pixels(name: str, edge: int = EDGE, channels: int = 3) -> np.ndarray:
    """uint8 ``(edge, edge, channels)``: coarse blocks under noise, no two names alike."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    coarse = random.integers(20, 236, (_BLOCKS, _BLOCKS, channels))
    large = np.kron(coarse, np.ones((edge // _BLOCKS, edge // _BLOCKS, 1), np.int64))
    return (large + random.integers(-20, 20, large.shape)).astype(np.uint8)


def image(name: str, **options: object) -> bytes:
    """An image in the format that the name's ending says; its content depends on the name."""
    ending = name.rpartition(".")[2].lower()
    buffer = io.BytesIO()
    Image.fromarray(pixels(name)).save(buffer, _FORMATS.get(ending, ending.upper()), **options)
    return buffer.getvalue()


def images(*names: str) -> Tree:
    return {name: image(name) for name in names}


def classes(prefix: str, names: Iterable[str], count: int, ending: str = "jpg") -> Tree:
    """Class folders below ``prefix``: ``daisy/0_daisy.jpg``, with ``count`` images each."""
    return images(
        *(f"{prefix}{name}/{at}_{name[:9]}.{ending}" for name in names for at in range(count))
    )


def spot(name: str) -> bytes:
    """A mask: one white spot on black, as a grey PNG; black alone for the name ``""``."""
    array = np.zeros((EDGE, EDGE), np.uint8)
    if name:
        top, left = np.random.default_rng(zlib.crc32(name.encode())).integers(2, EDGE - 10, 2)
        array[top : top + 8, left : left + 8] = 255
    return png(array)


def png(array: np.ndarray) -> bytes:
    return saved(array, "PNG")


def saved(array: np.ndarray, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format, **options)
    return buffer.getvalue()


def text(*lines: str) -> bytes:
    return "\n".join(lines).encode() + b"\n"


def folder(root: Path, *trees: Mapping[str, bytes], name: str = "given") -> Path:
    return write_folder(root / name, {path: tree[path] for tree in trees for path in tree})


def zipped(*trees: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for tree in trees:
            for name, data in tree.items():
                archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def zip_file(root: Path, tree: Tree, name: str = "given.zip") -> Path:
    return write_zip(root / name, tree)


def tar_file(root: Path, tree: Tree, name: str) -> Path:
    """Packed as its ending says: .tar, .tgz, .tar.gz, .tar.bz2, .tar.xz."""
    packing = {"gz": "gz", "tgz": "gz", "bz2": "bz2", "xz": "xz"}.get(name.rpartition(".")[2], "")
    with tarfile.open(root / name, f"w:{packing}") as archive:  # type: ignore[call-overload]
        for path, data in tree.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return root / name


def raw_zip(members: Iterable[tuple[bytes, bytes]], method: int = 0, disk: int = 0) -> list[bytes]:
    """The disks of a zip whose names are raw bytes, without the UTF-8 flag; the last is ``.zip``.

    ``method`` is what the headers claim; the data is packed so that it is true of 0 (stored), and
    of 9 (Deflate64, of which blocks that are not compressed are as in Deflate). ``disk``: bytes of
    a part of a split zip; 0 gives one file.
    """
    disks = [b"PK\x07\x08" if disk else b""]
    directory = b""
    count = 0
    for name, data in members:
        packed = data
        if method == 9:
            packer = zlib.compressobj(0, zlib.DEFLATED, -15)
            packed = packer.compress(data) + packer.flush()
        common = struct.pack(
            "<HHHHHIIIHH", 20, 0, method, 0, 33, zlib.crc32(data), len(packed), len(data),
            len(name), 0,
        )  # fmt: skip
        header = b"PK\x03\x04" + common + name
        if disk and len(disks[-1]) + len(header) > disk:
            disks.append(b"")
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common
        directory += struct.pack("<HHHII", 0, len(disks) - 1, 0, 0, len(disks[-1])) + name
        disks[-1] += header
        while disk and len(disks[-1]) + len(packed) > disk:
            room = disk - len(disks[-1])
            disks[-1] += packed[:room]
            packed = packed[room:]
            disks.append(b"")
        disks[-1] += packed
        count += 1
    last = len(disks) - 1
    at = len(disks[-1])
    disks[-1] += directory + b"PK\x05\x06"
    disks[-1] += struct.pack("<HHHHIIH", last, last, count, count, len(directory), at, 0)
    return disks


def split_zip(tree: Tree) -> Tree:
    """``x.z01``, ``x.z02`` ... ``x.zip``, as ``zip -s`` writes them."""
    disks = raw_zip([(name.encode(), data) for name, data in tree.items()], disk=_DISK_BYTES)
    assert len(disks) > 2
    parts = {f"x.z{at:02}": data for at, data in enumerate(disks[:-1], start=1)}
    return parts | {"x.zip": disks[-1]}
