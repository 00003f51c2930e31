"""``weights status | fetch``."""

import argparse
from dataclasses import asdict

from core.cli.output import print_json, print_table, say
from core.pretrained import weights
from core.text import size_text


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
                size_text(entry.size_bytes) if entry.available else None,
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
