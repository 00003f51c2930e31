"""Numbers and names as they stand in sentences for people."""

from collections.abc import Sequence

MOST_NAMES = 5
LONGEST_NAME_SHOWN = 60


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 image``, ``1,347 images``; ``many`` where the plural is not made with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(fraction: float) -> str:
    """0 to 1 as ``62 %``; never 0 % or 100 % of what is only nearly none or all."""
    whole = round(100 * fraction)
    if whole == 0 and fraction > 0:
        return "under 1 %"
    if whole == 100 and fraction < 1:
        return "over 99 %"
    return f"{whole} %"


def listed(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """``'cats', 'dogs' and 7 more``: quoted, so that any name is told from the sentence."""
    shown = [repr(shortened(name)) for name in names[:most]]
    rest = len(names) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest:,} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def shortened(name: str) -> str:
    """A name cut to ``LONGEST_NAME_SHOWN`` characters."""
    if len(name) <= LONGEST_NAME_SHOWN:
        return name
    return f"{name[: LONGEST_NAME_SHOWN - 3]}..."
