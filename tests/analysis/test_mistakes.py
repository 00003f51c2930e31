from dataclasses import replace

import numpy as np
import pytest

from core.analysis.choice import best_strategies, good_strategies
from core.analysis.consensus import consensus
from core.analysis.mistakes import (
    Disagreement,
    HardImage,
    LabelError,
    Mistake,
    confident_mistakes,
    disagreements,
    hardest,
    label_errors_csv,
    likely_label_errors,
)
from core.analysis.significance import paired_test
from core.errors import BadInput, UnknownName
from tests.hand_made import answers, evidence
from tests.made_up import DATASET_ID
from tests.made_up_dataset import dataset

# 16 images of "bee" and "cat" in turn: always saying "ant", the commonest, is never right.
LABELS = [1, 2] * 8


def wrong_at(*places: int, predicted: int = 0) -> list[int]:
    """The labels, but ``predicted`` at these images."""
    return [predicted if place in places else label for place, label in enumerate(LABELS)]


# What most seeds say ------------------------------------------------------------------------------


def test_most_seeds_decide_and_the_surer_of_two_equals():
    found = consensus(
        answers(
            [0, 0, 0],
            "cnn",
            predicted=[[0, 1, 1], [1, 1, 2], [0, 2, 0]],
            confidence=[[0.5, 0.5, 0.5], [0.875, 0.75, 0.75], [0.75, 0.5, 0.625]],
        )
    )
    assert found.predicted.tolist() == [0, 1, 2]
    assert found.seeds.tolist() == [2, 2, 1]
    assert found.confidence.tolist() == [0.625, 0.625, 0.75]
    assert found.fraction_correct.tolist() == [2 / 3, 0, 1 / 3]
    assert found.true_class_probability.tolist() == [
        (0.5 + 0.25 + 0.75) / 3,
        0.25,
        (0.5 + 0.625) / 3,
    ]
    assert found.mostly_correct.tolist() == [True, False, False]
    assert found.mostly_wrong.tolist() == [False, True, True]
    assert found.most_agree.tolist() == [True, True, False]


def test_a_tie_of_two_seeds_is_neither_right_nor_wrong():
    found = consensus(answers([0, 0], "cnn", predicted=[[0, 0], [1, 0]]))
    assert found.mostly_correct.tolist() == [False, True]
    assert found.mostly_wrong.tolist() == [False, False]


def test_one_seed_may_be_asked_alone():
    table = answers([0, 0], "cnn", predicted=[[0, 1], [1, 2]])
    assert consensus(table, seed=1).predicted.tolist() == [1, 2]
    with pytest.raises(UnknownName, match=r"There is no seed named '2'\. Known: 0, 1\."):
        consensus(table, seed=2)


# Which strategies count as good -------------------------------------------------------------------


def test_good_is_clearly_better_than_the_commonest_class():
    # Right on 6 of 16 where the commonest class is right on none: p = 2 / 2^6, times 3 for Holm
    # is 0.094. Right on 8: 2 / 2^8 times 3 is 0.023.
    tables = {
        "majority": [[0] * 16],
        "mlp": [wrong_at(*range(10))],
        "cnn": [wrong_at(*range(8))],
        "probe": [LABELS],
    }
    found = good_strategies(evidence(LABELS, tables))
    assert [table.strategy for table in found] == ["cnn", "probe"]


def test_best_are_those_that_are_not_clearly_worse_than_the_best():
    # Against the probe, right on all 16: the CNN is worse on 8 images, p = 2 / 2^8, Holm 0.016;
    # the other is worse on 2, p = 0.5.
    tables = {"cnn": [wrong_at(*range(8))], "probe": [LABELS], "finetune": [wrong_at(0, 1)]}
    found = best_strategies(evidence(LABELS, tables))
    assert [table.strategy for table in found] == ["probe", "finetune"]


def test_the_second_best_is_among_the_best_however_far_behind():
    tables = {"cnn": [wrong_at(*range(8))], "probe": [LABELS]}
    found = best_strategies(evidence(LABELS, tables))
    assert [table.strategy for table in found] == ["cnn", "probe"]


def test_nobody_is_good_without_images():
    assert good_strategies(evidence([], {"cnn": [[]]})) == ()
    assert good_strategies(evidence(LABELS, {})) == ()


# Flips --------------------------------------------------------------------------------------------


def test_disagreements_have_both_answers_and_both_probabilities():
    found = disagreements(
        evidence(
            [0, 0, 1, 2],
            {"cnn": [[1, 2, 1, 2]], "probe": [[0, 0, 0, 2]]},
            confidence={"cnn": [[0.5, 0.75, 0.5, 0.5]], "probe": [[0.625, 0.875, 0.75, 0.5]]},
            true_class_probability={
                "cnn": [[0.25, 0.125, 0.5, 0.5]],
                "probe": [[0.625, 0.875, 0.125, 0.5]],
            },
        ),
        "cnn",
        "probe",
    )
    assert found.fixed == (
        Disagreement(11, 0, 2, 0, 0.125, 0.875, 0.75, 0.875),
        Disagreement(10, 0, 1, 0, 0.25, 0.625, 0.5, 0.625),
    )
    assert found.regressed == (Disagreement(12, 1, 1, 0, 0.5, 0.125, 0.5, 0.75),)


@pytest.mark.parametrize("seed", range(4))
def test_disagreements_of_one_seed_each_are_those_that_the_test_counts(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, 200).tolist()
    tables = {name: random.integers(0, 3, (2, 200)).tolist() for name in ("cnn", "probe")}
    both = evidence(labels, tables)
    found = disagreements(both, "cnn", "probe", seed_of_first=1, seed_of_second=0)
    tested = paired_test(both.of("cnn").correct[1:], both.of("probe").correct[:1])
    assert (len(found.fixed), len(found.regressed)) == (tested.fixed, tested.regressed)
    assert len(found.fixed) > 10


def test_with_several_seeds_most_of_each_must_agree():
    # Image 0: 1 of 3 right, then 2 of 3. Image 1: 2 of 3, then 3 of 3. Image 2: 3 of 3, then 0.
    found = disagreements(
        evidence(
            [0, 0, 0],
            {"cnn": [[0, 0, 0], [1, 0, 0], [1, 1, 0]], "probe": [[0, 0, 1], [0, 0, 2], [1, 0, 1]]},
        ),
        "cnn",
        "probe",
    )
    assert [
        (disagreement.image, disagreement.first_predicted, disagreement.second_predicted)
        for disagreement in found.fixed
    ] == [(10, 1, 0)]
    assert [
        (disagreement.image, disagreement.first_predicted, disagreement.second_predicted)
        for disagreement in found.regressed
    ] == [(12, 0, 1)]


@pytest.mark.parametrize(("first", "second"), [("mlp", "cnn"), ("cnn", "mlp")])
def test_disagreements_of_an_unknown_strategy(first, second):
    with pytest.raises(UnknownName, match="There is no strategy named 'mlp'"):
        disagreements(evidence([0], {"cnn": [[0]]}), first, second)


# Mistakes -----------------------------------------------------------------------------------------


def test_the_surest_mistakes_come_first():
    found = confident_mistakes(
        evidence(
            [0, 0, 1, 1],
            {"cnn": [[1, 0, 0, 2], [1, 1, 0, 1], [2, 0, 2, 2]]},
            confidence={
                "cnn": [[0.5, 0.5, 0.75, 0.5], [0.75, 0.5, 0.875, 0.5], [0.5, 0.5, 0.5, 0.625]]
            },
        ),
        "cnn",
        2,
    )
    assert found == (
        Mistake(12, 1, 0, (0.75 + 0.875) / 2, 0.25, seeds_wrong=3, seed_count=3),
        Mistake(10, 0, 1, (0.5 + 0.75) / 2, 0.25, seeds_wrong=3, seed_count=3),
    )


def test_no_more_mistakes_than_there_are():
    assert confident_mistakes(evidence([0, 1], {"cnn": [[0, 1]]}), "cnn", 5) == ()


def test_the_hardest_are_wrong_for_all_that_know_something():
    tables = {
        "majority": [[0] * 16],
        "cnn": [wrong_at(3, 5, 7)],
        "probe": [wrong_at(5, 7, 9, predicted=1)],
    }
    given = {"cnn": [[0.5] * 5 + [0.25] * 2 + [0.125] * 9], "probe": [[0.5] * 16]}
    found = hardest(evidence(LABELS, tables, true_class_probability=given), 10)
    assert found == (
        HardImage(17, 2, (0.125 + 0.5) / 2, (("cnn", 0), ("probe", 1))),
        HardImage(15, 2, (0.25 + 0.5) / 2, (("cnn", 0), ("probe", 1))),
    )
    assert hardest(evidence(LABELS, tables, true_class_probability=given), 1) == found[:1]


def test_where_nobody_is_good_all_but_the_majority_class_are_asked():
    tables = {"majority": [[0, 0]], "cnn": [[1, 1]]}
    assert hardest(evidence([0, 2], tables), 5) == (
        HardImage(10, 0, 0.25, (("cnn", 1),)),
        HardImage(11, 2, 0.25, (("cnn", 1),)),
    )
    assert hardest(evidence([0, 2], {"majority": [[0, 0]]}), 5) == ()


# Label errors -------------------------------------------------------------------------------------


def doubted():
    """Image 3 (cat) is a bee to both, image 5 (cat) an ant to both, on image 7 they differ."""
    cnn = wrong_at(3, 7, predicted=1)
    cnn[5] = 0
    probe = wrong_at(3, predicted=1)
    probe[5] = probe[7] = 0
    confidence = {"cnn": [[0.5] * 16], "probe": [[0.5] * 5 + [0.75] * 11]}
    return evidence(LABELS, {"cnn": [cnn], "probe": [probe]}, confidence=confidence)


def test_a_label_is_doubted_where_the_best_agree_on_another_class():
    found = likely_label_errors(doubted())
    assert found == (
        LabelError(15, 2, 0, 0.625, ("cnn", "probe")),
        LabelError(13, 2, 1, 0.5, ("cnn", "probe")),
    )
    assert likely_label_errors(doubted(), 1) == found[:1]


def test_two_of_four_seeds_are_not_most_of_them():
    half = [wrong_at(3, predicted=1)] * 2 + [LABELS] * 2
    tables = {"cnn": half, "probe": [wrong_at(3, predicted=1)]}
    assert likely_label_errors(evidence(LABELS, tables)) == ()


@pytest.mark.parametrize(
    "tables", [{"cnn": [[0] * 16]}, {"cnn": [[0] * 16], "probe": [wrong_at(3)]}]
)
def test_one_witness_is_not_enough_to_doubt_a_label(tables):
    assert likely_label_errors(evidence(LABELS, tables)) == ()


def test_the_list_as_csv_is_safe_in_a_spreadsheet():
    names = [f"{place}.png" for place in range(30)]
    names[15] = '=cmd("x").png'
    made = replace(dataset([0] * 30, ("ant", "bee", "cat")), id=DATASET_ID, file_names=tuple(names))
    found = replace(doubted(), classes=("@ant", "bee", "cat"))
    assert label_errors_csv(found, made) == (
        b"image,file,label,best_strategies_say,mean_probability,strategies\r\n"
        b'15,"\'=cmd(""x"").png",cat,\'@ant,0.625,cnn probe\r\n'
        b"13,13.png,cat,bee,0.500,cnn probe\r\n"
    )


def test_the_csv_needs_the_dataset_of_the_experiment():
    with pytest.raises(BadInput, match="made on another dataset than 'made up'"):
        label_errors_csv(doubted(), dataset([0], ("ant",)))
