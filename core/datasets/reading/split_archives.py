"""Archives that were split into numbered files: joined where their parts only follow each other."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.reading.byte_ranges import ByteRanges
from core.datasets.reading.members import InnerArchive, Opening
from core.datasets.reading.raw_files import Listing, RawFile

_ARCHIVE = r".+\.(?:zip|tar|tgz|tbz2?|txz|tar\.gz|tar\.bz2|tar\.xz|7z|rar)"
# "x.zip.001": bytes of one file, cut. "x.z01" with "x.zip" as the last: a zip that knows its parts.
_CUT = re.compile(rf"({_ARCHIVE})\.(\d{{2,4}})", re.IGNORECASE)
_OF_ZIP = re.compile(r"(.+)\.z(\d{2,3})", re.IGNORECASE)
_OF_RAR = re.compile(r"(.+)\.part(\d+)\.rar", re.IGNORECASE)
HOW_TO_JOIN = (
    "Put all parts into one folder and join them: zip -s 0 {whole} --out whole.zip. Or open {whole}"
    " with 7-Zip, which unpacks all parts, and give the folder"
)


@dataclass(frozen=True)
class Part:
    """One file of a split archive: ``whole`` is the archive's name; parts count from 1."""

    whole: str
    number: int
    can_be_joined: bool

    @property
    def reason(self) -> str:
        """Why the part alone cannot be read, and what to do."""
        if self.can_be_joined:
            return (
                f"part {self.number} of the archive {self.whole}, which was split. Put all parts"
                f" into one folder, from {self.whole}.001 on, and give that folder"
            )
        if self.whole.lower().endswith(".rar"):
            return f"part {self.number} of a split RAR archive. Unpack it, and give the folder"
        return (
            f"part {self.number} of the zip {self.whole}, which was split."
            f" {HOW_TO_JOIN.format(whole=self.whole)}"
        )


def part_of(name: str) -> Part | None:
    """The part of a split archive that a file is by its name, or None."""
    if found := _CUT.fullmatch(name):
        return Part(found[1], int(found[2]), can_be_joined=True)
    if found := _OF_ZIP.fullmatch(name):
        return Part(f"{found[1]}.zip", int(found[2]), can_be_joined=False)
    if found := _OF_RAR.fullmatch(name):
        return Part(f"{found[1]}.rar", int(found[2]), can_be_joined=False)
    return None


def join_parts(
    archives: Sequence[InnerArchive], listing: Listing, opening: Opening
) -> list[InnerArchive]:
    """The archives, with the parts of split ones joined; those that cannot be joined are refused.

    There is one refusal for each split archive.
    """
    whole, series = [], defaultdict(list)
    for archive in archives:
        part = part_of(archive.raw.name)
        if part is None:
            whole.append(archive)
        else:
            series[archive.folder, part.whole].append((part.number, archive, part))
    for (folder, name), found in sorted(series.items(), key=lambda entry: entry[0]):
        found.sort(key=lambda entry: entry[0])
        numbers, parts = [entry[0] for entry in found], [entry[1] for entry in found]
        one = found[0][2]
        if not one.can_be_joined:
            # The last part of a split zip has the name of the whole.
            last = [archive for archive in whole if archive.raw.parts == (*folder, name)]
            whole = [archive for archive in whole if archive not in last]
            listing.refuse(parts[0].raw.path, f"{_count(len(parts) + len(last))}{one.reason}")
        elif numbers != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] > 1:
            listing.refuse(parts[0].raw.path, f"a part is missing. This is {one.reason}")
        else:
            whole.append(_joined((*folder, name), parts, opening))
    return whole


def _count(count: int) -> str:
    return f"with {count - 1} more, " if count > 1 else ""


def _joined(path: tuple[str, ...], parts: Sequence[InnerArchive], opening: Opening) -> InnerArchive:
    size_bytes = sum(part.raw.size_bytes for part in parts)

    def content() -> ByteRanges:
        return ByteRanges.joined([part.bytes(opening) for part in parts])

    return InnerArchive(RawFile(path, size_bytes, lambda: content().opened()), content)
