"""An experiment that is watched: live while it trains, played again once it is over."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.analysis.curves import (
    END,
    Curve,
    TrainingSnapshot,
    epochs_up_to,
    has_tracked_images,
    majority_fraction,
    snapshots,
    tracked_images,
)
from core.charts.curves import watch_chart
from core.datasets.dataset import Dataset
from core.errors import UnknownName
from core.experiments.records import ExperimentRecord, RunRecord
from core.ui.benchmark.live import REFRESH_SECONDS
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list
from core.ui.frame.errors import error_box
from core.ui.watch.images import show_matrix, show_tiles
from core.ui.watch.numbers import (
    show_failures,
    show_numbers,
    show_status,
    where,
)
from core.ui.watch.replay import (
    PLAY_SECONDS,
    choose_moment,
    choose_seed,
    is_playing,
)
from core.ui.widgets.exhibit import show_exhibit

CHART_HEIGHT = 400
CHOICE_WIDTH = 240
AT_WORK = "now"
HELD_OUT = (
    "All numbers and pictures here are of the validation images: held out, never trained on, "
    "looked at after each epoch. The tracked pictures are the same for every strategy: the first "
    "ones of each class, the commonest classes first. The percentage beside a prediction is its "
    "confidence; :material/autorenew: marks a prediction that changed since the epoch before. "
    "Points are percentage points above the majority line, the fraction of the commonest class."
)


@dataclass(frozen=True)
class Moment:
    """What is shown at one moment. ``dataset`` is None where it was removed, and then there are
    no pictures; ``majority`` is 0 to 1, of the validation images."""

    experiment: ExperimentRecord
    curves: tuple[Curve, ...]
    snapshots: tuple[TrainingSnapshot, ...]
    dataset: Dataset | None
    images: tuple[int, ...]
    majority: float | None


def watch(experiment_id: str) -> None:
    """Live, asking again every second, while something waits or runs; else played again."""
    active = reads.store().experiment(experiment_id).is_active
    if active:
        st.fragment(_live, run_every=REFRESH_SECONDS)(experiment_id)
    else:
        seconds = PLAY_SECONDS if is_playing(experiment_id) else None
        st.fragment(_replay, run_every=seconds)(experiment_id, seconds is not None)
    st.caption(HELD_OUT)


def _live(experiment_id: str) -> None:
    active = True  # what is believed while the store cannot be read
    with error_box():
        experiment = reads.store().experiment(experiment_id)
        active = experiment.is_active
        if active:
            # A worker that stopped while runs wait is started again by whoever looks.
            reads.wake_worker()
        runs = reads.store().runs(experiment_id)
        show_status(runs)
        _show(_moment(experiment, runs, END, None), live=True)
        show_failures(runs)
    if not active:
        st.rerun()  # the whole page, once: the timer stops, and the slider comes


def _replay(experiment_id: str, was_playing: bool) -> None:
    with error_box():
        experiment = reads.store().experiment(experiment_id)
        runs = reads.store().runs(experiment_id)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            moment = choose_moment(experiment_id)
            seed = choose_seed(experiment.spec.seeds)
        _show(_moment(experiment, runs, moment, seed), live=False)
        show_failures(runs)
    if is_playing(experiment_id) != was_playing:
        st.rerun()  # the whole page, once: the timer starts or stops


def _moment(
    experiment: ExperimentRecord, runs: list[RunRecord], moment: float, seed: int | None
) -> Moment:
    whole = reads.curves(experiment.id)
    curves = tuple(epochs_up_to(curve, moment) for curve in whole)
    dataset = _dataset(experiment)
    return Moment(
        experiment,
        curves,
        snapshots(runs, curves, dataset, seed),
        dataset,
        () if dataset is None else tracked_images(whole, experiment.spec, dataset),
        majority_fraction(runs, experiment.spec, dataset),
    )


def _dataset(experiment: ExperimentRecord) -> Dataset | None:
    try:
        return reads.dataset(experiment.spec.dataset_id)
    except UnknownName:
        return None  # removed since; what is shown without it is said where it is missed


def _show(moment: Moment, live: bool) -> None:
    show_numbers(moment.snapshots, moment.majority)
    left, right = st.columns(2, gap="medium")
    with left:
        chart = watch_chart(moment.curves, moment.majority, CHART_HEIGHT)
        show_exhibit(chart, f"watch.curves.{moment.experiment.id}", table=False)
    with right:
        _show_images(moment, live)
    show_everyone(moment)


def _show_images(moment: Moment, live: bool) -> None:
    if moment.dataset is None:
        st.info(
            "The dataset of this experiment was removed, so its pictures cannot be shown.",
            icon=":material/hide_image:",
        )
        return
    whole = [] if live else reads.curves(moment.experiment.id)
    if not live and not whole:
        st.info(
            "No epoch was finished in this experiment, so there are no predictions to show.",
            icon=":material/hide_image:",
        )
        return
    if not live and not has_tracked_images(whole):
        st.info(
            "This experiment has no predictions for single epochs: it was trained by an older "
            "version, or recorded elsewhere. Its curves are whole. A new benchmark keeps them.",
            icon=":material/hide_image:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        snapshot = _choose_snapshot(moment, live)
        st.markdown(_answers_words(snapshot, len(moment.images)), width="content")
    show_tiles(moment.dataset, moment.images, snapshot)


def _choose_snapshot(moment: Moment, live: bool) -> TrainingSnapshot | None:
    """Whose answers stand under the pictures: while runs work, those of the one at work."""
    options = {snapshot.strategy: snapshot.title for snapshot in moment.snapshots}
    default = next(iter(options), "")
    if live:
        now = _at_work(moment.snapshots)
        options = {AT_WORK: f"At work: {now.title if now else 'nobody yet'}", **options}
        default = AT_WORK
    if not options:
        return None
    chosen = choose_in_list(
        Choice("strategy", "Answers of", "strategy", options, default, clears=()),
        width=CHOICE_WIDTH,
    )
    by_name = {snapshot.strategy: snapshot for snapshot in moment.snapshots}
    return by_name.get(chosen) or _at_work(moment.snapshots)


def _at_work(found: Sequence[TrainingSnapshot]) -> TrainingSnapshot | None:
    """The running one, else the last that has answers."""
    running = [snapshot for snapshot in found if snapshot.state == "running"]
    return next(iter(running or [snapshot for snapshot in found if snapshot.answers][-1:]), None)


def _answers_words(snapshot: TrainingSnapshot | None, pictures: int) -> str:
    if snapshot is None:
        return "no answers yet"
    right = f": **{snapshot.correct} of {pictures} correct**" if snapshot.answers else ""
    return f"{where(snapshot)}{right}"


def show_everyone(moment: Moment) -> None:
    """All strategies' answers at once, and what these pictures are."""
    if moment.dataset is None or not any(snapshot.answers for snapshot in moment.snapshots):
        return
    st.header("Everyone's answers")
    show_matrix(
        moment.dataset,
        moment.images,
        moment.snapshots,
        moment.experiment.spec.majority_class,
        moment.majority,
    )
