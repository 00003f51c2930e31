"""Compare: one experiment, its strategies side by side, down to the single picture."""

import streamlit as st

from core.ui.compare.backbones import show_backbones
from core.ui.compare.classes import show_classes
from core.ui.compare.differences import show_differences
from core.ui.compare.images import show_images
from core.ui.compare.learning import show_learning
from core.ui.compare.overview import show_overview, show_report
from core.ui.compare.several import show_several
from core.ui.compare.slices import show_slices
from core.ui.compare.time import show_time
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, choose_in_row
from core.ui.frame.errors import error_box
from core.ui.frame.page import link_to, show_page
from core.ui.story import headline
from core.ui.widgets.groups import choose_shown
from core.ui.widgets.results import choose_experiment

# What stands in the address: the name of the view and what draws it. Only the chosen one is drawn.
VIEWS = {
    "overview": ("Overview", show_overview),
    "differences": ("Differences", show_differences),
    "backbones": ("Backbones", show_backbones),
    "classes": ("Classes", show_classes),
    "slices": ("Where it helps", show_slices),
    "time": ("Time", show_time),
    "pictures": ("Pictures", show_images),
    "data": ("How much data", show_learning),
    "several": ("Several", show_several),
    "report": ("Report", show_report),
}
# Those that can show some of the strategies; the others are about the whole experiment.
FILTERED = ("overview", "differences", "slices", "time", "pictures")
# Which section of "How it is measured" explains a view.
MEASURED_IN = {
    "overview": "statistics",
    "differences": "statistics",
    "classes": "statistics",
    "backbones": "statistics",
    "slices": "statistics",
    "time": "clocks",
}
# What another experiment may not have; what was chosen of the old one goes with it.
OF_ONE_EXPERIMENT = (
    "group",
    "first",
    "second",
    "strategy",
    "seed",
    "true",
    "predicted",
    "image",
    "point",
    "of",
    "page",
    "series",
    "drawn",
    "class",
    "threshold",
    "property",
    "slice",
)


def body() -> None:
    st.title("Compare")
    experiments = reads.store().experiments()
    if not experiments:
        st.info(
            "There is nothing to compare yet. Start a benchmark; its rows appear here as soon as "
            "the first run is finished.",
            icon=":material/bar_chart:",
        )
        link_to("benchmark", "Benchmark a dataset")
        return
    # The newest of one's own; where there is none, the one that the story tells.
    own = next((entry for entry in experiments if not entry.recorded), None)
    default = own or headline(experiments)
    experiment_id = choose_experiment(experiments, default.id, OF_ONE_EXPERIMENT)
    view = choose_in_row(
        Choice(
            "view", "View", "view", {name: title for name, (title, _) in VIEWS.items()}, "overview"
        ),
        label_visible=False,
    )
    with error_box():
        subject = evidence_reads.subject(experiment_id)
        VIEWS[view][1](choose_shown(subject) if view in FILTERED else subject)
    if view in MEASURED_IN:
        link_to(
            "measured", "How is this measured?", section=MEASURED_IN[view], experiment=experiment_id
        )


show_page("compare", body)
