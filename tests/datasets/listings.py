"""Listings from memory, for the tests of the readers: nothing is written to disk."""

import io
from functools import partial

from core.datasets.reading.raw_files import Listing, RawFile
from core.datasets.reading.reader import Reading
from core.datasets.reading.recognise import readings, settle
from core.datasets.reading_choice import Choice


def listing_of(members: dict[str, bytes]) -> Listing:
    """A listing as ``open_source`` gives it, for paths and contents."""
    return Listing(
        [
            RawFile(tuple(path.split("/")), len(data), partial(io.BytesIO, data))
            for path, data in members.items()
        ]
    )


def csv_bytes(*lines: str) -> bytes:
    return "\n".join(lines).encode() + b"\n"


def refused(listing: Listing) -> dict[str, str]:
    return {entry.file: entry.reason for entry in listing.refused}


def the_reading(reader, listing: Listing, choice: Choice = Choice()) -> Reading | None:  # noqa: B008 - frozen
    """The only reading of one reader, or None where it has another layout."""
    found = reader.readings(listing, choice)
    assert len(found) <= 1
    return found[0] if found else None


def settled(listing: Listing, choice: Choice = Choice()) -> Reading:  # noqa: B008 - frozen
    """The reading that an import would take."""
    return settle(readings(listing, choice), listing)
