"""``store export | mlflow``: all runs for a notebook, or for a tracking server."""

import argparse
from dataclasses import asdict

from core.cli.output import EXIT_DONE, print_json, say
from core.experiments.recorded import prepare_store
from core.text import count_text


def export(arguments: argparse.Namespace) -> int:
    # Imported here: pandas takes a second.
    from core.reports.frames import export_store

    written = export_store(prepare_store(), arguments.folder, arguments.format)
    if arguments.json:
        print_json({str(path): lines for path, lines in written.items()})
    else:
        for path, lines in written.items():
            say(f"{path}: {count_text(lines, 'line')}")
    return EXIT_DONE


def mlflow(arguments: argparse.Namespace) -> int:
    from core.reports.tracking import write_to_mlflow

    artefacts = tuple(filter(None, arguments.artefacts.split(",")))
    written = write_to_mlflow(prepare_store(), arguments.target, artefacts, say)
    if arguments.json:
        print_json(asdict(written))
    else:
        say(
            f"{count_text(written.new, 'run')} written, {written.there:,} there before, "
            f"{written.waiting:,} not over yet"
        )
    return EXIT_DONE
