"""Compare, How much data: the learning curves, and the form that starts one."""

import streamlit as st

from core.analysis.choice import headline_pair
from core.analysis.families import FEW, main_strategies
from core.analysis.learning_curve import LearningCurve, headline_curves
from core.analysis.words.several import describe_crossings
from core.charts.curves import learning_curve_chart
from core.datasets.dataset import Dataset
from core.errors import BadInput
from core.experiments.forecast import forecast_experiment
from core.experiments.planning import (
    FRACTIONS,
    LearningCurvePlan,
    plan_learning_curve,
    unavailable_reason,
)
from core.experiments.records import ExperimentRecord
from core.jobs.launchers import ensure_worker
from core.strategies.registry import STRATEGIES, offered_strategies
from core.text import count_text, escape_markdown, exact_percent_text, rough_seconds_text
from core.training.spec import SMALLEST_TRAIN_FRACTION
from core.ui.frame import actions, evidence_reads, reads
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.address import Choice, choose_in_list, remember
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject, computed
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import choose_pair, dataset_or_words, show_exhibit
from core.ui.widgets.forms import MOST_SEEDS
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
OFFERED_FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)


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
        _offer_start(subject)


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
        st.fragment(_follow, run_every=REFRESH_SECONDS)(series, curve.done)
    if not curve.curves:
        st.info("No run of this learning curve has finished yet.")
    else:
        _show_crossings(curve)
        st.header("Accuracy by number of training images")
        show_exhibit(learning_curve_chart(curve), f"series.{curve.series}")
        st.caption(FEWER_STEPS)
    with st.expander("Its experiments", icon=":material/list:"):
        for member in sorted(members, key=lambda entry: entry.spec.train_share):
            link_to("compare", escape_markdown(experiment_label(member)), experiment=member.id)


def _show_crossings(curve: LearningCurve) -> None:
    """Where one strategy overtakes another; nothing where no two can be compared."""
    usual = headline_curves(curve)
    if usual is None:
        return
    st.header("Where one overtakes the other")
    titles = {entry.strategy: entry.title for entry in curve.curves}
    pair = choose_pair(titles, (usual[0].strategy, usual[1].strategy))
    first, second = (curve.of(name) for name in pair) if pair else (None, None)
    if first is not None and second is not None:
        st.markdown(f"**{escape_markdown(describe_crossings(first, second))}**")


def _follow(series: str, done_before: int) -> None:
    """A line while runs are waiting or at work; the page is drawn anew when one more is over."""
    with error_box():
        reads.wake_worker()
        curve = evidence_reads.learning_curve(series)
        if curve.done == done_before:
            st.progress(
                curve.done / curve.total, text=f"{curve.done} of {curve.total} runs have ended"
            )
            active = next((entry for entry in _all_series()[series] if entry.is_active), None)
            if active is not None:
                link_to("benchmark", "Watch the runs", experiment=active.id)
            return
        # Inside the box: after an error the page stays, or it would be drawn anew without end.
        st.rerun()


def _offer_start(subject: Subject) -> None:
    """On the dataset of the experiment above, with its preset, image size and split."""
    dataset = dataset_or_words(subject)
    if dataset is None:
        return
    spec = subject.experiment.spec
    st.markdown(
        f"On **{escape_markdown(dataset.name)}**, {spec.image_size} px, preset "
        f"{escape_markdown(spec.preset)}, "
        "with the same split. Features are extracted once for all sizes."
    )
    able = {
        name: strategy.title
        for name, strategy in offered_strategies().items()
        if unavailable_reason(strategy, {}) is None
    }
    strategies = st.multiselect(
        "Strategies",
        list(able),
        default=[name for name in _usual_strategies(subject) if name in able],
        format_func=lambda name: able[name],
        key=f"learning.strategies.{subject.id}",
    )
    fractions = st.multiselect(
        "Fractions of the training images",
        [fraction for fraction in OFFERED_FRACTIONS if fraction >= SMALLEST_TRAIN_FRACTION],
        default=list(FRACTIONS),
        format_func=exact_percent_text,
        key="learning.fractions",
        help="The smaller ones are inside the larger ones, class by class.",
    )
    seeds = st.number_input(
        "Number of seeds",
        min_value=1,
        max_value=MOST_SEEDS,
        value=1,
        key="learning.seeds",
        help="With few images, results depend much on luck: three seeds show how much.",
        width=200,
    )
    plan = _planned(subject, dataset, strategies, fractions, int(seeds))
    if plan is not None:
        _show_plan(plan)
    st.button(
        "Start the learning curve",
        type="primary",
        icon=":material/play_arrow:",
        disabled=plan is None or not may_edit(),
        on_click=_start,
        args=(plan,),
    )
    show_viewer_note("start runs")


def _usual_strategies(subject: Subject) -> tuple[str, ...]:
    """Those of the experiment; of many the main ones, as every other is trained at each size."""
    names = [name for name, _ in subject.experiment.spec.strategies]
    # Predictions are read only where they decide.
    headline = computed(subject, headline_pair) if len(names) > FEW else None
    return main_strategies(names, headline)


def _planned(
    subject: Subject, dataset: Dataset, strategies: list[str], fractions: list[float], seeds: int
) -> LearningCurvePlan | None:
    """What the form describes; where that cannot be, an error says why, and there is None."""
    spec = subject.experiment.spec
    # A batch size that was made to fit a part of the images is left to the preset.
    left = set() if spec.train_share == 1 else {"batch_size"}
    own = {
        f"{name}.{setting}": value
        for name, settings in spec.strategies
        for setting, value in settings.items()
        if name in strategies and setting in {one.name for one in STRATEGIES[name].settings} - left
    }
    try:
        return plan_learning_curve(
            dataset.id,
            fractions,
            strategies=strategies,
            preset=spec.preset,
            seeds=tuple(range(seeds)),
            image_size=spec.image_size,
            split=spec.split,
            resize=spec.resize,
            precision=spec.precision,
            overrides=own,
        )
    except BadInput as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return None


def _show_plan(plan: LearningCurvePlan) -> None:
    runs = sum(len(spec.strategies) * len(spec.seeds) for spec in plan.specs)
    sizes = ", ".join(f"{spec.images['train']:,}" for spec in plan.specs)
    st.markdown(f"{len(plan.specs)} sizes ({sizes} training images), {runs} runs.")
    for sentence in plan.dropped:
        st.caption(f":material/info: {escape_markdown(sentence)}")
    # Read once: every size is forecast from the same runs.
    store = reads.store()
    experiments, finished = store.experiments(), store.runs(states=["finished"])
    forecasts = [forecast_experiment(spec, experiments, finished) for spec in plan.specs]
    known = [forecast for forecast in forecasts if forecast.seconds is not None]
    if not known:
        st.markdown(f"**Time: not known yet.** {escape_markdown(forecasts[0].basis)}")
        return
    # The features of one size are those of all: extraction is counted once.
    extraction = max(forecast.extraction_seconds for forecast in known)
    training = sum((entry.seconds or 0.0) - entry.extraction_seconds for entry in known)
    more = " and more" if any(forecast.unknown for forecast in forecasts) else ""
    st.markdown(
        f"**Time: about {rough_seconds_text(training + extraction)}{more}.** "
        f"{escape_markdown(forecasts[-1].basis)}"
    )


def _start(plan: LearningCurvePlan) -> None:
    """Queue all experiments, the smallest first, and see that a worker serves them."""
    with error_box():
        actions.create_experiments(plan.specs)
        remember(series=plan.series)
        ensure_worker(reads.store())
