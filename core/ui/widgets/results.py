"""A comparison on a page: facts, charts with their words, table, downloads."""

from typing import Any

import streamlit as st

from core.analysis.comparison import (
    COLUMN_HELP,
    Comparison,
    results_frame,
    seeds_frame,
)
from core.analysis.curves import Curve
from core.charts.curves import CURVE_METRICS, curve_chart
from core.charts.time import epoch_time_chart
from core.experiments.records import ExperimentRecord
from core.reports.export import to_csv, to_json
from core.text import (
    count_text,
    escape_markdown,
    exact_percent_text,
    percent_text,
)
from core.ui.frame.address import Choice, choose_in_row
from core.ui.frame.errors import file_or_error
from core.ui.widgets.exhibit import show_exhibit

NUMBER_FORMATS = {
    "test accuracy (%)": "%.1f",
    "low (%)": "%.1f",
    "high (%)": "%.1f",
    "over majority (points)": "%+.1f",
    "validation accuracy (%)": "%.1f",
    "training accuracy (%)": "%.1f",
    "log loss (nats)": "%.2f",
    "steady epoch (s)": "%.3f",
    "first epoch (s)": "%.3f",
    "features (s)": "%.1f",
    "whole run (s)": "%.1f",
    "epochs": "%d",
    "parameters": "localized",
    "trained parameters": "localized",
    "peak memory (MB)": "%.0f",
}
INTERVAL_HELP = (
    "The bar is the 95 % Wilson interval: the accuracy on very many such images plausibly lies in "
    "it. With several seeds it belongs to the rounded mean number of correct test images; the "
    "seeds are not pooled, because they are scored on the same pictures. Small open markers are "
    "the single seeds."
)


def experiment_label(experiment: ExperimentRecord) -> str:
    """One line for a list: dataset, size, preset, date, and whether it was recorded elsewhere."""
    spec = experiment.spec
    parts = [
        spec.dataset_name,
        f"{spec.image_size} px",
        spec.preset,
        count_text(len(spec.strategies), "strategy"),
        *(
            [f"{exact_percent_text(spec.train_share)} of the training images"]
            if spec.series
            else []
        ),
        experiment.created_at[:16].replace("T", " "),
    ]
    if experiment.recorded:
        parts.append("recorded")
    elif experiment.is_active:
        parts.append("at work")
    return " · ".join(parts) + f" · {experiment.id}"


def recorded_text(comparison: Comparison) -> str | None:
    """``Recorded on <machine>, <date>`` for results that came with Headstart, else None."""
    if comparison.origin is None:
        return None
    return f"Recorded on {comparison.origin.machine}, {comparison.origin.date[:10]}"


def show_facts(comparison: Comparison) -> None:
    """What all numbers of the page rest on: images, split, device, precision, seeds."""
    recorded = recorded_text(comparison)
    if recorded:
        st.badge(escape_markdown(recorded), icon=":material/inventory_2:", color="violet")
    images, split = comparison.images, comparison.split
    seeds = ", ".join(str(seed) for seed in comparison.seeds)
    facts = [
        f"**{escape_markdown(comparison.dataset)}**: "
        f"{count_text(len(comparison.classes), 'class')}, {images.get('train', 0):,} training, "
        f"{images.get('validation', 0):,} validation and **n = {images.get('test', 0):,} test "
        f"images** ({_split_words(comparison)}split seed {split['seed']:.0f})",
        f"{comparison.image_size} × {comparison.image_size} pixels, "
        f"{escape_markdown(comparison.resize)}, preset {escape_markdown(comparison.preset)}, "
        f"{'seed' if len(comparison.seeds) == 1 else 'seeds'} {seeds}",
        f"device {escape_markdown(comparison.device or 'not known yet')}, "
        f"precision {escape_markdown(comparison.precision)}, "
        f"backend {escape_markdown(comparison.backend or 'not known yet')}",
        f"always predicting *{escape_markdown(comparison.majority_class or 'unknown')}*, the "
        f"commonest class, is correct for {percent_text(comparison.majority_accuracy)} of the "
        "test images",
    ]
    st.markdown("\n".join(f"- {fact}" for fact in facts))


def _split_words(comparison: Comparison) -> str:
    if comparison.given_split:
        return "the split that came with the dataset, "
    split = comparison.split
    test, validation = percent_text(split["test"], 0), percent_text(split["validation"], 0)
    return f"test {test}, validation {validation}, "


def show_results_table(comparison: Comparison, key: str) -> None:
    """All rows with the unit in each heading and an explanation on each heading."""
    frame = results_frame(comparison)
    config: dict[str, Any] = {
        name: st.column_config.NumberColumn(name, help=COLUMN_HELP[name], format=number_format)
        for name, number_format in NUMBER_FORMATS.items()
    }
    for name in ("strategy", "state"):
        config[name] = st.column_config.TextColumn(
            name, help=COLUMN_HELP[name], pinned=name == "strategy"
        )
    st.dataframe(
        frame,
        hide_index=True,
        column_config=config,
        height="content",
        placeholder="—",
        key=f"table.{key}",
        alt="The numbers of every strategy, one line each.",
    )
    for row in comparison.rows:
        for note in row.notes:
            st.caption(f":material/info: {escape_markdown(row.title)}: {escape_markdown(note)}")


def show_seeds(comparison: Comparison) -> None:
    """Every single run, folded away."""
    with st.expander("Every run", icon=":material/list:"):
        st.dataframe(
            seeds_frame(comparison),
            hide_index=True,
            column_config={
                "test accuracy (%)": st.column_config.NumberColumn(format="%.1f"),
            },
            placeholder="—",
            key=f"runs.{comparison.experiment}",
            alt="Each run with its seed, state and test accuracy.",
        )


def show_epoch_time(comparison: Comparison) -> None:
    """The time of an epoch beside extraction, for those that train."""
    if all(row.steady_epoch_seconds is None for row in comparison.finished_rows):
        st.caption("Epochs appear here when the first strategy that trains has finished.")
        return
    st.header(
        "Time of an epoch",
        help="Median training time of the epochs after the first, validation left out. "
        "Strategies on cached features train in no time, but the features had to be "
        "extracted once: the diamond.",
    )
    show_exhibit(
        epoch_time_chart(comparison), f"times.{comparison.experiment}", table=False, config={}
    )


def show_curves(curves: list[Curve], key: str) -> None:
    """Training curves with a choice of what they show."""
    st.header(
        "Training curves",
        help="One line a run, the seeds of a strategy in one colour. Training accuracy is "
        "measured while the weights move and with dropout on, validation after the epoch.",
    )
    names = {str(name): title for name, title in CURVE_METRICS.items()}
    wanted = choose_in_row(
        Choice("curve", "Curve of", "training metric", names, "validation_accuracy"),
        label_visible=False,
    )
    chosen = next(name for name in CURVE_METRICS if name == wanted)
    show_exhibit(curve_chart(curves, chosen), f"curves.{key}", table=False, config={})


def show_downloads(comparison: Comparison) -> None:
    """CSV and JSON, built when asked for."""
    name = f"headstart-{comparison.experiment}"
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV",
            data=file_or_error(lambda: to_csv(comparison, byte_order_mark=True)),
            file_name=f"{name}.csv",
            mime="text/csv",
            icon=":material/download:",
            key=f"csv.{comparison.experiment}",
            help="One line a strategy; fractions 0 to 1, times in seconds.",
        )
        st.download_button(
            "Everything as JSON",
            data=file_or_error(lambda: to_json(comparison)),
            file_name=f"{name}.json",
            mime="application/json",
            icon=":material/data_object:",
            key=f"json.{comparison.experiment}",
            help="With versions, seeds, split, and each run; fractions 0 to 1, times in seconds.",
        )
