"""A comparison on a page: its name in lists, what its numbers rest on, its tables."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.comparison import COLUMN_HELP, Comparison, results_frame, seeds_frame
from core.analysis.words.own_backbones import describe_origins, describe_overlap
from core.experiments.records import ExperimentRecord
from core.markdown import safe_html
from core.text import count_text, escape_markdown, exact_percent_text, percent_text
from core.ui.frame.address import Choice, choose_in_list
from core.ui.widgets.exhibit import show_table
from core.ui.widgets.glossary import explain

INTERVAL_HELP = (
    "The bar is the 95 % Wilson interval: the accuracy on very many such images plausibly lies in "
    "it. With several seeds it belongs to the rounded mean number of correct test images; the "
    "seeds are not pooled, because they are scored on the same pictures. Small open markers are "
    "the single seeds."
)


def experiment_label(experiment: ExperimentRecord) -> str:
    """One line for a list: name, dataset, size, preset, date, whether it was recorded elsewhere."""
    spec = experiment.spec
    part = f"{exact_percent_text(spec.train_share)} of the training images" if spec.series else ""
    at_work = "at work" if experiment.is_active else ""
    parts = [
        experiment.labels.name,
        spec.dataset_name,
        f"{spec.image_size} px",
        spec.preset,
        count_text(len(spec.strategies), "strategy"),
        part,
        experiment.created_at[:16].replace("T", " "),
        "recorded" if experiment.recorded else at_work,
        experiment.id,
    ]
    return " · ".join(filter(None, parts))


def choose_experiment(
    experiments: Sequence[ExperimentRecord],
    default: str,
    clears: tuple[str, ...],
    label: str = "Experiment",
) -> str:
    """The experiment that the address names, else ``default``; then the address names it.

    Those that are archived are offered only where the address names them.
    """
    named = st.query_params.get("experiment"), default
    labels = {
        experiment.id: experiment_label(experiment)
        for experiment in experiments
        if not experiment.labels.archived or experiment.id in named
    }
    meaning = (
        f"{explain('experiment')} The newest first. The address of this page names your choice: "
        "share it as a link."
    )
    choice = Choice("experiment", label, "experiment", labels, default, meaning, clears)
    chosen = choose_in_list(choice, width="stretch")
    st.query_params["experiment"] = chosen
    return chosen


def show_note(note: str) -> None:
    """A note as ``core.markdown`` reads it."""
    if html := safe_html(note):  # of nothing but definitions of links there is none
        st.html(html)


def recorded_text(comparison: Comparison) -> str | None:
    """``Recorded on <machine>, <date>`` for results that came with Headstart, else None."""
    if comparison.origin is None:
        return None
    return f"Recorded on {comparison.origin.machine}, {comparison.origin.date[:10]}"


def show_facts(comparison: Comparison) -> None:
    """What all numbers of the page rest on: images, split, device, precision, seeds, backbones of
    one's own; and what makes their comparison unfair."""
    recorded = recorded_text(comparison)
    if recorded:
        st.caption(f":material/inventory_2: {escape_markdown(recorded)}")
    images, split = comparison.images, comparison.split
    seeds = ", ".join(str(seed) for seed in comparison.seeds)
    facts = [
        f"**{escape_markdown(comparison.dataset)}**: "
        f"{count_text(len(comparison.classes), 'class')}, {images.get('train', 0):,} training, "
        f"{images.get('validation', 0):,} validation and **n = {images.get('test', 0):,} test "
        f"images** ({_split_words(comparison)}split seed {split['seed']:.0f})",
        f"Images of {comparison.image_size} × {comparison.image_size} pixels, "
        f"{escape_markdown(comparison.resize)}, preset {escape_markdown(comparison.preset)}, "
        f"{'seed' if len(comparison.seeds) == 1 else 'seeds'} {seeds}",
        f"Device {escape_markdown(comparison.device or 'not known yet')}, "
        f"precision {escape_markdown(comparison.precision)}, "
        f"backend {escape_markdown(comparison.backend or 'not known yet')}",
        f"Always predicting *{escape_markdown(comparison.majority_class or 'unknown')}*, the "
        f"commonest class, is correct for {percent_text(comparison.majority_accuracy)} of the "
        "test images",
    ]
    facts += [escape_markdown(origin) for origin in describe_origins(comparison.backbones)]
    st.markdown("\n".join(f"- {fact}" for fact in facts))
    show_overlap(comparison)


def show_overlap(comparison: Comparison) -> None:
    """Warn where a backbone of one's own has seen test images."""
    for warning in describe_overlap(comparison.backbones, comparison.images.get("test", 0)):
        st.warning(escape_markdown(warning), icon=":material/warning:")


def _split_words(comparison: Comparison) -> str:
    if comparison.given_split:
        return "the split that came with the dataset, "
    split = comparison.split
    test, validation = percent_text(split["test"], 0), percent_text(split["validation"], 0)
    return f"test {test}, validation {validation}, "


def show_results_table(comparison: Comparison, key: str) -> None:
    """All rows with the unit in each heading and an explanation on each heading."""
    alt = "The numbers of every strategy, one line each."
    show_table(results_frame(comparison), f"table.{key}", alt, COLUMN_HELP, height="content")
    for row in comparison.rows:
        for note in row.notes:
            st.caption(f":material/info: {escape_markdown(row.title)}: {escape_markdown(note)}")


def show_seeds(comparison: Comparison) -> None:
    """Every single run, folded away."""
    with st.expander("Every run", icon=":material/list:"):
        alt = "Each run with its seed, state and test accuracy."
        show_table(seeds_frame(comparison), f"runs.{comparison.experiment}", alt)
