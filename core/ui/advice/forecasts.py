"""What is expected with all training images, and how good earlier advice was."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.advice.facts import Facts, known_facts
from core.analysis.advice.forecasts import newest_forecasts
from core.analysis.advice.grades import Graded, advice_record, coverage_of, outcomes_of, own_record
from core.analysis.advice.placing import placed
from core.analysis.advice.replay import bundled_replay
from core.analysis.words.forecasts import HOW_CARRIED_ON, SILENT, describe_each, describe_forecasts
from core.analysis.words.grades import (
    describe_caution,
    describe_coverage,
    describe_record,
    describe_replay,
)
from core.charts.forecasts import forecasts_frame, graded_frame, regret_frame
from core.datasets.dataset import Dataset
from core.text import escape_markdown
from core.ui.frame import reads
from core.ui.frame.errors import error_box
from core.ui.widgets.exhibit import sentences, show_table
from core.ui.widgets.glossary import explain_all


def show_forecasts(dataset: Dataset, facts: Facts, graded: Sequence[Graded]) -> None:
    """The newest forecast of each strategy, and what it says to do; none where those that were
    ``graded`` missed too often."""
    st.header(
        "What to expect with all training images",
        help=explain_all("forecast", "test images", "probe"),
    )
    with error_box():
        made = newest_forecasts(reads.store(), dataset.id, facts.image_size)
        if own_record(graded).caution == "silent":
            st.markdown(escape_markdown(SILENT))
            return
        st.markdown(escape_markdown(describe_forecasts(made)))
        if made:
            sentences(describe_each(made))
            alt = "Each forecast, one line each: verdict, accuracy, time, and where it comes from."
            with st.expander("As a table", icon=":material/table:"):
                show_table(forecasts_frame(made), "advice.forecasts", alt)
                st.caption(HOW_CARRIED_ON)


def show_grades(facts: Facts, graded: Sequence[Graded]) -> None:
    """How often intervals held, and how far what was named lay below the best."""
    st.header("How good was the advice?", help=explain_all("forecast", "test images"))
    with error_box():
        st.markdown(escape_markdown(describe_coverage(coverage_of(graded))))
        own = own_record(graded)
        caution = describe_caution(own)
        if caution is not None and own.caution != "silent":  # which is said above
            st.warning(escape_markdown(caution))
        if graded:
            known = known_facts(reads.datasets()) | {facts.dataset_id: facts}
            placements = {key: placed(one) for key, one in known.items()}
            record = advice_record(outcomes_of(reads.store(), graded, placements))
            sentences(describe_record(record))
            if record is not None and record.rules:
                show_table(regret_frame(record), "advice.regret", "The advice beside fixed rules.")
            alt = "Each graded forecast with what came out, one line each."
            show_table(graded_frame(graded), "advice.graded", alt)
        replay = bundled_replay()
        sentences(describe_replay(replay))
        if replay is not None and replay.advice is not None and replay.advice.rules:
            alt = "On the recorded series: the advice beside fixed rules."
            show_table(regret_frame(replay.advice), "advice.series", alt)
