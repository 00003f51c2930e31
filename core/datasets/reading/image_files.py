"""Which files are images, judged before any is decoded, and which image a table names."""

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.not_an_image import is_text
from core.datasets.reading.raw_files import RawFile
from core.datasets.reading.subset_names import subset_among, subset_of, subset_of_folders, words

# Also formats that Headstart cannot open: such files are listed with the reason, not ignored.
IMAGE_SUFFIXES = words(
    ".jpg .jpeg .jpe .jfif .png .gif .bmp .webp .tif .tiff .avif .tga .ppm .pgm .pbm .pnm .pfm "
    ".heic .heif .hif .jp2 .j2k .jpx .jxl .jxr .svg .psd .eps .ico .exr .dcm .dicom "
    ".raw .dng .cr2 .cr3 .nef .nrw .arw .orf .rw2 .raf .pef .srw"
)
# Films of live photos, sounds and data of games lie beside images as the notes of programs do.
COMPANION_SUFFIXES = words(
    ".aae .json .xmp .xml .txt .html .htm .md .log .ini .db .lnk .url .dat .thm .srt "
    ".mov .mp4 .m4v .avi .3gp .mkv .webm .mpg .mpeg .wmv .ogv .lrv "
    ".ogg .oga .opus .wav .mp3 .m4a .aac .flac .aif .aiff .mid .midi .wma .amr"
)
_SIGNATURES = (
    *(b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*"),
    *(b"P4\n", b"P5\n", b"P6\n"),
)
_IN_BOXES = (b"ftypavif", b"ftypheic", b"ftypmif1")
TEXT_LOOKED_AT_BYTES = 512
_NUMBER = re.compile(r"\d+")
# Where cells are blank, pandas writes the whole numbers beside them as 1.0.
_WHOLE_NUMBER = re.compile(r"(\d{1,12})(?:\.0)?", re.ASCII)
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def has_image_suffix(name: str) -> bool:
    return name[name.rfind(".") :].lower() in IMAGE_SUFFIXES


def is_named_after_image(name: str) -> bool:
    """As Google Photos names ``1.jpg.json`` and ``1.jpg.supplemental-metadata.json``."""
    while "." in name:
        name = name.rpartition(".")[0]
        if has_image_suffix(name):
            return True
    return False


def is_companion(raw: RawFile) -> bool:
    """Whether it is a file that programs put beside images, by its ending, or else a text."""
    suffix = raw.name[raw.name.rfind(".") :].lower()
    if suffix in COMPANION_SUFFIXES:
        return True
    if suffix in IMAGE_SUFFIXES:
        return False
    try:
        start = raw.start(TEXT_LOOKED_AT_BYTES)
    except UnreadableImageError:
        return False
    return bool(start) and is_text(start)


def stem(name: str) -> str:
    """A file name without its last ending."""
    return name.rpartition(".")[0] or name


def without_numbers(name: str) -> str:
    """A name with each number as ``#``: thousands of names have a few such forms."""
    return _NUMBER.sub("#", name)


def number_in(text: str) -> int | None:
    """The whole number that a cell or a name is: 17 of ``17``, ``0017`` and ``17.0``."""
    found = _WHOLE_NUMBER.fullmatch(text.strip())
    return int(found[1]) if found else None


def looks_like_an_image(raw: RawFile) -> bool:
    """Whether a file is an image by its ending, else by its first bytes."""
    if has_image_suffix(raw.name):
        return True
    try:
        start = raw.start(12)
    except UnreadableImageError:
        return False
    is_webp = start[:4] == b"RIFF" and start[8:] == b"WEBP"
    return is_webp or start[4:] in _IN_BOXES or start.startswith(_SIGNATURES)


@dataclass(frozen=True, slots=True)
class Named:
    """The files that a cell may name: none, one, or several.

    ``is_certain`` is False where folders or ending of the cell differ from those of the file
    (``/content/data/1.jpg`` for ``1.jpg``). That is right for most tables, unless another cell
    names the same file better.
    ``is_in_folder``: whether the innermost folder of the cell is that of the file; None where the
    cell has none.
    """

    files: tuple[RawFile, ...]
    is_certain: bool = True
    is_in_folder: bool | None = None


class ImageNames:
    """Finds the images of a source by name, ignoring case."""

    def __init__(self, images: Iterable[RawFile]) -> None:
        self._by_name: dict[str, list[RawFile]] = defaultdict(list)
        self._by_stem: dict[str, list[RawFile]] = defaultdict(list)
        for raw in images:
            self._by_name[raw.name.casefold()].append(raw)
            self._by_stem[stem(raw.name).casefold()].append(raw)

    @property
    def count(self) -> int:
        return sum(map(len, self._by_name.values()))

    @cached_property
    def _by_number(self) -> dict[int, list[RawFile]]:
        found: dict[int, list[RawFile]] = defaultdict(list)
        for name, images in self._by_stem.items():
            number = number_in(name)
            if number is not None:
                found[number] += images
        return found

    def find(self, cell: str, table: RawFile) -> Named:
        """The image that a ``cell`` of ``table`` names."""
        parts = _parts(cell)
        if not parts:
            return Named(())
        name = parts[-1].casefold()
        candidates = self._by_name.get(name) or self._by_stem.get(name)
        if candidates:
            return _choose(candidates, parts, table)
        if has_image_suffix(name):
            # The images were converted to another format after the table was written.
            other = self._by_stem.get(stem(name), [])
            return replace(_choose(other, parts, table), is_certain=False)
        return Named(())

    def find_by_number(self, cell: str, table: RawFile) -> Named:
        """The image that a ``cell`` names by a number whose leading zeros are gone: 1 is 0001.jpg.

        Spreadsheets take them away.
        """
        number = number_in(cell)
        candidates = [] if number is None else self._by_number.get(number, [])
        if not candidates:
            return Named(())
        return replace(_choose(candidates, [cell.strip()], table), is_certain=False)

    def find_somehow(self, cell: str, table: RawFile) -> Named:
        """The image that a ``cell`` names as it is, else by its number."""
        found = self.find(cell, table)
        return found if found.files else self.find_by_number(cell, table)


def _parts(cell: str) -> list[str]:
    text = unicodedata.normalize("NFC", cell.strip().replace("\\", "/"))
    if _ADDRESS.match(text):
        text = re.split(r"[?#]", text, maxsplit=1)[0]
    return [part for part in text.split("/") if part not in ("", ".", "..")]


def _choose(candidates: list[RawFile], parts: list[str], table: RawFile) -> Named:
    folders = [part.casefold() for part in parts[:-1]]
    asked = subset_of_folders(parts[:-1]) or subset_among(table.name)
    if asked is None and len(candidates) == 1:
        longest = _common_tail(candidates[0], folders)
        is_in_folder = longest > 0 if folders else None
        return Named((candidates[0],), longest == len(folders), is_in_folder)
    if asked is not None:
        # "train/1.jpg", or "1.jpg" in train.csv, is not test/1.jpg.
        candidates = [raw for raw in candidates if _subset_below(raw, table) in (asked, None)]
    common = {id(raw): _common_tail(raw, folders) for raw in candidates}
    longest = max(common.values(), default=0)
    best = [raw for raw in candidates if common[id(raw)] == longest]
    is_certain = longest == len(folders)
    if len(best) > 1:
        # The names differ only in case or ending, or one of them lies where the table says.
        beside_it = [raw for raw in best if raw.parts[:-1] == (*table.parts[:-1], *parts[:-1])]
        exact = [raw for raw in best if raw.name == parts[-1]]
        # Competitions use the same numbers in train/ and test/, and label only those in train/.
        subset = subset_among(table.name) or "train"
        in_subset = [raw for raw in best if subset in map(subset_of, raw.parts[:-1])]
        best = next((few for few in (beside_it, exact, in_subset) if len(few) == 1), best)
    return Named(tuple(best), is_certain, longest > 0 if folders else None)


def _subset_below(raw: RawFile, table: RawFile) -> str | None:
    """The subset of a file by the folders that are not around the table as well."""
    pairs = zip(raw.parts[:-1], table.parts[:-1], strict=False)
    around = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    return subset_of_folders(raw.parts[around:-1])


def _common_tail(raw: RawFile, folders: list[str]) -> int:
    """Number of folders directly above the file that are the same in the cell."""
    count = 0
    for ours, theirs in zip(reversed(raw.parts[:-1]), reversed(folders), strict=False):
        if ours.casefold() != theirs:
            break
        count += 1
    return count
