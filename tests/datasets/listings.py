"""Listings from memory, for the tests of the readers: nothing is written to disk."""

import io
from functools import partial

from core.datasets.reading.raw_files import Listing, RawFile


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
