"""A key of the keyboard for each class, so that the game can be played without a mouse."""

from collections.abc import Sequence

# Streamlit 1.67 keeps C and R for itself.
KEYS = "1234567890abdefghijklmnopqstuvwxyz"


def keys_of(classes: Sequence[str]) -> list[str]:
    """One key a class, none twice, in the order of ``classes``.

    A class whose name is a key has that one; another has the first letter of its name that is
    free, else the next free digit or letter. ``ValueError`` for more classes than keys (34).
    """
    if len(classes) > len(KEYS):
        raise ValueError(f"there are {len(KEYS)} keys, too few for {len(classes)} classes")
    free = list(KEYS)
    found: dict[str, str] = {}
    for name in classes:
        if name.lower() in free:  # "a" and "A" may both be classes: the first has the key
            found[name] = name.lower()
            free.remove(found[name])
    for name in classes:
        if name not in found:
            letters = [letter for letter in name.lower() if letter in free]
            found[name] = letters[0] if letters else free[0]
            free.remove(found[name])
    return [found[name] for name in classes]
