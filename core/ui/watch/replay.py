"""The controls of a training that is played again: the moment, Play, and the seed."""

from collections.abc import Sequence

import streamlit as st

from core.ui.frame.address import Choice, choose_in_row, in_text_colour, remember, wanted

PLAY_SECONDS = 1.0
STEP, LAST = 10, 100
# Pixels: all moments side by side, and one seed.
MOMENT_WIDTH, SEED_WIDTH = 680, 44
ADDRESS, LABEL = "at", "Training done"


def is_playing(experiment_id: str) -> bool:
    """Whether this visitor has pressed Play and the end is not reached."""
    return st.session_state.get(_playing(experiment_id)) is True


def choose_moment(experiment_id: str) -> float:
    """How much of its training each strategy has behind it, 0 to 1: from the address, or one
    step further while it plays.

    Buttons and not a slider: Streamlit writes a slider's value in the accent colour, which on a
    dark page is too dark to read.
    """
    key = f"watch.{ADDRESS}.{experiment_id}"
    options = {str(value): f"{value} %" for value in range(0, LAST + 1, STEP)}
    if is_playing(experiment_id):
        now = min(LAST, int(st.session_state.get(key) or 0) + STEP)
        st.session_state[key] = str(now)
        if now == LAST:
            _stop(experiment_id, key)
    else:
        choice = Choice(ADDRESS, LABEL, "moment of the training", options, str(LAST))
        st.session_state[key] = wanted(choice)
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
    # The browser loads these widgets late: labels and widths of their own keep what is beside and
    # below from moving then.
    with st.container(gap="xxsmall", width=MOMENT_WIDTH):
        st.caption(
            LABEL,
            help="Of each strategy's own epochs: at 50 %, one of 40 epochs has done 20 and one of "
            "2 has done 1.",
        )
        st.segmented_control(
            LABEL,
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


def choose_seed(seeds: Sequence[int]) -> int:
    """Whose numbers and answers are shown; the curves are those of all seeds."""
    if len(seeds) == 1:
        return seeds[0]
    options = {str(seed): str(seed) for seed in seeds}
    choice = Choice("seed", "Seed", "seed", options, str(seeds[0]), clears=())
    with st.container(gap="xxsmall", width=SEED_WIDTH * len(seeds)):
        st.caption(choice.label)
        return int(choose_in_row(choice, label_visible=False))


def _play(experiment_id: str, key: str) -> None:
    """From where it stands; from the beginning where it stands at the end."""
    if int(st.session_state.get(key) or LAST) >= LAST:
        # Drawing goes on from here, to the first step.
        st.session_state[key] = "0"
    st.session_state[_playing(experiment_id)] = True


def _stop(experiment_id: str, key: str) -> None:
    st.session_state[_playing(experiment_id)] = False
    remember(**{ADDRESS: st.session_state[key]})


def _playing(experiment_id: str) -> str:
    return f"watch.playing.{experiment_id}"
