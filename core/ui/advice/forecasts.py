"""What is expected with all training images, and how good earlier advice was."""

import streamlit as st

from core.analysis.advice.gathered import Advice
from core.analysis.advice.grades import (
    AdviceRecord,
    advice_record,
    coverage_of,
    outcomes_of,
    own_record,
)
from core.analysis.advice.replay import bundled_replay
from core.analysis.words.forecasts import HOW_CARRIED_ON, SILENT, describe_each, describe_forecasts
from core.analysis.words.grades import (
    describe_caution,
    describe_coverage,
    describe_record,
    describe_series,
)
from core.charts.forecasts import (
    forecast_details_frame,
    forecasts_frame,
    graded_frame,
    regret_chart,
)
from core.text import escape_markdown
from core.ui.advice.columns import OF_FORECASTS, OF_GRADES
from core.ui.frame import reads
from core.ui.widgets.exhibit import sentences, show_exhibit, show_table
from core.ui.widgets.glossary import explain_all


def show_forecasts(advice: Advice) -> None:
    """The newest forecast of each strategy, and what it says to do; none where those that were
    graded missed too often."""
    st.header("What to expect", help=explain_all("forecast", "test images"))
    made = advice.forecasts
    if advice.is_silent:
        st.markdown(escape_markdown(SILENT))
        return
    st.markdown(escape_markdown(describe_forecasts(made)))
    if not made:
        return
    alt = "Each forecast, one line each: verdict, accuracy and time."
    show_table(forecasts_frame(made), "advice.forecasts", alt, OF_FORECASTS)
    with st.expander("Why, one by one", icon=":material/rule:"):
        sentences(describe_each(made))
        st.caption(escape_markdown(HOW_CARRIED_ON))
        alt = "Each forecast with what it goes out from, one line each."
        show_table(forecast_details_frame(made), "advice.forecast_details", alt, OF_FORECASTS)


def show_grades(advice: Advice) -> None:
    """How often intervals held, and how far what was named lay below the best: on the recorded
    series, and in this installation."""
    st.header("How good was earlier advice?", help=explain_all("forecast", "confidence interval"))
    replay = bundled_replay()
    sentences(describe_series(replay))
    if replay is not None:
        _show_record(replay.advice, "series")
    st.subheader("In this installation")
    graded = advice.graded
    st.markdown(escape_markdown(describe_coverage(coverage_of(graded))))
    caution = describe_caution(own_record(graded))
    if caution is not None and not advice.is_silent:  # which is said above
        st.warning(escape_markdown(caution))
    if not graded:
        return
    _show_record(advice_record(outcomes_of(reads.store(), graded, advice.placements)), "own")
    with st.expander("Forecast by forecast", icon=":material/table:"):
        alt = "Each forecast that was checked with what came out, one line each."
        show_table(graded_frame(graded), "advice.graded", alt, OF_GRADES)


def _show_record(record: AdviceRecord | None, key: str) -> None:
    sentences(describe_record(record))
    if record is not None and record.rules:
        show_exhibit(regret_chart(record), f"advice.regret.{key}", helps=OF_GRADES)
