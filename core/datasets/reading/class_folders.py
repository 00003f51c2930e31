"""Class folders: one folder per class, perhaps inside train and test, perhaps wrapped in others."""

from collections import defaultdict

from core.datasets.reading.image_files import (
    classes_in_names,
    has_image_suffix,
    is_companion,
    looks_like_an_image,
)
from core.datasets.reading.raw_files import Listing, RawFile, bad_source, shown_name
from core.datasets.reading.reader import (
    EXPECTED,
    FEWEST_CLASSES,
    NAMES_SHOWN,
    LabelledFile,
    LabelledFiles,
    Reading,
    first_reasons,
    note_alike_classes,
    shown_order,
)
from core.datasets.reading.subset_names import (
    BESIDE_A_SUBSET,
    is_to_predict,
    name_words,
    subset_of,
    subsets_of_folders,
)
from core.datasets.reading.unread_formats import check_images
from core.datasets.reading_choice import FOLDERS, Choice
from core.errors import BadInput
from core.text import some_text

READ_AS = "class folders"
FILES_LOOKED_INTO = 5

# Files with their paths relative to some folder.
Files = list[tuple[tuple[str, ...], RawFile]]


def grouped(files: Files) -> dict[str, Files]:
    """The files below each first folder, paths relative to it; files in no folder are dropped."""
    groups: dict[str, Files] = defaultdict(list)
    for parts, raw in files:
        if len(parts) > 1:
            groups[parts[0]].append((parts[1:], raw))
    return dict(groups)


def without_other_folders(files: Files) -> Files:
    """Drop first folders without images (``annotations``) if others have some."""
    groups = grouped(files)
    with_images = {
        name
        for name, members in groups.items()
        if any(has_image_suffix(raw.name) for _, raw in members)
        or any(looks_like_an_image(raw) for _, raw in members[:FILES_LOOKED_INTO])
    }
    if not with_images or len(with_images) == len(groups):
        return files
    return [(parts, raw) for parts, raw in files if len(parts) == 1 or parts[0] in with_images]


def unwrap(files: Files) -> Files:
    """Drop the top folder as long as it is the only one and contains folders."""
    while True:
        files = without_other_folders(files)
        groups = grouped(files)
        if len(groups) != 1 or not any(len(parts) > 2 for parts, _ in files):
            return files
        # Files beside the wrapping folder keep their one part, and so remain without a class.
        files = [(parts[1:] or parts, raw) for parts, raw in files]


def unwrap_subsets(inside: dict[str, Files]) -> dict[str, Files]:
    """Drop folders between a subset and its classes: ``seg_train/seg_train/...``."""
    unwrapped: dict[str, Files] = {}
    for name, members in inside.items():
        files = without_other_folders(members)
        while len(groups := grouped(files)) == 1:
            (only,) = groups
            elsewhere = {
                folder
                for other in inside
                if other != name
                for folder in grouped(unwrapped.get(other, inside[other]))
            }
            wraps = any(len(parts) > 2 for parts, _ in files) and only not in elsewhere
            if not (wraps or only == name or name_words(only) <= BESIDE_A_SUBSET):
                break
            files = without_other_folders([(parts[1:] or parts, raw) for parts, raw in files])
        unwrapped[name] = files
    return unwrapped


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """Label the files of a listing by their folders.

    Folders around the class folders are unwrapped; folders without images are left out. Folders
    inside a class folder belong to that class. Folders named ``train``, ``test`` and the like are
    subsets with class folders inside, or the other way round. Images in no class folder are
    labelled by their file names where these contain the class (``cat.0.jpg``). Files without a
    label are counted in ``listing.ignored`` and noted. Raises ``BadInput``.
    """
    if not (choice.allows_folders or choice.allows_names):
        return []
    listing = listing.again()
    check_images(listing)
    reasons = first_reasons(listing.refused)
    if not listing.files:
        raise bad_source(f"There is no image in it.{reasons} {EXPECTED}.")
    ignored_before = listing.ignored
    files = unwrap([(raw.parts, raw) for raw in listing.files])
    labelled = (
        _by_subset_folders(files, listing)
        or _by_subsets_inside_classes(files, listing)
        or _by_name(files, listing)
        or _by_class_folders(files, listing)
    )
    if not labelled:
        raise bad_source(f"The images are in no class folder.{reasons} {EXPECTED}.")
    labelled = _without_companions(labelled, listing)
    beside = len(listing.files) - len(labelled) - (listing.ignored - ignored_before)
    listing.leave_out(beside, "outside the class folders")
    note_alike_classes({entry.class_name for entry in labelled}, listing)
    found = LabelledFiles(READ_AS, sorted(labelled, key=shown_order))
    title = "The classes are the folders"
    return [Reading(title, found, listing, Choice(classes_from=FOLDERS))]


def classes_without_table(listing: Listing) -> tuple[dict[int, str], dict[int, str]]:
    """The class of each image by its folders, and by its folders or else its file name.

    Keys are the ``id`` of the file. Each is empty where there are fewer than two classes. Nothing
    is noted.
    """
    scratch = Listing()
    files = unwrap([(raw.parts, raw) for raw in listing.files])
    try:
        labelled = (
            _by_subset_folders(files, scratch)
            or _by_subsets_inside_classes(files, scratch)
            or _by_class_folders(files, scratch)
        )
    except BadInput:
        # Images directly in train and test have no class, unless a table names it.
        labelled = []
    by_folder = {id(entry.raw): entry.class_name for entry in labelled}
    if len(set(by_folder.values())) >= FEWEST_CLASSES:
        return by_folder, by_folder
    return {}, {id(entry.raw): entry.class_name for entry in _by_name(files, scratch)}


def _without_companions(labelled: list[LabelledFile], listing: Listing) -> list[LabelledFile]:
    """Leave out files that programs put beside images: ``.AAE`` of a phone, ``.json`` of an album.

    Thousands of them would bury the images that could not be read. Where there is nothing else,
    they remain, so that each is listed as not being an image.
    """
    companions = [entry for entry in labelled if is_companion(entry.raw)]
    if len(companions) in (0, len(labelled)):
        return labelled
    example = shown_name(companions[0].raw.path)
    listing.leave_out(len(companions), f"that programs put beside images, such as {example}")
    left_out = {id(entry) for entry in companions}
    return [entry for entry in labelled if id(entry) not in left_out]


def _by_subset_folders(files: Files, listing: Listing) -> list[LabelledFile]:
    """Files below ``train/CLASS``, ``test/CLASS`` and the like; empty where there are none.

    A subset without labels, as in competitions, is left out with a note.
    """
    groups = grouped(files)
    subsets = subsets_of_folders(list(groups))
    inside = unwrap_subsets({name: groups[name] for name in groups if subsets[name]})
    train_classes = {
        folder for name in inside if subsets[name] == "train" for folder in grouped(inside[name])
    }
    entries = {
        name: _label_one_subset(name, subsets[name], members, train_classes)
        for name, members in inside.items()
    }
    labelled = [entry for found in entries.values() for entry in found]
    to_predict = [name for name in groups if is_to_predict(name)]
    others = set(groups) - set(inside) - set(to_predict)
    if len({subsets[name] for name in inside}) > 1 and not others and not labelled:
        raise bad_source(
            f"The images are directly in {', '.join(sorted(inside))}, in no class folder,"
            f" and no table names them with their labels. {EXPECTED}."
        )
    given = {entry.subset for entry in labelled}
    if not labelled or (len(given) < 2 and (others or len(groups) < 2)):
        return []
    for name in sorted({*to_predict, *inside}):
        if not entries.get(name):
            listing.leave_out(
                len(groups[name]), f"in {name}, in no class folder there and so without a label"
            )
    if len(given) < 2:
        return [LabelledFile(entry.class_name, entry.name, entry.raw) for entry in labelled]
    folders = ", ".join(sorted(name for name in entries if entries[name]))
    listing.notes.append(f"The folders {folders} were used as the split.")
    return labelled


def _label_one_subset(
    folder: str, subset: str | None, files: Files, train_classes: set[str]
) -> list[LabelledFile]:
    groups = grouped(files)
    known = {name.strip().casefold() for name in train_classes}
    # "test/unknown/1.jpg": a folder that exists only because a library requires one.
    if subset != "train" and len(groups) == 1 and len(known) > 1:
        (only,) = groups
        if only.strip().casefold() not in known:
            return []
    if groups:
        # The subset's folder remains in the name, after the class, so that names are unique.
        return [
            LabelledFile(name, "/".join((name, folder, *parts)), raw, subset)
            for name, members in groups.items()
            for parts, raw in members
        ]
    classes = classes_in_names(raw.name for _, raw in files if has_image_suffix(raw.name)) or {}
    return [
        LabelledFile(classes[raw.name], f"{folder}/{raw.name}", raw, subset)
        for _, raw in files
        if raw.name in classes
    ]


def _by_subsets_inside_classes(files: Files, listing: Listing) -> list[LabelledFile]:
    """``cats/train/1.jpg``, ``cats/test/2.jpg``: folders of subsets inside the class folders."""
    folders = {parts[1] if len(parts) > 2 else "" for parts, _ in files if len(parts) > 1}
    subsets = {folder: subset_of(folder) for folder in folders}
    if None in subsets.values() or len(set(subsets.values())) < 2:
        return []
    listing.notes.append(f"The folders {', '.join(sorted(folders))} were used as the split.")
    return [
        LabelledFile(parts[0], "/".join(parts), raw, subsets[parts[1]])
        for parts, raw in files
        if len(parts) > 2
    ]


def _by_name(files: Files, listing: Listing) -> list[LabelledFile]:
    """Images in one folder whose file names begin with the class."""
    groups = grouped(files)
    if len(groups) > 1:
        return []
    together = next(iter(groups.values()), files)
    images = [raw for _, raw in together if has_image_suffix(raw.name)]
    classes = classes_in_names(raw.name for raw in images)
    if classes is None:
        return []
    labelled = [
        LabelledFile(classes[raw.name], raw.name, raw) for raw in images if raw.name in classes
    ]
    listing.notes.append(
        "The class of each image was taken from its file name:"
        f" {labelled[0].name} is {labelled[0].class_name!r}."
    )
    return labelled


def _by_class_folders(files: Files, listing: Listing) -> list[LabelledFile]:
    groups = grouped(files)
    deeper = {name: set(grouped(members)) for name, members in groups.items()}
    for name, folders in deeper.items():
        if len(folders) > 1 and folders == set(groups) - {name}:
            listing.leave_out(
                len(groups.pop(name)), f"in {name}, which contains the same class folders again"
            )
            break
    for name, members in groups.items():
        if len(deeper[name]) > 1 and all(len(parts) > 1 for parts, _ in members):
            listing.notes.append(
                f"The classes are the first folders ({some_text(sorted(groups), NAMES_SHOWN)}). The"
                f" folders inside {name} ({some_text(sorted(deeper[name]), NAMES_SHOWN)}) were"
                " taken as one class. If each is a class, move them up one level."
            )
            break
    return [
        LabelledFile(name, "/".join((name, *parts)), raw)
        for name, members in groups.items()
        for parts, raw in members
    ]
