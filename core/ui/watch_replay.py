"""The controls of a training that is played again: the moment, Play, and the seed."""

from collections.abc import Sequence

import streamlit as st

from core.ui.compare_address import Choice, choose_in_row, remember, wanted

PLAY_SECONDS = 0.7
STEP, LAST = 5, 100
ADDRESS = "at"


def is_playing(experiment_id: str) -> bool:
    """Whether this visitor has pressed Play and the end is not reached."""
    return st.session_state.get(_playing(experiment_id)) is True


def choose_moment(experiment_id: str) -> float:
    """How much of its training each strategy has behind it, 0 to 1: from the address, or one
    step further while it plays."""
    key = f"watch.{ADDRESS}.{experiment_id}"
    if is_playing(experiment_id):
        now = min(LAST, int(st.session_state.get(key, 0)) + STEP)
        st.session_state[key] = now
        if now == LAST:
            _stop(experiment_id, key)
    else:
        steps = {str(value): f"{value} %" for value in range(0, LAST + 1, STEP)}
        choice = Choice(ADDRESS, "Training done", "moment of the training", steps, str(LAST))
        st.session_state[key] = int(wanted(choice))
    playing = is_playing(experiment_id)
    st.button(
        "Stop" if playing else "Play",
        type="primary",
        icon=":material/stop:" if playing else ":material/play_arrow:",
        key=f"watch.play.{experiment_id}",
        on_click=_stop if playing else _play,
        args=(experiment_id, key),
        width=110,
    )
    st.slider(
        "Training done",
        0,
        LAST,
        step=STEP,
        format="%d %%",
        key=key,
        help="Of each strategy's own epochs: halfway, one of 40 epochs has done 20 and one of 2 "
        "has done 1.",
        on_change=_stop,
        args=(experiment_id, key),
    )
    return int(st.session_state[key]) / LAST


def choose_seed(seeds: Sequence[int]) -> int:
    """Whose numbers and answers are shown; the curves are those of all seeds."""
    if len(seeds) == 1:
        return seeds[0]
    options = {str(seed): str(seed) for seed in seeds}
    return int(choose_in_row(Choice("seed", "Seed", "seed", options, str(seeds[0]), clears=())))


def _play(experiment_id: str, key: str) -> None:
    """From where it stands; from the beginning where it stands at the end."""
    if int(st.session_state.get(key, LAST)) >= LAST:
        # One step before the first, because drawing goes one step further.
        st.session_state[key] = -STEP
    st.session_state[_playing(experiment_id)] = True


def _stop(experiment_id: str, key: str) -> None:
    st.session_state[_playing(experiment_id)] = False
    remember(**{ADDRESS: int(st.session_state[key])})


def _playing(experiment_id: str) -> str:
    return f"watch.playing.{experiment_id}"
