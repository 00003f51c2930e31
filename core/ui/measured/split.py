"""How it is measured: the split. Who sees which images, and who picks the best epoch."""

import math

import pandas as pd
import streamlit as st

from core.analysis.curves import Curve
from core.analysis.split_facts import (
    class_sides,
    duplicate_facts,
    sides_of,
    widest_gap,
)
from core.charts.curves import best_epoch_chart
from core.charts.dataset import split_chart
from core.datasets.dataset import SUBSETS, Dataset
from core.errors import BadInput
from core.experiments.records import finished_runs
from core.text import count_text, escape_markdown, percent_text
from core.training.spec import with_train_share
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.exhibit import dataset_or_words, show_exhibit
from core.ui.widgets.glossary import explain

PURPOSES = {
    "train": ("Training", "The strategies learn from these."),
    "validation": ("Validation", "Looked at after each epoch, to pick the epoch that is kept."),
    "test": ("Test", "Held out until the end and scored once. Every accuracy is from these."),
}
TILE_SIDE = 96
# What the last bits of a share may add.
ROUNDING = 1e-9


def show_split(subject: Subject | None) -> None:
    st.markdown(
        "A network can learn its training images by heart. What counts is how it does on images "
        "that it never saw, so the images are dealt to three sides before anything is trained, and "
        "all strategies of an experiment get the same three."
    )
    sides = sides_of(subject.experiment.spec) if subject else ()
    if subject and sides:
        show_exhibit(split_chart(sides), f"split.{subject.id}", table=False)
    st.markdown("\n".join(f"- **{title}**: {purpose}" for title, purpose in PURPOSES.values()))
    if subject is None:
        _show_rules()
        return
    _show_how_dealt(subject)
    _show_best_epoch(subject)


def _word(side: str) -> str:
    return "training" if side == "train" else side


def _show_rules() -> None:
    st.subheader("How the images are dealt")
    st.markdown(
        "- At random, but from a seed: the same seed gives the same split again.\n"
        "- Class by class (stratified), so that each side has every class in the same share.\n"
        "- Near duplicates go together: the same picture on two sides would be learned by heart "
        "on one and asked for on the other."
    )


def _show_how_dealt(subject: Subject) -> None:
    spec = subject.experiment.spec
    st.subheader("How the images are dealt")
    dataset = dataset_or_words(subject)
    if spec.given_split:
        st.markdown(
            "- This dataset came with a split of its own, and its test images are kept. Training "
            "images that have a near duplicate among them are left out."
        )
    else:
        st.markdown(
            f"- At random, but from a seed (here {spec.split.seed}): the same seed gives the same "
            "split again."
        )
    if dataset is None:
        return
    try:
        whole = spec.split.of(dataset)
    except BadInput as error:
        st.warning(escape_markdown(error))
        return
    split = with_train_share(whole, dataset, spec.train_share, spec.split.seed)
    if spec.train_share < 1:
        st.markdown(
            f"- Of the {len(whole.train):,} training images {len(split.train):,} are used here: "
            "one point of a learning curve."
        )
    counts = class_sides(dataset, split)
    st.markdown(
        "- Class by class (stratified): no class has a share of the training images that is more "
        f"than {_points_up(widest_gap(counts))} points from its share of the test images."
        if not spec.given_split
        else "- The shares of the classes are those of the split that it came with."
    )
    found = duplicate_facts(dataset, split)
    st.markdown(
        f"- Near duplicates together: {count_text(found.groups, 'group')} of pictures that look "
        f"nearly the same, {count_text(found.images, 'image')} in all. Groups that lie on more "
        f"than one side: {found.divided or 'none'}.",
        help=explain("near duplicate"),
    )
    if found.example:
        _show_example(dataset, found.example, found.example_side)
    with st.expander("Class by class", icon=":material/table:"):
        st.dataframe(
            pd.DataFrame({"class": dataset.classes} | {side: counts[side] for side in SUBSETS}),
            hide_index=True,
            key=f"sides.{subject.id}",
            alt="Images of each class on each side.",
        )


def _points_up(share: float) -> str:
    """In points and never rounded down, because no class is to be further off than that."""
    return f"{math.ceil(1000 * share - ROUNDING) / 10:.1f}"


def _show_example(dataset: Dataset, example: tuple[int, ...], side: str) -> None:
    with st.container(horizontal=True, gap="small"):
        for index, picture in zip(example, reads.tiles(dataset, example, TILE_SIDE), strict=True):
            name = escape_markdown(dataset.classes[dataset.labels[index]])
            st.image(picture, width=TILE_SIDE, alt=f"One of a group that looks alike: {name}")
    st.caption(f"One such group: all {len(example)} are {escape_markdown(_word(side))} images.")


def _show_best_epoch(subject: Subject) -> None:
    st.subheader("Who picks the best epoch", help=explain("epoch"))
    st.markdown(
        "After each epoch the validation images are scored. The epoch that names most of them "
        "right is kept, and only its weights are scored on the test images. Were the test images "
        "asked, the best of many tries would be picked on them, and the score would flatter."
    )
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
    strategy = choose_in_list(
        Choice(
            "strategy",
            "Strategy",
            "strategy",
            {name: curve.title for name, curve in curves.items()},
            _longest(curves),
        )
    )
    curve, (_, result, best_epoch) = curves[strategy], runs[strategy]
    words = (
        f"{curve.title}, seed {curve.seed}: of {count_text(result.epochs, 'epoch')} number "
        f"{best_epoch} did best on the validation images "
        f"({percent_text(result.scores.validation.accuracy)}) and was scored on the test "
        f"images: {percent_text(result.scores.test.accuracy)}."
    )
    st.markdown(escape_markdown(words))
    show_exhibit(best_epoch_chart(curve, best_epoch), f"best.{subject.id}")


def _longest(curves: dict[str, Curve]) -> str:
    """The one with most to choose among."""
    return max(curves, key=lambda name: len(curves[name].epochs))
