"""``experiments list | show | export``, ``runs list | show | cancel | retry | export``, ``compare``
and ``worker``."""

import argparse
import math
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli.output import EXIT_DONE, log_line, print_json, print_table, say, stop_on_termination
from core.errors import BadInput, HeadstartError, UnknownName
from core.experiments import recorded
from core.experiments.labels import Labels
from core.experiments.recorded import prepare_store
from core.experiments.records import ExperimentRecord, RunRecord, result_of
from core.experiments.remeasure import request_remeasure
from core.experiments.serving import serve_queue
from core.experiments.sharing import export_file, import_file
from core.experiments.store import Store, open_store
from core.files import write_bytes, written_whole
from core.jobs.cached import wait_for
from core.jobs.launchers import current_launcher, log_path
from core.jobs.progress import device_wait_text, progress_text
from core.jobs.queue import open_queue
from core.jobs.records import STATES
from core.jobs.worker import serve
from core.operations.disk import daily_tidying
from core.storage.shared import pull_cached
from core.text import list_text, percent_text, printable_text, seconds_text
from core.training.events import TIME_TITLES, RunResult


def list_experiments(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    found, damaged = store.experiments(), store.damaged_experiments()
    if not arguments.archived:
        found = [experiment for experiment in found if not experiment.labels.archived]
    if arguments.tag is not None:
        found = [experiment for experiment in found if arguments.tag in experiment.labels.tags]
    if arguments.owner is not None:
        owner = arguments.owner.casefold()
        found = [each for each in found if each.labels.owner.casefold() == owner]
    if arguments.json:
        unreadable = [{"id": entry.id, "damaged": entry.reason} for entry in damaged]
        print_json([_document(experiment) for experiment in found] + unreadable)
        return EXIT_DONE
    # Where nobody has to sign in there are no owners.
    owned = ["owner"] if any(experiment.labels.owner for experiment in found) else []
    columns = ("id", "name", "dataset", "preset", "size", "strategies", "seeds", "runs", "created")
    print_table(
        [*columns, *owned],
        [
            [
                experiment.id,
                experiment.labels.name,
                experiment.spec.dataset_name,
                experiment.spec.preset,
                experiment.spec.image_size,
                len(experiment.spec.strategies),
                len(experiment.spec.seeds),
                _states(experiment),
                experiment.created_at[:19],
                *(experiment.labels.owner for _ in owned),
            ]
            for experiment in found
        ],
    )
    for entry in damaged:
        print(printable_text(f"{entry.id}  damaged: {entry.reason}"))
    return EXIT_DONE


def show_experiment(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    experiment = store.experiment(arguments.id)
    runs = store.runs(experiment.id)
    if arguments.json:
        print_json(_document(experiment) | {"runs": [run.as_dict() for run in runs]})
        return EXIT_DONE
    spec = experiment.spec
    print(
        f"{experiment.id}: {spec.dataset_name}, preset {spec.preset}, "
        f"{spec.image_size} x {spec.image_size} pixels ({spec.resize}), "
        f"precision {spec.precision}, created {experiment.created_at}"
    )
    if experiment.origin is not None:
        print(f"recorded on {experiment.origin.machine}, {experiment.origin.date}")
    for line in _written_on(experiment.labels):
        print(printable_text(line))
    for name, reason in spec.unavailable.items():
        print(f"{name} was left out: {reason}")
    _print_runs(runs)
    return EXIT_DONE


def export_experiment(arguments: argparse.Namespace) -> int:
    """Into a zip for a colleague, or, rounded, into a folder as recorded results are kept."""
    store, output = prepare_store(), arguments.output
    if output.suffix == ".zip":
        export_file(store, arguments.id, output, arguments.with_images)
    elif arguments.with_images:
        raise BadInput("--with-images is for FILE.zip, not for a folder.", "--with-images")
    else:
        output = recorded.export_experiment(store, arguments.id, output)
    if arguments.json:
        kind = "file" if output.suffix == ".zip" else "folder"
        print_json({"experiment": arguments.id, kind: str(output)})
    else:
        say(f"written to {output}")
    return EXIT_DONE


def import_experiment(arguments: argparse.Namespace) -> int:
    if not arguments.file.is_file():
        raise BadInput(f"There is no file {arguments.file}.", "FILE")
    imported = import_file(prepare_store(), arguments.file)
    if arguments.json:
        print_json({"experiment": imported})
    else:
        say(f"imported: experiment {imported}")
    return EXIT_DONE


def compare(arguments: argparse.Namespace) -> int:
    form = "json" if arguments.json else arguments.format
    if form == "zip" and arguments.output is None:
        raise BadInput("--format zip writes a file: name it with --output FILE.", "--output")
    if form != "table" and arguments.metric != "accuracy":
        raise BadInput(
            "--metric is for the table; --format zip has every metric, html too.", "--metric"
        )
    content = _compared(prepare_store(), arguments.id, form, arguments.metric)
    if arguments.output is None:
        sys.stdout.write(content.decode())
        return EXIT_DONE
    try:
        if arguments.output.exists() and not arguments.output.is_file():
            arguments.output.write_bytes(content)  # a device or a pipe cannot be replaced
        else:
            write_bytes(arguments.output, content)
    except OSError as error:
        raise BadInput(f"--output: {error.strerror or error}.", "--output") from error
    say(f"written to {arguments.output}")
    return EXIT_DONE


def _compared(store: Store, experiment_id: str, form: str, metric: str) -> bytes:
    """The comparison in one of the forms; each imports only what it needs."""
    if form == "html":
        from core.reports.report import report_html

        return report_html(store, experiment_id)
    if form == "zip":
        from core.reports.tables import export_zip_of_tables

        return export_zip_of_tables(store, experiment_id)
    from core.analysis.comparison import compare_experiment
    from core.reports.export import to_csv, to_json, to_text

    comparison = compare_experiment(store, experiment_id)
    if form == "csv":
        return to_csv(comparison)
    if form == "json":
        return to_json(comparison) + b"\n"
    if metric == "accuracy":
        return to_text(comparison).encode()
    from core.analysis.evidence import load_evidence
    from core.analysis.metrics import METRICS
    from core.analysis.scores import score_table

    scores = score_table(load_evidence(store, experiment_id), metric)
    if not scores:
        raise BadInput(
            f"Experiment {experiment_id} has no {METRICS[metric].title}: none of its predictions "
            "can be read, or all of its test images are of one class.",
            "--metric",
        )
    return to_text(comparison, scores).encode()


def _written_on(labels: Labels) -> list[str]:
    """What people wrote on an experiment, line by line; nothing where nobody did."""
    marks = [name for name in ("pinned", "archived") if getattr(labels, name)]
    written = {
        "name": labels.name,
        "tags": ", ".join(labels.tags),
        "started by": labels.owner,
        "repeats": labels.repeats,
        "reviewed by": labels.review,
        "marked": list_text(marks),
        "slices": ", ".join(one.name for one in labels.slices),
    }
    lines = [f"{title}: {text}" for title, text in written.items() if text]
    return [*lines, *(["note:", *labels.note.splitlines()] if labels.note else [])]


def _states(experiment: ExperimentRecord) -> str:
    states = ", ".join(f"{count} {state}" for state, count in experiment.state_counts.items())
    return f"{states} (recorded)" if experiment.recorded else states


def _document(experiment: ExperimentRecord) -> dict[str, Any]:
    return {
        "id": experiment.id,
        "created_at": experiment.created_at,
        "recorded": experiment.recorded,
        "origin": None if experiment.origin is None else asdict(experiment.origin),
        "states": experiment.state_counts,
        "labels": asdict(experiment.labels),
        "spec": experiment.spec.model_dump(mode="json"),
    }


# Single runs ----------------------------------------------------------------------------------


def list_runs(arguments: argparse.Namespace) -> int:
    if arguments.state is not None and arguments.state not in STATES:
        raise UnknownName("state", arguments.state, STATES)
    states = None if arguments.state is None else (arguments.state,)
    store = prepare_store()
    found = store.runs(arguments.experiment, states)
    if arguments.json:
        print_json([run.as_dict() for run in found])
        return EXIT_DONE
    _print_runs(found)
    for group_id in dict.fromkeys(run.experiment_id for run in found if run.state == "queued"):
        if (wait := store.device_wait(group_id)) is not None:
            print(f"{group_id}: {device_wait_text(wait)}")
    return EXIT_DONE


def show_run(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    run = store.run(arguments.id)
    epochs = store.epochs(run.id)
    log = log_path(store.job(run.id))
    pull_cached(log)
    if arguments.json:
        records = [epoch.as_dict() for epoch in epochs]
        print_json(run.as_dict() | {"epochs": records, "log": str(log)})
        return EXIT_DONE
    _print_runs([run])
    for name, value in run.settings.items():
        print(f"{name} = {value}")
    for note in dict.fromkeys((*run.notes, *(run.result.notes if run.result else ()))):
        print(note)
    if run.result is not None:
        for name, title in TIME_TITLES.items():
            seconds = getattr(run.result, name)
            if seconds is not None:
                print(f"{title}: {seconds_text(seconds, name in run.result.disturbed)}")
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
                    f"{epoch.train_seconds:.2f}{_mark(epoch.is_disturbed)}",
                ]
                for epoch in epochs
            ],
        )
    if log.exists():
        print(f"log: {log}")
    return EXIT_DONE


def cancel(arguments: argparse.Namespace) -> int:
    run = prepare_store().request_cancel(arguments.id)
    if arguments.json:
        print_json(run.as_dict())
    elif run.state == "running":
        say(f"{run.id} was asked to stop")
    else:
        say(f"{run.id} is {run.state}")
    return EXIT_DONE


def retry(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    run = store.retry(arguments.id)
    if arguments.json:
        print_json(run.as_dict())
    else:
        served = any(worker.group_id is None for worker in store.live_workers())
        hint = "" if served else "; serve it with: python -m core worker --exit-when-idle 10"
        say(f"{run.id} is queued{hint}")
    return EXIT_DONE


def remeasure(arguments: argparse.Namespace) -> int:
    """Queue it, and serve it here unless another worker has it; waits for the device like a run."""
    store = prepare_store()
    job = request_remeasure(store, arguments.id)
    shown = ""

    def watch() -> None:
        nonlocal shown
        line = progress_text(store.job(job.id).progress)
        if store.job(job.id).state == "running" and line != shown:
            say(shown := line)

    serve(store, current_launcher(), group_id=job.group_id, watch=watch)
    over = store.job(job.id)
    if over.state != "finished":
        raise HeadstartError(over.error or f"The measurement is {over.state}.")
    run = store.run(arguments.id)
    if arguments.json:
        print_json(run.as_dict())
    else:
        result = result_of(run)
        say(f"{run.id}: a steady epoch takes {seconds_text(result.steady_epoch_seconds)}")
    return EXIT_DONE


def export_run(arguments: argparse.Namespace) -> int:
    """Make the package in a job, as the page does, and copy it to the file."""
    # Imported here: it reads the card's template and much of the comparison.
    from core.reports.export_model import model_package

    store = prepare_store()
    output: Path = arguments.output
    if not output.parent.is_dir():
        raise BadInput(f"There is no folder {output.parent}.", "output")
    made = wait_for(store, lambda: model_package(store, arguments.id), say)
    with open(made, "rb") as package, written_whole(output) as file:
        shutil.copyfileobj(package, file)
    document = {"run": arguments.id, "file": str(output), "bytes": output.stat().st_size}
    if arguments.json:
        print_json(document)
    else:
        say(f"{output} holds the model ({document['bytes']:,} bytes)")
    return EXIT_DONE


def _print_runs(runs: list[RunRecord]) -> None:
    print_table(
        ["id", "strategy", "seed", "state", "test accuracy", "seconds", "error"],
        [
            [
                run.id,
                run.strategy,
                run.seed,
                run.state,
                None if run.result is None else percent_text(run.result.scores.test.accuracy),
                None if run.result is None else _total_text(run.result),
                run.error,
            ]
            for run in runs
        ],
    )


def _total_text(result: RunResult) -> str:
    return f"{result.total_seconds:.1f}{_mark('total_seconds' in result.disturbed)}"


def _mark(is_disturbed: bool) -> str:
    return " (disturbed)" if is_disturbed else ""


def work(arguments: argparse.Namespace) -> int:
    """Serve the queue, with a line for each job that starts or ends."""
    idle = arguments.exit_when_idle
    if idle is not None and not (math.isfinite(idle) and idle >= 0):
        raise BadInput(
            f"--exit-when-idle is {idle}; it must be seconds, 0 or more.", "--exit-when-idle"
        )
    stop_on_termination()
    tidy = daily_tidying(open_store(), log_line)
    serve_queue(
        open_queue(), log_line, exit_when_idle=idle, worker_id=arguments.worker_id, watch=tidy
    )
    return EXIT_DONE
