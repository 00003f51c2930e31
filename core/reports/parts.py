"""The sections of a report that need the dataset or the notes of the runs: disagreements, health,
facts."""

import base64

from core.analysis.choice import headline_pair
from core.analysis.comparison import Comparison, split_text, title_of
from core.analysis.evidence import ExperimentPredictions
from core.analysis.mistakes import Disagreement, disagreements
from core.analysis.words.verdicts import closed
from core.datasets.dataset import Dataset
from core.datasets.health.findings import findings
from core.datasets.storage import open_dataset
from core.errors import HeadstartError, UnknownName
from core.experiments.records import ExperimentSpec
from core.reports.blocks import (
    Command,
    Facts,
    Paragraphs,
    Picture,
    Pictures,
    Section,
    Table,
)
from core.reports.command import run_command
from core.text import exact_percent_text, percent_text

DISAGREEMENTS_SHOWN = 10
THUMBNAIL_SIZE = 144


def dataset_of(spec: ExperimentSpec) -> tuple[Dataset | None, str]:
    """The experiment's dataset, or None and a sentence that says why it cannot be shown."""
    try:
        return open_dataset(spec.dataset_id), ""
    except UnknownName:
        return None, (
            f"The dataset {spec.dataset_name} is no longer on this machine, so its pictures and "
            "its health cannot be shown."
        )
    except HeadstartError as error:
        return None, f"The dataset {spec.dataset_name} cannot be shown: {error}"


def disagreements_section(
    evidence: ExperimentPredictions, dataset: Dataset | None, why_not: str
) -> Section:
    """Ten images on which only one of the best strategy and its counterpart is correct."""
    title = "Disagreements"
    pair = headline_pair(evidence)
    if pair is None:
        nothing = Paragraphs(("There are no two strategies whose predictions could be compared.",))
        return Section("pictures", title, (nothing,))
    first, second = pair
    found = disagreements(evidence, first, second)
    words = (
        f"{closed(title_of(second))} fixed {len(found.fixed):,} test images that "
        f"{closed(title_of(first))} got wrong, and regressed on {len(found.regressed):,} that it "
        "got "
        "right."
    )
    fixed, regressed = _chosen(found.fixed, found.regressed)
    if dataset is None:
        rows = tuple(
            (str(entry.image), *_disagreement_lines(evidence, entry))
            for entry in (*fixed, *regressed)
        )
        headings = ("image", "label", title_of(first), title_of(second))
        table = Table(
            "The clearest disagreements, by the position of the image in the dataset.",
            headings,
            rows,
        )
        return Section("pictures", title, (Paragraphs((words, why_not)), table))
    blocks = [
        Pictures(heading, tuple(_image(evidence, dataset, entry, pair) for entry in entries))
        for heading, entries in (("Fixed", fixed), ("Regressed", regressed))
        if entries
    ]
    return Section("pictures", title, (Paragraphs((words,)), *blocks))


def _chosen(
    fixed: tuple[Disagreement, ...], regressed: tuple[Disagreement, ...]
) -> tuple[tuple[Disagreement, ...], tuple[Disagreement, ...]]:
    """Ten in all, half of each kind where there are enough of both."""
    half = DISAGREEMENTS_SHOWN // 2
    count = min(len(regressed), max(half, DISAGREEMENTS_SHOWN - len(fixed)))
    return fixed[: DISAGREEMENTS_SHOWN - count], regressed[:count]


def _disagreement_lines(
    evidence: ExperimentPredictions, entry: Disagreement
) -> tuple[str, str, str]:
    classes = evidence.classes
    return (
        classes[entry.label],
        f"{classes[entry.first_predicted]} ({percent_text(entry.first_confidence)})",
        f"{classes[entry.second_predicted]} ({percent_text(entry.second_confidence)})",
    )


def _image(
    evidence: ExperimentPredictions,
    dataset: Dataset,
    entry: Disagreement,
    pair: tuple[str, str],
) -> Picture:
    label, first, second = _disagreement_lines(evidence, entry)
    png = base64.b64encode(dataset.thumbnail(entry.image, THUMBNAIL_SIZE)).decode()
    return Picture(
        source=f"data:image/png;base64,{png}",
        alternative=f"{dataset.file_names[entry.image]}, labelled {label}",
        lines=(
            f"label: {label}",
            f"{title_of(pair[0])}: {first}",
            f"{title_of(pair[1])}: {second}",
        ),
    )


def health_section(dataset: Dataset | None, why_not: str) -> Section:
    title = "Health of the dataset"
    if dataset is None:
        return Section("health", title, (Paragraphs((why_not,)),))
    rows = tuple((entry.severity, entry.title) for entry in findings(dataset))
    table = Table("Findings, the most severe first.", ("kind", "finding"), rows)
    return Section("health", title, (table,))


def facts_section(
    spec: ExperimentSpec, comparison: Comparison, evidence: ExperimentPredictions
) -> Section:
    """Device, versions, seeds, split, and the command that repeats it."""
    images = ", ".join(f"{count:,} {subset}" for subset, count in comparison.images.items())
    entries = [
        ("experiment", comparison.experiment),
        ("created", f"{comparison.created_at[:16].replace('T', ' ')} UTC"),
        ("dataset", comparison.dataset),
        ("dataset fingerprint", comparison.dataset_id),
        ("images", images or "unknown"),
        ("classes", f"{len(comparison.classes):,}"),
        ("split", split_text(spec)),
        ("split fingerprint", spec.split_fingerprint or "not recorded"),
        ("seeds", ", ".join(map(str, spec.seeds))),
        ("preset", spec.preset),
        ("image size", f"{spec.image_size} x {spec.image_size} pixels, {spec.resize}"),
        ("precision", comparison.precision),
        ("device", comparison.device or "unknown"),
        ("backend", comparison.backend or "unknown"),
        ("versions", ", ".join(f"{name} {v}" for name, v in comparison.versions.items())
         or "unknown"),
    ]  # fmt: skip
    if spec.train_share != 1:
        entries.append(("training images used", f"{exact_percent_text(spec.train_share)} of them"))
    if comparison.origin is not None:
        entries.append(("recorded on", comparison.origin.machine))
    notes = _notes(comparison, evidence)
    blocks: list[Facts | Paragraphs | Command] = [Facts(tuple(entries))]
    if notes:
        blocks.append(Paragraphs(notes, points=True))
    blocks += [
        Paragraphs(
            (
                "This command runs it again on a machine that has the dataset. It names the "
                "dataset by the start of its fingerprint, so the dataset may have another name "
                "there.",
            )
        ),
        Command(run_command(spec)),
    ]
    return Section("made", "How it was made", tuple(blocks))


def _notes(comparison: Comparison, evidence: ExperimentPredictions) -> tuple[str, ...]:
    """Strategies left out, runs that did not finish, notes of the runs."""
    notes = [f"{name} was left out: {reason}" for name, reason in comparison.unavailable.items()]
    for row in comparison.rows:
        notes += [f"{row.title}: {note}" for note in row.notes]
        notes += [
            f"{row.title}, seed {run.seed}: {run.state}" + (f". {run.error}" if run.error else ".")
            for run in row.runs
            if run.state != "finished"
        ]
    return (*notes, *evidence.missing.values())
