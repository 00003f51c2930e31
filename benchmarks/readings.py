"""How long it takes to find the ways to read a very large source.

    python -m benchmarks.readings [--files 200000] [--case NAME] [--profile] [--output FILE]

Each source is a listing in memory, as large as a source may be; its images are all the same tiny
PNG. Measured is the processor time from the listing to the reading that is taken, or to the
question with all offers. To be reached: under 5 s each. ``--profile`` prints where it goes.
"""

import argparse
import cProfile
import io
import json
import os
import pstats
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from core.datasets.reading.raw_files import Listing, RawFile
from core.datasets.reading.recognise import readings, settle
from core.datasets.reading_choice import Choice
from core.errors import BadInput

MOST_SECONDS = 5
LINES_OF_PROFILE = 40
PETS = ("cat", "dog", "owl", "hen")
COLOURS = ("red", "blue", "grey", "white", "black")
PEOPLE = ("anna", "ben", "carla", "dan", "eva", "finn", "gina", "hans")


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(buffer, "PNG")
    return buffer.getvalue()


def _raw(path: str, data: bytes) -> RawFile:
    return RawFile(tuple(path.split("/")), len(data), partial(io.BytesIO, data))


def listing_of(paths: Iterable[str], *tables: tuple[str, Iterable[str]]) -> Listing:
    """Images at these paths, and tables of these lines."""
    image = _png()
    files = [_raw(path, image) for path in paths]
    files += [_raw(name, "\n".join(lines).encode()) for name, lines in tables]
    return Listing(files)


def _in_turn(names: tuple[str, ...], at: int) -> str:
    return names[at % len(names)]


def table_of_columns(count: int) -> Listing:
    """A table whose columns may all be the label."""
    lines = [
        f"{at:06}.png,{_in_turn(PETS, at)},{_in_turn(COLOURS, at // 4)},"
        f"{_in_turn(PEOPLE, at // 20)}"
        for at in range(count)
    ]
    paths = (f"images/{at:06}.png" for at in range(count))
    return listing_of(paths, ("list.csv", ["name,animal,colour,taken", *lines]))


def table_of_several(count: int) -> Listing:
    """A table with several labels in a cell of every fourth image."""
    lines = [
        f"{at:06}.png,{_in_turn(PETS, at)}{'|cow' if at % 4 == 0 else ''}" for at in range(count)
    ]
    paths = (f"images/{at:06}.png" for at in range(count))
    return listing_of(paths, ("labels.csv", ["file,labels", *lines]))


def table_beside_folders(count: int) -> Listing:
    """Class folders, and a table that says something else."""
    paths = [f"{_in_turn(COLOURS, at)}/{at:06}.png" for at in range(count)]
    lines = [f"{path},{_in_turn(PETS, at // 7)}" for at, path in enumerate(paths)]
    return listing_of(paths, ("labels.csv", ["file,label", *lines]))


def names_of_parts(count: int) -> Listing:
    """Flat names of many parts, most of which may be the class."""
    return listing_of(
        f"{_in_turn(PEOPLE, at)}_{_in_turn(COLOURS, at // 8)}_{_in_turn(PETS, at // 40)}"
        f"_a{at % 9}_{at:06}.png"
        for at in range(count)
    )


def names_of_any(count: int) -> Listing:
    """Flat names whose parts are parted by several signs, not always as many."""
    return listing_of(
        f"{_in_turn(PETS, at)}-{_in_turn(COLOURS, at // 4)} {_in_turn(PEOPLE, at // 20)}"
        f"{'-x' if at % 3 else ''}_{at:06}.{at % 2}.png"
        for at in range(count)
    )


def folder_for_each(count: int) -> Listing:
    """One folder for each image."""
    return listing_of(f"case {at:06}/{_in_turn(PETS, at)}.png" for at in range(count))


def labels_for_each(count: int) -> Listing:
    """One folder for each image, named with a word that images of masks have too."""
    return listing_of(f"label_{at:06}/{at:06}.png" for at in range(count))


def masks_for_each(count: int) -> Listing:
    """One folder for each image, and one for its mask."""
    return listing_of(
        f"{folder}_{at:06}/{_in_turn(PETS, at)}.png"
        for at in range(count // 2)
        for folder in ("image", "mask")
    )


def folders_of_levels(count: int) -> Listing:
    """Three levels of folders, any of which may be the classes."""
    return listing_of(
        f"{_in_turn(PEOPLE, at)}/{_in_turn(PETS, at // 8)}/{at // 40 % 50}/{at:06}.png"
        for at in range(count)
    )


def masks_beside(count: int) -> Listing:
    """Half of the files are masks of the others."""
    return listing_of(
        f"{folder}/{_in_turn(PETS, at)}/{at:06}.png"
        for at in range(count // 2)
        for folder in ("images", "masks")
    )


CASES: dict[str, Callable[[int], Listing]] = {
    "table, several columns": table_of_columns,
    "table, several labels": table_of_several,
    "table beside folders": table_beside_folders,
    "names of parts": names_of_parts,
    "names of any form": names_of_any,
    "a folder for each image": folder_for_each,
    "a folder called label for each": labels_for_each,
    "a folder for each image and mask": masks_for_each,
    "folders of three levels": folders_of_levels,
    "masks beside images": masks_beside,
}


def outcome_of(listing: Listing) -> str:
    """What an import of the listing would come to, in a few words."""
    try:
        return f"read: {settle(readings(listing, Choice()), listing).title}"
    except BadInput as error:
        return str(error)


def measure(listing: Listing, profile: bool) -> dict[str, Any]:
    profiler = cProfile.Profile()
    started = time.process_time()
    if profile:
        profiler.enable()
    outcome = outcome_of(listing)
    profiler.disable()
    seconds = time.process_time() - started
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(LINES_OF_PROFILE)
    return {
        "processor_seconds": round(seconds, 2),
        "at_most_seconds": MOST_SECONDS,
        "outcome": outcome[:200],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--case", choices=CASES, help="only this one")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    result: dict[str, Any] = {
        "benchmark": f"ways to read {options.files:,} files",
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
    }
    for name in [options.case] if options.case else CASES:
        result[name] = measure(CASES[name](options.files), options.profile)
        print(json.dumps({name: result[name]}, indent=1), flush=True)
    if options.output:
        options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
