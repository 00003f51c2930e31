"""The page Watch it learn: an experiment live while it trains, and played again once it is over."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.analysis.comparison import title_of
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
from core.jobs.progress import progress_text
from core.text import count_text, escape_markdown
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import (
    Choice,
    choose_in_list,
    choose_in_row,
    in_text_colour,
    remember,
    wanted,
)
from core.ui.frame.drawing import digest_of, draw_once
from core.ui.frame.errors import error_box
from core.ui.frame.job_status import REFRESH_SECONDS
from core.ui.watch.snapshots import show_matrix, show_numbers, show_tiles, snapshot_words
from core.ui.widgets.exhibit import show_exhibit
from core.ui.widgets.groups import choose_shown

PLAY_SECONDS = 1.0
# Percent of the training done, in the address and as buttons.
STEP, LAST = 10, 100
MOMENT, MOMENT_LABEL = "at", "Training done"
CHART_HEIGHT = 400
# Pixels: all moments side by side, one seed, the list of strategies.
MOMENT_WIDTH, SEED_WIDTH, CHOICE_WIDTH = 680, 44, 240
AT_WORK = "now"
HELD_OUT = (
    "All numbers here are of the validation images: held out, never trained on, looked at after "
    "each epoch. Points are percentage points above the majority line, the fraction of the "
    "commonest class."
)
TRACKED = (
    "The tracked pictures are validation images too, the same for every strategy: the first ones "
    "of each class, the commonest classes first. The percentage beside a prediction is its "
    "confidence; :material/autorenew: marks a prediction that changed since the epoch before."
)


@dataclass(frozen=True)
class Moment:
    """What is shown at one moment. ``dataset`` is None where it was removed, and then there are
    no images; ``majority`` is 0 to 1, of the validation images. ``key`` changes with any of it."""

    key: str
    experiment: ExperimentRecord
    curves: tuple[Curve, ...]
    snapshots: tuple[TrainingSnapshot, ...]
    dataset: Dataset | None
    images: tuple[int, ...]
    majority: float | None


def watch(experiment_id: str) -> None:
    """Live, asking again every second, while something waits or runs; else played again."""
    shown = choose_shown(evidence_reads.subject(experiment_id)).strategies
    if reads.store().experiment(experiment_id).is_active:
        st.fragment(_live, run_every=REFRESH_SECONDS)(experiment_id, shown)
    else:
        seconds = PLAY_SECONDS if _is_playing(experiment_id) else None
        st.fragment(_replay, run_every=seconds)(experiment_id, shown, seconds is not None)
    st.caption(HELD_OUT)


def _live(experiment_id: str, shown: frozenset[str]) -> None:
    active = True  # what is believed while the store cannot be read
    with error_box():
        experiment = reads.store().experiment(experiment_id)
        active = experiment.is_active
        if active:
            # A worker that stopped while runs wait is started again by whoever looks.
            reads.wake_worker()
        runs = reads.store().runs(experiment_id)
        _show_status(runs)
        _show(_moment(experiment, shown, END, None), live=True)
        _show_failures(runs)
    if not active:
        st.rerun()  # the whole page, once: the timer stops, and the replay comes


def _replay(experiment_id: str, shown: frozenset[str], was_playing: bool) -> None:
    with error_box():
        experiment = reads.store().experiment(experiment_id)
        runs = reads.store().runs(experiment_id)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            moment = _choose_moment(experiment_id)
            seed = _choose_seed(experiment.spec.seeds)
        _show(_moment(experiment, shown, moment, seed), live=False)
        _show_failures(runs)
    if _is_playing(experiment_id) != was_playing:
        st.rerun()  # the whole page, once: the timer starts or stops


def _moment(
    experiment: ExperimentRecord, shown: frozenset[str], moment: float, seed: int | None
) -> Moment:
    try:
        dataset = reads.dataset(experiment.spec.dataset_id)
    except UnknownName:
        dataset = None  # removed since; each part of the page says what it lacks
    key = digest_of(
        reads.curves_key(experiment.id),
        None if dataset is None else reads.dataset_key(dataset),
        moment,
        seed,
        *sorted(shown),
    )
    return _moment_of(key, experiment, dataset, shown, moment, seed)


# Few: one of a long experiment with many runs takes about a megabyte.
@st.cache_resource(max_entries=32, ttl=600, show_spinner=False)
def _moment_of(
    key: str,
    _experiment: ExperimentRecord,
    _dataset: Dataset | None,
    _shown: frozenset[str],
    _moment: float,
    _seed: int | None,
) -> Moment:
    # Read after the key was made, so that nothing older is kept under it.
    runs, whole = reads.store().runs(_experiment.id), reads.curves(_experiment.id)
    curves = tuple(epochs_up_to(one, _moment) for one in whole if one.strategy in _shown)
    of_shown = [run for run in runs if run.strategy in _shown]
    return Moment(
        key,
        _experiment,
        curves,
        snapshots(of_shown, curves, _dataset, _seed),
        _dataset,
        () if _dataset is None else tracked_images(whole, _experiment.spec, _dataset),
        majority_fraction(runs, _experiment.spec, _dataset),
    )


# What is seen -----------------------------------------------------------------------------------


def _show_status(runs: Sequence[RunRecord]) -> None:
    """What happens now, in one line and a bar, always of the same height."""
    over = sum(not run.is_active for run in runs)
    done = f"{over} of {count_text(len(runs), 'run')} done"
    running = next((run for run in runs if run.state == "running"), None)
    waiting = next((run for run in runs if run.state == "queued"), None)
    if running is not None:
        st.progress(
            running.progress.fraction if running.progress else 0.0,
            text=f"{done} · **{escape_markdown(title_of(running.strategy))}**: "
            f"{escape_markdown(progress_text(running.progress))}",
        )
    elif waiting is not None:
        text = escape_markdown(reads.store().waiting_text(waiting.id))
        st.progress(over / len(runs), text=f"{done} · {text}")


def _show_failures(runs: Sequence[RunRecord]) -> None:
    """The runs that ended before their time, with the reason."""
    for run in runs:
        if run.can_retry:
            st.caption(
                f":material/error: {escape_markdown(title_of(run.strategy))}, seed {run.seed}: "
                f"{run.state}. {escape_markdown(run.error or '')}"
            )


def _show(moment: Moment, live: bool) -> None:
    """Numbers, curves beside the tracked images, and everyone's answers to these."""
    draw_once(moment.key, _draw_numbers, moment)
    missing = _why_no_images(moment, live)
    if missing is not None:
        draw_once(moment.key, _draw_chart, moment)
        st.info(missing, icon=":material/hide_image:")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        draw_once(moment.key, _draw_chart, moment)
    with right:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            snapshot = _choose_snapshot(moment, live)
            st.markdown(snapshot_words(snapshot, len(moment.images)), width="content")
        draw_once(moment.key, _draw_tiles, moment, None if snapshot is None else snapshot.strategy)
    if any(found.answers for found in moment.snapshots):
        draw_once(moment.key, _draw_answers, moment)
    st.caption(TRACKED)


def _draw_numbers(moment: Moment) -> None:
    show_numbers(moment.snapshots, moment.majority)


def _draw_chart(moment: Moment) -> None:
    chart = watch_chart(moment.curves, moment.majority, CHART_HEIGHT)
    show_exhibit(chart, f"watch.curves.{moment.experiment.id}", table=False)


def _draw_tiles(moment: Moment, strategy: str | None) -> None:
    if moment.dataset is not None:
        shown = next((each for each in moment.snapshots if each.strategy == strategy), None)
        show_tiles(moment.dataset, moment.images, shown)


def _draw_answers(moment: Moment) -> None:
    if moment.dataset is not None:
        st.header("Everyone's answers")
        majority_class = moment.experiment.spec.majority_class
        show_matrix(
            moment.dataset, moment.images, moment.snapshots, majority_class, moment.majority
        )


def _why_no_images(moment: Moment, live: bool) -> str | None:
    if moment.dataset is None:
        return "The dataset of this experiment was removed, so its pictures cannot be shown."
    whole = reads.curves(moment.experiment.id)
    if live or has_tracked_images(whole):
        return None
    if not whole:
        return "No epoch was finished in this experiment, so there are no predictions to show."
    return (
        "This experiment has no predictions for single epochs: it was trained by an older version, "
        "or recorded elsewhere. Its curves are complete. A new benchmark keeps them."
    )


def _choose_snapshot(moment: Moment, live: bool) -> TrainingSnapshot | None:
    """Whose answers are shown beside the images: while runs work, those of the one at work."""
    by_name = {snapshot.strategy: snapshot for snapshot in moment.snapshots}
    running = [snapshot for snapshot in moment.snapshots if snapshot.state == "running"]
    answered = [snapshot for snapshot in moment.snapshots if snapshot.answers]
    at_work = next(iter(running or answered[-1:]), None)
    options = {name: snapshot.title for name, snapshot in by_name.items()}
    if live:
        options = {AT_WORK: f"At work: {at_work.title if at_work else 'nobody yet'}", **options}
    if not options:
        return None
    choice = Choice("strategy", "Answers of", "strategy", options, next(iter(options)), clears=())
    return by_name.get(choose_in_list(choice, width=CHOICE_WIDTH), at_work)


# The controls of the replay -----------------------------------------------------------------------


def _is_playing(experiment_id: str) -> bool:
    """Whether this visitor has pressed Play and the end is not reached."""
    return st.session_state.get(_playing_key(experiment_id)) is True


def _choose_moment(experiment_id: str) -> float:
    """How much of its training each strategy has behind it, 0 to 1: from the address, or one
    step further while it plays.

    Buttons and not a slider: Streamlit writes a slider's value in the accent colour, which on a
    dark page is too dark to read.
    """
    key = f"watch.{MOMENT}.{experiment_id}"
    options = {str(value): f"{value} %" for value in range(0, LAST + 1, STEP)}
    if _is_playing(experiment_id):
        now = min(LAST, int(st.session_state.get(key) or 0) + STEP)
        st.session_state[key] = str(now)
        if now == LAST:
            _stop(experiment_id, key)
    else:
        choice = Choice(MOMENT, MOMENT_LABEL, "moment of the training", options, str(LAST))
        st.session_state[key] = wanted(choice)
    playing = _is_playing(experiment_id)
    st.button(
        "Stop" if playing else "Play",
        type="primary",
        icon=":material/stop:" if playing else ":material/play_arrow:",
        key=f"watch.play.{experiment_id}",
        on_click=_stop if playing else _play,
        args=(experiment_id, key),
        width=110,
    )
    # The browser loads these widgets late: labels and widths of their own keep what is beside and
    # below from moving then.
    with st.container(gap="xxsmall", width=MOMENT_WIDTH):
        st.caption(
            MOMENT_LABEL,
            help="Of each strategy's own epochs: at 50 %, one of 40 epochs has done 20 and one of "
            "2 has done 1.",
        )
        st.segmented_control(
            MOMENT_LABEL,
            list(options),
            format_func=lambda value: in_text_colour(options[value]),
            required=True,
            key=key,
            on_change=_stop,
            args=(experiment_id, key),
            label_visibility="collapsed",
            width="content",
        )
    return int(st.session_state[key]) / LAST


def _choose_seed(seeds: Sequence[int]) -> int:
    """Whose numbers and answers are shown; the curves are those of all seeds."""
    if len(seeds) == 1:
        return seeds[0]
    options = {str(seed): str(seed) for seed in seeds}
    choice = Choice("seed", "Seed", "seed", options, str(seeds[0]), clears=())
    with st.container(gap="xxsmall", width=SEED_WIDTH * len(seeds)):
        st.caption(choice.label)
        return int(choose_in_row(choice, label_visible=False))


def _play(experiment_id: str, key: str) -> None:
    """From the present moment; from the beginning where that is the end."""
    if int(st.session_state.get(key) or LAST) >= LAST:
        # Drawing goes on from here, to the first step.
        st.session_state[key] = "0"
    st.session_state[_playing_key(experiment_id)] = True


def _stop(experiment_id: str, key: str) -> None:
    st.session_state[_playing_key(experiment_id)] = False
    remember(**{MOMENT: st.session_state[key]})


def _playing_key(experiment_id: str) -> str:
    return f"watch.playing.{experiment_id}"
