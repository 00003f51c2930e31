"""What a file is that cannot be opened as an image, and what to do about it: a few words each."""

import io
from pathlib import PurePosixPath

from PIL import ImageFile, TiffImagePlugin

READABLE = "JPEG, PNG, GIF, BMP, WEBP, TIFF, AVIF, TGA or PPM"
_SAVE = f"save it as {READABLE}"
LOOKED_AT_BYTES = 1024
BITS = 8
OUT_OF_MEMORY = "too large for the memory of this machine"
LFS_START = b"version https://git-lfs"
_Directory = TiffImagePlugin.ImageFileDirectory_v2
_EACH_APART = 2  # of TIFF's planar configurations
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DICOM = (
    "a DICOM file: save it as PNG or TIFF of 16 bits (for example with the free program dcm2pnm or"
    " Weasis), the same window for all"
)
_RAW = "a camera's raw file: develop it, and save it as JPEG or TIFF"
_JPEG_2000 = "a JPEG 2000 image: save it as PNG (for example with opj_decompress)"
_JPEG_XL = "a JPEG XL image: save it as PNG (for example with djxl)"
_HEIC = (
    "a HEIC image, as iPhones take them: export the photos as JPEG (on a Mac: Photos, File, Export;"
    " or `sips -s format jpeg *.HEIC --out jpeg`), or set the phone to Most Compatible"
)
_ARCHIVE = "an archive, not an image: unpack it"
_DRAWING = "a vector drawing: export it as PNG"
# Of files that Pillow could not open, so a JPEG here is one that is damaged or of a rare kind.
_STARTS = {
    b"%PDF": "a PDF document, not an image",
    b"%!PS": "a PostScript drawing: export it as PNG",
    b"8BPS": f"a Photoshop file: {_SAVE}",
    b"gimp xcf": f"a GIMP file: {_SAVE}",
    b"\0\0\0\x0cjP  ": _JPEG_2000,
    b"\xff\x4f\xff\x51": _JPEG_2000,
    b"\0\0\0\x0cJXL ": _JPEG_XL,
    b"\xff\x0a": _JPEG_XL,
    b"II\xbc\x01": f"a JPEG XR image: {_SAVE}",
    b"\xff\xd8\xff": "a JPEG that is damaged, or of 12 bits or without losses: save it as PNG",
    b"\x89PNG": "a PNG that is damaged: make or download it again",
    b"P7": "a PAM image: save it as PPM or PNG",
    b"PF": "a PFM image of floats in colour: save it as TIFF",
    b"\0\0\1\0": "an icon: save it as PNG",
    b"\x76\x2f\x31\x01": "an OpenEXR image: save it as TIFF",
    b"#?RADIANCE": "a Radiance HDR image: save it as TIFF",
    b"SIMPLE  =": "a FITS file: save its image as TIFF",
    b"\x93NUMPY": "a NumPy array, not an image: save it as PNG or TIFF",
    b"\x89HDF": "an HDF5 file, not an image: save what it holds as PNG",
    b"FUJIFILMCCD-RAW": _RAW,
    b"IIRO": _RAW,
    b"IIRS": _RAW,
    b"IIU\0": _RAW,
    b"PK\3\4": _ARCHIVE,
    b"\x1f\x8b": _ARCHIVE,
    b"Rar!": _ARCHIVE,
    b"7z\xbc\xaf": _ARCHIVE,
    b"RIFF": "a sound or a video, or a WebP image that is damaged",
    b"\x1aE\xdf\xa3": "a video, not an image",
    b"OggS": "a sound or a video, not an image",
    b"ID3": "a sound, not an image",
}
_RAW_SUFFIXES = (
    ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".dng", ".raw", ".orf", ".rw2", ".raf",
    ".pef", ".srw", ".x3f", ".3fr", ".iiq",
)  # fmt: skip
_SUFFIXES = {
    ".dcm": _DICOM,
    ".dicom": _DICOM,
    ".jp2": _JPEG_2000,
    ".j2k": _JPEG_2000,
    ".jxl": _JPEG_XL,
    ".svg": _DRAWING,
    ".heic": _HEIC,
    ".heif": _HEIC,
    ".tga": "a TGA image that is damaged or of a kind that cannot be read: save it as PNG",
}
_HEIC_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"MiHE")
)


def why_unknown(data: bytes, file_name: str) -> str:
    """The reason for a file that no decoder takes for one of its own: what it is, what to do."""
    start = data[:LOOKED_AT_BYTES]
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n\0").lower()
    suffix = PurePosixPath(file_name).suffix.lower()
    if not data:
        return "the file is empty"
    if start.startswith(LFS_START):
        return (
            "a pointer of Git LFS, not the image itself: run `git lfs pull` in the repository and"
            " add the images again"
        )
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return (
            "a web page, not an image: the download went wrong or asked for a sign-in; download it"
            " again"
        )
    if b"<svg" in text and text.startswith(b"<"):
        return _DRAWING
    if text.startswith(b"<?xml"):
        return "an XML document, not an image: often what a download says when it fails"
    if start[128:132] == b"DICM":
        return _DICOM
    if start[4:8] == b"ftyp":
        return _why_boxed(start[8:12])
    if suffix in _RAW_SUFFIXES:
        return _RAW
    if start.startswith(_TIFF_STARTS):
        return _why_tiff(data, suffix)
    known = next((what for mark, what in _STARTS.items() if start.startswith(mark)), None)
    if known or suffix in _SUFFIXES:
        return known or _SUFFIXES[suffix]
    if not text:
        return "nothing but zeros: the file was not copied or downloaded as a whole"
    if is_text(start):
        return "a text, not an image"
    return f"not a readable image of a known format ({READABLE})"


def why_not_decoded(data: bytes, file_name: str, error: Exception) -> str:
    """The reason for a file that was opened and could not be decoded."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ValueError) and "MAX_TEXT" in text:
        return "contains a text that unpacks to far more than an image's description needs"
    if "out of memory" in text:
        return OUT_OF_MEMORY
    if data.startswith(_TIFF_STARTS) and _unknown_compression(data):
        return _why_tiff(data, PurePosixPath(file_name).suffix.lower())
    return f"damaged or cut short ({text[:120]})"


def why_misread(opened: ImageFile.ImageFile) -> str | None:
    """Why Pillow would give wrong pixels for an opened image; None where it would not.

    It mixes up the colours of a TIFF that keeps each apart and has more than 8 bits.
    """
    if not isinstance(opened, TiffImagePlugin.TiffImageFile):
        return None
    directory = opened.tag_v2
    deep = max(directory.get(TiffImagePlugin.BITSPERSAMPLE, (1,))) > BITS
    return _tiff_kind(directory) if deep and _keeps_apart(directory) else None


def _keeps_apart(directory: _Directory) -> bool:
    channels = directory.get(TiffImagePlugin.SAMPLESPERPIXEL, 1)
    return channels > 1 and directory.get(TiffImagePlugin.PLANAR_CONFIGURATION, 1) == _EACH_APART


def _tiff_kind(directory: _Directory) -> str:
    """What kind of TIFF it is that cannot be read, and what to save instead."""
    depths = directory.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    channels = directory.get(TiffImagePlugin.SAMPLESPERPIXEL, len(depths))
    (number, *_) = directory.get(TiffImagePlugin.SAMPLEFORMAT, (1,))
    compression = directory.get(TiffImagePlugin.COMPRESSION, 1)
    kind = f"{channels} channel{'' if channels == 1 else 's'} of {depths[0]} bits"
    kind += {2: ", signed", 3: ", floats"}.get(number, "")
    kind += ", each channel apart" if _keeps_apart(directory) else ""
    if compression not in TiffImagePlugin.COMPRESSION_INFO:
        kind += f", packed by method {compression}"
    return (
        f"a TIFF of a kind that cannot be read ({kind}): save it as PNG, or as a TIFF of 1 or 3"
        " channels of 8 or 16 bits"
    )


def _why_tiff(data: bytes, suffix: str) -> str:
    if suffix not in (".tif", ".tiff"):
        return "a TIFF whose name does not end in .tif or .tiff"
    directory = _tiff_directory(data)
    if directory is None:
        return "a TIFF that is damaged or cut short"
    return _tiff_kind(directory)


def _unknown_compression(data: bytes) -> bool:
    directory = _tiff_directory(data)
    return (
        directory is not None
        and directory.get(TiffImagePlugin.COMPRESSION, 1) not in TiffImagePlugin.COMPRESSION_INFO
    )


def _tiff_directory(data: bytes) -> _Directory | None:
    """The description of the first image of a TIFF; None where it cannot be read."""
    file = io.BytesIO(data)
    try:
        header = file.read(8)
        if header[2:3] == b"+" or header[3:4] == b"+":
            header += file.read(8)
        directory = TiffImagePlugin.ImageFileDirectory_v2(header)
        file.seek(directory.next)
        directory.load(file)
        # Values are read when they are asked for.
        dict(directory)
    except Exception:  # noqa: BLE001 - Pillow raises all kinds of errors on damaged directories
        return None
    return directory if TiffImagePlugin.IMAGEWIDTH in directory else None


def _why_boxed(brand: bytes) -> str:
    if brand in _HEIC_BRANDS:
        return _HEIC
    if brand in (b"avif", b"avis"):
        return "an AVIF image that is damaged or of a kind that cannot be read: save it as PNG"
    if brand == b"crx ":
        return _RAW
    return "a video, not an image"


def is_text(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a text in UTF-8 (which ASCII is, too)."""
    try:
        text = start.decode("utf-8", errors="strict")
    except UnicodeDecodeError as error:
        # Cut in the middle of the last letter.
        if error.start < max(1, len(start) - 3):
            return False
        text = start[: error.start].decode()
    return all(letter.isprintable() or letter.isspace() for letter in text)
