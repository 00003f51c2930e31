"""What a person chose about how an upload is read; the dataset keeps it, so it can be repeated.

A pattern for file names says where the class stands: ``{class}`` once, ``*`` for any text, ``#``
for a number, all else as it is. It must fit the name without its ending: ``{class}_*`` takes what
stands before the first underscore, ``*_{class}`` what stands after the last one.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import groupby

from pydantic import BaseModel, field_validator

from core.datasets.choices import SUBSETS, SeveralLabels
from core.errors import BadInput

FOLDERS, NAMES, TEXTS = "folders", "names", "texts"
CLASS_MARK = "{class}"
LONGEST_PATTERN = 100
# More pieces of any length in a regular expression may be tried in too many ways.
MOST_WILD = 3
_WILD = frozenset((CLASS_MARK, "*", "#"))
_NOTHING = re.compile(r"(?!)")
_LEVEL = re.compile(rf"{FOLDERS}(?::([1-9]\d?))?")


class Choice(BaseModel, frozen=True, extra="forbid"):
    """How an upload is to be read; what is None or empty, Headstart finds by itself.

    classes_from: ``folders``, ``folders:2`` (the second level, counted below folders that only
        wrap others and below those of subsets), ``names`` (of files), ``texts``
        (files of the same names), or the path of a table.
    subsets: ``train``, ``validation`` or ``test`` by folder (its name, or its path).
    leave_out: folders and files to leave out, by name, path or pattern (``*_mask.png``).
    file_column, label_column, split_column: columns of a table, by name.
    name_pattern: where the class stands in a file name.
    several_labels: what becomes of an image with several labels.

    Raises ``ValueError`` (from pydantic) for what can never be meant.
    """

    classes_from: str | None = None
    subsets: dict[str, str] = {}
    leave_out: tuple[str, ...] = ()
    file_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    name_pattern: str | None = None
    several_labels: SeveralLabels | None = None

    @field_validator("subsets")
    @classmethod
    def _known_subsets(cls, subsets: dict[str, str]) -> dict[str, str]:
        for folder, subset in subsets.items():
            if subset not in SUBSETS:
                raise ValueError(f"{folder}={subset}: a subset is {', '.join(SUBSETS)}")
        return subsets

    @field_validator("name_pattern")
    @classmethod
    def _one_class_mark(cls, pattern: str | None) -> str | None:
        if pattern is not None and pattern.count(CLASS_MARK) != 1:
            raise ValueError(f"{pattern!r} must have {CLASS_MARK} once, as in {CLASS_MARK}_*")
        if pattern is not None and len(pattern) > LONGEST_PATTERN:
            raise ValueError(f"the pattern is longer than {LONGEST_PATTERN} characters")
        return pattern

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of columns that were chosen."""
        chosen = (self.file_column, self.label_column, self.split_column)
        return tuple(name for name in chosen if name is not None)

    @property
    def level(self) -> int | None:
        """The level of folders that are the classes, from 1; None unless ``folders:N`` was said."""
        found = _LEVEL.fullmatch(self.classes_from or "")
        return int(found[1]) if found and found[1] else None

    @property
    def allows_folders(self) -> bool:
        if self.classes_from is None:
            return self.name_pattern is None and self.label_column is None
        return _LEVEL.fullmatch(self.classes_from) is not None

    @property
    def allows_names(self) -> bool:
        return self.classes_from == NAMES or (
            self.classes_from is None and self.label_column is None
        )

    def allows_table(self, path: str) -> bool:
        if self.classes_from is None:
            return self.name_pattern is None
        return self.classes_from == path

    def leaves_out(self, parts: Sequence[str]) -> bool:
        """Whether a file, by the parts of its path, is to be left out."""
        beginnings = ["/".join(parts[: at + 1]) for at in range(len(parts))]
        return any(
            fnmatchcase(text, pattern.strip("/"))
            for pattern in self.leave_out
            for text in (*parts, *beginnings)
        )

    def class_in(self, stem: str) -> str | None:
        """The class in a file name without its ending, by ``name_pattern``, or None."""
        return None if self.name_pattern is None else class_finder(self.name_pattern)(stem)

    @property
    def options(self) -> str:
        """The options of ``datasets add`` that make this choice, quoted for a shell."""
        given = [
            ("--classes-from", self.classes_from),
            *(("--subset", f"{folder}={subset}") for folder, subset in self.subsets.items()),
            *(("--leave-out", pattern) for pattern in self.leave_out),
            ("--file-column", self.file_column),
            ("--label-column", self.label_column),
            ("--split-column", self.split_column),
            ("--name-pattern", self.name_pattern),
            ("--several-labels", self.several_labels),
        ]
        pairs = [(option, value) for option, value in given if value is not None]
        return shlex.join(word for pair in pairs for word in pair)


@lru_cache(maxsize=64)
def class_finder(name_pattern: str) -> Callable[[str], str | None]:
    """Finds the class in file names without their endings; None in those that do not fit."""
    pieces = tuple(filter(None, re.split(r"(\{class\}|\*|#)", name_pattern)))
    at = pieces.index(CLASS_MARK)
    expression, is_complete = _expression(pieces)

    def find(stem: str) -> str | None:
        found = expression.fullmatch(stem)
        if found is not None:
            return found[1].strip() or None
        ends = None if is_complete else _ends(pieces, stem)
        return None if ends is None else stem[ends[at] : ends[at + 1]].strip() or None

    return find


def _expression(pieces: Sequence[str]) -> tuple[re.Pattern[str], bool]:
    """What finds the class of most names fast, in group 1, and whether it does so in all names.

    With few wild pieces, that is the pattern itself. With more, it fits names in which the signs of
    the pattern are nowhere else, so that each has one place: nothing is tried twice.
    """
    runs = [len(list(run)) for is_wild, run in groupby(pieces, _WILD.__contains__) if is_wild]
    is_complete = sum(runs) <= MOST_WILD
    any_sign = "."
    if not is_complete:
        if max(runs) > MOST_WILD or sum(run > 1 for run in runs) > 1:
            return _NOTHING, False
        signs = "".join(piece for piece in pieces if piece not in _WILD)
        any_sign = f"[^{re.escape(signs)}]"
    texts = {CLASS_MARK: f"({any_sign}+?)", "*": f"{any_sign}*", "#": "[0-9]+"}
    text = "".join(texts.get(piece) or re.escape(piece) for piece in pieces)
    return re.compile(text, re.DOTALL), is_complete


def _ends(pieces: Sequence[str], stem: str) -> list[int] | None:
    """Where each piece of a pattern begins in a file name, and the end; None where it does not fit.

    As a regular expression has it: ``*`` and ``#`` take as much as they can, the class as little.
    No place is tried twice: a regular expression of ten stars takes hours.
    """
    fails: set[tuple[int, int]] = set()

    def rest(at: int, start: int) -> list[int] | None:
        if at == len(pieces):
            return [start] if start == len(stem) else None
        if (at, start) in fails:
            return None
        for end in _possible_ends(pieces[at], stem, start):
            found = rest(at + 1, end)
            if found is not None:
                return [start, *found]
        fails.add((at, start))
        return None

    return rest(0, 0)


def _possible_ends(piece: str, stem: str, start: int) -> Iterable[int]:
    if piece == CLASS_MARK:
        return range(start + 1, len(stem) + 1)
    if piece == "*":
        return range(len(stem), start - 1, -1)
    if piece == "#":
        digits = len(stem[start:]) - len(stem[start:].lstrip("0123456789"))
        return range(start + digits, start, -1)
    return [start + len(piece)] if stem.startswith(piece, start) else []


def subset_choice(text: str) -> tuple[str, str]:
    """``FOLDER=train`` as folder and subset. Raises ``BadInput``."""
    folder, sign, subset = text.rpartition("=")
    if not sign or not folder.strip() or subset not in SUBSETS:
        raise BadInput(
            f"--subset {text!r} is not of the form FOLDER=train, FOLDER=validation or FOLDER=test.",
            "--subset",
        )
    return folder.strip("/"), subset
