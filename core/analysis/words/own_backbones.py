"""Sentences on the backbones of one's own that an experiment uses: where each comes from, what it
has seen of the test images, and whether it is still here."""

from collections.abc import Mapping, Sequence

from core.backbones.own import OwnOrigin
from core.backbones.registry import BACKBONES
from core.backbones.weights.access import is_available
from core.experiments.records import UsedBackbone
from core.experiments.used_backbones import why_gone
from core.text import count_text, list_text


def describe_origins(backbones: Mapping[str, UsedBackbone]) -> list[str]:
    """Each backbone of one's own with its origin, a sentence or two for each."""
    return [
        f"{used.record.title}: {_lower_first(used.record.origin)}" for used in backbones.values()
    ]


def _lower_first(origin: OwnOrigin) -> str:
    return origin.words[0].lower() + origin.words[1:]


def describe_overlap(backbones: Mapping[str, UsedBackbone], test: int) -> list[str]:
    """A warning for each backbone that has seen some of the ``test`` images of its experiment, or
    may have."""
    found = []
    for used in backbones.values():
        seen, title = used.seen_test_images, used.record.title
        of_all = f"{seen or 0:,} of the {count_text(test, 'test image')}"
        if seen is None:
            found.append(
                f"Whether {title} has seen test images of this experiment is not known here, so "
                "what stands on it is left out where the best are named."
            )
        elif seen:
            found.append(
                f"{title} was trained or chosen on {of_all} of this experiment, or near "
                "duplicates of them: what stands on it looks better than it is, so it is left out "
                "where the best are named. Compare it on images that it has not seen."
            )
    return found


def describe_seen(titles: Sequence[str]) -> str:
    """A warning beside a comparison with strategies that have seen test images, by ``titles``."""
    their = "its accuracy here says" if len(titles) == 1 else "their accuracies here say"
    return (
        f"{list_text(titles)} started from a backbone that has seen test images of this "
        f"experiment, or may have: {their} too much of new images."
    )


def describe_gone(backbones: Mapping[str, UsedBackbone]) -> list[str]:
    """A sentence for each backbone of one's own that cannot be used here any more."""
    found = []
    for name, used in backbones.items():
        backbone = BACKBONES.get(name)
        if (reason := why_gone(used)) is not None:
            found.append(reason)
        elif backbone is not None and not is_available(backbone.weights):
            weights = backbone.weights
            found.append(
                f"The {weights.title}, which this experiment used, are not on this machine; what "
                f"was measured stays. {weights.how_to_get}"
            )
    return found
