"""Archives inside a folder or an archive, one level deep: their files join the listing.

Their files get a folder named after the archive, unless its content repeats that name. Parts of one
download (``x-20240110T101500Z-001.zip``, ``-002.zip``) come together again.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.byte_ranges import ByteRanges
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.members import CannotOpenError, InnerArchive, Opening
from core.datasets.reading.raw_files import Listing, RawFile
from core.datasets.reading.split_archives import join_parts
from core.text import some_text

MOST_INNER_ARCHIVES = 1000
# So many images beside archives may be pictures of a description; more are data.
MOST_IMAGES_BESIDE = 10
NAMES_SHOWN = 3
BESIDE_IMAGES = (
    "an archive beside images; it was not opened, because it may hold the same images. Unpack it"
    " and give the folder, or give it alone"
)
TOO_DEEP = "an archive in an archive that is in an archive itself; unpack the outer one"
_GOOGLE = re.compile(r"-\d{8}T\d{6}Z(-\d+)*$")
_NUMBER = re.compile(r"[ _.-]*(part|vol|teil)?[ _.-]*\(?\d+\)?$", re.IGNORECASE)


# Lists an inner archive: its files and the archives in it.
OpenInner = Callable[[ByteRanges, Opening], tuple[Listing, list[InnerArchive]]]


def add_inner_archives(
    listing: Listing,
    archives: Sequence[InnerArchive],
    opening: Opening,
    open_inner: OpenInner,
    levels: int,
) -> None:
    """Add the files of ``archives`` to ``listing``; what cannot be opened is refused there.

    Archives in them are opened where there are more ``levels``. They stay closed where there are
    images outside of them.
    """
    archives = join_parts(archives, listing, opening)
    if not archives:
        return
    if _are_images_outside(listing, archives):
        for archive in archives:
            listing.refuse(archive.raw.path, BESIDE_IMAGES)
        return
    opened: list[tuple[InnerArchive, Listing]] = []
    for number, archive in enumerate(archives):
        try:
            if number >= MOST_INNER_ARCHIVES:
                raise CannotOpenError(f"more than {MOST_INNER_ARCHIVES:,} archives, the limit")
            found, deeper = open_inner(archive.bytes(opening), opening)
        except CannotOpenError as error:
            listing.refuse(archive.raw.path, str(error))
            continue
        if levels > 1:
            add_inner_archives(found, deeper, opening, open_inner, levels - 1)
        else:
            for too_deep in deeper:
                found.refuse(too_deep.raw.path, TOO_DEEP)
        opened.append((archive, found))
    places = _places(opened)
    for archive, found in opened:
        _join(listing, found, places[archive.raw.parts])
    if opened:
        names = some_text([archive.raw.path for archive, _ in opened], NAMES_SHOWN)
        listing.notes.append(f"Archives inside were opened: {names}.")


def _are_images_outside(listing: Listing, archives: Sequence[InnerArchive]) -> bool:
    around = {one.folder[:depth] for one in archives for depth in range(len(one.folder) + 1)}
    images = [raw for raw in listing.files if has_image_suffix(raw.name)]
    beside = sum(raw.parts[:-1] in around for raw in images)
    return beside < len(images) or beside > MOST_IMAGES_BESIDE


def _places(
    opened: Sequence[tuple[InnerArchive, Listing]],
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The folder that the files of each archive join, by the path of the archive."""
    places: dict[tuple[str, ...], tuple[str, ...]] = {}
    series: dict[tuple[tuple[str, ...], str], list[tuple[InnerArchive, Listing]]] = defaultdict(
        list
    )
    for archive, found in opened:
        stem = _GOOGLE.sub("", archive.stem)
        repeats = {raw.parts[0].casefold() for raw in found.files} <= {stem.casefold()}
        is_wrapped = all(len(raw.parts) > 1 for raw in found.files) or len(found.files) == 1
        own = () if repeats and is_wrapped else (stem,)
        places[archive.raw.parts] = (*archive.folder, *own)
        if stem == archive.stem:
            series[archive.folder, _NUMBER.sub("", stem).casefold()].append((archive, found))
    for parts in series.values():
        if len(parts) > 1 and _are_parts_of_one(parts):
            places |= {archive.raw.parts: archive.folder for archive, _ in parts}
    return places


def _are_parts_of_one(series: Sequence[tuple[InnerArchive, Listing]]) -> bool:
    """Whether numbered archives go on with each other's folders, rather than being one class each.

    No image is outside of their folders, and not all have just one folder of the same name.
    """
    images = [raw.parts for _, found in series for raw in found.files if has_image_suffix(raw.name)]
    depths, first = {len(parts) for parts in images}, {parts[0] for parts in images}
    return bool(images) and 1 not in depths and (len(first) > 1 or depths != {2})


def _join(listing: Listing, found: Listing, place: tuple[str, ...]) -> None:
    known = {raw.parts: raw for raw in listing.files}
    copies = 0
    for raw in found.files:
        moved = replace(raw, parts=(*place, *raw.parts))
        if _is_copy(moved, known.get(moved.parts)):
            copies += 1
        else:
            listing.files.append(moved)
    prefix = "".join(f"{part}/" for part in place)
    for left_out in found.refused:
        listing.refuse(f"{prefix}{left_out.file}", left_out.reason)
    listing.ignored += found.ignored
    listing.notes.extend(found.notes)
    listing.leave_out(copies, "with the same name and content in another archive")


def _is_copy(raw: RawFile, other: RawFile | None) -> bool:
    if other is None or other.size_bytes != raw.size_bytes:
        return False
    try:
        return raw.read() == other.read()
    except UnreadableImageError:
        return False
