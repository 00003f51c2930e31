"""How good every strategy is: what the charts draw, with and without predictions."""

import dataclasses

import pytest

from core.analysis.guessing import PlayerScore
from core.analysis.scores import score_table
from core.analysis.verdicts import ladder_steps
from core.charts.accuracy import accuracy_scores, ladder_chart, players_chart, scores_chart
from core.charts.style import appearance_of, row_label, wrapped
from tests.made_evidence import evidence_of

PLAYERS = (
    PlayerScore(None, "You", 7, 10, 0.4, 0.9),
    PlayerScore("cnn", "CNN, <three> blocks", 5, 10, 0.25, 0.75, 0.625, 0.5),
)


def test_seeds_are_points_and_the_mean_has_its_interval(evidence):
    scores = score_table(evidence)
    figure = scores_chart(scores).figure
    probe_seeds, probe_mean, cnn_seeds, cnn_mean = figure.data
    assert list(cnn_seeds.x) == [62.5, 50.0]
    assert list(cnn_seeds.customdata) == [0, 1]
    assert list(probe_seeds.x) == [87.5, 87.5]
    assert list(cnn_mean.x) == [56.25]
    assert cnn_mean.error_x.array[0] == pytest.approx(100 * scores[0].high - 56.25)
    assert cnn_mean.error_x.arrayminus[0] == pytest.approx(56.25 - 100 * scores[0].low)
    assert (cnn_mean.y[0], probe_mean.y[0]) == (1, 0)
    assert list(figure.layout.yaxis.ticktext) == [
        "VGG16 probe<br><b>87.5 %</b>",
        "CNN, three blocks<br><b>56.2 %</b>",
    ]
    assert figure.layout.shapes[0].x0 == 37.5
    assert figure.layout.annotations[0].text == "majority class: 37.5 %"
    assert figure.layout.annotations[0].xanchor == "left"
    assert figure.layout.xaxis.title.text == "test accuracy (%)"


def test_a_metric_without_majority_or_interval_has_neither_line_nor_bar():
    figure = scores_chart(score_table(evidence_of({"cnn": [[True] * 4]}), "log_loss")).figure
    assert figure.layout.shapes == ()
    assert figure.data[1].error_x.array is None
    assert figure.layout.xaxis.title.text == "log loss (nats)"


def test_the_table_has_every_seed(evidence):
    frame = scores_chart(score_table(evidence)).frame
    assert frame["seed 0 (%)"].tolist() == [62.5, 87.5]
    assert frame["mean (%)"].tolist() == [56.25, 87.5]
    assert frame["seeds"].tolist() == ["2 seeds", "2 seeds"]
    one = scores_chart(score_table(evidence_of({"cnn": [[True, False]]}))).frame
    assert one["seeds"].tolist() == ["one seed"]


def test_results_without_predictions_are_drawn_too(comparison):
    exhibit = scores_chart(accuracy_scores(comparison))
    probe_seeds, _, cnn_seeds, cnn_mean, _, majority_mean = exhibit.figure.data
    assert (majority_mean.x[0], cnn_mean.x[0]) == pytest.approx((60.0, 73.0))
    assert list(cnn_seeds.x) == [70.0, 76.0]
    assert list(probe_seeds.x) == [90.0]
    cnn = comparison.rows[1]
    assert cnn_mean.error_x.array[0] == pytest.approx(100 * cnn.test_accuracy_high - 73.0)
    assert exhibit.figure.layout.shapes[0].x0 == pytest.approx(60.0)
    assert exhibit.figure.layout.annotations[0].xanchor == "right"
    assert exhibit.frame["mean (%)"].tolist() == pytest.approx([60.0, 73.0, 90.0])
    deviations = exhibit.frame["standard deviation (points)"].tolist()
    assert deviations[1] == pytest.approx(3 * 2**0.5)


def test_each_step_of_the_ladder_starts_where_the_last_one_ended(evidence):
    steps = ladder_steps(evidence)
    exhibit = ladder_chart(steps)
    bars, ends = exhibit.figure.data[::2], exhibit.figure.data[1::2]
    assert [(bar.base[0], bar.x[0]) for bar in bars] == [(0.0, 37.5), (37.5, 18.75), (56.25, 31.25)]
    assert [end.x[0] for end in ends] == [37.5, 56.25, 87.5]
    assert ends[0].error_x.array is None
    assert ends[1].error_x.array[0] == pytest.approx(100 * (steps[1].high - steps[1].gain))
    labels = exhibit.figure.layout.yaxis.ticktext
    assert labels[1].startswith("CNN, three blocks<br><b>56.2 %</b> (+18.8)")
    assert exhibit.frame["gain (points)"].tolist()[1:] == [18.75, 31.25]
    assert exhibit.frame["over"].tolist() == ["", "Always “ant”", "CNN, three blocks"]


def test_names_are_shown_literally():
    odd = dataclasses.replace(evidence_of({"cnn": [[True, False]]}), classes=("<b>", "&", "c"))
    labels = ladder_chart(ladder_steps(odd)).figure.layout.yaxis.ticktext
    assert labels[0].startswith("Always “&lt;b&gt;”")


def test_every_player_is_a_line_with_an_interval():
    exhibit = players_chart(PLAYERS)
    cnn, visitor = exhibit.figure.data
    assert (cnn.x[0], cnn.y[0], visitor.x[0], visitor.y[0]) == (50.0, 0, 70.0, 1)
    assert visitor.error_x.array[0] == pytest.approx(20)
    assert visitor.error_x.arrayminus[0] == pytest.approx(30)
    look = appearance_of("cnn")
    assert (cnn.marker.color, cnn.marker.symbol) == (look.colour, look.marker)
    assert exhibit.figure.layout.yaxis.ticktext == (
        "CNN, &lt;three&gt;<br>blocks<br><b>5 of 10</b>",
        "You<br><b>7 of 10</b>",
    )
    frame = exhibit.frame
    assert frame["player"].tolist() == ["You", "CNN, <three> blocks"]
    assert frame["correct"].tolist() == [7, 5]
    assert frame["low (%)"].tolist() == [40.0, 25.0]
    assert frame["correct on all test pictures (%)"].isna().tolist() == [True, False]
    assert frame["correct on all test pictures (%)"][1] == 62.5


def test_a_long_name_is_broken_where_it_can_be():
    assert row_label("VGG16, everything fine-tuned", "1 %") == (
        "VGG16, everything<br>fine-tuned<br><b>1 %</b>"
    )
    assert wrapped("fruit_and_vegetables") == "fruit_and_<br>vegetables"
    assert wrapped("<b>") == "&lt;b&gt;"
