"""Compare, How much data: learning curves that are there, and a way to start one."""

import streamlit as st

from core.analysis.learning_curve import LearningCurve, headline_curves
from core.analysis.words.curve import describe_crossings
from core.charts.curves import learning_curve_chart
from core.experiments.records import ExperimentRecord
from core.text import count_text, escape_markdown
from core.ui.compare.learning_start import offer_start
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, choose_in_list, remember
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import choose_pair, show_exhibit
from core.ui.widgets.results import experiment_label

REFRESH_SECONDS = 2.0
WHAT_IT_IS = (
    "The same strategies are trained on ever more of the training images and scored on the same "
    "test images. Where the lines cross, the cheaper one catches up; where they stay flat, more "
    "images will not help."
)
FEWER_STEPS = (
    "The number of epochs is the same at every size, so with fewer images a network takes fewer "
    "steps: part of what it lacks there is training, not images."
)


def show_learning(subject: Subject) -> None:
    st.markdown(WHAT_IT_IS)
    found = _all_series()
    if found:
        series = _choose_series(subject, found)
        if found[series][0].spec.dataset_id != subject.experiment.spec.dataset_id:
            st.caption("This learning curve is of another dataset than the experiment above.")
        _show_series(series, found[series])
    elif "series" in st.query_params:
        st.warning("The learning curve that the link names is not here (any more).")
        remember(series=None)
    with st.expander("Start a learning curve", icon=":material/play_circle:", expanded=not found):
        offer_start(subject)


def _all_series() -> dict[str, list[ExperimentRecord]]:
    """The experiments of each learning curve, the newest curve first."""
    found: dict[str, list[ExperimentRecord]] = {}
    for experiment in reads.store().experiments():
        if experiment.spec.series:
            found.setdefault(experiment.spec.series, []).append(experiment)
    return found


def _choose_series(subject: Subject, found: dict[str, list[ExperimentRecord]]) -> str:
    """The one named by the address; else that of the experiment above or of its dataset."""
    own = subject.experiment.spec
    of_dataset = [
        name for name, members in found.items() if members[0].spec.dataset_id == own.dataset_id
    ]
    default = own.series or next(iter(of_dataset or found))
    return choose_in_list(
        Choice(
            name="series",
            label="Learning curve",
            kind="learning curve",
            options={name: _series_label(members) for name, members in found.items()},
            default=default,
        ),
        width="stretch",
    )


def _series_label(members: list[ExperimentRecord]) -> str:
    spec = members[0].spec
    sizes = sorted(member.spec.images["train"] for member in members)
    moment = members[0].created_at[:16].replace("T", " ")
    return (
        f"{spec.dataset_name} · {sizes[0]:,} to {sizes[-1]:,} training images · "
        f"{count_text(len(spec.strategies), 'strategy')} · {spec.image_size} px · {moment}"
    )


def _show_series(series: str, members: list[ExperimentRecord]) -> None:
    curve = evidence_reads.learning_curve(series)
    if curve.done < curve.total:
        fragment = st.fragment(_follow, run_every=REFRESH_SECONDS)
        fragment(series, curve.done)
    if not curve.curves:
        st.info("No run of this learning curve has finished yet.")
    else:
        _show_curve(curve)
    with st.expander("Its experiments", icon=":material/list:"):
        for member in sorted(members, key=lambda entry: entry.spec.train_share):
            link_to("compare", escape_markdown(experiment_label(member)), experiment=member.id)


def _show_curve(curve: LearningCurve) -> None:
    titles = {entry.strategy: entry.title for entry in curve.curves}
    usual = headline_curves(curve)
    if usual is not None:
        st.header("Where one overtakes the other")
        pair = choose_pair(titles, (usual[0].strategy, usual[1].strategy))
        if pair is not None:
            first, second = (curve.of(name) for name in pair)
            if first is not None and second is not None:
                st.markdown(f"**{escape_markdown(describe_crossings(first, second))}**")
    st.header("Accuracy by number of training images")
    show_exhibit(learning_curve_chart(curve), f"series.{curve.series}")
    st.caption(FEWER_STEPS)


def _follow(series: str, done_before: int) -> None:
    """A line while runs are waiting or at work; the page is drawn anew when one more is over."""
    with error_box():
        reads.wake_worker()
        curve = evidence_reads.learning_curve(series)
        if curve.done == done_before:
            st.progress(
                curve.done / curve.total, text=f"{curve.done} of {curve.total} runs are over"
            )
            active = next((entry for entry in _all_series()[series] if entry.is_active), None)
            if active is not None:
                link_to("benchmark", "Watch the runs", experiment=active.id)
            return
        # Inside the box: after an error the page stays, or it would be drawn anew without end.
        st.rerun()
