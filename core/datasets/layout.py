"""Which class a file belongs to: one folder per class, a wrapping folder unwrapped."""

from dataclasses import dataclass

from core.datasets.raw_files import Listing, RawFile
from core.errors import BadInput

SPLIT_FOLDERS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})
FEWEST_CLASSES = 2
EXPECTED = (
    "Expected one folder per class with its pictures inside: cats/1.jpg, cats/2.jpg, dogs/1.jpg"
)


@dataclass(frozen=True)
class LabelledFile:
    """A file with the class that its folder names; ``name`` is its path from the class folder."""

    class_name: str
    name: str
    raw: RawFile


def label_by_folder(listing: Listing) -> list[LabelledFile]:
    """Label the files of a listing by folder, sorted by class and name.

    Folders around the class folders are unwrapped. Folders inside a class folder belong to that
    class. Files beside the class folders carry no label: they are counted in ``listing.ignored``
    and said in ``listing.notes``. Where the folders are ``train``, ``test`` and the like, the
    class folders inside them are merged, and a note says so. Raises ``BadInput``.
    """
    files = [(raw.parts, raw) for raw in listing.files]
    if not files:
        raise BadInput(f"There is no picture in it. {EXPECTED}.", "path")
    files = _unwrap(files)
    inside = [(parts, raw) for parts, raw in files if len(parts) > 1]
    beside = len(files) - len(inside)
    if not inside:
        raise BadInput(f"The pictures lie in no class folder. {EXPECTED}.", "path")
    merged = _merge_split_folders(inside, listing)
    beside += len(inside) - len(merged)
    if beside:
        listing.ignored += beside
        listing.notes.append(f"{beside} file(s) outside the class folders were left out.")
    labelled = [LabelledFile(parts[0], "/".join(parts), raw) for parts, raw in merged]
    return sorted(labelled, key=lambda entry: (entry.class_name, entry.name, entry.raw.path))


def check_classes(classes: list[str]) -> None:
    """At least two classes, or ``BadInput`` that says what was found."""
    if len(classes) >= FEWEST_CLASSES:
        return
    found = f"one class ({classes[0]!r})" if classes else "no class"
    raise BadInput(
        f"Found {found} with readable pictures; at least {FEWEST_CLASSES} are needed. {EXPECTED}.",
        "path",
    )


_Parts = list[tuple[tuple[str, ...], RawFile]]


def _unwrap(files: _Parts) -> _Parts:
    """Drop a top folder for as long as it is the only one and holds folders itself."""
    while True:
        folders = {parts[0] for parts, _ in files if len(parts) > 1}
        deeper = any(len(parts) > 2 for parts, _ in files)
        if len(folders) != 1 or not deeper:
            return files
        (wrapping,) = folders
        # Files beside the wrapping folder keep one part and so stay without a class.
        files = [
            (parts[1:] if len(parts) > 1 and parts[0] == wrapping else parts, raw)
            for parts, raw in files
        ]


def _merge_split_folders(files: _Parts, listing: Listing) -> _Parts:
    top = {parts[0] for parts, _ in files}
    if len(top) < 2 or not all(name.lower() in SPLIT_FOLDERS for name in top):
        return files
    listing.notes.append(
        f"The folders {', '.join(sorted(top))} were merged: Headstart makes its own split."
    )
    # The name of the split stays in the file name, after the class, so that names stay apart.
    return [((parts[1], parts[0], *parts[2:]), raw) for parts, raw in files if len(parts) > 2]
