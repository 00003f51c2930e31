"""Which column of a Parquet file holds the images, and which the label and the subset."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.datasets.reading.columns import (
    FILE_NAMES,
    INDEX_NAMES,
    LABEL_NAMES,
    PROPERTY_NAMES,
    bare_name,
    chosen_position,
    split_position,
)
from core.datasets.reading.question import Question, ReadingUnclear, table_sample
from core.datasets.reading.raw_files import bad_source
from core.datasets.reading.subset_names import words
from core.datasets.reading_choice import Choice
from core.text import some_text

if TYPE_CHECKING:
    import pyarrow as pa

IMAGE_NAMES = FILE_NAMES | words("bytes content data imagebytes jpg jpeg png webp pixelvalues")
_LABEL_ENDINGS = ("label", "labels", "class", "category")
MOST_LISTED = 12
LONGEST_SHOWN = 60


@dataclass(frozen=True)
class ParquetColumns:
    """Names of columns. image: of bytes, or a struct of bytes and path (``is_struct``).

    classes: the names of the labels 0, 1, 2 ..., where Hugging Face's notes have them.
    """

    image: str
    is_struct: bool
    label: str
    split: str | None
    classes: tuple[str, ...] | None
    label_is_named: bool

    @property
    def bytes_path(self) -> str:
        return f"{self.image}.bytes" if self.is_struct else self.image


def image_columns(schema: "pa.Schema") -> list[str]:
    """The columns that may hold encoded images: bytes, or a struct with bytes."""
    return [field.name for field in schema if _is_bytes(field.type) or _has_bytes(field.type)]


def label_candidates(schema: "pa.Schema") -> list[str]:
    """The columns of numbers, words, and yes or no."""
    return [field.name for field in schema if _may_be_label(field)]


def array_columns(schema: "pa.Schema") -> list[str]:
    """The columns that hold lists of lists or long lists: images as numbers."""
    import pyarrow as pa

    found = []
    for field in schema:
        kind = field.type.storage_type if hasattr(field.type, "storage_type") else field.type
        if _is_list(kind) and (
            _is_list(kind.value_type)
            or (bare_name(field.name) in IMAGE_NAMES and not pa.types.is_string(kind.value_type))
        ):
            found.append(field.name)
    return found


def parquet_columns(
    schema: "pa.Schema", path: str, first: Sequence[Mapping[str, Any]], choice: Choice
) -> ParquetColumns:
    """What the columns are for; there is at least one of images. ``first`` are the first rows.

    Raises ``BadInput`` where there is no label, ``ReadingUnclear`` where the user must choose.
    """
    features = _features(schema)
    names = list(schema.names)
    images = image_columns(schema)
    labels = label_candidates(schema)
    rows = [["" if row.get(name) is None else str(row[name]) for name in names] for row in first]
    position = split_position(names, rows, choice, path)
    split = None if position is None else names[position]
    labels = [name for name in labels if name != split]
    image = _image(images, features, choice, path)
    if image is None:
        raise _unclear(path, [*images, *labels], first, "several columns of images")
    label, is_named = _label(labels, features, choice, names, path)
    if label is None and not labels:
        lists = [name for name in names if _is_list(schema.field(name).type)]
        several = f" {lists[0]} holds a list for each image." if lists else ""
        raise bad_source(
            f"{path} has images but no column of labels.{several} Its columns:"
            f" {some_text(names, MOST_LISTED)}. Headstart needs one class for each image: a number"
            " or a word."
        )
    if label is None:
        raise _unclear(path, labels, first, "several columns that may hold the label")
    return ParquetColumns(
        image,
        _has_bytes(schema.field(image).type),
        label,
        split,
        _class_names(features.get(label)),
        is_named,
    )


def _unclear(
    path: str, names: Sequence[str], first: Sequence[Mapping[str, Any]], what: str
) -> ReadingUnclear:
    rows = [[str(row.get(name, "an image"))[:LONGEST_SHOWN] for name in names] for row in first]
    message = f"{path} has {what}: {some_text(names, MOST_LISTED)}. Choose."
    return ReadingUnclear(Question(message=message, tables=[table_sample(path, names, rows)]))


def _image(
    images: Sequence[str], features: Mapping[str, Any], choice: Choice, path: str
) -> str | None:
    if choice.file_column is not None:
        return images[chosen_position(choice.file_column, images, path)]
    declared = [name for name in images if _kind_of(features.get(name)) == "Image"]
    called = [name for name in images if bare_name(name) in IMAGE_NAMES]
    return next((few[0] for few in (images, declared, called) if len(few) == 1), None)


def _label(
    labels: Sequence[str],
    features: Mapping[str, Any],
    choice: Choice,
    names: Sequence[str],
    path: str,
) -> tuple[str | None, bool]:
    """The column of the label, and whether it is declared, named or chosen as that."""
    if choice.label_column is not None:
        return names[chosen_position(choice.label_column, names, path)], True
    declared = [name for name in labels if _kind_of(features.get(name)) == "ClassLabel"]
    called = [name for name in labels if bare_name(name) in LABEL_NAMES]
    ending = [name for name in labels if bare_name(name).endswith(_LABEL_ENDINGS)]
    property_like = [name for name in labels if bare_name(name) in PROPERTY_NAMES]
    for few in (declared, called, ending, property_like):
        if few:
            return (few[0], True) if len(few) == 1 else (None, False)
    others = [name for name in labels if bare_name(name) not in INDEX_NAMES | FILE_NAMES]
    return (others[0], False) if len(others) == 1 else (None, False)


def _features(schema: "pa.Schema") -> dict[str, Any]:
    """Hugging Face's notes on the columns; empty where there are none."""
    try:
        notes = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = notes["info"]["features"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def _kind_of(feature: object) -> str | None:
    return feature.get("_type") if isinstance(feature, dict) else None


def _class_names(feature: object) -> tuple[str, ...] | None:
    names = feature.get("names") if isinstance(feature, dict) else None
    if isinstance(names, dict):
        names = [names.get(str(number)) for number in range(len(names))]
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return tuple(names)
    return None


def _is_bytes(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


def _has_bytes(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    if not pa.types.is_struct(kind):
        return False
    return any(field.name == "bytes" and _is_bytes(field.type) for field in kind.fields)


def _is_list(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    return (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _may_be_label(field: "pa.Field") -> bool:
    import pyarrow as pa

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in (*numbers, *texts))
