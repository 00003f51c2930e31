"""Find the picture that a cell of a table names: by path, by base name, with ending or without."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from core.datasets.reading.picture_files import has_picture_suffix, stem
from core.datasets.reading.raw_files import RawFile
from core.datasets.reading.side_names import side_among, side_of

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """What a cell names: no file, one, or several that it could be.

    ``surely`` is False where the folders or the ending in the cell are not those of the file
    (``/content/data/1.jpg`` for ``1.jpg``): right for most tables, unless another cell names the
    same file better.
    """

    files: tuple[RawFile, ...]
    surely: bool = True


class PictureNames:
    """The pictures of a source by their names, without regard to case."""

    def __init__(self, pictures: Iterable[RawFile]) -> None:
        self._by_name: dict[str, list[RawFile]] = defaultdict(list)
        self._by_stem: dict[str, list[RawFile]] = defaultdict(list)
        for raw in pictures:
            self._by_name[raw.name.casefold()].append(raw)
            self._by_stem[stem(raw.name).casefold()].append(raw)

    def find(self, cell: str, table: RawFile) -> Named:
        """The picture that a ``cell`` of ``table`` names."""
        parts = _parts(cell)
        if not parts:
            return Named(())
        name = parts[-1].casefold()
        candidates = self._by_name.get(name) or self._by_stem.get(name)
        if candidates:
            return _choose(candidates, parts, table)
        if has_picture_suffix(name):
            # The pictures were saved in another format since.
            other = self._by_stem.get(stem(name), [])
            return Named(_choose(other, parts, table).files, surely=False)
        return Named(())


def _parts(cell: str) -> list[str]:
    text = unicodedata.normalize("NFC", cell.strip().replace("\\", "/"))
    if _ADDRESS.match(text):
        text = re.split(r"[?#]", text, maxsplit=1)[0]
    return [part for part in text.split("/") if part not in ("", ".", "..")]


def _choose(candidates: list[RawFile], parts: list[str], table: RawFile) -> Named:
    folders = [part.casefold() for part in parts[:-1]]
    common = {id(raw): _common_tail(raw, folders) for raw in candidates}
    longest = max(common.values(), default=0)
    best = [raw for raw in candidates if common[id(raw)] == longest]
    surely = longest == len(folders)
    if len(best) > 1:
        # Names that differ only in case or ending; or one lies where the table says.
        beside_it = [raw for raw in best if raw.parts[:-1] == (*table.parts[:-1], *parts[:-1])]
        exact = [raw for raw in best if raw.name == parts[-1]]
        # Competitions number train/1.png and test/1.png alike, and label those of train.
        side = side_among(table.name) or "train"
        of_side = [raw for raw in best if side in map(side_of, raw.parts[:-1])]
        best = next((few for few in (beside_it, exact, of_side) if len(few) == 1), best)
    return Named(tuple(best), surely)


def _common_tail(raw: RawFile, folders: list[str]) -> int:
    """How many folders right above the file are those of the cell."""
    count = 0
    for ours, theirs in zip(reversed(raw.parts[:-1]), reversed(folders), strict=False):
        if ours.casefold() != theirs:
            break
        count += 1
    return count
