"""Which files are pictures, and which are not, before any is decoded; what their names may say."""

import re
from collections import Counter
from collections.abc import Iterable

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.raw_files import RawFile
from core.datasets.reading.side_names import words

# Those that Headstart does not open are among them: they are pictures to the person who sent
# them, and are listed with the reason.
PICTURE_SUFFIXES = words(
    ".jpg .jpeg .jpe .jfif .png .gif .bmp .webp .tif .tiff .heic .heif .avif .jp2 .j2k .svg "
    ".tga .psd .eps .ppm .pgm .pbm .ico .raw .dng .cr2 .nef .arw .dcm"
)
COMPANION_SUFFIXES = words(".aae .json .xmp .xml .txt .html .htm .md .log .ini .db .lnk .url")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")
FEWEST_NAMED_ALIKE = 3
MOST_NAMED_CLASSES = 200
SHARE_WITH_A_NUMBER = 0.95
# "cat.0", "cat_001", "cat (3)", "n01440764_10026": something with a letter, a sign, a number.
_NUMBERED = re.compile(r"^(.*[^\W\d_]|.*?[^\W\d_].*?(?=[\W_]))[\W_]*\d+[\W_]*$")


def has_picture_suffix(name: str) -> bool:
    _, dot, ending = name.rpartition(".")
    return (dot + ending).lower() in PICTURE_SUFFIXES


def is_companion(name: str) -> bool:
    """Whether the ending is one of files that lie beside pictures and never are one."""
    _, dot, ending = name.rpartition(".")
    return (dot + ending).lower() in COMPANION_SUFFIXES


def stem(name: str) -> str:
    """A file name without its last ending."""
    return name.rpartition(".")[0] or name


def looks_like_a_picture(raw: RawFile) -> bool:
    """By its ending, else by its first bytes."""
    if has_picture_suffix(raw.name):
        return True
    try:
        return raw.start(12).startswith(_SIGNATURES)
    except UnreadableImageError:
        return False


def class_in_name(name: str) -> str | None:
    """What stands before the number in ``cat.0.jpg`` or ``cat_001.jpg``, or None."""
    found = _NUMBERED.match(stem(name))
    return found.group(1).strip(" ._-(") if found else None


def classes_in_names(names: Iterable[str]) -> dict[str, str] | None:
    """The class in each file name that has one, where the names were clearly given that way.

    That is: nearly all have one, and there are 2 to 200 of them, each on several pictures.
    """
    names = list(names)
    said = {name: found for name in names if (found := class_in_name(name))}
    counts = Counter(said[name] for name in names if name in said)
    if sum(counts.values()) < SHARE_WITH_A_NUMBER * len(names):
        return None
    if not 2 <= len(counts) <= MOST_NAMED_CLASSES or min(counts.values()) < FEWEST_NAMED_ALIKE:
        return None
    return said
