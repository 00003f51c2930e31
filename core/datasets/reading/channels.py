"""Channels of one image in several files: the bands of a satellite, the dyes of a microscope."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from core.datasets.reading.folder_words import is_channel
from core.datasets.reading.raw_files import Listing
from core.text import list_text

MOST_CHANNELS = 20
FRACTION_IN_CHANNELS = 0.8


def note_channels(stems: Sequence[str], listing: Listing) -> None:
    """Note where most names end in a channel, ``tile1_B02``, and differ in nothing else."""
    others, most_others = 0, (1 - FRACTION_IN_CHANNELS) * len(stems)
    ends: list[tuple[str, str]] = []
    channels: dict[str, set[str]] = defaultdict(set)
    for text in stems:
        start, end = _parted(text)
        if is_channel(end):
            ends.append((start, end))
            channels[start].add(end)
        else:
            others += 1
            if others > most_others:
                return
    counts = Counter(end for start, end in ends if len(channels[start]) > 1)
    if counts.total() < FRACTION_IN_CHANNELS * len(stems) or not 1 < len(counts) <= MOST_CHANNELS:
        return
    listing.notes.append(
        f"The names end in {list_text(sorted(counts))}, as the channels of one image have them."
        " Each file was taken as an image of its own: channels are not put together."
    )


def _parted(text: str) -> tuple[str, str]:
    """What stands before and behind the last sign between words; nothing behind where none is."""
    at = max(text.rfind("_"), text.rfind("-"), text.rfind("."), text.rfind(" "))
    return (text[:at], text[at + 1 :]) if at >= 0 else (text, "")
