"""What the readers make of a tree of paths: short answers for tests about folders and names."""

from collections import Counter

from core.datasets.reading.reader import Reading
from core.datasets.reading.recognise import readings, settle
from core.datasets.reading_choice import Choice
from tests.datasets.listings import listing_of
from tests.datasets.pictures import noise_png

ANY = Choice()


def tree(prefix: str, names: str, count: int = 3, file: str = "{n}.png") -> dict[str, bytes]:
    """Folders with small images, all different; ``file`` may hold {n} and {name}."""
    paths = [
        f"{prefix}{name}/{file.format(n=n, name=name)}"
        for name in names.split()
        for n in range(count)
    ]
    return {path: noise_png(sum(path.encode()) * 1009 + at, 4) for at, path in enumerate(paths)}


def images(*names: str) -> dict[str, bytes]:
    return {name: noise_png(sum(name.encode()) * 1009 + at, 4) for at, name in enumerate(names)}


def offers(files: dict[str, bytes], choice: Choice = ANY) -> list[Reading]:
    """All readings; each choice that is offered gives its reading again, without doubt."""
    found = readings(listing_of(files), choice)
    for reading in found:
        again = settle(readings(listing_of(files), reading.choice), listing_of(files))
        assert labels(again) == labels(reading)
        assert again.choice == reading.choice
    return found


def taken(files: dict[str, bytes], choice: Choice = ANY) -> Reading:
    """The one reading in no doubt."""
    return settle(offers(files, choice), listing_of(files))


def labels(reading: Reading) -> dict[str, tuple[str, str | None]]:
    return {file.raw.path: (file.class_name, file.subset) for file in reading.found.files}


def counts(reading: Reading) -> dict[str, int]:
    return dict(sorted(Counter(file.class_name for file in reading.found.files).items()))


def subsets(reading: Reading) -> dict[str | None, int]:
    return dict(Counter(file.subset for file in reading.found.files))
