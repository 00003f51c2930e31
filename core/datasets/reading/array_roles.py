"""Which arrays are images, which hold labels, and which belong together: by shape and name."""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.datasets.reading.array_labels import is_one_hot
from core.datasets.reading.array_pixels import OTHER_SHAPES, image_shape
from core.datasets.reading.columns import LABEL_NAMES, chosen_position
from core.datasets.reading.image_files import stem
from core.datasets.reading.question import Question, ReadingUnclear, table_sample
from core.datasets.reading.raw_files import Listing, bad_source
from core.datasets.reading.stored_arrays import StoredArray
from core.datasets.reading.subset_names import subset_among, words
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from core.text import some_text

IMAGE_WORDS = words("x xs images image imgs img pictures photos pixels data features samples input")
LABEL_WORDS = LABEL_NAMES | words("ys lbl lbls lab species truth targetlabels answers")
MASK_WORDS = words("mask masks seg segmentation segmentations trimap trimaps heatmap heatmaps")
ID_WORDS = words("id ids idx index indices filename filenames file files path paths")
_OTHER_WORDS = words("arr array arrays npy npz data set dataset of")
# Short for train, test and validation; only in the names of arrays: "X_tr", "yte".
_SHORT = {"tr": "train", "trn": "train", "te": "test", "ts": "test", "tst": "test"}
_SHORT |= {"va": "validation", "vl": "validation"}
_GLUED = re.compile(
    r"(xs?|ys?|images?|labels?|data|targets?)(train|training|trn|tr|test|tst|te|valid|val|va)"
    r"|(train|test|valid|val)(xs?|ys?|images?|labels?)"
)
ROWS_SHOWN = 5


@dataclass(frozen=True)
class NamedArray:
    """An array with what its name says.

    label_name: its name without the subset. numbers: those in its name. key: the words that name
    the dataset rather than subset or role.
    """

    array: StoredArray
    own: tuple[str, ...]
    subset: str | None
    numbers: tuple[str, ...]
    key: tuple[str, ...]
    label_name: str

    @property
    def is_named_label(self) -> bool:
        return not LABEL_WORDS.isdisjoint(self.own)

    @property
    def is_named_images(self) -> bool:
        return not IMAGE_WORDS.isdisjoint(self.own)

    @property
    def count(self) -> int:
        return self.array.shape[0]


@dataclass
class Roles:
    """Arrays by what they are for; ``odd`` ones are neither images nor labels."""

    images: list[NamedArray] = field(default_factory=list)
    labels: list[NamedArray] = field(default_factory=list)
    names: list[NamedArray] = field(default_factory=list)
    masks: list[NamedArray] = field(default_factory=list)
    odd: list[NamedArray] = field(default_factory=list)


def tokens(name: str) -> list[str]:
    """The words of a name in small letters: ``X_train``, ``xtrain`` and ``trainX`` alike."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    found = []
    for word in re.findall(r"[^\W_]+", apart.casefold()):
        glued = _GLUED.fullmatch(word)
        parts = [part for part in glued.groups() if part] if glued else [word]
        found += [piece for part in parts for piece in re.findall(r"\d+|\D+", part)]
    return found


def subset_of_token(token: str) -> str | None:
    return _SHORT.get(token) or subset_among(token)


def named(array: StoredArray) -> NamedArray:
    """What the name of an array says."""
    own = tokens(array.name)
    around = [tokens(stem(part)) for part in array.folder]
    every = [own, *reversed(around)]
    found = [next(filter(None, map(subset_of_token, part)), None) for part in every]
    every_word = [word for part in around for word in part] + own
    key = tuple(
        dict.fromkeys(
            word
            for word in every_word
            if not (word.isdecimal() or subset_of_token(word))
            and word not in IMAGE_WORDS | LABEL_WORDS | MASK_WORDS | _OTHER_WORDS
        )
    )
    return NamedArray(
        array,
        tuple(own),
        next(filter(None, found), None),
        tuple(word for word in every_word if word.isdecimal()),
        key,
        "_".join(word for word in own if not subset_of_token(word)) or array.name,
    )


def roles_of(arrays: Sequence[StoredArray]) -> Roles:
    """Sort arrays by what they are for, by shape first, then by name."""
    roles = Roles()
    for entry in map(named, arrays):
        array = entry.array
        kind, shape = array.dtype.kind, array.shape
        is_empty = not array.dtype.itemsize or not all(shape) or not shape
        if is_empty or (kind in "US" and len(shape) > 2):
            roles.odd.append(entry)
        elif not MASK_WORDS.isdisjoint(entry.own):
            roles.masks.append(entry)
        elif _is_images(entry):
            roles.images.append(entry)
        elif len(shape) > 2 or kind not in "buifUS":
            roles.odd.append(entry)
        elif kind in "US" and len(shape) == 1 and not {"names", "name"}.isdisjoint(entry.own):
            roles.names.append(entry)
        else:
            roles.labels.append(entry)
    counts = {entry.count for entry in roles.images}
    for entry in [one for one in roles.labels if one.count not in counts]:
        if entry.array.dtype.kind in "US" and len(entry.array.shape) == 1:
            roles.labels.remove(entry)
            roles.names.append(entry)
    return roles


def _is_images(entry: NamedArray) -> bool:
    array = entry.array
    if array.dtype.kind not in "buif" or len(array.shape) < 2:
        return False
    if image_shape(array.shape[1:]) is None:
        return False
    if len(array.shape) > 2:
        return True
    return not entry.is_named_label and (entry.is_named_images or not is_one_hot(array))


def pair_up(roles: Roles, choice: Choice, listing: Listing) -> list[tuple[NamedArray, NamedArray]]:
    """Images with their labels, train first; empty where there are no labels at all.

    Raises ``BadInput`` where it is unclear which arrays belong together, ``ReadingUnclear`` where
    only the user can say which array holds the label.
    """
    images = _without_flat_copies(roles.images, listing)
    fitting = {id(entry): _partners(entry, roles.labels) for entry in images}
    if not any(fitting.values()):
        return []
    pairs = []
    for entry in images:
        partners = fitting[id(entry)]
        if partners:
            pairs.append((entry, _chosen(entry, partners, choice)))
        else:
            listing.notes.append(f"{entry.array.path} has no labels and was left out.")
    _check_distinct(pairs)
    order = {"train": 0, "validation": 1, "test": 2}
    return sorted(pairs, key=lambda pair: (order.get(pair[0].subset or "", 3), _natural(pair[0])))


def _natural(entry: NamedArray) -> tuple[object, ...]:
    return tuple(int(part) for part in entry.numbers if len(part) < 10), entry.array.path


def _without_flat_copies(images: list[NamedArray], listing: Listing) -> list[NamedArray]:
    """Leave out the same images with their pixels in one dimension, as scikit-learn has them."""
    kept = []
    for entry in images:
        shape = entry.array.shape
        twins = [
            other
            for other in images
            if len(shape) == 2
            and len(other.array.shape) > 2
            and other.count == entry.count
            and (other.subset, other.array.folder) == (entry.subset, entry.array.folder)
            and math.prod(other.array.shape) == math.prod(shape)
        ]
        if twins:
            listing.notes.append(
                f"{entry.array.path} was left out: it has the size of {twins[0].array.path}, with"
                " the pixels in one row."
            )
        else:
            kept.append(entry)
    return kept


def _partners(images: NamedArray, labels: Sequence[NamedArray]) -> list[NamedArray]:
    """The arrays that may hold the labels of some images: as long, and named alike if any is."""
    found = [
        entry
        for entry in labels
        if entry.count == images.count
        and (None in (entry.subset, images.subset) or entry.subset == images.subset)
    ]
    for alike in ("subset", "folder", "key", "numbers"):
        narrower = [entry for entry in found if _trait(entry, alike) == _trait(images, alike)]
        found = narrower or found
    return found


def _trait(entry: NamedArray, name: str) -> object:
    return entry.array.folder if name == "folder" else getattr(entry, name)


def _chosen(images: NamedArray, partners: list[NamedArray], choice: Choice) -> NamedArray:
    """The array of labels among those that may be it."""
    names = [entry.label_name for entry in partners]
    if choice.label_column is not None:
        own_names = [entry.array.name for entry in partners]
        if choice.label_column in own_names:
            return partners[own_names.index(choice.label_column)]
        return partners[chosen_position(choice.label_column, names, images.array.raw.path)]
    likely = [entry for entry in partners if entry.is_named_label]
    likely = likely or [entry for entry in partners if ID_WORDS.isdisjoint(entry.own)]
    if len(likely) == 1:
        return likely[0]
    first = [next(entry.array.pieces(ROWS_SHOWN)) for entry in partners]
    rows = [[str(values[at]) for values in first] for at in range(min(map(len, first)))]
    raise ReadingUnclear(
        Question(
            message=f"{images.array.path} has several arrays of labels: {some_text(names, 5)}."
            " Choose the one that holds the class.",
            tables=[table_sample(images.array.raw.path, names, rows)],
        )
    )


def _check_distinct(pairs: Sequence[tuple[NamedArray, NamedArray]]) -> None:
    """Raise ``BadInput`` where labels would count twice, or where there are several datasets."""
    used: dict[int, list[NamedArray]] = defaultdict(list)
    for images, labels in pairs:
        used[id(labels)].append(images)
    for shared in used.values():
        if len(shared) > 1:
            raise bad_source(
                f"{shared[0].array.path} and {shared[1].array.path} are both images of the same"
                " labels. Keep one of them."
            )
    subsets = [images.subset for images, _ in pairs]
    keys = {images.key for images, _ in pairs}
    if len(keys) > 1 and len(set(subsets)) < len(subsets):
        listed = some_text(sorted(" ".join(key) or "one without a name" for key in keys), 5)
        raise bad_source(f"There are several datasets in it: {listed}. Give the files of one.")


def why_no_pairs(roles: Roles) -> BadInput:
    """The error for arrays that give no images with labels: what they are, then what is needed."""
    every = [*roles.images, *roles.odd, *roles.labels, *roles.names, *roles.masks]
    listed = some_text([f"{one.array.name} ({one.array.size_text})" for one in every], 6)
    lengths = {one.count for one in roles.labels}
    turned = [
        one
        for one in [*roles.images, *roles.odd]
        if len(one.array.shape) > 2 and one.array.shape[-1] in lengths
    ]
    if turned:
        problem = (
            f"the last number of {turned[0].array.name} counts the images, but the first must:"
            " images = np.moveaxis(images, -1, 0)"
        )
    elif roles.images and roles.labels:
        problem = "no array of labels is as long as the images"
    elif roles.images:
        problem = "there are images, but no array of labels"
    elif roles.odd and len(roles.odd[0].array.shape) > 2:
        problem = f"{roles.odd[0].array.name} is no array of images. {OTHER_SHAPES}"
    else:
        problem = f"none of them is an array of images. {OTHER_SHAPES}"
    return bad_source(
        f"Found {listed or 'no array'}: {problem}. Needed are images and as many labels:"
        " np.savez('dataset.npz', x_train=images, y_train=labels)."
    )
