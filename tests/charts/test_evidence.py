import dataclasses

import pytest

from core.charts.accuracy import (
    ladder_chart,
    ladder_frame,
    ladder_words,
    seeds_chart,
    seeds_frame,
    seeds_words,
)
from core.charts.classes import (
    MOST_CLASSES,
    charted_classes,
    class_frame,
    recall_chart,
    recall_words,
    reliability_chart,
    reliability_frame,
    reliability_words,
)
from core.charts.pairs import AHEAD, BEHIND, pairs_chart, pairs_frame, pairs_words
from core.charts.time import (
    PART_LOOKS,
    costs_frame,
    costs_words,
    front_of,
    ledger_chart,
    ledger_frame,
    ledger_summary,
    ledger_words,
    pareto_chart,
    pareto_frame,
    pareto_words,
)
from core.comparison.evidence import Evidence, load_evidence
from core.comparison.ladder import ladder_steps
from core.comparison.ledger import Ledger, load_ledger
from core.comparison.scores import ClassScore, per_class_table, reliability, score_table
from core.comparison.verdicts import all_pairs
from core.runs.store import Store, open_store
from tests import made_up
from tests.made_evidence import EXPERIMENT, evidence_of, store_experiment


@pytest.fixture
def store(home) -> Store:  # noqa: ARG001 - sets the home
    found = open_store()
    # The probe is slower than the cnn, and better.
    slow = made_up.result(feature_seconds=5.0, feature_cache="hit", total_seconds=20.0)
    store_experiment(found, {"vgg16_probe": slow})
    return found


@pytest.fixture
def evidence(store) -> Evidence:
    return load_evidence(store, EXPERIMENT)


@pytest.fixture
def ledger(store) -> Ledger:
    return load_ledger(store, EXPERIMENT)


def test_seeds_are_points_and_the_mean_has_its_interval(evidence):
    scores = score_table(evidence)
    figure = seeds_chart(scores)
    cnn_seeds, cnn_mean, probe_seeds, probe_mean = figure.data
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
    assert figure.layout.xaxis.title.text == "test accuracy (%)"


def test_a_measure_without_majority_or_interval_has_neither_line_nor_bar():
    figure = seeds_chart(score_table(evidence_of({"cnn": [[True] * 4]}), "log_loss"))
    assert figure.layout.shapes == ()
    assert figure.data[1].error_x.array is None
    assert figure.layout.xaxis.title.text == "log loss (nats)"


def test_seeds_in_words_and_as_a_frame(evidence):
    scores = score_table(evidence)
    assert seeds_words(scores).startswith(
        "Test accuracy on the test images; higher is better. Always the commonest class: 37.5 %. "
        "CNN, three blocks 56.2 % ("
    )
    assert "2 seeds, standard deviation 8.8 points" in seeds_words(scores)
    frame = seeds_frame(scores)
    assert frame["seed 0 (%)"].tolist() == [62.5, 87.5]
    assert frame["mean (%)"].tolist() == [56.25, 87.5]
    assert frame["seeds"].tolist() == ["2 seeds", "2 seeds"]
    one = seeds_frame(score_table(evidence_of({"cnn": [[True, False]]})))
    assert one["seeds"].tolist() == ["one seed"]


def test_each_step_of_the_ladder_starts_where_the_last_one_ended(evidence):
    steps = ladder_steps(evidence)
    figure = ladder_chart(steps)
    bars, ends = figure.data[::2], figure.data[1::2]
    assert [(bar.base[0], bar.x[0]) for bar in bars] == [
        (0.0, 37.5),
        (37.5, 18.75),
        (56.25, 31.25),
    ]
    assert [end.x[0] for end in ends] == [37.5, 56.25, 87.5]
    assert ends[0].error_x.array is None
    assert ends[1].error_x.array[0] == pytest.approx(100 * (steps[1].high - steps[1].gain))
    assert figure.layout.yaxis.ticktext[1].startswith("CNN, three blocks<br><b>56.2 %</b> (+18.8, ")
    frame = ladder_frame(steps)
    assert frame["gain (points)"].tolist()[1:] == [18.75, 31.25]
    assert frame["over"].tolist() == ["", "Always “ant”", "CNN, three blocks"]
    assert ladder_words(steps).count("95 % interval") == 2


def test_pairs_say_ahead_behind_or_alike():
    images = 100
    rows = {name: [[n < right for n in range(images)]] for name, right in _RIGHTS.items()}
    pairs = all_pairs(evidence_of(rows))
    (heat,) = pairs_chart(pairs).data
    assert heat.text[0] == ["", "≈ 2.0", "▼ 60.0"]
    assert heat.text[2] == ["▲ 60.0", "▲ 58.0", ""]
    assert list(heat.z[2]) == [1, 1, None]
    assert heat.customdata[2][0] == ["vgg16_probe", "mlp"]
    assert (heat.colorscale[0][1], heat.colorscale[2][1]) == (BEHIND, AHEAD)
    frame = pairs_frame(pairs)
    assert frame["told apart"].tolist() == ["no", "yes", "yes"]
    assert frame["second minus first (points)"].tolist() == pytest.approx([2.0, 60.0, 58.0])
    assert pairs_words(pairs).count("beats") == 2


_RIGHTS = {"mlp": 20, "cnn": 22, "vgg16_probe": 80}


def test_recall_of_each_class_the_hardest_on_top(evidence):
    tables = {name: per_class_table(evidence, name) for name in ("cnn", "vgg16_probe")}
    figure = recall_chart(tables)
    cnn, probe = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["cat (n = 2)", "bee (n = 3)", "ant (n = 3)"]
    assert list(cnn.x) == pytest.approx([75.0, 50.0, 50.0])
    assert list(probe.x) == pytest.approx([100.0, 250 / 3, 250 / 3])
    assert len(cnn.error_x.array) == 3
    assert "ant 50.0 %, bee 50.0 %, cat 75.0 %" in recall_words(tables)
    assert class_frame(tables["cnn"])["recall (%)"].tolist() == pytest.approx([50.0, 50.0, 75.0])


def test_of_many_classes_the_hardest_are_drawn():
    table = [
        ClassScore(label, f"class {label}", 10, 10.0, 0.5, label / 100, 0.0, 1.0, 0.5)
        for label in range(60)
    ]
    assert charted_classes({"cnn": table}) == list(range(MOST_CLASSES))
    assert "Only the 40 hardest of 60 classes." in recall_words({"cnn": table})


def test_reliability_draws_the_bins_that_have_answers(evidence):
    bins = {"cnn": reliability(evidence, "cnn")}
    diagonal, cnn = reliability_chart(bins).data
    assert list(diagonal.x) == [0, 100]
    assert (list(cnn.x), list(cnn.y), list(cnn.customdata)) == ([50.0], [56.25], [16])
    assert reliability_words(bins).endswith(
        "CNN, three blocks: 50.0 % sure 56.2 % right (16 answers)."
    )
    frame = reliability_frame(bins["cnn"])
    assert len(frame) == 15
    assert frame["answers"].sum() == 16


def test_the_ledger_stacks_the_parts_of_each_run(ledger):
    figure = ledger_chart(ledger)
    assert [trace.name for trace in figure.data] == [look.title for look in PART_LOOKS.values()]
    by_part = dict(zip(PART_LOOKS, (list(trace.x) for trace in figure.data), strict=True))
    # From the bottom: the probe of 25 s, extraction counted, then the cnn of 10 s.
    assert by_part["extraction"] == [5.0, 0.0]
    assert by_part["first_epoch"] == [1.5, 1.5]
    assert by_part["other"] == [16.5, 6.5]
    assert list(figure.layout.yaxis.ticktext) == [
        "VGG16 probe<br><b>25.0 s</b>",
        "CNN, three blocks<br><b>10.0 s</b>",
    ]
    assert len({(look.colour, look.pattern) for look in PART_LOOKS.values()}) == len(PART_LOOKS)


def test_the_ledger_in_one_sentence(ledger):
    assert ledger_summary(ledger) == (
        "One whole run took from 10.0 s (CNN, three blocks) to 25.0 s (VGG16 probe), 2.5 times as "
        "long."
    )
    alone = dataclasses.replace(ledger, rows=ledger.rows[:1])
    assert ledger_summary(alone) == "One whole run of CNN, three blocks took 10.0 s."
    majority = dataclasses.replace(ledger.rows[0], strategy="majority")
    assert ledger_summary(dataclasses.replace(ledger, rows=(majority,))) == ""


def test_the_ledger_in_words_and_as_a_frame(ledger):
    assert ledger_words(ledger).startswith(
        "Time of one whole run. CNN, three blocks: 10.0 s (starting, building and scoring 6.50 s, "
        "first epoch 1.50 s, later epochs 1.50 s, validation 0.50 s)"
    )
    frame = ledger_frame(ledger)
    assert frame["whole run (s)"].tolist() == [10.0, 25.0]
    assert frame["saved by the cache, all seeds (s)"].tolist() == [0.0, 10.0]
    assert frame["trained on"].tolist() == ["pictures", "cached features"]
    assert frame["peak memory (MB)"].tolist() == [500.0, 500.0]


def test_costs_say_never_and_how_many_seeds(ledger):
    frame = costs_frame(ledger)
    assert frame["50 % (50.0 %)"].tolist() == ["1.75 s", "6.75 s"]
    assert costs_words(ledger).startswith(
        "Time until validation first reached a mark. 57.5 % (majority class + 20 points): CNN, "
        "three blocks after 3.50 s, VGG16 probe after 8.50 s."
    )
    costs = (
        dataclasses.replace(ledger.costs[0], seconds=None, reached=1),
        *ledger.costs[1:],
    )
    partly = dataclasses.replace(ledger, costs=costs)
    assert costs_frame(partly).iloc[0, 1] == "never (1 of 2 seeds)"
    assert "never: CNN, three blocks" in costs_words(partly)


def test_the_front_is_joined_and_the_beaten_are_open(ledger, evidence):
    scores = score_table(evidence)
    assert front_of(ledger, scores) == {"cnn", "vgg16_probe"}
    line, cnn, probe = pareto_chart(ledger, scores).data
    assert (list(line.x), list(line.y)) == ([10.0, 25.0], [56.25, 87.5])
    assert (cnn.marker.symbol, probe.marker.symbol) == ("triangle-up", "circle")
    # The cnn's answers are better calibrated, and come sooner: the probe is beaten in both.
    calibration = score_table(evidence, "calibration_error")
    assert front_of(ledger, calibration) == {"cnn"}
    assert pareto_chart(ledger, calibration).data[2].marker.symbol == "circle-open"
    assert pareto_frame(ledger, calibration)["beaten in both"].tolist() == ["no", "yes"]
    assert pareto_words(ledger, calibration).endswith(
        "than: CNN, three blocks 6.2 points after 10.0 s. Beaten in both: VGG16 probe 37.5 points "
        "after 25.0 s."
    )


def test_charts_words_and_frames_of_nothing():
    nothing = Ledger((), (), ())
    assert seeds_chart(()).data == ladder_chart(()).data == pareto_chart(nothing, ()).data == ()
    assert (
        seeds_words(()) == ladder_words(()) == ledger_words(nothing) == "No run has finished yet."
    )
    assert pareto_words(nothing, ()) == "No run has finished yet."
    assert pairs_words(()) == "There is no pair to compare yet."
    assert recall_words({}) == "No class has test images yet."
    assert [len(trace.x) for trace in ledger_chart(nothing).data] == [0] * len(PART_LOOKS)
    assert recall_chart({}).data == ()
    assert len(pairs_chart(()).data) == 1
    for frame in (seeds_frame(()), ladder_frame(()), pairs_frame(()), ledger_frame(nothing)):
        assert frame.empty
    assert costs_frame(nothing).empty
    assert pareto_frame(nothing, ()).empty


def test_names_are_shown_literally():
    evidence = evidence_of({"cnn": [[True, False]]})
    odd = dataclasses.replace(evidence, classes=("<b>", "&", "c"))
    figure = recall_chart({"cnn": per_class_table(odd, "cnn")})
    assert list(figure.layout.yaxis.ticktext) == ["&amp; (n = 2)"]
    assert ladder_chart(ladder_steps(odd)).layout.yaxis.ticktext[0].startswith("Always “&lt;b&gt;”")
