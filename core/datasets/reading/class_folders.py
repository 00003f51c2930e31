"""Class folders: one folder per class, perhaps inside train and test, perhaps wrapped in others.

What is in no class folder is read by the classes in its file names.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.decoding.decode import decode_image
from core.datasets.reading.channels import note_channels
from core.datasets.reading.class_subsets import named_subsets
from core.datasets.reading.companions import Companions, companions_of
from core.datasets.reading.folder_levels import Level, level_of_choice, levels_of
from core.datasets.reading.folder_sets import unwrap_sets, without_copies
from core.datasets.reading.folder_subsets import Split, split_of
from core.datasets.reading.folder_tree import Place, below, places_of, unwrap, unwrap_inside
from core.datasets.reading.image_files import is_companion, stem
from core.datasets.reading.named_classes import NamedClasses, divide_alike
from core.datasets.reading.named_images import (
    NamedImage,
    chosen_names,
    files_with_names,
    named_images,
    possible_names,
)
from core.datasets.reading.raw_files import Listing, bad_source, shown_name
from core.datasets.reading.reader import (
    EXPECTED,
    NAMES_SHOWN,
    LabelledFile,
    LabelledFiles,
    Reading,
    first_reasons,
    in_shown_order,
    note_alike_classes,
)
from core.datasets.reading.split_lists import with_listed_split
from core.datasets.reading.unread_formats import check_images
from core.datasets.reading_choice import FOLDERS, NAMES, Choice
from core.errors import BadInput
from core.text import count_text, some_text

READ_AS = "class folders"
IMAGES_TRIED = 10
MOST_EMPTY_NAMED = 100
EMPTY = "the folder is empty, so it is no class"
_TITLE = "The classes are the folders"
_NONE = LabelledFiles(READ_AS, [])


@dataclass(frozen=True)
class _Tree:
    """The places of the images, without companions and copies.

    source: as it was given. listing: has the notes that hold for each reading.
    """

    split: Split
    source: Listing
    listing: Listing
    companions: list[Companions]

    @property
    def places(self) -> list[Place]:
        return self.split.places

    @property
    def depth(self) -> int:
        return max((len(place.folders) for place in self.places), default=0)


def readings(listing: Listing, choice: Choice) -> list[Reading]:
    """Label the files of a listing by their folders, or by their names where these say the class.

    Folders around the class folders are unwrapped; folders without images, images that belong to
    others (masks) and copies are left out. Folders named ``train``, ``test`` and the like are
    subsets with class folders inside, or the other way round. Where several levels of folders, or
    several parts of the names, may be the classes, there is a reading of each. Files without a
    label are counted in ``listing.ignored`` and noted. Raises ``BadInput``.
    """
    if not (choice.allows_folders or choice.allows_names):
        return []
    listing = listing.again()
    check_images(listing)
    reasons = first_reasons(listing.refused)
    if not listing.files:
        raise bad_source(f"There is no image in it.{reasons} {EXPECTED}.")
    tree = _tree(listing, choice)
    found = _by_folders(tree, choice) if choice.allows_folders else []
    # Flat folders that may be no classes, such as parts of a collection: the names may say more.
    is_open = tree.depth < 2 and all(reading.doubt for reading in found)
    if choice.allows_names and (is_open or not found):
        by_folder = [_classes(reading) for reading in found]
        named = _by_names(tree, choice)
        found += [
            reading
            for reading in named
            if not any(divide_alike(_classes(reading), classes) for classes in by_folder)
        ]
    if not found and choice.allows_folders and tree.depth == 1 and not tree.companions:
        # One folder: who adds it learns that one class is not enough, and which files are unusable.
        found = [_of_level(tree, Level(1, _TITLE), choice)]
    if not found:
        raise bad_source(_no_classes(tree, reasons))
    if all(reading.doubt for reading in found) and not _can_be_opened(found[0]):
        # Nobody is asked about images that cannot be opened: the import says why they cannot.
        return [replace(found[0], doubt=None)]
    return found


def readings_in_doubt(listing: Listing, doubt: str) -> list[Reading]:
    """The readings by folders where something else labels the images too; empty where none can."""
    try:
        found = readings(listing, Choice(classes_from=FOLDERS))
    except BadInput:
        return []
    return [replace(reading, doubt=reading.doubt or doubt) for reading in found]


def _can_be_opened(reading: Reading) -> bool:
    """Whether any of some images, spread over all, can be decoded."""
    files = reading.found.files if isinstance(reading.found, LabelledFiles) else []
    for file in files[:: max(1, len(files) // IMAGES_TRIED)]:
        try:
            decode_image(file.raw.read(), file.raw.name, 64)
        except UnreadableImageError:
            continue
        return True
    return False


def _classes(reading: Reading) -> dict[int, str]:
    files = reading.found.files if isinstance(reading.found, LabelledFiles) else []
    return {id(file.raw): file.class_name for file in files}


def classes_without_table(
    listing: Listing, companions: list[Companions] | None = None
) -> tuple[dict[int, str], dict[int, str]]:
    """The class of each image by its folders, and by its folders or else its file name.

    Keys are the ``id`` of the file. Each is empty where there are fewer than two classes. Where
    several readings are possible, the likeliest by folders counts; names in the folders of a split
    count as folders. Nothing is noted. companions: those of the listing, where they are known.
    """
    if not listing.files:
        return {}, {}
    tree = _tree(listing, Choice(), companions)
    levels = levels_of(tree.places)
    if levels:
        labelled = _labelled(tree.places, levels[0].level)
        by_folder = {id(entry.raw): entry.class_name for entry in labelled}
        return by_folder, by_folder
    images = named_images(tree.split)
    clear = [named for named in possible_names(images, listing) if named.doubt is None]
    files = files_with_names(images, clear[0], Listing()) if clear else []
    named = {id(file.raw): file.class_name for file in files}
    return (named if tree.split.without_class else {}), named


def _tree(listing: Listing, choice: Choice, companions: list[Companions] | None = None) -> _Tree:
    own = listing.again()
    companions = companions_of(own.files) if companions is None else companions
    left_out = {id(raw) for entry in companions for raw in entry.files}
    for entry in companions:
        own.leave_out(len(entry.files), entry.which)
    places = unwrap(places_of(raw for raw in own.files if id(raw) not in left_out))
    if not choice.subsets:
        places = unwrap(without_copies(unwrap_sets(places), own))
    split = split_of(places, choice.subsets)
    places = unwrap_sets(split.places)
    inside = unwrap_inside(below(places))
    level = [place for members in inside.values() for place in members]
    split = replace(split, places=[*(place for place in places if not place.folders), *level])
    return _Tree(split, listing, own, [entry for entry in companions if not entry.are_copies])


def _by_folders(tree: _Tree, choice: Choice) -> list[Reading]:
    """One reading for each level of folders that may be the classes; empty without two folders."""
    if choice.level is None:
        found = [_of_level(tree, level, choice) for level in levels_of(tree.places)]
        return found if choice.subsets else _with_named_subsets(tree, found)
    level = level_of_choice(tree.places, choice.level)
    if level is None and choice.subsets and choice.level > 1:
        # Whoever chose the folders of train and test may have counted their level too.
        level = level_of_choice(tree.places, choice.level - 1)
    if level is None:
        raise bad_source(
            f"No image is in folders of level {choice.level}; the deepest level with images is"
            f" {tree.depth}."
        )
    return [_of_level(tree, level, choice)]


def _with_named_subsets(tree: _Tree, found: list[Reading]) -> list[Reading]:
    """The readings, and one by class and subset where only some folders name both."""
    named = named_subsets(list(below(tree.places)))
    if named is None or named.is_complete:
        return found
    subsets = {folder: subset for folder, (_, subset) in named.by_folder.items()}
    shown = some_text(sorted(subsets), NAMES_SHOWN)
    doubt = f"Right if the names {shown} say the class and the subset (train, test) of the images."
    chosen = Choice(subsets=subsets)
    split = [
        replace(reading, title="The classes and the split are in the names of the folders")
        for reading in _by_folders(_tree(tree.source, chosen), chosen)
    ]
    plain = "Right if train and test in the names of folders are parts of the classes."
    return [replace(reading, doubt=reading.doubt or doubt) for reading in split] + [
        replace(reading, doubt=reading.doubt or plain) for reading in found
    ]


def _of_level(tree: _Tree, level: Level, choice: Choice) -> Reading:
    if level.without:
        return _of_one_set(tree, level, choice)
    is_only = tree.depth == 1 and level.doubt is None and choice.level is None
    taken = Choice(
        classes_from=FOLDERS if is_only else f"{FOLDERS}:{level.level}", subsets=choice.subsets
    )
    listing = tree.listing.again()
    tree.split.note(listing)
    if level.note is not None:
        listing.notes.append(level.note)
    reading = Reading(level.title, _NONE, listing, taken, doubt=level.doubt)
    found = _finished(tree, _labelled(tree.places, level.level), reading)
    _refuse_empty_folders(found)
    return found


def _refuse_empty_folders(reading: Reading) -> None:
    """Name the folders beside the class folders that hold nothing: somebody meant a class."""
    listing = reading.listing
    if not listing.empty_folders or not isinstance(reading.found, LabelledFiles):
        return
    folders = {(file.raw.parts[:-1], file.class_name) for file in reading.found.files}
    classes = {name for _, name in folders}
    beside = {
        parts[:at] for parts, name in folders for at, part in enumerate(parts) if part == name
    }
    # What was refused was in a folder that is not empty: somebody is told of it already.
    refused = {
        parts[:end]
        for one in listing.refused
        for parts in [tuple(one.file.split("/"))]
        for end in range(1, len(parts))
    }
    empty = sorted(
        "/".join(parts)
        for parts in listing.empty_folders
        if parts[:-1] in beside and parts[-1] not in classes and parts not in refused
    )
    for path in empty[:MOST_EMPTY_NAMED]:
        listing.refuse(f"{path}/", EMPTY)
    if len(empty) > MOST_EMPTY_NAMED:
        listing.refuse(f"{len(empty) - MOST_EMPTY_NAMED:,} more folders", EMPTY)


def _of_one_set(tree: _Tree, level: Level, choice: Choice) -> Reading:
    """The reading of what is there without the other sets: its folder only wraps the classes."""
    taken = Choice(
        classes_from=f"{FOLDERS}:{level.level}", subsets=choice.subsets, leave_out=level.without
    )
    kept = [raw for raw in tree.source.files if not taken.leaves_out(raw.parts)]
    rest = tree.source.again(kept)
    rest.leave_out(len(tree.source.files) - len(kept), "in the other folders")
    reading = _of_level(_tree(rest, taken), Level(level.level, level.title), taken)
    return replace(reading, choice=taken, doubt=level.doubt)


def _labelled(places: Iterable[Place], level: int) -> list[LabelledFile]:
    """The files by their folder of a level, or by their last one where they are less deep."""
    labelled = []
    for place in places:
        if not place.folders:
            continue
        at = min(level, len(place.folders)) - 1
        name = place.folders[at]
        others = [*place.around, *place.folders[:at], *place.folders[at + 1 :]]
        # The other folders remain in the name, after the class, so that names are unique.
        start = "/".join([name, *filter(None, others)])
        labelled += [
            LabelledFile(name, f"{start}/{raw.name}", raw, place.subset) for raw in place.files
        ]
    return labelled


def _by_names(tree: _Tree, choice: Choice) -> list[Reading]:
    """One reading for each way to read the classes from the file names."""
    images = named_images(tree.split)
    if choice.name_pattern is not None:
        possible = [chosen_names(images, choice.name_pattern)]
    else:
        possible = possible_names(images, tree.listing)
    return [_of_names(tree, images, named, choice) for named in possible]


def _of_names(
    tree: _Tree, images: list[NamedImage], named: NamedClasses, choice: Choice
) -> Reading:
    taken = Choice(classes_from=NAMES, subsets=choice.subsets, name_pattern=named.pattern)
    listing = tree.listing.again()
    files = files_with_names(images, named, listing)
    example = f"{files[0].class_name!r} in {shown_name(files[0].raw.name)}"
    title = f"The classes are in the file names, {named.where}: {example}"
    is_chosen = choice.classes_from == NAMES and named.pattern is None
    doubt = None if is_chosen else named.doubt
    return _finished(tree, files, Reading(title, _NONE, listing, taken, doubt=doubt))


def _finished(tree: _Tree, files: list[LabelledFile], reading: Reading) -> Reading:
    """The reading with its files in order, after the last notes about them."""
    listing = reading.listing
    files = _without_files_of_programs(files, listing)
    beside = len(listing.files) - len(files) - (listing.ignored - tree.source.ignored)
    listing.leave_out(beside, "outside the class folders")
    files, lists = with_listed_split(files, listing)
    note_alike_classes({entry.class_name for entry in files}, listing)
    note_channels([stem(entry.raw.name) for entry in files], listing)
    found = LabelledFiles(READ_AS, in_shown_order(files))
    return replace(reading, found=found, sources=lists)


def _without_files_of_programs(files: list[LabelledFile], listing: Listing) -> list[LabelledFile]:
    """Leave out files that programs put beside images: ``.AAE`` of a phone, ``.json`` of an album.

    Thousands of them would bury the images that could not be read. Where there is nothing else,
    they remain, so that each is listed as not being an image.
    """
    of_programs = [file for file in files if is_companion(file.raw)]
    if len(of_programs) in (0, len(files)):
        return files
    example = shown_name(of_programs[0].raw.path)
    listing.leave_out(len(of_programs), f"that programs put beside images, such as {example}")
    left_out = {id(file) for file in of_programs}
    return [file for file in files if id(file) not in left_out]


def _no_classes(tree: _Tree, reasons: str) -> str:
    """What was found, and what is needed, where neither folders nor names give classes."""
    if tree.companions:
        count = sum(len(entry.files) for entry in tree.companions)
        return (
            f"Found {count_text(count, 'image')} {tree.companions[0].which}, as masks and"
            " annotations do, and the others are in no class folders: this is data for"
            f" segmentation. For classification each whole image needs one class. {EXPECTED}."
        )
    if tree.split.without_class and not tree.places:
        folders = ", ".join(sorted(tree.split.without_class))
        return (
            f"The images are directly in {folders}, in no class folder, and no table names them"
            f" with their labels. {EXPECTED}."
        )
    return (
        f"The images are in no class folder.{reasons} {EXPECTED}. If the file names contain the"
        " class, choose where: {class}_* is what comes before the first underscore."
    )
