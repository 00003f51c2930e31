"""Compare, Classes: a threshold between two classes, its false alarms and misses, their cost."""

import pandas as pd
import streamlit as st

from core.analysis.evidence import ExperimentPredictions
from core.analysis.threshold import (
    THRESHOLDS,
    USUAL,
    AtThreshold,
    Rate,
    at_threshold,
    threshold_costs,
)
from core.analysis.words.ranking import describe_costs, describe_threshold
from core.charts.ranking import costs_chart
from core.text import escape_markdown, exact_percent_text
from core.ui.frame.address import remember, wanted_amount
from core.ui.frame.evidence_reads import Subject, computed
from core.ui.widgets.exhibit import (
    choose_seed,
    choose_strategy,
    sentences,
    show_exhibit,
    show_table,
)
from core.ui.widgets.glossary import explain_all

DEAREST = 1_000_000.0
USUAL_COST = 1.0
COST_HELP = (
    "In any unit: euros, minutes, or simply how many times worse one kind of mistake is than the "
    "other."
)


def show_threshold(subject: Subject, evidence: ExperimentPredictions, label: int) -> None:
    """``label`` is looked for; the other of the two classes is not."""
    positive, negative = evidence.classes[label], evidence.classes[1 - label]
    st.header(
        "A threshold, and what its mistakes cost",
        help=explain_all("threshold", "false alarm", "miss"),
    )
    left, right = st.columns(2)
    with left:
        strategy = choose_strategy(evidence)
    with right:
        seed = choose_seed(evidence.of(strategy).seeds)
    threshold = _choose_threshold(positive)
    found = at_threshold(evidence, strategy, seed, label, threshold)
    title = evidence.of(strategy).title
    st.markdown(escape_markdown(describe_threshold(title, found, positive, negative)))
    alt = f"What happens at a threshold of {exact_percent_text(threshold)}."
    show_table(_frame(found, positive, negative), f"threshold.{subject.id}", alt)
    left, right = st.columns(2)
    with left:
        wanted = wanted_amount("alarm_cost", DEAREST, USUAL_COST, "cost of a false alarm")
        alarm_cost = _choose_cost("alarm_cost", f"Cost of a false alarm (“{negative}”)", wanted)
    with right:
        wanted = wanted_amount("miss_cost", DEAREST, USUAL_COST, "cost of a miss")
        miss_cost = _choose_cost("miss_cost", f"Cost of a miss (“{positive}”)", wanted)
    costs = computed(subject, threshold_costs, strategy, seed, label, alarm_cost, miss_cost)
    sentences(describe_costs(costs, threshold, evidence.majority_name))
    best = float(THRESHOLDS[costs.best])
    if best != threshold and (alarm_cost or miss_cost):
        st.button(
            f"Take the threshold of lowest cost: {exact_percent_text(best)}",
            icon=":material/target:",
            on_click=remember,
            kwargs={"threshold": _in_address(100 * best, 100 * USUAL)},
        )
    show_exhibit(costs_chart(costs, threshold), f"costs.{subject.id}.{label}.{strategy}.{seed}")


def _choose_threshold(positive: str) -> float:
    """0 to 1; the address keeps it in percent."""
    key = "address.threshold"
    st.session_state[key] = wanted_amount("threshold", 100.0, 100 * USUAL, "threshold")
    chosen = st.slider(
        f"Threshold: call an image “{escape_markdown(positive)}” from this probability on (%)",
        0.0,
        100.0,
        step=0.1,
        format="%.1f",
        key=key,
        on_change=lambda: remember(threshold=_in_address(st.session_state[key], 100 * USUAL)),
    )
    return round(chosen / 100, 3)


def _choose_cost(name: str, label: str, wanted: float) -> float:
    key = f"address.{name}"
    st.session_state[key] = wanted
    return st.number_input(
        escape_markdown(label),
        0.0,
        DEAREST,
        step=1.0,
        format="%.1f",
        key=key,
        help=COST_HELP,
        on_change=lambda: remember(**{name: _in_address(st.session_state[key], USUAL_COST)}),
    )


def _in_address(amount: float, usual: float) -> str | None:
    return None if amount == usual else f"{amount:.1f}".removesuffix(".0")


def _frame(found: AtThreshold, positive: str, negative: str) -> pd.DataFrame:
    rows: dict[str, tuple[Rate, str]] = {
        "found (sensitivity)": (found.found, positive),
        "missed": (found.missed, positive),
        "false alarms": (found.false_alarms, negative),
        "left alone (specificity)": (found.left_alone, negative),
        "alarms that are right (precision)": (found.correct_alarms, f"called {positive}"),
    }
    return pd.DataFrame(
        {
            "what": what,
            "images": rate.count,
            "of": rate.total,
            "which are": whose,
            "rate (%)": None if rate.fraction is None else 100 * rate.fraction,
            "low (%)": None if rate.low is None else 100 * rate.low,
            "high (%)": None if rate.high is None else 100 * rate.high,
        }
        for what, (rate, whose) in rows.items()
    )
