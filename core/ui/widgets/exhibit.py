"""What the views of Compare share: a chart with its words and table, choices, sentences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.analysis.choice import headline_pair
from core.analysis.evidence import ExperimentPredictions
from core.analysis.words.own_backbones import describe_seen
from core.charts.exhibit import Exhibit
from core.datasets.dataset import Dataset
from core.errors import HeadstartError, UnknownName
from core.text import UNKNOWN, count_text, escape_markdown
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.drawing import note_shown
from core.ui.frame.evidence_reads import Subject, computed
from core.ui.widgets.glossary import explain
from core.ui.widgets.slides import Slide

MOST_REASONS = 5
LONGEST_PINNED = 32  # letters
# Pixels: the names beside the cells, and what the smallest matrix gets.
MATRIX_LABELS, SMALLEST_MATRIX = 300, 480
# Of the columns whose digits do not follow from type and unit.
NUMBER_FORMATS = {
    "p": "%.4f",
    "p after Holm": "%.4f",
    "p of that after Holm": "%.4f",
    "over majority (points)": "%+.1f",
    "log loss (nats)": "%.2f",
    "features (s)": "%.1f",
    "whole run (s)": "%.1f",
    "peak memory (MB)": "%.0f",
    "one image (ms)": "%.2f",
    "a quarter under (ms)": "%.2f",
    "a quarter over (ms)": "%.2f",
    "seed": "%d",
    "epochs": "%d",
    "parameters": "localized",
    "trained parameters": "localized",
}
ONE_STRATEGY = "Only one strategy has finished, so there is no pair to compare yet."


def show_exhibit(
    exhibit: Exhibit,
    key: str,
    *,
    table: bool = True,
    helps: Mapping[str, str] | None = None,
    place: DeltaGenerator | None = None,
    **options: Any,
) -> None:
    """A chart with its text alternative; its table stands folded below unless ``table`` is False.

    ``helps`` explains columns of the table by name, ``place`` is the container of the figure,
    ``options`` go to ``plotly_chart``.
    """
    options = {"config": {"displayModeBar": False}} | options
    (place or st).plotly_chart(exhibit.figure, key=key, alt=exhibit.words, **options)
    note_shown(Slide.of(exhibit, key))
    if table:
        show_numbers(exhibit, key, helps)


def matrix_place(cells: int, cell_width: int) -> DeltaGenerator:
    """A container just wide enough for a square matrix of ``cells`` of ``cell_width`` pixels."""
    return st.container(width=max(SMALLEST_MATRIX, MATRIX_LABELS + cell_width * cells))


def show_numbers(exhibit: Exhibit, key: str, helps: Mapping[str, str] | None = None) -> None:
    """The table of a chart, folded, with the chart in words above it."""
    with st.expander("The numbers", icon=":material/table:"):
        st.markdown(escape_markdown(exhibit.words))
        alt = "The numbers of the chart above, one line each."
        show_table(exhibit.frame, key, alt, helps, is_noted=True)


def show_table(
    frame: pd.DataFrame,
    key: str,
    alt: str,
    helps: Mapping[str, str] | None = None,
    height: Literal["auto", "content"] = "auto",
    is_noted: bool = False,
) -> None:
    """A frame with digits that fit the unit of each column.

    Of more than four columns the first is pinned, unless it would fill a telephone. ``helps``
    explains columns by name. Where ``height`` is "auto", a long table scrolls. ``is_noted``: it is
    among the slides already, with its chart.
    """
    if not is_noted:
        note_shown(Slide(alt, key, frame))
    longest = frame.iloc[:, 0].astype(str).str.len().max()
    pins = len(frame.columns) > 4 and bool(longest <= LONGEST_PINNED)
    config: dict[str, Any] = {}
    for place, name in enumerate(map(str, frame.columns)):
        meaning, pinned = (helps or {}).get(name), pins and place == 0
        digits = _number_format(name, frame[name])
        config[name] = (
            st.column_config.NumberColumn(help=meaning, pinned=pinned, format=digits)
            if digits
            else st.column_config.Column(help=meaning, pinned=pinned)
        )
    st.dataframe(
        frame,
        height=height,
        hide_index=True,
        column_config=config,
        placeholder=UNKNOWN,
        key=f"numbers.{key}",
        alt=alt,
    )


def _number_format(name: str, values: pd.Series) -> str | None:
    """None for a column of texts."""
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return None
    if name in NUMBER_FORMATS:
        return NUMBER_FORMATS[name]
    if pd.api.types.is_integer_dtype(values):
        return "localized"
    return "%.3f" if "(s)" in name or "(nats)" in name else "%.1f"


def evidence_or_words(subject: Subject) -> ExperimentPredictions | None:
    """The evidence; where there is none, a sentence says why. Runs that are missing are named."""
    if not subject.comparison.finished_rows:
        st.info(
            "No run of this experiment has finished yet, so there is nothing to show here.",
            icon=":material/hourglass_empty:",
        )
        return None
    found = evidence_reads.evidence(subject)
    if found.missing:
        left = "They are left out below." if found.answers else "So this view has nothing to show."
        count = len(found.missing)
        runs = count_text(count, "finished run")
        st.warning(f"The stored predictions of {runs} cannot be used. {left}")
        with st.expander("Why", icon=":material/info:"):
            for run_id, reason in list(found.missing.items())[:MOST_REASONS]:
                st.caption(f"{escape_markdown(run_id)}: {escape_markdown(reason)}")
            if count > MOST_REASONS:
                st.caption(f"{count - MOST_REASONS:,} more, for similar reasons.")
    return found if found.answers else None


def dataset_or_words(subject: Subject) -> Dataset | None:
    """The dataset whose pictures are shown; a sentence where it is no longer here."""
    try:
        return reads.dataset(subject.experiment.spec.dataset_id)
    except UnknownName:
        st.info(
            f"The dataset {escape_markdown(subject.experiment.spec.dataset_name)} is no longer "
            "here, so its pictures cannot be shown. Add the same images again and they appear; the "
            "numbers do not need them.",
            icon=":material/photo_library:",
        )
    except HeadstartError as error:
        st.error(escape_markdown(error), icon=":material/error:")
    return None


def sentences(texts: Iterable[str]) -> None:
    """A list of sentences whose names are shown as they are."""
    st.markdown("\n".join(f"- {escape_markdown(text)}" for text in texts))


def titles_of(evidence: ExperimentPredictions) -> dict[str, str]:
    """Names of the strategies that have answers, with their titles, in ladder order."""
    return {answers.strategy: answers.title for answers in evidence.answers}


def choose_headline_pair(subject: Subject, help_first: str | None = None) -> tuple[str, str] | None:
    """Two different strategies side by side, at first those that tell most.

    None, with a sentence, where only one has finished or both are the same.
    """
    evidence = evidence_reads.evidence(subject)
    titles = titles_of(evidence)
    # That of the whole experiment, which story and report have too, if it is shown.
    default = computed(subject.with_all, headline_pair)
    if default is None or not set(default) <= set(titles):
        default = computed(subject, headline_pair)
    if default is None:
        st.info(ONE_STRATEGY)
        return None
    pair = choose_pair(titles, default, help_first)
    if seen := [titles[name] for name in pair or () if name in evidence.saw_test_images]:
        st.warning(escape_markdown(describe_seen(seen)), icon=":material/warning:")
    return pair


def choose_pair(
    titles: dict[str, str], default: tuple[str, str], help_first: str | None = None
) -> tuple[str, str] | None:
    """Two different strategies side by side; None, with a sentence, where both are the same."""
    left, right = st.columns(2)
    help_second = explain("strategy")
    help_first = help_first or help_second
    with left:
        first = choose_in_list(
            Choice("first", "First strategy", "strategy", titles, default[0], help_first)
        )
    with right:
        second = choose_in_list(
            Choice("second", "Second strategy", "strategy", titles, default[1], help_second)
        )
    if first == second:
        st.info("Choose two different strategies to compare them.")
        return None
    return first, second


def choose_strategy(evidence: ExperimentPredictions) -> str:
    """One strategy; at first the best."""
    titles, best = titles_of(evidence), evidence.fair.ranked[0].strategy
    return choose_in_list(
        Choice("strategy", "Strategy", "strategy", titles, best, explain("strategy"))
    )


def choose_seed(seeds: Sequence[int]) -> int | None:
    """One of the seeds, or None for all of them together; not asked where there is one."""
    options = {"all": "All seeds"} | {str(seed): f"Seed {seed}" for seed in seeds}
    if len(seeds) < 2 and st.query_params.get("seed", "all") in options:
        return None
    chosen = choose_in_list(Choice("seed", "Seed", "seed", options, "all", explain("seed")))
    return None if chosen == "all" else int(chosen)
