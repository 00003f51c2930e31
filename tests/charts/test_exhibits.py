"""The contract of all charts: a figure, words and a table; also where there is nothing to draw.

Words and columns are in ``exhibits.txt``: the one place that a reworded chart changes.
"""

from pathlib import Path

import pytest

from core.analysis.comparison import Row, compare
from core.analysis.confusion import confusion
from core.analysis.curves import Curve
from core.analysis.guessing import PlayerScore
from core.analysis.measured import beside_tutorial
from core.analysis.ranking import class_curves
from core.analysis.scores import per_class_table, reliability, score_table
from core.analysis.threshold import threshold_costs
from core.analysis.time_breakdown import TimeBreakdown
from core.analysis.verdicts import all_pairs, ladder_steps
from core.analysis.words.ranking import NOTHING_TO_FIND
from core.charts.accuracy import (
    NOTHING_YET,
    accuracy_scores,
    ladder_chart,
    players_chart,
    scores_chart,
)
from core.charts.classes import class_chart, reliability_chart
from core.charts.curves import best_epoch_chart, curve_chart, watch_chart
from core.charts.deployment import deployment_chart
from core.charts.exhibit import Exhibit
from core.charts.matrices import confusion_chart, pairs_chart
from core.charts.measured import tutorial_chart
from core.charts.ranking import costs_chart, precision_recall_chart, roc_chart
from core.charts.time import (
    accuracy_time_chart,
    costs_words,
    epoch_time_chart,
    time_breakdown_chart,
    whole_run_seconds,
)
from tests import made_up

EXPECTED = Path(__file__).parent / "exhibits.txt"
# Their sentences come from analysis, whose own tests hold them.
WORDED_ELSEWHERE = ("ladder", "pairs", "confusion")
CURVES = [Curve("cnn", "CNN", seed, (made_up.epoch(1), made_up.epoch(2))) for seed in (0, 1)]


def measured_rows() -> tuple[Row, ...]:
    """A network on a quiet machine, one beside other programs, one that was not measured."""
    quick = {"image_seconds": 0.0005, "image_seconds_low": 0.0004, "image_seconds_high": 0.0009}
    busy = made_up.deployment(other_load=0.43, multiply_adds=640_000, **quick)
    runs = [
        made_up.run("vgg16_probe", result=made_up.result(deployment=made_up.deployment())),
        made_up.run("cnn", result=made_up.result(deployment=busy)),
        made_up.run("mlp"),
        made_up.run("majority", result=made_up.result(parameters=0)),
    ]
    return compare(made_up.experiment(), runs).finished_rows


@pytest.fixture
def exhibits(evidence, ledger, comparison) -> dict[str, Exhibit]:
    scores, seconds = score_table(evidence), whole_run_seconds(ledger)
    names = ("cnn", "vgg16_probe")
    tables = {name: per_class_table(evidence, name) for name in names}
    curves = class_curves(evidence, names, 0)
    players = (
        PlayerScore(None, "You", 7, 10, 0.4, 0.9),
        PlayerScore("cnn", "CNN, three blocks", 5, 10, 0.25, 0.75, 0.625, 0.5),
    )
    return {
        "accuracy": scores_chart(scores),
        "log loss": scores_chart(score_table(evidence, "log_loss")),
        "accuracy without predictions": scores_chart(accuracy_scores(comparison)),
        "ladder": ladder_chart(ladder_steps(evidence)),
        "pairs": pairs_chart(all_pairs(evidence)),
        "recall": class_chart(tables),
        "ROC AUC of classes": class_chart(tables, "roc_auc"),
        "ROC curve": roc_chart(curves, "“ant” against the other 2 classes"),
        "precision and recall": precision_recall_chart(curves, "“ant” against the other 2 classes"),
        "costs": costs_chart(threshold_costs(evidence, "cnn", None, 0, 1.0, 5.0), 0.3),
        "reliability": reliability_chart({name: reliability(evidence, name) for name in names}),
        "confusion": confusion_chart(confusion(evidence, "cnn")),
        "time breakdown": time_breakdown_chart(ledger),
        "accuracy and time": accuracy_time_chart(scores, seconds),
        "epoch time": epoch_time_chart(comparison),
        "deployment": deployment_chart(measured_rows()),
        "curves": curve_chart(CURVES, "validation_accuracy"),
        "watched curves": watch_chart(CURVES, 0.375, 400),
        "best epoch": best_epoch_chart(CURVES[0], 2),
        "tutorial": tutorial_chart(beside_tutorial(comparison)),
        "guessing": players_chart(players),
    }


def test_words_and_columns_are_those_expected(exhibits, ledger):
    parts = [
        f"{name}\n{exhibit.words}\n{' | '.join(exhibit.frame.columns)}\n"
        for name, exhibit in exhibits.items()
        if name not in WORDED_ELSEWHERE
    ]
    parts.append(f"costs\n{costs_words(ledger)}\n")
    assert "\n".join(parts) == EXPECTED.read_text()


def test_every_exhibit_is_whole(exhibits):
    for name, exhibit in exhibits.items():
        assert exhibit.figure.data, name
        assert exhibit.words.endswith("."), name
        assert len(exhibit.frame) > 0, name
        # Whoever shows it sets font and background.
        assert exhibit.figure.layout.paper_bgcolor is None, name


def test_nothing_is_drawn_of_nothing():
    nothing = TimeBreakdown((), (), ())
    for exhibit in (
        scores_chart(()),
        ladder_chart(()),
        accuracy_time_chart((), {}),
        time_breakdown_chart(nothing),
        deployment_chart(()),
    ):
        assert exhibit.words == NOTHING_YET
        assert exhibit.frame.empty
        assert all(len(trace.x) == 0 for trace in exhibit.figure.data)
    assert pairs_chart(()).words == "There is no pair to compare yet."
    assert roc_chart((), "").words == precision_recall_chart((), "").words == NOTHING_TO_FIND
    assert class_chart({}).words == "No class has test images yet."
    assert class_chart({}).figure.data == ()
    assert curve_chart([], "train_loss").words.endswith("No epoch has finished yet.")
