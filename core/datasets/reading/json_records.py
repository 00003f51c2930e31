"""JSON as rows of a table: lines of records, a list of records, a record for each name, COCO."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.raw_files import RawFile, bad_source, open_unpacked

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson", ".manifest")
LARGEST_JSON_BYTES = 100 * 1024**2
LONGEST_JSON_LINE = 1024**2
LINES_LOOKED_AT = 50
MOST_KEYS = 200
DEEPEST_KEYS = 8
SHOWN_NAME = "file_name"
_OUTLINES = ("bbox", "segmentation")

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
    document = _parsed(line)
    return flattened(document) if isinstance(document, dict) else None


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _whole(raw: RawFile) -> list[Record]:
    """The records of a whole document; empty where there are none."""
    if raw.size_bytes > LARGEST_JSON_BYTES:
        return []
    try:
        document = _parsed(raw.read())
    except UnreadableImageError:
        return []
    if isinstance(document, list):
        return document if all(isinstance(record, dict) for record in document) else []
    if not isinstance(document, dict) or not document:
        return []
    if isinstance(document.get("images"), list):
        return _of_coco(document)
    if all(isinstance(value, dict) for value in document.values()):
        return [{SHOWN_NAME: name, **value} for name, value in document.items()]
    if all(isinstance(value, str | int) for value in document.values()):
        return [{SHOWN_NAME: name, "label": value} for name, value in document.items()]
    return []


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
