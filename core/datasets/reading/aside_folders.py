"""Folders of images that were put aside, copied or not sorted yet, beside the class folders."""

import re
from collections.abc import Collection

from core.datasets.reading.subset_names import name_words, words

_ASIDE = words(
    "unsorted unlabeled unlabelled unclassified untagged unused todo tosort tolabel trash deleted "
    "removed rejected rejects discarded discard junk bak backup backups old tmp temp misc inbox "
    "duplicates duplicate skip skipped "
    "unsortiert papierkorb gelöscht alt ablage corbeille supprimé ancien sinclasificar papelera"
)
_PHRASES = words("newfolder neuerordner nouveaudossier nuevacarpeta tosort todo tolabel donotuse")
_BESIDE = words("images image img photos pics pictures files folder data to be")
# "dog - Copy", "cat (1)", "cat_augmented" beside "cat"
_AGAIN = re.compile(
    r"(.*[^\W_])[\W_]*(?:\(\d+\)|[\W_](?:copy|kopie|copie|copia|backup|bak|v\d+|final|new|old|neu|alt"
    r"|aug|augmented|augmentations?|resized|cropped|flipped|rotated|mirrored)(?: ?\d+)?)\W*",
    re.IGNORECASE,
)
# Beside one of these, such a name is a class.
_OPPOSITES = {
    **dict.fromkeys(
        ("trash", "junk"), words("glass paper plastic metal cardboard organic compost spam")
    ),
    **dict.fromkeys(
        ("rejected", "rejects", "discarded", "discard", "removed"),
        words("accepted accept approved ok good pass passed kept keep"),
    ),
    **dict.fromkeys(("old", "alt", "ancien"), words("new young modern neu jung nouveau adult")),
    "duplicate": words("original unique"),
}


def aside_folders(names: Collection[str]) -> list[str]:
    """Those among the names of class folders that may be no classes.

    Empty where fewer than two others are left, which are needed as classes.
    """
    all_words = frozenset().union(*map(name_words, names))
    plain = {name.casefold().strip() for name in names}
    found = [name for name in names if _is_aside(name, all_words) or _is_again(name, plain)]
    return sorted(found) if len(names) - len(found) >= 2 else []


def _is_aside(name: str, beside: frozenset[str]) -> bool:
    own = name_words(name)
    if "".join(letter for letter in name.casefold() if letter.isalpha()) in _PHRASES:
        return True
    main = own - _BESIDE
    if not main or not main <= _ASIDE:
        return False
    return not any(_OPPOSITES.get(word, frozenset()) & beside for word in main)


def _is_again(name: str, plain: set[str]) -> bool:
    """Whether it is called as a copy or a version of another of the folders."""
    found = _AGAIN.fullmatch(name)
    return found is not None and found[1].casefold().strip() in plain
