"""Channels of one image in several files: the bands of a satellite, the dyes of a microscope."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from core.datasets.reading.folder_words import is_channel
from core.datasets.reading.raw_files import Listing
from core.text import list_text

MOST_CHANNELS = 20
FRACTION_IN_CHANNELS = 0.8
_LAST = re.compile(r"(.*?)[-_. ]([^-_. ]+)")


def note_channels(stems: Sequence[str], listing: Listing) -> None:
    """Note where most names end in a channel, ``tile1_B02``, and differ in nothing else."""
    ends = [found.groups() for text in stems if (found := _LAST.fullmatch(text))]
    channels: dict[str, set[str]] = defaultdict(set)
    for start, end in ends:
        if is_channel(end):
            channels[start].add(end)
    counts = Counter(end for start, end in ends if len(channels[start]) > 1)
    if counts.total() < FRACTION_IN_CHANNELS * len(stems) or not 1 < len(counts) <= MOST_CHANNELS:
        return
    listing.notes.append(
        f"The names end in {list_text(sorted(counts))}, as the channels of one image have them."
        " Each file was taken as an image of its own: channels are not put together."
    )
