"""Words in the names of folders that say how images were taken or kept, not what they show."""

import re
from collections.abc import Callable, Collection

from core.datasets.reading.subset_names import subset_of, words

# The same image in several versions.
_VERSIONS = words(
    "color colour colored coloured colors grayscale greyscale gray grey bw rgb hsv segmented "
    "original originals orig unaltered augmented augmentation augmentations augment aug cropped "
    "uncropped crop crops resized rescaled scaled scalable symbolic thumbnails thumbs thumb "
    "compressed uncompressed enhanced processed preprocessed unprocessed raw clean denoised "
    "filtered unfiltered normalized normalised equalized clahe jpeg jpg png bmp tif tiff webp "
    "rotated flipped mirrored blurred small medium large full hd lowres highres lr hr "
    "farbe graustufen schwarzweiss originale bearbeitet klein gross couleur gris originales"
)
_FORMATS = words("png jpg jpeg bmp tif tiff webp gif thumbs thumbnails thumb icons sprites sheets")
_SIZES = words("16 20 22 24 32 48 64 72 96 128 144 160 180 192 256 384 512 1024 2048")
# Parts of a collection, and the ways in which it was taken.
PART_WORDS = words(
    "set sets part parts batch batches fold folds chunk chunks shard shards split splits subset "
    "round session sessions run runs take takes shot shots series sequence seq group groups "
    "day days date week month year camera cameras cam cams phone device sensor person persons "
    "people subject subjects participant participants user users worker annotator patient site "
    "center centre location lab v version cv kfold repeat trial tag kamera teil satz gruppe "
    "jour partie dia parte sesion volume vol block disk"
)
_VIEWS = words(
    "view views front back rear side sides left right top bottom up down upper lower above below "
    "frontal profile lateral angle angled close closeup closeups far near zoom wide detail inside "
    "outside indoor indoors outdoor outdoors morning noon afternoon evening night dawn dusk "
    "sunny cloudy rainy sun shade shadow light lights dark bright lighting daylight flash no "
    "without with background backgrounds scene scenes clip clips frame frames video videos "
    "vorne hinten seite oben unten links rechts innen aussen nacht morgen abend "
    "nuit matin soir gauche droite haut bas frente lado arriba abajo noche"
)
_KEPT = words(
    "image images img imgs photo photos pic pics picture pictures bild bilder foto fotos data "
    "dataset files folder dir taken new old misc other more extra public private"
)
# Images that are made in pairs: from A to B, left and right, before and after.
PAIR_WORDS = words(
    "left right before after input output target source lr hr clean noisy hazy clear blur "
    "sharp rgb ir nir thermal visible infrared depth links rechts vorher nachher avant après "
    "antes después"
)
_BESIDE = _VIEWS | PART_WORDS | _VERSIONS | _KEPT
_SIZE = re.compile(r"\d+\s*[x×]\s*\d+(@\d+x?)?|\d+px|\d+x")
_DATE = re.compile(
    r"(19|20)\d\d([-_. ]?[01]\d([-_. ]?[0-3]\d)?)?|[0-3]?\d[-_.][01]?\d[-_.](19|20)?\d\d"
)
_OF_A_CAMERA = re.compile(r"\d{3}([A-Z_]{5}|[A-Z]{2,4}_?\d*)")
# The band of a satellite, the channel of a microscope.
_CHANNEL = re.compile(r"(band|b)[-_ ]?\d{1,2}a?|(ch|channel|w|c)[-_ ]?\d{1,2}|red|green|blue|nir")
_ID = re.compile(r"n\d{8}")  # of a word in WordNet, which is a class
FRACTION_OF_NAMES = 0.8


def _words(name: str) -> list[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W\d_]+", apart.casefold())


def is_version(name: str) -> bool:
    """Whether the name of a folder is that of a version of images: ``grayscale``, ``16x16``."""
    found = _words(name)
    beside = _VERSIONS | _KEPT
    return bool(_SIZE.fullmatch(name.casefold())) or (
        any(word in _VERSIONS for word in found) and all(word in beside for word in found)
    )


def is_format(name: str) -> bool:
    """Whether it is only a format or a size of images: ``png``, ``thumbnails``, ``sheets-64``."""
    found, numbers = _words(name), re.findall(r"\d+", name)
    if _SIZE.fullmatch(name.casefold()):
        return True
    named = all(word in _FORMATS for word in found) and all(n in _SIZES for n in numbers)
    return named and bool(found or numbers)


def is_size(name: str) -> bool:
    """Whether it is a size in pixels: ``16x16``, ``1080x1920``."""
    return bool(_SIZE.fullmatch(name.casefold()))


def is_channel(name: str) -> bool:
    """Whether it is one of several channels of an image: ``B02``, ``ch1``, ``nir``."""
    return not name.isdecimal() and _CHANNEL.fullmatch(name.casefold()) is not None


def is_part(name: str) -> bool:
    """Whether it is one of several parts of a collection: ``batch2``, ``images_001``, a date."""
    if _DATE.fullmatch(name) or _OF_A_CAMERA.fullmatch(name):
        return True
    found = _words(name)
    beside = PART_WORDS | _KEPT
    return bool(re.search(r"\d", name)) and bool(found) and all(word in beside for word in found)


def says_how(name: str) -> bool:
    """Whether it says how images were taken or kept: views, light, days, versions, parts."""
    if is_version(name) or is_part(name) or subset_of(name) is not None:
        return True
    found = _words(name)
    # One letter with a number, such as "v2" or "p01".
    return bool(found) and all(word in _BESIDE for word in found)


def mentions_part(name: str) -> bool:
    """Whether it has a word for a part of a collection or for how images are kept."""
    return not (PART_WORDS | _KEPT).isdisjoint(_words(name))


def is_kept(name: str) -> bool:
    """Whether it only says that images are kept there: ``photos``, ``images_old``."""
    found = _words(name)
    return bool(found) and all(word in _KEPT for word in found)


def is_numbered(name: str) -> bool:
    """Whether it is a number, or has one, as the names of patients, takes and objects have."""
    return bool(re.search(r"\d", name)) and not _ID.fullmatch(name)


def most(names: Collection[str], *tests: Callable[[str], bool]) -> bool:
    """Whether one of the tests holds for nearly all names."""
    enough, fitting = FRACTION_OF_NAMES * len(names), 0
    for count, name in enumerate(names, start=1):
        fitting += any(test(name) for test in tests)
        if fitting + len(names) - count < enough:
            return False
    return bool(names)
