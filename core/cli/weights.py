"""``weights status | fetch``."""

import argparse
from dataclasses import asdict

from core.backbones.weights import access as weights
from core.cli.output import print_json, print_table, say


def status(arguments: argparse.Namespace) -> int:
    found = weights.status()
    if arguments.json:
        print_json([asdict(entry) for entry in found])
        return 0
    print_table(
        ["weights", "there", "from", "since", "size"],
        [
            [
                entry.kind,
                "yes" if entry.available else "no",
                entry.source,
                entry.since,
                f"{entry.size_bytes / 1e6:.0f} MB" if entry.available else None,
            ]
            for entry in found
        ],
    )
    for entry in found:
        print(entry.message)
    return 0


def fetch(arguments: argparse.Namespace) -> int:
    found = weights.fetch(arguments.full, say)
    if arguments.json:
        print_json(asdict(found))
    return 0
