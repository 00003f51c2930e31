"""``storage show | clean | push``: what the home holds, caches that can be made again, and how all
of it gets into a storage that machines share."""

import argparse
from dataclasses import asdict

from core.cli.output import EXIT_DONE, EXIT_FAILED, counter, print_json, print_table, say
from core.errors import BadInput
from core.experiments.recorded import prepare_store
from core.experiments.removal import sizes_here
from core.operations.disk import cache_entries, disk_use, drop, droppable
from core.operations.storage_push import push_home
from core.settings import CACHE_DAYS_VARIABLE, CACHE_GB_VARIABLE, current_settings
from core.text import count_text, size_text


def show(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    parts = disk_use()
    sizes = sizes_here(store)
    experiments = [(each, sizes.get(each.id, 0)) for each in store.experiments()]
    experiments.sort(key=lambda entry: -entry[1])
    if arguments.json:
        shown = {experiment.id: size for experiment, size in experiments}
        print_json({"parts": [asdict(part) for part in parts], "experiments": shown})
        return EXIT_DONE
    print_table(
        ["part", "size", "what it is"],
        [[part.name, size_text(part.size_bytes), part.meaning] for part in parts],
    )
    print()
    print_table(
        ["experiment", "size", "name", "dataset"],
        [
            [one.id, size_text(size), one.labels.name, one.spec.dataset_name]
            for one, size in experiments
        ],
    )
    return EXIT_DONE


def clean(arguments: argparse.Namespace) -> int:
    days = _amount(arguments.unused_days, "--unused-days")
    gigabytes = _amount(arguments.keep_gb, "--keep-gb")
    keep_bytes = None if gigabytes is None else int(gigabytes * 10**9)
    if days is None and keep_bytes is None:  # what workers do by themselves
        settings = current_settings()
        days, keep_bytes = settings.cache_unused_days, settings.cache_bytes
    if days is None and keep_bytes is None:
        raise BadInput(
            f"Give a rule: --unused-days 30, --keep-gb 20, or both; or set {CACHE_DAYS_VARIABLE} "
            f"or {CACHE_GB_VARIABLE}, and workers follow it.",
            "--unused-days",
        )
    found = droppable(cache_entries(), days, keep_bytes)
    size_bytes = sum(entry.size_bytes for entry in found)
    if arguments.yes:
        drop(prepare_store(), found)
    if arguments.json:
        rows = [{"kind": one.kind, "key": one.key, "size_bytes": one.size_bytes} for one in found]
        print_json({"dropped": arguments.yes, "entries": rows, "size_bytes": size_bytes})
        return EXIT_DONE
    verb = "dropped" if arguments.yes else "would drop"
    say(f"{verb} {count_text(len(found), 'cache entry', 'cache entries')}, {size_text(size_bytes)}")
    if found and not arguments.yes:
        say("They are made again when they are needed. Add --yes to do it.")
    return EXIT_DONE


def push(arguments: argparse.Namespace) -> int:
    """One line of what was done; 1 where the storage has other files of the same name."""
    found = push_home(counter("files"))
    if arguments.json:
        print_json(asdict(found))
    else:
        print(
            f"{count_text(found.pushed, 'file')} ({size_text(found.pushed_bytes)}) pushed and read "
            f"back; {found.there:,} were there already."
        )
    for name in found.different:
        say(f"left as it is, the storage has another one of that name: {name}")
    return EXIT_FAILED if found.different else EXIT_DONE


def _amount(text: str | None, flag: str) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise BadInput(f"{flag} is {text!r}; it must be a number from 0.", flag)
    return value
