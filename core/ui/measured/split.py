"""How it is measured: the split. Who sees which images, and who chooses the best epoch."""

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.analysis.curves import Curve
from core.analysis.measured import (
    class_counts_by_subset,
    divided_origins,
    duplicate_facts,
    subsets_of,
    widest_gap,
)
from core.charts.curves import best_epoch_chart
from core.charts.dataset import split_chart
from core.datasets.dataset import Dataset
from core.datasets.split import Split
from core.errors import BadInput
from core.experiments.records import finished_runs
from core.text import count_text, escape_markdown, list_text, percent_text
from core.training.spec import with_train_fraction
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.evidence_reads import Subject
from core.ui.measured.document import Text
from core.ui.widgets.exhibit import dataset_or_words, show_exhibit, show_table

TILE_SIZE = 96
# What the last bits of a fraction may add.
ROUNDING = 1e-9


def show_split(subject: Subject | None) -> None:
    if subject is None:
        Text("split", rules=True).rest()
        return
    spec = subject.experiment.spec
    text = Text(
        "split",
        experiment=subject.id,
        predefined=spec.given_split,
        seed=None if spec.given_split else spec.split.seed,
    )
    text.until("subsets")
    facts = subsets_of(spec)
    if facts:
        show_exhibit(split_chart(facts), f"split.{subject.id}", table=False)
    text.until("counts")
    dataset = dataset_or_words(subject)
    if dataset is not None:
        _show_counts(text, subject, dataset)
    text.until("best_epoch")
    _show_best_epoch(text, subject)
    text.rest()


def _show_counts(text: Text, subject: Subject, dataset: Dataset) -> None:
    """The rules of the split with this dataset's numbers; one group of near duplicates."""
    spec = subject.experiment.spec
    try:
        whole = spec.split.of(dataset)
    except BadInput as error:
        st.warning(escape_markdown(error))
        return
    split = with_train_fraction(whole, dataset, spec.train_share, spec.split.seed)
    counts = class_counts_by_subset(dataset, split)
    found = duplicate_facts(dataset, split)
    is_part = spec.train_share < 1
    text.until(
        "duplicates",
        all_training=is_part and f"{len(whole.train):,}",
        used_training=is_part and f"{len(split.train):,}",
        predefined_fractions=spec.given_split,
        widest_gap=None if spec.given_split else _points_up(widest_gap(counts)),
        groups=count_text(found.groups, "group") if found.groups else None,
        no_groups=not found.groups,
        group_images=count_text(found.images, "image"),
        divided=found.divided or "none",
        **({} if spec.given_split else _origins(dataset, whole)),
        example_images=len(found.example) or None,
        example_subset=found.example_subset.replace("train", "training"),
    )
    _show_duplicates(dataset, found.example)
    text.until("class_table")
    with st.expander("Class by class", icon=":material/table:"):
        frame = pd.DataFrame({"class": dataset.classes} | counts)
        show_table(frame, f"classes.{subject.id}", "Images of each class in each subset.")


def _origins(dataset: Dataset, split: Split) -> dict[str, object]:
    """The columns that say which images belong together, in words, and how many are divided."""
    if dataset.origins is None:
        return {}
    columns = list_text([one.column for one in dataset.health.shared_origins], "or")
    divided = divided_origins(dataset, split)
    if not divided:
        return {"origins": columns}
    return {"divided_origins": columns, "divided_sets": count_text(divided, "set")}


def _show_duplicates(dataset: Dataset, images: Sequence[int]) -> None:
    with st.container(horizontal=True, gap="small"):
        for index, tile in zip(images, reads.tiles(dataset, images, TILE_SIZE), strict=True):
            name = escape_markdown(dataset.classes[dataset.labels[index]])
            st.image(tile, width=TILE_SIZE, alt=f"One of a group that looks alike: {name}")


def _show_best_epoch(text: Text, subject: Subject) -> None:
    """How the epoch was chosen in one run; nothing where no run with epochs has finished."""
    runs = {
        run.strategy: (run.seed, result, result.best_epoch)
        for run, result in reversed(finished_runs(subject.runs))
        if result.best_epoch is not None
    }
    curves: dict[str, Curve] = {}
    for curve in reads.curves(subject.id):
        if curve.strategy in runs and curve.seed == runs[curve.strategy][0]:
            curves.setdefault(curve.strategy, curve)
    if not curves:
        return
    titles = {name: curve.title for name, curve in curves.items()}
    longest = max(curves, key=lambda name: len(curves[name].epochs))
    strategy = choose_in_list(Choice("strategy", "Strategy", "strategy", titles, longest))
    curve, (_, result, best_epoch) = curves[strategy], runs[strategy]
    text.until(
        "best_epoch_chart",
        title=curve.title,
        run_seed=curve.seed,
        epochs=count_text(result.epochs, "epoch"),
        best_epoch=best_epoch,
        validation_accuracy=percent_text(result.scores.validation.accuracy),
        test_accuracy=percent_text(result.scores.test.accuracy),
    )
    show_exhibit(best_epoch_chart(curve, best_epoch), f"best.{subject.id}")


def _points_up(fraction: float) -> str:
    """In points and never rounded down, because no class may differ by more than that."""
    return f"{math.ceil(1000 * fraction - ROUNDING) / 10:.1f}"
