"""``backbones list | status | fetch``, and ``weights status | fetch``, their name of old."""

import argparse
from dataclasses import asdict
from typing import Any

from core.backbones.backbone import Backbone
from core.backbones.registry import BACKBONES, find_backbone
from core.backbones.weights import access, files
from core.backbones.weights.access import WeightsStatus
from core.backbones.weights.digests import WeightSet
from core.cli.output import print_json, print_table, say
from core.errors import HeadstartError
from core.text import percent_text, size_text

_WEIGHT_SETS = tuple(one for backbone in BACKBONES.values() for one in backbone.weight_sets)


def list_all(arguments: argparse.Namespace) -> int:
    """What each backbone is, and whether its weights are here."""
    if arguments.json:
        print_json([_document(backbone) for backbone in BACKBONES.values()])
        return 0
    print_table(
        ["backbone", "title", "top-1", "parameters", "multiply-adds", "pixels from", "there"],
        [
            [
                backbone.name,
                backbone.title,
                percent_text(backbone.published_accuracy),
                f"{backbone.parameters() / 1e6:.1f} M",
                f"{backbone.multiply_adds / 1e9:.1f} G",
                backbone.smallest_size,
                "yes" if access.is_available(backbone.weights) else "no",
            ]
            for backbone in BACKBONES.values()
        ],
    )
    for backbone in BACKBONES.values():
        print(f"{backbone.name}: {backbone.about} Top-1 as {backbone.accuracy_source} states it.")
        print(f"  Licence: {backbone.licence}.")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Which weights are there, from where, since when."""
    found = [access.status_of(weight_set) for weight_set in _WEIGHT_SETS]
    if arguments.json:
        print_json([_status_document(entry) for entry in found])
        return 0
    print_table(
        ["weights", "there", "from", "since", "size"],
        [
            [
                weight_set.name,
                "yes" if entry.available else "no",
                entry.source,
                entry.since,
                size_text(entry.size_bytes) if entry.available else None,
            ]
            for weight_set, entry in zip(_WEIGHT_SETS, found, strict=True)
        ],
    )
    for entry in found:
        print(entry.message)
    return 0


def fetch(arguments: argparse.Namespace) -> int:
    """Get the weights of the named backbones, or of all; 1 where some cannot be had."""
    names = arguments.names or list(BACKBONES)
    backbones = [find_backbone(name) for name in dict.fromkeys(names)]
    wanted = [backbone.weight_set(arguments.include_top) for backbone in backbones]
    if len(wanted) == 1:
        found = [access.fetch(wanted[0], say)]
    else:
        found = [entry for one in wanted if (entry := _fetched(one)) is not None]
    if arguments.json:
        documents = [_status_document(entry) for entry in found]
        print_json(documents[0] if len(documents) == 1 and not arguments.as_list else documents)
    return 0 if len(found) == len(wanted) else 1


def _fetched(weight_set: WeightSet) -> WeightsStatus | None:
    """One of several: what cannot be had is said, and the next one asked for."""
    try:
        return access.fetch(weight_set, say)
    except HeadstartError as error:
        say(str(error))
        return None


def _status_document(found: WeightsStatus) -> dict[str, Any]:
    # "kind" is what it was called before there were several backbones.
    return asdict(found) | {"kind": "full" if found.include_top else "base"}


def _document(backbone: Backbone) -> dict[str, Any]:
    return {
        "name": backbone.name,
        "title": backbone.title,
        "about": backbone.about,
        "smallest_size": backbone.smallest_size,
        "input_range": backbone.preparation.input_range,
        "feature_layers": [
            {
                "layer": backbone.tapped_layer(one.include_top),
                "include_top": one.include_top,
                "width": backbone.feature_width(backbone.published_size, one.include_top),
                "parameters": backbone.parameters(one.include_top),
                "available": access.is_available(one),
                "sources": list(dict.fromkeys(place.source for place in files.candidates(one))),
            }
            for one in backbone.weight_sets
        ],
        "published_size": backbone.published_size,
        "multiply_adds": backbone.multiply_adds,
        "published_accuracy": backbone.published_accuracy,
        "accuracy_source": backbone.accuracy_source,
        "licence": backbone.licence,
    }
