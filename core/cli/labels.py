"""``experiments name | note | tag | archive | review | pin | remove | drop-weights |
history``."""

import argparse
import getpass
import sys
from dataclasses import asdict
from typing import Any

from core.cli.output import EXIT_DONE, print_json, print_table, say
from core.errors import BadInput
from core.experiments.labels import change_several, history
from core.experiments.recorded import prepare_store
from core.experiments.removal import drop_weights, loss_of, remove_experiments, undo_removal
from core.text import count_text, size_text


def name(arguments: argparse.Namespace) -> int:
    return _change(arguments, [arguments.id], name=arguments.text)


def note(arguments: argparse.Namespace) -> int:
    text = sys.stdin.read() if arguments.text == "-" else arguments.text
    return _change(arguments, [arguments.id], note=text)


def tag(arguments: argparse.Namespace) -> int:
    return _change(arguments, [arguments.id], tags=arguments.tags)


def archive(arguments: argparse.Namespace) -> int:
    return _change(arguments, arguments.ids, archived=not arguments.undo)


def review(arguments: argparse.Namespace) -> int:
    return _change(arguments, arguments.ids, reviewed=not arguments.undo)


def pin(arguments: argparse.Namespace) -> int:
    return _change(arguments, arguments.ids, pinned=not arguments.undo)


def remove(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    if arguments.undo:
        for one in arguments.ids:
            undo_removal(store, one, getpass.getuser())
    else:
        loss = loss_of([store.experiment(one) for one in arguments.ids], store)
        lost = (
            f"{count_text(loss.experiments, 'experiment')} with {count_text(loss.runs, 'run')}, "
            f"{size_text(loss.size_bytes)}"
        )
        if not arguments.yes:
            raise BadInput(f"This removes {lost}. Add --yes to do it.", "--yes")
        remove_experiments(store, arguments.ids, getpass.getuser())
        say(f"removed {lost}; for an hour, the same command with --undo brings them back")
    if arguments.json:
        print_json({"removed": not arguments.undo, "experiments": arguments.ids})
    return EXIT_DONE


def drop(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    if not arguments.yes:
        loss = loss_of([store.experiment(one) for one in arguments.ids], store)
        raise BadInput(
            f"This deletes trained weights of {size_text(loss.weights_bytes)}. Results stay, but "
            "these networks can no longer be tried, exported or looked into. Add --yes to do it.",
            "--yes",
        )
    size_bytes = drop_weights(store, arguments.ids)
    if arguments.json:
        print_json({"experiments": arguments.ids, "size_bytes": size_bytes})
    else:
        say(f"dropped trained weights of {size_text(size_bytes)}")
    return EXIT_DONE


def show(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    found = history(store, store.experiment(arguments.id).id)
    if arguments.json:
        print_json([asdict(change) for change in found])
        return EXIT_DONE
    print_table(
        ["when", "who", "what", "now"],
        [[one.changed_at[:19], one.changed_by, one.field, one.value] for one in found],
    )
    return EXIT_DONE


def _change(arguments: argparse.Namespace, ids: list[str], **given: Any) -> int:
    store = prepare_store()
    found = [store.experiment(one).id for one in ids]  # all are there, or nothing is changed
    now = change_several(store, found, getpass.getuser(), **given)
    if arguments.json:
        print_json({one: asdict(labels) for one, labels in now.items()})
    else:
        for one in found:
            say(f"{one}: {', '.join(f'{field} {value!r}' for field, value in given.items())}")
    return EXIT_DONE
