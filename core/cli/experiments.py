"""``experiments list | show | export`` and ``compare``."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.cli.output import print_json, print_table, say
from core.cli.runs import RUN_HEADINGS, run_cells
from core.errors import BadInput
from core.experiments.first_start import prepare_store
from core.experiments.records import ExperimentRecord
from core.experiments.store import Store
from core.files import written_whole


def list_all(arguments: argparse.Namespace) -> int:
    found = prepare_store().experiments()
    if arguments.json:
        print_json([_document(experiment) for experiment in found])
        return 0
    print_table(
        ["id", "dataset", "preset", "size", "strategies", "seeds", "runs", "created"],
        [
            [
                experiment.id,
                experiment.spec.dataset_name,
                experiment.spec.preset,
                experiment.spec.image_size,
                len(experiment.spec.strategies),
                len(experiment.spec.seeds),
                _states(experiment),
                experiment.created_at[:19],
            ]
            for experiment in found
        ],
    )
    return 0


def show(arguments: argparse.Namespace) -> int:
    store = prepare_store()
    experiment = store.experiment(arguments.id)
    runs = store.runs(experiment.id)
    if arguments.json:
        print_json(_document(experiment) | {"runs": [run.as_dict() for run in runs]})
        return 0
    spec = experiment.spec
    print(
        f"{experiment.id}: {spec.dataset_name}, preset {spec.preset}, "
        f"{spec.image_size} x {spec.image_size} pixels ({spec.resize}), "
        f"precision {spec.precision}, created {experiment.created_at}"
    )
    if experiment.origin is not None:
        print(f"recorded on {experiment.origin.machine}, {experiment.origin.date}")
    for name, reason in spec.unavailable.items():
        print(f"{name} was left out: {reason}")
    print_table(RUN_HEADINGS, [run_cells(run) for run in runs])
    return 0


def export(arguments: argparse.Namespace) -> int:
    from core.experiments.recorded import export_experiment

    folder = export_experiment(prepare_store(), arguments.id, arguments.output)
    if arguments.json:
        print_json({"experiment": arguments.id, "folder": str(folder)})
    else:
        say(f"written to {folder}")
    return 0


def compare(arguments: argparse.Namespace) -> int:
    form = "json" if arguments.json else arguments.format
    if form == "zip" and arguments.output is None:
        raise BadInput("--format zip writes a file: say which with --output FILE.", "--output")
    content = _compared(prepare_store(), arguments.id, form)
    if arguments.output is None:
        sys.stdout.write(content.decode())
        return 0
    _write(arguments.output, content)
    say(f"written to {arguments.output}")
    return 0


def _compared(store: Store, experiment_id: str, form: str) -> bytes:
    """The comparison in one of the forms; what a form needs is imported for it alone."""
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
    return to_text(comparison).encode()


def _write(target: Path, content: bytes) -> None:
    """All or nothing: a full disk leaves no half report, and an older one stays as it was."""
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)  # a device or a pipe has no half-written state
            return
        with written_whole(target) as file:
            file.write(content)
    except OSError as error:
        raise BadInput(f"--output: {error}", "--output") from error


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
        "spec": experiment.spec.model_dump(mode="json"),
    }
