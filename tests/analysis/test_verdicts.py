import dataclasses

import numpy as np
import pytest

from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.verdicts import (
    Outcome,
    against_majority,
    all_pairs,
    ladder_steps,
    pair_verdict,
    ties,
    visible_difference,
)
from core.errors import BadInput, UnknownName
from core.experiments.store import open_store
from core.strategies.registry import STRATEGIES
from tests.analysis import made_rights
from tests.analysis.made_rights import EMPTY, row
from tests.made_evidence import EXPERIMENT, evidence_of, store_experiment


@pytest.fixture
def by_hand(home) -> ExperimentPredictions:  # noqa: ARG001 - sets the home
    store = open_store()
    store_experiment(store)
    return load_evidence(store, EXPERIMENT)


@pytest.fixture
def clear() -> ExperimentPredictions:
    return made_rights.clear()


def test_a_pair_as_worked_out_by_hand(by_hand):
    # In halves cnn got 2 1 0 2 1 0 2 1 of each image right and the probe 2 2 1 2 2 1 2 2: five
    # images differ by one half, all for the probe, so p is 2 of 32.
    found = pair_verdict(by_hand, "cnn", "vgg16_probe")
    assert (found.first, found.second, found.images) == ("cnn", "vgg16_probe", 8)
    assert found.difference == 14 / 16 - 9 / 16
    assert found.p_value == pytest.approx(2 / 32, rel=1e-12)
    assert found.adjusted_p_value == found.p_value
    assert (found.fixed, found.regressed) == (2.5, 0.0)
    assert found.told_apart is False
    assert found.seeds_agree is True
    assert found.low is not None
    assert found.high is not None
    assert found.low < 5 / 16 < found.high
    assert found.outcome is Outcome.TIED
    assert (found.first_seeds, found.second_seeds, found.pairs) == (2, 2, 1)


def test_a_pair_the_other_way_round_is_turned(by_hand):
    found, turned = (
        pair_verdict(by_hand, "cnn", "vgg16_probe"),
        pair_verdict(by_hand, "vgg16_probe", "cnn"),
    )
    assert turned.difference == -found.difference
    assert (turned.low, turned.high) == (-found.high, -found.low)
    assert (turned.fixed, turned.regressed) == (found.regressed, found.fixed)


def test_against_the_majority_class_as_worked_out_by_hand(by_hand):
    # See tests/analysis/test_significance.py: 40 of the 64 flips.
    found = against_majority(by_hand, "cnn")
    assert found.p_value == pytest.approx(40 / 64, rel=1e-12)
    assert found.is_better is False
    assert (found.accuracy, found.majority_accuracy) == (9 / 16, 3 / 8)
    assert (found.outcome, found.seeds, found.majority_name) == (Outcome.TIED, 2, "ant")
    assert found.low < found.difference < found.high


def test_a_clear_lead(clear):
    found = pair_verdict(clear, "cnn", "vgg16_probe")
    assert found.told_apart is True
    assert found.seeds_agree is None
    assert found.outcome is Outcome.AHEAD
    assert pair_verdict(clear, "vgg16_probe", "cnn").outcome is Outcome.BEHIND
    assert found.difference == pytest.approx(0.43, rel=1e-12)
    assert found.adjusted_p_value < 1e-12


def test_holm_counts_all_pairs(clear):
    # mlp and cnn differ on 4 images, all for the cnn: p is 2 of 16. The others are far smaller.
    first = all_pairs(clear)[0]
    assert (first.first, first.second) == ("mlp", "cnn")
    assert first.p_value == pytest.approx(1 / 8, rel=1e-12)
    assert first.adjusted_p_value == pytest.approx(1 / 8, rel=1e-12)
    assert (first.low, first.high, first.seeds_agree) == (None, None, None)
    assert (first.outcome, first.pairs) == (Outcome.TIED, 3)
    three = evidence_of({n: [row(r, 30)] for n, r in (("mlp", 6), ("cnn", 12), ("zzz", 13))})
    p_values = {(pair.first, pair.second): pair.adjusted_p_value for pair in all_pairs(three)}
    # 6, 7 and 1 images: p is 2/64, 2/128 and 1; the smallest counts three times, the next twice.
    assert p_values == {
        ("mlp", "cnn"): pytest.approx(2 * 2 / 64),
        ("mlp", "zzz"): pytest.approx(3 * 2 / 128),
        ("cnn", "zzz"): pytest.approx(1.0),
    }


def test_seeds_that_disagree():
    # Seed 0 of the cnn is far better than the mlp, seed 1 a little worse: on these images the mean
    # is surely better, but drawing the seeds anew can turn it round.
    mlp = [row(100, 300)] * 2
    cnn = [row(200, 300), row(97, 300)]
    found = pair_verdict(evidence_of({"mlp": mlp, "cnn": cnn}), "mlp", "cnn")
    assert found.told_apart is True
    assert found.seeds_agree is False


def test_a_strategy_that_always_predicts_the_commonest_class_is_the_baseline_itself():
    evidence = evidence_of({"majority": [row(30, 100)]}, 30)
    answers = dataclasses.replace(evidence.answers[0], predicted=np.zeros((1, 100), np.int32))
    found = against_majority(dataclasses.replace(evidence, answers=(answers,)), "majority")
    assert found.is_the_same is True
    assert (found.difference, found.p_value, found.is_better) == (0.0, 1.0, False)


def test_better_and_worse_than_the_majority_class():
    evidence = evidence_of({"mlp": [row(10, 100)], "cnn": [row(60, 100)]}, 30)
    better, worse = against_majority(evidence, "cnn"), against_majority(evidence, "mlp")
    assert (better.is_better, better.outcome) == (True, Outcome.AHEAD)
    assert better.difference == pytest.approx(0.3)
    assert (worse.is_better, worse.outcome) == (False, Outcome.BEHIND)
    assert worse.difference == pytest.approx(-0.2)
    assert (better.is_the_same, worse.is_the_same) == (False, False)


@pytest.mark.parametrize(("first", "error"), [("cnn", BadInput), ("nothere", UnknownName)])
def test_a_pair_needs_two_strategies_with_answers(clear, first, error):
    with pytest.raises(error):
        pair_verdict(clear, first, "cnn")


def test_ties_name_those_that_cannot_be_told_apart(clear):
    (group,) = ties(clear)
    assert (group.titles, group.images) == (("CNN, three blocks", "MLP"), 200)


def test_nothing_is_tied_where_all_differ():
    rights = {"mlp": 20, "cnn": 60, "vgg16_probe": 100}
    assert ties(evidence_of({n: [row(right, 100)] for n, right in rights.items()})) == ()


def test_the_visible_difference_takes_neighbours_in_the_ranking(clear):
    # Baseline to mlp 10 of 200 images, mlp to cnn 4, cnn to probe 86; the middle one is 0.05.
    assert visible_difference(clear) == pytest.approx(0.0443, abs=1e-4)


def test_where_nearly_all_is_answered_alike_no_difference_can_be_seen():
    evidence = evidence_of({"cnn": [row(5000, 10_000)]}, 5005)
    assert visible_difference(evidence) is None


def test_nothing_to_compare():
    assert visible_difference(EMPTY) is None
    assert all_pairs(EMPTY) == ()
    assert ties(EMPTY) == ()
    assert ladder_steps(EMPTY) == ()


# The ladder ------------------------------------------------------------------------------------


def test_the_ladder_climbs_from_the_majority_class_to_the_best(clear):
    start, mlp, cnn, probe = ladder_steps(clear)
    assert (start.strategy, start.accuracy, start.gain) == ("majority", 0.25, None)
    assert start.title == "Always “ant”"
    assert (start.outcome, start.seeds) == (Outcome.TIED, 1)
    assert [step.accuracy for step in (mlp, cnn, probe)] == [0.30, 0.32, 0.75]
    assert (mlp.over, cnn.over, probe.over) == ("Always “ant”", "MLP", "CNN, three blocks")
    assert probe.gain == pytest.approx(0.43, rel=1e-12)
    assert probe.over_majority == pytest.approx(0.5, rel=1e-12)
    assert probe.low is not None
    assert probe.high is not None
    assert 0.35 < probe.low < 0.43 < probe.high < 0.51
    assert probe.teaches == STRATEGIES["vgg16_probe"].teaches
    assert (probe.outcome, probe.seeds) == (Outcome.AHEAD, 1)


def test_a_step_that_luck_may_have_made_is_no_clear_step(by_hand):
    step = ladder_steps(by_hand)[1]
    assert (step.strategy, step.over, step.outcome) == ("cnn", "Always “ant”", Outcome.TIED)
    assert (step.gain, step.seeds) == (pytest.approx(0.1875), 2)


def test_a_strategy_below_the_majority_class_steps_down():
    evidence = evidence_of({"majority": [row(50, 100)], "old": [row(10, 100)]}, 50)
    start, down = ladder_steps(evidence)
    assert start.strategy == "majority"
    assert down.gain == -0.4
    assert down.teaches == ""
    assert down.outcome is Outcome.BEHIND
