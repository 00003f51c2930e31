"""Lists of class names beside arrays, where the labels themselves are numbers."""

import json
import re
from collections.abc import Sequence

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.columns import why_no_label
from core.datasets.reading.raw_files import RawFile

LARGEST_LIST_BYTES = 1024**2
_FILE_NAME = re.compile(
    r"(?:.*[\W_])?(?:(?:class|label|category|target)[\W_]?names?|classes|labels|categories"
    r"|class[\W_]?(?:indices|labels)|label[\W_]?map|batches\.meta)(?:\.txt|\.names|\.json)"
)
_NUMBERED = re.compile(r"\s*(\d+)[\s:,;]+(.+)")


def class_names_beside(files: Sequence[RawFile]) -> tuple[list[str], RawFile] | None:
    """The names of the classes 0, 1, 2 ... in the first file that lists them, and that file."""
    for raw in sorted(files, key=lambda entry: (len(entry.parts), entry.path)):
        if _FILE_NAME.fullmatch(raw.name.lower()) and (names := names_in(raw)):
            return names, raw
    return None


def names_in(raw: RawFile) -> list[str] | None:
    """The names that a list holds: one on each line, or JSON; None where it is no such list."""
    if raw.size_bytes > LARGEST_LIST_BYTES:
        return None
    try:
        text = raw.read().decode("utf-8-sig")
        names = _of_json(text) if raw.name.lower().endswith(".json") else _of_lines(text)
    except (UnreadableImageError, ValueError, RecursionError):
        return None
    return names if len(names) > 1 and usable(names) else None


def usable(names: Sequence[str]) -> bool:
    """Whether the names can be shown and differ from one another."""
    return len(set(names)) == len(names) and not any(map(why_no_label, names))


def _of_lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    found = [match for match in numbered if match is not None]
    if len(found) == len(lines) and [int(match[1]) for match in found] == list(range(len(lines))):
        return [match[2].strip() for match in found]
    return lines


def _of_json(text: str) -> list[str]:
    """``["cat", "dog"]``, ``{"0": "cat", "1": "dog"}`` or ``{"cat": 0, "dog": 1}``."""
    document = json.loads(text)
    if isinstance(document, dict):
        if all(isinstance(value, int) for value in document.values()):
            document = {str(value): name for name, value in document.items()}
        numbers = [str(number) for number in range(len(document))]
        document = [document.get(number) for number in numbers]
    if not isinstance(document, list) or not all(isinstance(name, str) for name in document):
        return []
    return document
