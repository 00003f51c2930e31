"""``strategies``: the ladder, with settings."""

import argparse
from dataclasses import asdict
from typing import Any

from core.cli.output import print_json, print_table
from core.strategies.registry import STRATEGIES
from core.strategies.settings import Setting
from core.strategies.strategy import Strategy


def show_all(arguments: argparse.Namespace) -> int:
    ladder = sorted(STRATEGIES.values(), key=lambda entry: (entry.cost, entry.name))
    if arguments.json:
        print_json([_document(entry) for entry in ladder])
        return 0
    for entry in ladder:
        always = sorted(entry.needs({}))
        needs = f" (needs {', '.join(always)})" if always else ""
        print(f"{entry.name}: {entry.title}{needs}")
        print(f"  {entry.teaches}")
        print(f"  Tutorial: {entry.tutorial}")
        if entry.settings:
            print_table(
                ["  setting", "quick", "article", "allowed", "meaning"],
                [
                    [f"  {item.name}", item.quick, item.article, _allowed(item), item.title]
                    for item in entry.settings
                ],
            )
        print()
    return 0


def _document(entry: Strategy) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "teaches": entry.teaches,
        "tutorial": entry.tutorial,
        "needs": sorted(entry.needs({})),
        "role": entry.role,
        "backbone": entry.backbone.name if entry.backbone else None,
        "mode": entry.mode,
        "cost": entry.cost,
        "settings": [asdict(item) for item in entry.settings],
    }


def _allowed(item: Setting) -> str:
    if item.kind == "bool":
        return "true, false"
    if item.kind == "choice":
        return ", ".join(item.choices)
    return f"{item.low:g} to {item.high:g}{' ' + item.unit if item.unit else ''}"
