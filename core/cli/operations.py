"""``workers``, ``cluster``, ``doctor``, ``backup``, ``restore``, ``database``: to run an
installation."""

import argparse
from dataclasses import asdict
from typing import Any

from core.cli.output import EXIT_DONE, EXIT_FAILED, counter, print_json, print_table, say
from core.errors import BadInput
from core.jobs.overview import QueueOverview, WorkerStatus, overview
from core.jobs.progress import NO_TRAINER
from core.jobs.queue import open_queue
from core.operations.backup import backup_words, make_backup
from core.operations.check import is_fit
from core.operations.cluster import SlotSize
from core.operations.cluster import down as stop_cluster
from core.operations.cluster import up as start_cluster
from core.operations.database_copy import copy_database
from core.operations.doctor import check_installation
from core.operations.restore import restore_backup
from core.settings import current_settings
from core.text import count_text, printable_text


def list_workers(arguments: argparse.Namespace) -> int:
    """Each worker with its jobs, then how much waits in each pool."""
    found = overview(open_queue())
    if arguments.json:
        print_json(_document(found))
        return EXIT_DONE
    if found.workers:
        headings = ["worker", "host", "device", "process", "since (UTC)", "last beat", "runs"]
        print_table(headings, [_row(one) for one in found.workers])
    else:
        print("No worker is there; a page starts one when it is needed.")
    print_table(
        ["pool", "waiting", "running"],
        [[pool.name, str(pool.waiting), str(pool.running)] for pool in found.pools],
    )
    if found.lacks_trainer:
        print(f"What waits in the pool device: {NO_TRAINER}.")
    if found.abandoned:
        named = count_text(len(found.abandoned), "job")
        print(f"{named} without a worker: the next one that looks marks what was lost.")
    return EXIT_DONE


def _row(one: WorkerStatus) -> list[Any]:
    beat = f"{one.silent_seconds:.0f} s ago{' (silent)' if one.is_silent else ''}"
    return [
        *(one.worker.id, one.worker.host, one.worker.device),
        *(one.worker.process_id, one.worker.started_at[:19], beat),
        ", ".join(job.id for job in one.at_work),
    ]


def _document(found: QueueOverview) -> dict[str, Any]:
    return {
        "workers": [
            asdict(one.worker)
            | {"silent_seconds": one.silent_seconds, "is_silent": one.is_silent}
            | {"at_work": [{"id": job.id, "kind": job.kind} for job in one.at_work]}
            for one in found.workers
        ],
        "pools": [asdict(pool) for pool in found.pools],
        "abandoned": [job.id for job in found.abandoned],
    }


def cluster_up(arguments: argparse.Namespace) -> int:
    """A line for each machine; 1 where one was refused."""
    size = None
    for field in ("gpus", "cpus"):
        count = getattr(arguments, f"{field}_per_slot")
        if count is not None:
            if count < 1:
                name = f"--{field}-per-slot"
                raise BadInput(f"{name} is {count}; it must be 1 or more.", name)
            size = SlotSize(**{field: count})
    found = start_cluster(arguments.address, size, say)
    if arguments.json:
        print_json(asdict(found))
    else:
        for name in sorted({*found.started, *found.there}):
            now, before = found.started.get(name, 0), found.there.get(name, 0)
            print(f"{name}: {count_text(now, 'worker')} started, {before} there before")
        if not (found.started or found.there or found.refused):
            print("No machine of the cluster is large enough for a worker of this size.")
    for name, reason in found.refused.items():
        say(f"{name} is refused: {reason}.")
    nothing = not (found.started or found.there)
    return EXIT_FAILED if found.refused or nothing else EXIT_DONE


def cluster_down(arguments: argparse.Namespace) -> int:
    ended = stop_cluster(arguments.address)
    if arguments.json:
        print_json({"ended": ended})
    else:
        print(f"{count_text(ended, 'worker')} ended.")
    return EXIT_DONE


def doctor(arguments: argparse.Namespace) -> int:
    """One line a check; 1 where there is a problem."""
    found = check_installation(quick=arguments.quick, device=arguments.devices)
    if arguments.json:
        print_json([asdict(check) for check in found])
    else:
        width = max(len(check.name) for check in found)
        for check in found:
            sentence = printable_text(f"{check.found} {check.to_do}".rstrip())
            print(f"{check.state:<9}{check.name:<{width}}  {sentence}")
    return EXIT_DONE if is_fit(found) else EXIT_FAILED


def backup(arguments: argparse.Namespace) -> int:
    found = make_backup(
        arguments.file,
        weights=arguments.with_weights,
        cache=arguments.with_cache,
        files_only=arguments.files_only,
        progress=counter("files"),
    )
    if arguments.json:
        print_json(asdict(found))
    else:
        print(f"{arguments.file}: {backup_words(found)}")
    return EXIT_DONE


def restore(arguments: argparse.Namespace) -> int:
    """Make the home, and say which settings the former one had."""
    found = restore_backup(arguments.file, say, counter("bytes"))
    if arguments.json:
        print_json(asdict(found))
        return EXIT_DONE
    print(f"{current_settings().home}: {backup_words(found)}")
    if found.settings:
        print("The former installation had these settings; set again what still holds:")
        for name, value in found.settings.items():
            print(f"  {name}={printable_text(value)}")
    return EXIT_DONE


def copy_rows(arguments: argparse.Namespace) -> int:
    """Copy the rows, compare them, and say what to do next."""
    found = copy_database(arguments.source, arguments.target)
    if arguments.json:
        print_json(asdict(found) | {"source": str(found.source)})
        return EXIT_DONE
    print_table(["table", "rows"], [[name, f"{count:,}"] for name, count in found.rows.items()])
    for entry in found.changed:
        say(f"kept in another form: {entry}")
    say(f"Each row was read back and compared. Set HEADSTART_DATABASE_URL to {found.target} (with")
    say("its password) wherever Headstart starts; the files stay in the home.")
    return EXIT_DONE
