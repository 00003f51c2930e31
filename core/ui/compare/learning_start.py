"""The form that starts a learning curve: strategies, sizes, seeds, how long, start."""

import streamlit as st

from core.datasets.dataset import Dataset
from core.errors import BadInput
from core.experiments.forecast import forecast_experiment
from core.experiments.planning import (
    FRACTIONS,
    LearningCurvePlan,
    plan_learning_curve,
    unavailable_reason,
)
from core.jobs.launchers import ensure_worker
from core.strategies.registry import STRATEGIES
from core.text import escape_markdown, exact_percent_text, rough_seconds_text
from core.training.spec import SMALLEST_TRAIN_FRACTION
from core.ui.frame import actions, reads
from core.ui.frame.access import may_edit, show_viewer_note
from core.ui.frame.address import remember
from core.ui.frame.errors import error_box
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.exhibit import dataset_or_words
from core.ui.widgets.forms import MOST_SEEDS

OFFERED_FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)


def offer_start(subject: Subject) -> None:
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
        for name, strategy in STRATEGIES.items()
        if unavailable_reason(strategy, {}) is None
    }
    own = [name for name, _ in spec.strategies if name in able]
    strategies = st.multiselect(
        "Strategies",
        list(able),
        default=own,
        format_func=lambda name: able[name],
        key=f"learning.strategies.{subject.id}",
    )
    fractions = st.multiselect(
        "Fractions of the training images",
        [fraction for fraction in OFFERED_FRACTIONS if fraction >= SMALLEST_TRAIN_FRACTION],
        default=list(FRACTIONS),
        format_func=exact_percent_text,
        key="learning.shares",
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
    plan = _planned(subject, dataset, strategies, fractions, tuple(range(int(seeds))))
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


def _planned(
    subject: Subject,
    dataset: Dataset,
    strategies: list[str],
    fractions: list[float],
    seeds: tuple[int, ...],
) -> LearningCurvePlan | None:
    """What the form describes; what is wrong with it is said, and gives None."""
    spec = subject.experiment.spec
    try:
        return plan_learning_curve(
            dataset.id,
            fractions,
            strategies=strategies,
            preset=spec.preset,
            seeds=seeds,
            image_size=spec.image_size,
            split=spec.split,
            resize=spec.resize,
            precision=spec.precision,
            overrides=_overrides(subject, strategies),
        )
    except BadInput as error:
        st.error(escape_markdown(error), icon=":material/error:")
        return None


def _overrides(subject: Subject, strategies: list[str]) -> dict[str, object]:
    """The settings of the experiment above, so that its curve is of the same strategies.

    A batch that was made to fit a part of the images is left to the preset.
    """
    spec = subject.experiment.spec
    known = dict(spec.strategies)
    left = set() if spec.train_share == 1 else {"batch_size"}
    return {
        f"{name}.{setting}": value
        for name in strategies
        for setting, value in known.get(name, {}).items()
        if setting in {own.name for own in STRATEGIES[name].settings} - left
    }


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
