"""How it is measured: the split. Who sees which images, and who chooses the best epoch."""

import math
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.curves import Curve
from core.analysis.measured import class_counts_by_subset, duplicate_facts, subsets_of, widest_gap
from core.charts.curves import best_epoch_chart
from core.charts.dataset import split_chart
from core.datasets.dataset import SUBSETS
from core.errors import BadInput
from core.experiments.records import finished_runs
from core.text import count_text, escape_markdown, percent_text
from core.training.spec import with_train_fraction
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.evidence_reads import Subject
from core.ui.measured.document import Values, show_text
from core.ui.widgets.exhibit import dataset_or_words, show_exhibit

TILE_SIZE = 96
# What the last bits of a fraction may add.
ROUNDING = 1e-9


def show_split(subject: Subject | None) -> None:
    if subject is None:
        show_text("split", _Split(None), {"rules": True})
        return
    spec = subject.experiment.spec
    values: dict[str, object] = {"experiment": subject.id}
    values |= {"predefined": True} if spec.given_split else {"seed": spec.split.seed}
    show_text("split", _Split(subject), values)


class _Split:
    """The figures of the section; without an experiment they draw nothing."""

    def __init__(self, subject: Subject | None) -> None:
        self.subject = subject
        self.counts_by_subset: dict[str, Any] = {}
        self.example: tuple[int, ...] = ()
        self.best: tuple[Curve, int] | None = None

    def subsets(self) -> None:
        facts = subsets_of(self.subject.experiment.spec) if self.subject else ()
        if self.subject and facts:
            show_exhibit(split_chart(facts), f"split.{self.subject.id}", table=False)

    def counts(self) -> Values:
        dataset = dataset_or_words(self.subject) if self.subject else None
        if self.subject is None or dataset is None:
            return {}
        spec = self.subject.experiment.spec
        try:
            whole = spec.split.of(dataset)
        except BadInput as error:
            st.warning(escape_markdown(error))
            return {}
        split = with_train_fraction(whole, dataset, spec.train_share, spec.split.seed)
        self.counts_by_subset = {"class": dataset.classes} | class_counts_by_subset(dataset, split)
        found = duplicate_facts(dataset, split)
        self.example = found.example
        values: dict[str, object] = {
            "groups": count_text(found.groups, "group"),
            "group_images": count_text(found.images, "image"),
            "divided": found.divided or "none",
        }
        if spec.train_share < 1:
            values["all_training"] = f"{len(whole.train):,}"
            values["used_training"] = f"{len(split.train):,}"
        if spec.given_split:
            values["predefined_fractions"] = True
        else:
            values["widest_gap"] = _points_up(widest_gap(class_counts_by_subset(dataset, split)))
        if found.example:
            values["example_images"] = len(found.example)
            values["example_subset"] = found.example_subset.replace("train", "training")
        return values

    def duplicates(self) -> None:
        if self.subject is None or not self.example:
            return
        dataset = reads.dataset(self.subject.experiment.spec.dataset_id)
        with st.container(horizontal=True, gap="small"):
            tiles = reads.tiles(dataset, self.example, TILE_SIZE)
            for index, tile in zip(self.example, tiles, strict=True):
                name = escape_markdown(dataset.classes[dataset.labels[index]])
                st.image(tile, width=TILE_SIZE, alt=f"One of a group that looks alike: {name}")

    def class_table(self) -> None:
        if self.subject and self.counts_by_subset:
            with st.expander("Class by class", icon=":material/table:"):
                st.dataframe(
                    pd.DataFrame(self.counts_by_subset)[["class", *SUBSETS]],
                    hide_index=True,
                    key=f"sides.{self.subject.id}",
                    alt="Images of each class in each subset.",
                )

    def best_epoch(self) -> Values:
        if self.subject is None:
            return {}
        runs = {
            run.strategy: (run.seed, result, result.best_epoch)
            for run, result in reversed(finished_runs(self.subject.runs))
            if result.best_epoch is not None
        }
        curves: dict[str, Curve] = {}
        for curve in reads.curves(self.subject.id):
            if curve.strategy in runs and curve.seed == runs[curve.strategy][0]:
                curves.setdefault(curve.strategy, curve)
        if not curves:
            return {}
        titles = {name: curve.title for name, curve in curves.items()}
        longest = max(curves, key=lambda name: len(curves[name].epochs))
        strategy = choose_in_list(Choice("strategy", "Strategy", "strategy", titles, longest))
        curve, (_, result, best_epoch) = curves[strategy], runs[strategy]
        self.best = (curve, best_epoch)
        return {
            "title": curve.title,
            "run_seed": curve.seed,
            "epochs": count_text(result.epochs, "epoch"),
            "best_epoch": best_epoch,
            "validation_accuracy": percent_text(result.scores.validation.accuracy),
            "test_accuracy": percent_text(result.scores.test.accuracy),
        }

    def best_epoch_chart(self) -> None:
        if self.subject and self.best:
            show_exhibit(best_epoch_chart(*self.best), f"best.{self.subject.id}")


def _points_up(fraction: float) -> str:
    """In points and never rounded down, because no class may differ by more than that."""
    return f"{math.ceil(1000 * fraction - ROUNDING) / 10:.1f}"
