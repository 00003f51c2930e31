"""Metadata of images: EXIF orientation, and JPEG files without place, camera and comments."""

import io
import re
import struct

from PIL import ExifTags, Image

from core.datasets.decoding.pool import without_pillow_warnings

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN = 0xDA
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_COMMENT = 0xFE
_APPLICATION = range(0xE0, 0xF0)
# Needed by decoders: JFIF density, Adobe's colour transform, the colour profile.
_KEPT_APPLICATION = {0xE0: b"JFIF\0", 0xEE: b"Adobe", 0xE2: b"ICC_PROFILE\0"}
_JFIF_BYTES = 18  # marker, length and all fields, without a preview
# Inside a scan 0xff is followed by 0x00 (a plain 0xff), a restart mark or filling.
_MARKER_AFTER_SCAN = re.compile(rb"\xff(?=[^\x00\xd0-\xd7\xff])")


def without_metadata(jpeg: bytes) -> bytes:
    """The same pixels, bit for bit, without EXIF (also its orientation), XMP, comments, previews,
    and data after the end. Raises ``ValueError`` where the structure is not that of a JPEG.
    """
    if not jpeg.startswith(_START):
        raise ValueError("does not start like a JPEG")
    pieces = [_START]
    position = len(_START)
    while True:
        while jpeg[position : position + 2] == b"\xff\xff":
            position += 1
        if jpeg[position : position + 1] != b"\xff" or position + 1 >= len(jpeg):
            raise ValueError(f"no marker at byte {position}")
        marker = jpeg[position + 1]
        if marker == _END[1]:
            return b"".join([*pieces, _END])
        end = position + 2
        if marker not in _WITHOUT_LENGTH:
            length = int.from_bytes(jpeg[end : end + 2], "big")
            end += length
            if length < 2 or end > len(jpeg):
                raise ValueError(f"the segment at byte {position} is cut short")
        segment = jpeg[position:end]
        if _belongs_to_the_image(marker, segment):
            pieces.append(_without_preview(segment))
        position = end
        if marker == _SCAN:
            found = _MARKER_AFTER_SCAN.search(jpeg, position)
            if found is None:
                raise ValueError("the scan has no end")
            pieces.append(jpeg[position : found.start()])
            position = found.start()


def exif_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 without or with unreadable EXIF, as in image viewers."""
    try:
        orientation = int(image.getexif().get(ExifTags.Base.Orientation, 1))
        return orientation if 1 <= orientation <= 8 else 1
    except (SyntaxError, ValueError, TypeError, KeyError, EOFError, OSError, struct.error):
        return 1


def jpeg_orientation(jpeg: bytes) -> int:
    """The EXIF orientation of a JPEG, 1 to 8; only its head is read. ``OSError``: not a JPEG."""
    with without_pillow_warnings(), Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
        return exif_orientation(opened)


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Add EXIF that contains nothing but the orientation, 1 to 8, to a JPEG without EXIF."""
    if orientation == 1:
        return jpeg
    # TIFF, big endian: one directory with one entry, tag 0x0112, one 16-bit number.
    directory = struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + b"MM\0*" + struct.pack(">I", 8) + directory
    return _START + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[len(_START) :]


def _without_preview(segment: bytes) -> bytes:
    """A JFIF segment without the preview image at its end."""
    if segment[4:9] != _KEPT_APPLICATION[0xE0] or len(segment) <= _JFIF_BYTES:
        return segment
    return b"\xff\xe0" + struct.pack(">H", _JFIF_BYTES - 2) + segment[4:16] + b"\0\0"


def _belongs_to_the_image(marker: int, segment: bytes) -> bool:
    if marker == _COMMENT:
        return False
    if marker in _APPLICATION:
        name = _KEPT_APPLICATION.get(marker)
        return name is not None and segment[4:].startswith(name)
    return True
