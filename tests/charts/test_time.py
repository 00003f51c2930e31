"""Where the time went and what it bought: what the charts draw."""

import dataclasses

from core.analysis.scores import score_table
from core.charts.accuracy import accuracy_scores
from core.charts.time import (
    PART_LOOKS,
    accuracy_time_chart,
    costs_frame,
    costs_words,
    disturbed_runs,
    epoch_time_chart,
    time_breakdown_chart,
    time_summary,
    whole_run_seconds,
)


def test_the_breakdown_stacks_the_parts_of_each_run(ledger):
    exhibit = time_breakdown_chart(ledger)
    traces = exhibit.figure.data
    assert [trace.name for trace in traces] == [look.title for look in PART_LOOKS.values()]
    by_part = dict(zip(PART_LOOKS, (list(trace.x) for trace in traces), strict=True))
    # From the bottom: the probe of 25 s, extraction counted, then the cnn of 10 s.
    assert by_part["extraction"] == [5.0, 0.0]
    assert by_part["first_epoch"] == [1.5, 1.5]
    assert by_part["other"] == [16.5, 6.5]
    assert list(exhibit.figure.layout.yaxis.ticktext) == [
        "VGG16 probe<br><b>25.0 s</b>",
        "CNN, three blocks<br><b>10.0 s</b>",
    ]
    assert len({(look.colour, look.pattern) for look in PART_LOOKS.values()}) == len(PART_LOOKS)
    frame = exhibit.frame
    assert frame["whole run (s)"].tolist() == [10.0, 25.0]
    assert frame["saved by the cache, all seeds (s)"].tolist() == [0.0, 10.0]
    assert frame["trained on"].tolist() == ["pictures", "cached features"]
    assert frame["peak memory (MB)"].tolist() == [500.0, 500.0]


def test_the_breakdown_in_one_sentence(ledger):
    assert time_summary(ledger) == (
        "One whole run took from 10.0 s (CNN, three blocks) to 25.0 s (VGG16 probe), 2.5 times as "
        "long."
    )
    alone = dataclasses.replace(ledger, rows=ledger.rows[:1])
    assert time_summary(alone) == "One whole run of CNN, three blocks took 10.0 s."
    majority = dataclasses.replace(ledger.rows[0], strategy="majority")
    assert time_summary(dataclasses.replace(ledger, rows=(majority,))) == ""


def test_disturbed_times_are_marked_and_not_compared(ledger, evidence):
    spoilt = dataclasses.replace(ledger.rows[1], is_disturbed=True)
    found = dataclasses.replace(ledger, rows=(ledger.rows[0], spoilt))
    exhibit = time_breakdown_chart(found)
    assert "25.0 s (disturbed)" in exhibit.figure.layout.yaxis.ticktext[0]
    assert exhibit.frame["disturbed"].tolist() == ["no", "yes"]
    assert time_summary(found) == "One whole run of CNN, three blocks took 10.0 s."
    every = dataclasses.replace(found, rows=(spoilt,))
    assert time_summary(every) == "All times were disturbed, so they are not compared."
    assert disturbed_runs(found) == {"vgg16_probe"}
    chart = accuracy_time_chart(
        score_table(evidence), whole_run_seconds(found), disturbed=disturbed_runs(found)
    )
    standing = dict(zip(chart.frame["strategy"], chart.frame["on the Pareto front"], strict=True))
    assert standing == {"CNN, three blocks": "yes", "VGG16 probe": "disturbed"}
    assert "Disturbed by other work on the machine, so not compared: VGG16 probe" in chart.words
    names = [trace.name for trace in chart.figure.data]
    assert "VGG16 probe (disturbed)" in names


def test_costs_say_never_and_how_many_seeds(ledger):
    frame = costs_frame(ledger)
    assert frame["half of the images (50.0 %)"].tolist() == ["1.75 s", "6.75 s"]
    costs = (dataclasses.replace(ledger.costs[0], seconds=None, reached=1), *ledger.costs[1:])
    partly = dataclasses.replace(ledger, costs=costs)
    assert costs_frame(partly).iloc[0, 1] == "only 1 of 2 seeds"
    assert "never: CNN, three blocks" in costs_words(partly)


def test_the_front_is_joined_and_the_beaten_are_open(ledger, evidence):
    seconds = whole_run_seconds(ledger)
    assert seconds == {"cnn": 10.0, "vgg16_probe": 25.0}
    exhibit = accuracy_time_chart(score_table(evidence), seconds)
    line, cnn, probe = exhibit.figure.data
    assert (list(line.x), list(line.y)) == ([10.0, 25.0], [56.25, 87.5])
    assert (cnn.marker.symbol, probe.marker.symbol) == ("triangle-up", "circle")
    assert exhibit.frame["on the Pareto front"].tolist() == ["yes", "yes"]
    # The cnn is better calibrated and faster: it beats the probe in both.
    calibration = accuracy_time_chart(score_table(evidence, "calibration_error"), seconds)
    assert list(calibration.figure.data[0].x) == [10.0]
    assert calibration.figure.data[2].marker.symbol == "circle-open"
    assert calibration.frame["on the Pareto front"].tolist() == ["yes", "no"]
    assert calibration.words.endswith(
        "is both better and faster than: VGG16 probe 37.5 points after 25.0 s."
    )


def test_the_time_of_a_run_counts_the_extraction_of_a_cache_hit(comparison):
    seconds = {row.strategy: row.end_to_end_seconds for row in comparison.finished_rows}
    scores = accuracy_scores(comparison)
    figure = accuracy_time_chart(scores, seconds, with_front=False).figure
    points = {trace.name: (trace.x[0], trace.y[0]) for trace in figure.data}
    assert points["VGG16 probe"] == (40.0, 90.0)
    assert points["Majority class"] == (0.001, 60.0)
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.shapes[0].y0 == 60.0
    assert [trace.mode for trace in figure.data] == ["markers"] * 3


def test_epoch_time_is_beside_extraction(comparison):
    exhibit = epoch_time_chart(comparison)
    epochs, features = exhibit.figure.data
    assert list(epochs.customdata) == ["VGG16 probe", "CNN, three blocks"]
    assert list(epochs.x) == [0.05, 1.5]
    assert list(features.customdata) == ["VGG16 probe"]
    assert (list(features.x), list(features.y)) == ([30.0], [0])
    assert list(features.text) == ["30.0 s"]
    assert exhibit.figure.layout.yaxis.ticktext == ("VGG16 probe", "CNN, three blocks")
    assert exhibit.frame["epoch (s)"].tolist() == [1.5, 0.05]
