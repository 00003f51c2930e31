"""The sections of a report that need the dataset or the runs' own notes: flips, health, facts."""

import base64

from core.charts.style import percent_text
from core.comparison.choice import flip_pair
from core.comparison.evidence import Evidence
from core.comparison.mistakes import Flip, flips
from core.comparison.model import Comparison
from core.comparison.several_words import split_text
from core.comparison.tables import title_of
from core.comparison.verdict_words import closed
from core.datasets.health.findings import findings
from core.datasets.model import Dataset
from core.datasets.store import open_dataset
from core.errors import HeadstartError, UnknownName
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
from core.runs.experiment_spec import ExperimentSpec

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


def flips_section(evidence: Evidence, dataset: Dataset | None, why_not: str) -> Section:
    """Ten pictures on which the best strategy and the one it is held against differ."""
    title = "Pictures that made the difference"
    pair = flip_pair(evidence)
    if pair is None:
        nothing = Paragraphs(("There are no two strategies whose answers could be compared.",))
        return Section("pictures", title, (nothing,))
    first, second = pair
    found = flips(evidence, first, second)
    words = (
        f"{closed(title_of(second))} put {len(found.put_right):,} test images right that "
        f"{closed(title_of(first))} had wrong, and got {len(found.broken):,} wrong that it had "
        "right."
    )
    put_right, broken = _shares(found.put_right, found.broken)
    if dataset is None:
        lines = [_flip_lines(evidence, flip) for flip in (*put_right, *broken)]
        rows = tuple((str(flip.image), *line)
                     for flip, line in zip((*put_right, *broken), lines, strict=True))  # fmt: skip
        headings = ("image", "label", title_of(first), title_of(second))
        table = Table("The clearest changes, by the image's place in the dataset.", headings, rows)
        return Section("pictures", title, (Paragraphs((words, why_not)), table))
    blocks = [
        Pictures(heading, tuple(_picture(evidence, dataset, flip, pair) for flip in entries))
        for heading, entries in (("Put right", put_right), ("Broken", broken))
        if entries
    ]
    return Section("pictures", title, (Paragraphs((words,)), *blocks))


def _shares(
    put_right: tuple[Flip, ...], broken: tuple[Flip, ...]
) -> tuple[tuple[Flip, ...], tuple[Flip, ...]]:
    """Ten in all, half of each kind where there are enough of both."""
    half = FLIPS_SHOWN // 2
    of_broken = min(len(broken), max(half, FLIPS_SHOWN - len(put_right)))
    return put_right[: FLIPS_SHOWN - of_broken], broken[:of_broken]


def _flip_lines(evidence: Evidence, flip: Flip) -> tuple[str, str, str]:
    classes = evidence.classes
    return (
        classes[flip.label],
        f"{classes[flip.first_said]} ({percent_text(flip.first_sureness)})",
        f"{classes[flip.second_said]} ({percent_text(flip.second_sureness)})",
    )


def _picture(evidence: Evidence, dataset: Dataset, flip: Flip, pair: tuple[str, str]) -> Picture:
    label, first, second = _flip_lines(evidence, flip)
    png = base64.b64encode(dataset.thumbnail(flip.image, THUMBNAIL_SIDE)).decode()
    return Picture(
        source=f"data:image/png;base64,{png}",
        alternative=f"{dataset.file_names[flip.image]}, labelled {label}",
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


def facts_section(spec: ExperimentSpec, comparison: Comparison, evidence: Evidence) -> Section:
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
        entries.append(("training images used", f"{100 * spec.train_share:g} % of them"))
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


def _notes(comparison: Comparison, evidence: Evidence) -> tuple[str, ...]:
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
