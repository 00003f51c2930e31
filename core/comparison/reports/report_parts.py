"""The sections of a report that need the dataset or the runs' own notes: flips, health, facts."""

import base64

from core.analysis.choice import headline_pair
from core.analysis.comparison import Comparison, title_of
from core.analysis.evidence import ExperimentPredictions
from core.analysis.mistakes import Disagreement, disagreements
from core.analysis.split_facts import split_text
from core.analysis.words.verdicts import closed
from core.comparison.reports.report_blocks import (
    Command,
    Facts,
    Paragraphs,
    Picture,
    Pictures,
    Section,
    Table,
)
from core.comparison.reports.report_command import run_command
from core.datasets.dataset import Dataset
from core.datasets.health.findings import findings
from core.datasets.storage import open_dataset
from core.errors import HeadstartError, UnknownName
from core.experiments.spec import ExperimentSpec
from core.text import exact_percent_text, percent_text

FLIPS_SHOWN = 10
THUMBNAIL_SIDE = 144


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
    """Ten pictures on which the two strategies of the headline pair differ."""
    title = "Pictures that made the difference"
    pair = headline_pair(evidence)
    if pair is None:
        nothing = Paragraphs(("There are no two strategies whose answers could be compared.",))
        return Section("pictures", title, (nothing,))
    first, second = pair
    found = disagreements(evidence, first, second)
    words = (
        f"{closed(title_of(second))} put {len(found.fixed):,} test images right that "
        f"{closed(title_of(first))} had wrong, and got {len(found.regressed):,} wrong that it had "
        "right."
    )
    fixed, regressed = _shares(found.fixed, found.regressed)
    if dataset is None:
        lines = [_disagreement_lines(evidence, entry) for entry in (*fixed, *regressed)]
        rows = tuple((str(entry.image), *line)
                     for entry, line in zip((*fixed, *regressed), lines, strict=True))  # fmt: skip
        headings = ("image", "label", title_of(first), title_of(second))
        table = Table("The clearest changes, by the image's place in the dataset.", headings, rows)
        return Section("pictures", title, (Paragraphs((words, why_not)), table))
    blocks = [
        Pictures(
            heading,
            tuple(_picture(evidence, dataset, entry, pair) for entry in entries),
        )
        for heading, entries in (("Put right", fixed), ("Broken", regressed))
        if entries
    ]
    return Section("pictures", title, (Paragraphs((words,)), *blocks))


def _shares(
    fixed: tuple[Disagreement, ...], regressed: tuple[Disagreement, ...]
) -> tuple[tuple[Disagreement, ...], tuple[Disagreement, ...]]:
    """Ten in all, half of each kind where there are enough of both."""
    half = FLIPS_SHOWN // 2
    of_broken = min(len(regressed), max(half, FLIPS_SHOWN - len(fixed)))
    return fixed[: FLIPS_SHOWN - of_broken], regressed[:of_broken]


def _disagreement_lines(
    evidence: ExperimentPredictions, entry: Disagreement
) -> tuple[str, str, str]:
    classes = evidence.classes
    return (
        classes[entry.label],
        f"{classes[entry.first_predicted]} ({percent_text(entry.first_confidence)})",
        f"{classes[entry.second_predicted]} ({percent_text(entry.second_confidence)})",
    )


def _picture(
    evidence: ExperimentPredictions,
    dataset: Dataset,
    entry: Disagreement,
    pair: tuple[str, str],
) -> Picture:
    label, first, second = _disagreement_lines(evidence, entry)
    png = base64.b64encode(dataset.thumbnail(entry.image, THUMBNAIL_SIDE)).decode()
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
    table = Table("What was noticed, the gravest first.", ("kind", "finding"), rows)
    return Section("health", title, (table,))


def facts_section(
    spec: ExperimentSpec, comparison: Comparison, evidence: ExperimentPredictions
) -> Section:
    """Device, versions, seeds, split, and the command that repeats it."""
    images = ", ".join(f"{count:,} {side}" for side, count in comparison.images.items())
    entries = [
        ("experiment", comparison.experiment),
        ("made", f"{comparison.created_at[:16].replace('T', ' ')} UTC"),
        ("dataset", comparison.dataset),
        ("dataset fingerprint", comparison.dataset_id),
        ("images", images or "unknown"),
        ("classes", f"{len(comparison.classes):,}"),
        ("split", split_text(spec)),
        ("split fingerprint", spec.split_fingerprint or "not noted"),
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
    if comparison.recorded and comparison.origin:
        entries.append(("recorded on", str(comparison.origin.get("machine", "unknown"))))
    notes = _notes(comparison, evidence)
    blocks: list[Facts | Paragraphs | Command] = [Facts(tuple(entries))]
    if notes:
        blocks.append(Paragraphs(notes, points=True))
    blocks += [
        Paragraphs(
            (
                "This command runs it again, on a machine that has the dataset; it names the "
                "dataset by the beginning of its fingerprint, whatever it is called there.",
            )
        ),
        Command(run_command(spec)),
    ]
    return Section("made", "How it was made", tuple(blocks))


def _notes(comparison: Comparison, evidence: ExperimentPredictions) -> tuple[str, ...]:
    """What was left out, what did not finish, what the runs noted."""
    notes = [f"{name} was left out: {reason}" for name, reason in comparison.unavailable.items()]
    for row in comparison.rows:
        notes += [f"{row.title}: {note}" for note in row.notes]
        notes += [
            f"{row.title}, seed {run.seed}: {run.state}" + (f". {run.error}" if run.error else ".")
            for run in row.runs
            if run.state != "finished"
        ]
    return (*notes, *evidence.missing.values())
