"""How it is measured: the tutorial's own numbers beside ours, and its four scenarios."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.advice.placing import Scenario, strategies_of
from core.analysis.comparison import Comparison, title_of
from core.analysis.measured import Beside, beside_tutorial
from core.charts.measured import tutorial_chart
from core.strategies.registry import TUTORIAL_BACKBONE, find_strategy
from core.text import escape_markdown, percent_text
from core.ui.frame.evidence_reads import Subject
from core.ui.measured.document import Text
from core.ui.widgets.exhibit import show_exhibit, show_table


def scenarios() -> dict[str, tuple[str, ...]]:
    """The strategies that each of its scenarios asks for."""
    return {
        "few_alike": strategies_of(Scenario.FEW_ALIKE),
        "few_unlike": strategies_of(Scenario.FEW_UNLIKE),
        "many_alike": strategies_of(Scenario.MANY_ALIKE),
        "many_unlike": strategies_of(Scenario.MANY_UNLIKE),
    }


def show_tutorial(subject: Subject | None) -> None:
    found = beside_tutorial(subject.comparison if subject else None)
    text = Text("tutorial", own_mlp=_own_mlp(found[1]), own_epoch=_own_epoch(found[-1]))
    text.until("numbers")
    exhibit = tutorial_chart(found)
    if any(entry.row for entry in found):
        show_exhibit(exhibit, "measured.tutorial", table=False)
    show_table(exhibit.frame, "tutorial", exhibit.words)
    for entry in found:
        if entry.row is not None and entry.row.strategy != entry.model.strategies[0]:
            st.caption(
                f"{escape_markdown(title_of(entry.model.strategies[0]))} is not in this "
                f"experiment; the nearest is {escape_markdown(entry.row.title)}."
            )
    text.rest(**_own_images(subject))


def _own_images(subject: Subject | None) -> dict[str, object]:
    if subject is None or not subject.experiment.spec.images:
        return {}
    spec = subject.experiment.spec
    return {
        "dataset": spec.dataset_name,
        "own_training": f"{spec.images.get('train', 0):,}",
        "own_test": f"{spec.images.get('test', 0):,}",
        "own_classes": len(spec.classes),
        "own_size": spec.image_size,
        "own_majority": percent_text(spec.majority_accuracy),
    }


def _own_mlp(entry: Beside) -> str:
    if entry.row is None or entry.row.train_accuracy is None:
        return ""
    return f"Here it reaches {percent_text(entry.row.train_accuracy)} on its training images."


def _own_epoch(entry: Beside) -> str:
    if entry.row is None or entry.row.feature_seconds is None:
        return ""
    return (
        f"Here an epoch took {entry.row.time_text('steady_epoch_seconds')}, and the features "
        f"{entry.row.time_text('feature_seconds')}."
    )


def show_scenarios(subject: Subject | None) -> None:
    comparison = subject.comparison if subject else None
    own = _own_images(subject)
    text = Text("scenarios", dataset=own.get("dataset"), training_images=own.get("own_training"))
    text.rest(
        **{
            scenario: ", ".join(_measured(name, comparison) for name in _named(names, comparison))
            for scenario, names in scenarios().items()
        }
    )


def _named(names: Sequence[str], comparison: Comparison | None) -> list[str]:
    """Those on the tutorial's backbone or on none, and those that the experiment has."""
    own = {row.strategy for row in comparison.finished_rows} if comparison else set()
    tutorial = {None, TUTORIAL_BACKBONE}
    return [name for name in names if name in own or _backbone_name(name) in tutorial]


def _backbone_name(strategy: str) -> str | None:
    backbone = find_strategy(strategy).backbone
    return backbone.name if backbone else None


def _measured(strategy: str, comparison: Comparison | None) -> str:
    """The title of the strategy, with its test accuracy where the experiment has it."""
    rows = {row.strategy: row for row in comparison.finished_rows} if comparison else {}
    if strategy not in rows:
        return title_of(strategy)
    return f"{title_of(strategy)} ({percent_text(rows[strategy].test_accuracy)} here)"
