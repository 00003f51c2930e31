"""``datasets list | add | show | rename | export | version | remove``."""

import argparse
import shlex
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.cli.output import (
    EXIT_BAD_INPUT,
    counter,
    print_json,
    print_table,
    say,
    stop_on_termination,
)
from core.datasets.add import add_dataset, list_readings
from core.datasets.bundled import ensure_bundled_datasets
from core.datasets.dataset import Dataset
from core.datasets.reading.question import Offer, Question, ReadingUnclear
from core.datasets.reading.raw_files import shown_name
from core.datasets.reading_choice import Choice, subset_choice
from core.datasets.storage import list_datasets, open_dataset, remove_dataset, rename_dataset
from core.errors import BadInput, HeadstartError, UnknownName
from core.files import written_whole
from core.text import percent_text, printable_text, some_text

BUNDLED = "reading the bundled images"
ROWS_SHOWN = 2
COLUMNS_SHOWN = 20
CLASSES_SHOWN = 8
_OTHER_COLUMNS = " --file-column and --split-column are for those that are not found by themselves."
DROPPED = (
    "exact-duplicates",
    "near-duplicates",
    "conflicts",
    "near-conflicts",
    "leaks",
    "one-colour",
)


def list_all(arguments: argparse.Namespace) -> int:
    ensure_bundled_datasets(counter(BUNDLED))
    found = list_datasets()
    if arguments.json:
        print_json([_document(dataset) for dataset in found])
        return 0
    print_table(
        ["name", "images", "classes", "commonest class", "its fraction", "id"],
        [
            [
                dataset.name,
                dataset.image_count,
                len(dataset.classes),
                dataset.majority_class,
                percent_text(dataset.majority_fraction),
                dataset.id[:12],
            ]
            for dataset in found
        ],
    )
    return 0


def add(arguments: argparse.Namespace) -> int:
    if not arguments.path.exists():
        raise BadInput(f"There is no file or folder {arguments.path}.", "path")
    stop_on_termination()  # a half read dataset is deleted then, as after Ctrl-C
    choice = _choice(arguments)
    if arguments.readings:
        _show_question(list_readings(arguments.path, choice), arguments)
        return 0
    stored_before = set(list_datasets())
    try:
        dataset = add_dataset(
            arguments.path, arguments.name, counter("reading images"), choice=choice
        )
    except ReadingUnclear as error:
        say(f"error: {printable_text(str(error))}")
        _show_question(error.question, arguments)
        return EXIT_BAD_INPUT
    if dataset in stored_before:
        say(f"These are the same images as dataset {dataset.name!r}, which was there already.")
    left_out = len(dataset.health.quarantined)
    if left_out:
        say(f"{left_out} files could not be used; why: datasets show {dataset.id[:12]}")
    for note in dataset.health.notes:
        say(printable_text(note))
    if dataset.reading is not None:
        if dataset.reading.others or choice != Choice():
            say(f"the same again: {_command(arguments.path, dataset.reading.choice)}")
        for other in dataset.reading.others:
            say(f"it can also be read so: {printable_text(other.title)}")
            say(f"    {_command(arguments.path, other.choice)}")
    return _show(dataset, arguments.json)


def show(arguments: argparse.Namespace) -> int:
    from core.datasets.health.findings import findings

    dataset = _opened(arguments.name)
    found = findings(dataset)
    if arguments.json:
        names = ("kind", "severity", "title", "advice", "count", "classes")
        listed = [{name: getattr(finding, name) for name in names} for finding in found]
        print_json(_document(dataset) | {"findings": listed})
        return 0
    _show(dataset, as_json=False)
    for finding in found:
        print(f"{finding.severity}: {printable_text(finding.title)}")
        if finding.advice:
            print(f"  {printable_text(finding.advice)}")
    return 0


def rename(arguments: argparse.Namespace) -> int:
    dataset = rename_dataset(_opened(arguments.name).id, arguments.new_name)
    if arguments.json:
        print_json(_document(dataset))
    else:
        say(f"{arguments.name} is now called {dataset.name}")
    return 0


def export(arguments: argparse.Namespace) -> int:
    from core.datasets.export import export_zip
    from core.experiments.uploads import safe_file_name

    dataset = _opened(arguments.name)
    target: Path = arguments.output or Path(safe_file_name(f"{dataset.name}.zip"))
    if target.exists():
        raise BadInput(f"{target} exists already; choose another place with --output.", "output")
    stop_on_termination()
    try:
        with written_whole(target) as file:
            export_zip(dataset, file, counter("writing images"))
    except OSError as error:
        raise HeadstartError(f"{target} cannot be written ({error.strerror or error}).") from error
    if arguments.json:
        print_json(
            {"file": str(target), "bytes": target.stat().st_size, "images": dataset.image_count}
        )
    else:
        say(f"{dataset.image_count} images in {target}")
    return 0


def version(arguments: argparse.Namespace) -> int:
    from core.datasets.versions import Changes, make_version, preview

    dataset = _opened(arguments.name)
    dropped = _dropped(arguments.drop)
    changes = Changes(
        drop_exact_duplicates="exact-duplicates" in dropped,
        drop_near_duplicates="near-duplicates" in dropped,
        drop_conflicts="conflicts" in dropped,
        drop_near_conflicts="near-conflicts" in dropped,
        drop_leaks="leaks" in dropped,
        drop_one_colour="one-colour" in dropped,
        drop_classes=tuple(arguments.drop_class),
        merge_classes=tuple(_merge(text, dataset) for text in arguments.merge),
    )
    for sentence in preview(dataset, changes).sentences:
        say(printable_text(sentence))
    return _show(make_version(dataset, changes, arguments.new_name), arguments.json)


def remove(arguments: argparse.Namespace) -> int:
    from core.experiments.store import open_store

    dataset = _opened(arguments.name)
    users = open_store().active_runs_of_dataset(dataset.id)
    if users:
        raise BadInput(
            f"Dataset {dataset.name!r} is used by {', '.join(run.id for run in users)}; "
            "wait for these runs, or cancel them first.",
            "dataset",
        )
    remove_dataset(dataset.id)
    if arguments.json:
        print_json({"removed": dataset.name, "id": dataset.id})
    else:
        say(f"removed {dataset.name}")
    return 0


def _opened(name: str) -> Dataset:
    ensure_bundled_datasets(counter(BUNDLED))
    return open_dataset(name)


def _choice(arguments: argparse.Namespace) -> Choice:
    try:
        return Choice(
            classes_from=arguments.classes_from,
            subsets=dict(map(subset_choice, arguments.subset)),
            leave_out=tuple(arguments.leave_out),
            file_column=arguments.file_column,
            label_column=arguments.label_column,
            split_column=arguments.split_column,
            name_pattern=arguments.name_pattern,
            several_labels=arguments.several_labels,
        )
    except ValidationError as error:
        raise BadInput(error.errors()[0]["msg"].removeprefix("Value error, "), "choice") from None


def _show_question(question: Question, arguments: argparse.Namespace) -> None:
    """The readings with the command that chooses each, and the tables to choose columns of."""
    if arguments.json:
        print_json(question.model_dump(mode="json"))
        return
    for at, offer in enumerate(question.offers, start=1):
        say(f"({at}) {printable_text(offer.title)}")
        for line in _offer_lines(offer):
            say(f"    {printable_text(line)}")
        say(f"    {_command(arguments.path, offer.choice)}")
    for table in question.tables:
        names = [shown_name(name) for name in table.columns]
        say(f"columns of {shown_name(table.name)}: {some_text(names, COLUMNS_SHOWN)}")
        for row in table.rows[:ROWS_SHOWN]:
            say(f"for example: {', '.join(shown_name(cell) for cell in row[:COLUMNS_SHOWN])}")
    if question.tables:
        say("Choose the column of the labels with --label-column NAME;" + _OTHER_COLUMNS)


def _offer_lines(offer: Offer) -> list[str]:
    """What is known of a reading, a line each."""
    counts = [f"{entry.name} {entry.count:,}" for entry in offer.classes]
    more = offer.class_count - CLASSES_SHOWN
    listed = ", ".join(counts[:CLASSES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    lines = [offer.summary, f"classes: {listed}"]
    if offer.sources:
        lines.append(f"from: {some_text(offer.sources, CLASSES_SHOWN)}")
    return [*lines, *offer.left_out, *([offer.doubt] if offer.doubt else [])]


def _command(path: Path, choice: Choice) -> str:
    """The command that reads what is at ``path`` as chosen."""
    return f"python -m core datasets add {shlex.quote(str(path))} {choice.options}".rstrip()


def _dropped(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in DROPPED:
            raise UnknownName("--drop", name, DROPPED)
    return names


def _merge(text: str, dataset: Dataset) -> tuple[str, str]:
    """``FROM=INTO``; a class name may hold an equals sign itself."""
    for position, letter in enumerate(text):
        if letter == "=" and text[:position] in dataset.classes and text[position + 1 :]:
            return text[:position], text[position + 1 :]
    raise BadInput(
        f"--merge {text!r} is not of the form FROM=INTO, where FROM is one of the classes:"
        f" {', '.join(dataset.classes)}.",
        "--merge",
    )


def _show(dataset: Dataset, as_json: bool) -> int:
    if as_json:
        print_json(_document(dataset))
        return 0
    print(f"{dataset.name}: {dataset.image_count} images, {len(dataset.classes)} classes")
    print(f"id {dataset.id}, stored {dataset.created_at}")
    print(printable_text(dataset.provenance))
    if dataset.reading is not None:
        print(printable_text(f"{dataset.reading.title}."))
        if dataset.reading.choice.options:
            print(f"read with {printable_text(dataset.reading.choice.options)}")
    print_table(["class", "images"], list(dataset.class_counts.items()))
    return 0


def _document(dataset: Dataset) -> dict[str, Any]:
    return {
        "id": dataset.id,
        "name": dataset.name,
        "images": dataset.image_count,
        "classes": list(dataset.classes),
        "class_counts": dataset.class_counts,
        "majority_class": dataset.majority_class,
        "majority_share": dataset.majority_fraction,
        "channels": dataset.channels,
        "provenance": dataset.provenance,
        "created_at": dataset.created_at,
        "reading": dataset.reading.model_dump(mode="json") if dataset.reading else None,
        "health": dataset.health.to_json(),
    }
