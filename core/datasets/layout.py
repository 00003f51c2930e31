"""Which class a file belongs to: one folder per class, a wrapping folder unwrapped."""

from dataclasses import dataclass

from core.datasets.raw_files import Listing, RawFile
from core.errors import BadInput

SIDE_OF_FOLDER = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
FEWEST_CLASSES = 2
EXPECTED = (
    "Expected one folder per class with its pictures inside: cats/1.jpg, cats/2.jpg, dogs/1.jpg"
)


@dataclass(frozen=True)
class LabelledFile:
    """A picture with its class; ``name`` is shown as its file name.

    ``side`` is ``train``, ``validation`` or ``test`` where the source says so.
    """

    class_name: str
    name: str
    raw: RawFile
    side: str | None = None


def label_by_folder(listing: Listing) -> list[LabelledFile]:
    """Label the files of a listing by folder, sorted by class and name.

    Folders around the class folders are unwrapped. Folders inside a class folder belong to that
    class. Files beside the class folders carry no label: they are counted in ``listing.ignored``
    and said in ``listing.notes``. Where the folders are ``train``, ``test`` and the like, they
    give the side of their pictures and the class folders lie inside them. Raises ``BadInput``.
    """
    files = [(raw.parts, raw) for raw in listing.files]
    if not files:
        raise BadInput(f"There is no picture in it. {EXPECTED}.", "path")
    files = _unwrap(files)
    inside = [(parts, raw) for parts, raw in files if len(parts) > 1]
    if not inside:
        raise BadInput(f"The pictures lie in no class folder. {EXPECTED}.", "path")
    labelled = _by_side(inside, listing) or [
        LabelledFile(parts[0], "/".join(parts), raw) for parts, raw in inside
    ]
    beside = len(files) - len(labelled)
    if beside:
        listing.ignored += beside
        listing.notes.append(f"{beside} file(s) outside the class folders were left out.")
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


def _by_side(files: _Parts, listing: Listing) -> list[LabelledFile]:
    """Files below ``train/CLASS``, ``test/CLASS`` and the like; empty where there are none."""
    sides = {parts[0]: SIDE_OF_FOLDER.get(parts[0].lower()) for parts, _ in files}
    if None in sides.values() or len(set(sides.values())) < 2:
        return []
    labelled = [
        # The name of the side stays in the file name, after the class, so that names stay apart.
        LabelledFile(parts[1], "/".join((parts[1], parts[0], *parts[2:])), raw, sides[parts[0]])
        for parts, raw in files
        if len(parts) > 2
    ]
    if labelled:
        folders = ", ".join(sorted(sides))
        listing.notes.append(f"The folders {folders} were taken as the split.")
    return labelled
