"""The score of a round as figure, table and words: the same numbers, the visitor on top."""

import pytest

from core.charts.guessing import score_chart, score_chart_words, score_frame
from core.charts.style import appearance_of
from core.comparison.guessing import PlayerScore

SCORES = (
    PlayerScore(None, "You", 7, 10, 0.4, 0.9),
    PlayerScore("cnn", "CNN, <three> blocks", 5, 10, 0.25, 0.75, 0.625, 0.5),
)


def test_every_player_is_a_line_with_an_interval():
    cnn, visitor = score_chart(SCORES).data
    assert (cnn.x[0], cnn.y[0], visitor.x[0], visitor.y[0]) == (50.0, 0, 70.0, 1)
    assert visitor.error_x.array[0] == pytest.approx(20)
    assert visitor.error_x.arrayminus[0] == pytest.approx(30)
    look = appearance_of("cnn")
    assert (cnn.marker.color, cnn.marker.symbol) == (look.colour, look.marker)
    assert score_chart(SCORES).layout.yaxis.ticktext == (
        "CNN, &lt;three&gt; blocks<br><b>5 of 10</b>",
        "You<br><b>7 of 10</b>",
    )


def test_the_table_and_the_words_say_the_same():
    frame = score_frame(SCORES)
    assert frame["player"].tolist() == ["You", "CNN, <three> blocks"]
    assert frame["right"].tolist() == [7, 5]
    assert frame["low (%)"].tolist() == [40.0, 25.0]
    assert frame["right on all test pictures (%)"].isna().tolist() == [True, False]
    assert frame["right on all test pictures (%)"][1] == 62.5
    assert score_chart_words(SCORES) == "You 7 of 10; CNN, <three> blocks 5 of 10."
