"""``runs list | show | cancel | retry | keep``."""

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

from core.cli.output import print_json, print_table, say
from core.errors import BadInput, HeadstartError, UnknownName
from core.experiments.first_start import prepare_store
from core.experiments.records import RunRecord
from core.files import written_whole
from core.jobs.cached import make_again
from core.jobs.launchers import log_path
from core.jobs.records import STATES
from core.text import percent_text

RUN_HEADINGS = ("id", "strategy", "seed", "state", "test accuracy", "seconds", "error")
POLL_SECONDS = 0.5


def list_all(arguments: argparse.Namespace) -> int:
    if arguments.state is not None and arguments.state not in STATES:
        raise UnknownName("state", arguments.state, STATES)
    states = None if arguments.state is None else (arguments.state,)
    found = prepare_store().runs(arguments.experiment, states)
    if arguments.json:
        print_json([run.as_dict() for run in found])
    else:
        print_table(RUN_HEADINGS, [run_cells(run) for run in found])
    return 0


def show(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    run = store.run(arguments.id)
    epochs = store.epochs(run.id)
    log = log_path(store.job(run.id))
    if arguments.json:
        records = [epoch.as_dict() for epoch in epochs]
        print_json(run.as_dict() | {"epochs": records, "log": str(log)})
        return 0
    print_table(RUN_HEADINGS, [run_cells(run)])
    for name, value in run.settings.items():
        print(f"{name} = {value}")
    for note in run.notes:
        print(note)
    if epochs:
        print_table(
            ["stage", "epoch", "train loss", "train accuracy", "validation accuracy", "seconds"],
            [
                [
                    epoch.stage,
                    epoch.epoch,
                    f"{epoch.train_loss:.4f}",
                    percent_text(epoch.train_accuracy),
                    percent_text(epoch.validation_accuracy),
                    f"{epoch.train_seconds:.2f}",
                ]
                for epoch in epochs
            ],
        )
    if log.exists():
        print(f"log: {log}")
    return 0


def cancel(arguments: argparse.Namespace) -> int:
    run = prepare_store().request_cancel(arguments.id)
    if arguments.json:
        print_json(run.as_dict())
    elif run.state == "running":
        say(f"{run.id} was asked to stop")
    else:
        say(f"{run.id} is {run.state}")
    return 0


def retry(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    run = store.retry(arguments.id)
    if arguments.json:
        print_json(run.as_dict())
    else:
        served = any(worker.group_id is None for worker in store.live_workers())
        hint = "" if served else "; serve it with: python -m core worker --exit-when-idle 10"
        say(f"{run.id} is queued{hint}")
    return 0


def export(arguments: argparse.Namespace) -> int:
    """Make the package in a job, as the page does, and copy it to the file."""
    # Imported here: it reads the card's template and much of the comparison.
    from core.reports.export_model import kept_package

    store = prepare_store()
    output: Path = arguments.output
    if not output.parent.is_dir():
        raise BadInput(f"There is no folder {output.parent}.", "output")
    work = kept_package(store, arguments.id)
    if work.state in ("failed", "cancelled"):  # of an attempt before this one
        make_again(store, work)
        work = kept_package(store, arguments.id)
    shown = ""
    while work.state == "working":
        if work.text != shown:
            say(shown := work.text)
        time.sleep(POLL_SECONDS)
        work = kept_package(store, arguments.id)
    if work.state != "ready":
        raise HeadstartError(work.error)
    with open(work.result, "rb") as package, written_whole(output) as file:
        shutil.copyfileobj(package, file)
    document = {"run": arguments.id, "file": str(output), "bytes": output.stat().st_size}
    if arguments.json:
        print_json(document)
    else:
        say(f"{output} holds the model ({document['bytes']:,} bytes)")
    return 0


def run_cells(run: RunRecord) -> list[Any]:
    result = run.result
    return [
        run.id,
        run.strategy,
        run.seed,
        run.state,
        None if result is None else percent_text(result.scores.test.accuracy),
        None if result is None else f"{result.total_seconds:.1f}",
        run.error,
    ]
