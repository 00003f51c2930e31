"""Trees of files: what lies below each folder, and which folders only wrap others."""

from collections import defaultdict

from core.datasets.reading.picture_files import has_picture_suffix, looks_like_a_picture
from core.datasets.reading.raw_files import RawFile
from core.datasets.reading.side_names import BESIDE_A_SIDE, plain_words

FILES_LOOKED_INTO = 5

# Files with their paths, from some folder on.
Files = list[tuple[tuple[str, ...], RawFile]]


def grouped(files: Files) -> dict[str, Files]:
    """The files below each first folder, their paths without it; files in no folder left away."""
    groups: dict[str, Files] = defaultdict(list)
    for parts, raw in files:
        if len(parts) > 1:
            groups[parts[0]].append((parts[1:], raw))
    return dict(groups)


def without_other_folders(files: Files) -> Files:
    """Leave away first folders that hold no picture (``annotations``), if others do."""
    groups = grouped(files)
    with_pictures = {
        name
        for name, members in groups.items()
        if any(has_picture_suffix(raw.name) for _, raw in members)
        or any(looks_like_a_picture(raw) for _, raw in members[:FILES_LOOKED_INTO])
    }
    if not with_pictures or len(with_pictures) == len(groups):
        return files
    return [(parts, raw) for parts, raw in files if len(parts) == 1 or parts[0] in with_pictures]


def unwrap(files: Files) -> Files:
    """Drop a top folder for as long as it is the only one and holds folders itself."""
    while True:
        files = without_other_folders(files)
        groups = grouped(files)
        if len(groups) != 1 or not any(len(parts) > 2 for parts, _ in files):
            return files
        # Files beside the wrapping folder keep one part and so stay without a class.
        files = [(parts[1:] or parts, raw) for parts, raw in files]


def unwrap_sides(inside: dict[str, Files]) -> dict[str, Files]:
    """Drop folders between a side and its classes: ``seg_train/seg_train/...``."""
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
            if not (wraps or only == name or plain_words(only) <= BESIDE_A_SIDE):
                break
            files = without_other_folders([(parts[1:] or parts, raw) for parts, raw in files])
        unwrapped[name] = files
    return unwrapped
