"""JSON as rows of a table: lines or lists of records, a record for each name, lists by subset or
class, COCO."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.columns import FILE_NAMES, bare_name
from core.datasets.reading.image_files import has_image_suffix
from core.datasets.reading.raw_files import RawFile, bad_source, open_unpacked
from core.datasets.reading.subset_names import subset_of

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".manifest")
LARGEST_JSON_BYTES = 100 * 1024**2
LONGEST_JSON_LINE = 1024**2
LINES_LOOKED_AT = 50
MOST_KEYS = 200
DEEPEST_KEYS = 8
SHOWN_NAME = "file_name"
_OUTLINES = ("bbox", "segmentation")
# What stands behind the name of an image in a list of lists.
_CELLS: dict[tuple[type, ...], list[str]] = {
    (str,): ["label"],
    (int,): ["label"],
    (int, str): ["label id", "label name"],
    (str, int): ["label name", "label id"],
}

Record = dict[str, Any]
Numbered = Iterable[tuple[int, Record | None]]
Row = tuple[int, list[str] | None]


def json_rows(raw: RawFile) -> Callable[[], Iterator[Row]] | None:
    """A header of the keys, then one row for each record; None where the file has no records."""
    first = _line_records(raw, LINES_LOOKED_AT)
    if first is not None and len(first) > 1:
        keys = _keys(record for _, record in first if record is not None)
        return lambda: _rows(keys, _all_lines(raw))
    records = _whole(raw)
    if not records:
        return None
    flat = [(at, flattened(record)) for at, record in enumerate(records, start=1)]
    keys = _keys(record for _, record in flat[:LINES_LOOKED_AT])
    return lambda: _rows(keys, flat)


def flattened(record: Record) -> Record:
    """One level of keys, inner ones after a dot; what a list of records holds becomes lists.

    ``class-metadata`` of SageMaker is named after its label in each line: here it is ``metadata``.
    """
    flat: Record = {}
    _flatten(record, "", flat, 0)
    return flat


def _flatten(value: Any, path: str, flat: Record, depth: int) -> None:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        collected: dict[str, list[Any]] = {}
        for item in value:
            inner: Record = {}
            _flatten(item, path, inner, depth + 1)
            for key, part in inner.items():
                collected.setdefault(key, []).extend(part if isinstance(part, list) else [part])
        for key, parts in collected.items():
            flat[key] = parts[0] if len(parts) == 1 else parts
    elif isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
        flat[path] = value[0]
    elif not isinstance(value, dict) or depth >= DEEPEST_KEYS:
        flat[path] = value
    else:
        for key, part in value.items():
            name = "metadata" if key.endswith("-metadata") else key
            _flatten(part, f"{path}.{name}" if path else name, flat, depth + 1)


def _keys(records: Iterable[Record]) -> list[str]:
    keys: dict[str, None] = {}
    for record in records:
        keys.update(dict.fromkeys(record))
    return list(keys)[:MOST_KEYS]


def _rows(keys: list[str], records: Numbered) -> Iterator[Row]:
    yield 0, keys
    for number, record in records:
        yield number, None if record is None else [_cell(record.get(key)) for key in keys]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _line_records(raw: RawFile, most: int) -> list[tuple[int, Record | None]] | None:
    """The first records of a file of JSON lines; None where it is no such file."""
    records: list[tuple[int, Record | None]] = []
    try:
        for number, record in _lines(raw):
            if record is None:
                return None
            records.append((number, record))
            if len(records) >= most:
                break
    except UnreadableImageError:
        return None
    return records or None


def _all_lines(raw: RawFile) -> Numbered:
    try:
        yield from _lines(raw)
    except UnreadableImageError as error:
        raise bad_source(f"{raw.path}: {error}. Make or download it again.") from error


def _lines(raw: RawFile) -> Numbered:
    with open_unpacked(raw) as (stream, _):
        number = 0
        while line := stream.readline(LONGEST_JSON_LINE + 1):
            number += 1
            if line.strip():
                yield number, None if len(line) > LONGEST_JSON_LINE else _record(line)


def _record(line: bytes) -> Record | None:
    document = parsed(line)
    return flattened(document) if isinstance(document, dict) else None


def parsed(data: bytes) -> Any:
    """A JSON document; None where it is none."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _whole(raw: RawFile) -> list[Record]:
    """The records of a whole document; empty where there are none."""
    if raw.size_bytes > LARGEST_JSON_BYTES:
        return []
    try:
        document = parsed(raw.read())
    except UnreadableImageError:
        return []
    return _records(document)


def _records(document: Any) -> list[Record]:
    if isinstance(document, list):
        return document if all(isinstance(record, dict) for record in document) else []
    if not isinstance(document, dict) or not document:
        return []
    if isinstance(document.get("images"), list):
        return _of_coco(document)
    values = document.values()
    if all(map(subset_of, document)) and all(isinstance(value, dict | list) for value in values):
        return [
            record | {"split": subset}
            for subset, inner in document.items()
            for record in (map(_in_list, inner) if isinstance(inner, list) else _of_names(inner))
        ]
    return _of_names(document)


def _of_names(document: dict[str, Any]) -> list[Record]:
    """Records of a document that has one for each name, or lists."""
    values = document.values()
    if all(isinstance(value, dict) for value in values):
        return [{SHOWN_NAME: name, **value} for name, value in document.items()]
    are_names = all(map(has_image_suffix, document))
    if all(isinstance(value, list) for value in values) and not are_names:
        return _of_lists(document)
    if all(isinstance(value, str | int) or _is_of_texts(value) for value in values):
        return [{SHOWN_NAME: name, "label": value} for name, value in document.items()]
    return []


def _of_lists(document: dict[str, list[Any]]) -> list[Record]:
    """Records from lists: of records, or one list for each column of a table, or for each class."""
    of_records = [items for items in document.values() if any(isinstance(i, dict) for i in items)]
    if of_records:
        (first, *others) = of_records
        return first if not others and all(isinstance(item, dict) for item in first) else []
    if any(bare_name(key) in FILE_NAMES for key in document):
        same = len({len(values) for values in document.values()}) == 1
        rows = zip(*document.values(), strict=True) if same else ()
        return [dict(zip(document, row, strict=True)) for row in rows]
    return [_in_list(item) | {"label": key} for key, items in document.items() for item in items]


def _is_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _in_list(item: Any) -> Record:
    """What an item of a list says: a name, a name with other cells, or a record."""
    if isinstance(item, dict):
        return item
    first, *rest = item if isinstance(item, list) and item else [item]
    numbered = [f"column {at}" for at in range(2, len(rest) + 2)]
    names = _CELLS.get(tuple(map(type, rest)), numbered)
    return {SHOWN_NAME: first} | dict(zip(names, rest, strict=True))


def _of_coco(document: Record) -> list[Record]:
    """COCO's tables joined: each annotation with the name of its image and of its category."""
    try:
        categories = {entry["id"]: entry["name"] for entry in document.get("categories", [])}
        names = {entry["id"]: entry["file_name"] for entry in document["images"]}
        return [
            {
                SHOWN_NAME: names[entry["image_id"]],
                "annotations.category": str(categories[entry["category_id"]]),
                **{f"annotations.{key}": entry[key] for key in _OUTLINES if entry.get(key)},
            }
            for entry in document.get("annotations", [])
            if entry["image_id"] in names and entry["category_id"] in categories
        ]
    except (LookupError, TypeError):
        return []
