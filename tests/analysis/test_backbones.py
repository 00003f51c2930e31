"""Which pre-trained model: what was run, which pairs are tested, and which backbone to take."""

from dataclasses import replace

import pytest

from core.analysis.backbones import answer_of, backbone_matrix, costs_of
from core.analysis.comparison import compare
from core.analysis.significance import holm
from core.analysis.verdicts import Outcome, all_pairs, family_of_pairs
from core.strategies.strategy import Mode
from tests import made_up
from tests.made_backbones import RIGHT, add_backbones, evidence


@pytest.fixture(autouse=True)
def _three_backbones(monkeypatch: pytest.MonkeyPatch) -> None:
    add_backbones(monkeypatch)


def test_the_matrix_has_what_was_run() -> None:
    matrix = backbone_matrix(evidence(*RIGHT))
    assert matrix.backbones == ("vgg16", "small", "tiny")
    assert matrix.modes == (Mode.PROBE, Mode.FINETUNE, Mode.SCRATCH)
    probe = matrix.cell("small", Mode.PROBE)
    assert probe is not None
    assert (probe.title, probe.score.mean) == ("Small", 0.69)
    assert matrix.cell("tiny", Mode.FINETUNE) is None


def test_backbones_are_tested_in_the_same_mode_with_holm_over_these_pairs_alone() -> None:
    found = evidence(*RIGHT)
    matrix = backbone_matrix(found)
    assert [(pair.first, pair.second) for pair in matrix.pairs] == [
        ("vgg16_probe", "small_probe"),
        ("vgg16_probe", "tiny_probe"),
        ("vgg16_finetune", "small_finetune"),
        ("small_probe", "tiny_probe"),
    ]
    p_values = [found.pair_tests[pair.first, pair.second].p_value for pair in matrix.pairs]
    assert [pair.adjusted_p_value for pair in matrix.pairs] == holm(p_values)
    assert {pair.pairs for pair in matrix.pairs} == {4}
    everywhere = {(pair.first, pair.second): pair for pair in all_pairs(found)}
    assert {pair.pairs for pair in everywhere.values()} == {15}
    assert all(pair.low is not None for pair in matrix.pairs)
    (alone,) = family_of_pairs(found, [("vgg16_probe", "tiny_probe")])
    assert (alone.adjusted_p_value, alone.low) == (alone.p_value, None)


def test_the_cheapest_of_those_that_cannot_be_told_apart_is_taken() -> None:
    matrix = backbone_matrix(evidence(*RIGHT))
    answer = answer_of(matrix, {"vgg16_probe": 60.0, "small_probe": 7.0, "tiny_probe": 1.0})
    assert answer is not None
    assert answer.mode is Mode.PROBE
    assert (answer.chosen.backbone, answer.other.backbone) == ("small", "vgg16")
    assert answer.outcome is Outcome.TIED
    ((tiny, beside, pair),) = answer.rest
    assert (tiny.backbone, beside) == ("tiny", Outcome.BEHIND)
    assert {pair.first, pair.second} == {"small_probe", "tiny_probe"}
    other_way = answer_of(matrix, {"vgg16_probe": 6.0, "small_probe": 7.0})
    assert other_way is not None
    assert (other_way.chosen.backbone, other_way.other.backbone) == ("vgg16", "small")
    # Without any cost it is the most accurate.
    unknown = answer_of(matrix, {})
    assert unknown is not None
    assert unknown.chosen.backbone == "small"


def test_a_backbone_that_saw_test_images_is_no_answer() -> None:
    saw = frozenset({"small_probe"})
    matrix = backbone_matrix(replace(evidence(*RIGHT), saw_test_images=saw))
    assert matrix.cell("small", Mode.PROBE) is not None
    answer = answer_of(matrix, {})
    assert answer is not None
    assert (answer.chosen.backbone, answer.other.backbone) == ("vgg16", "tiny")
    assert answer.rest == ()


def test_one_that_is_really_better_is_taken_whatever_it_costs() -> None:
    matrix = backbone_matrix(evidence("vgg16_probe", "tiny_probe"))
    answer = answer_of(matrix, {"vgg16_probe": 60.0, "tiny_probe": 1.0})
    assert answer is not None
    assert (answer.chosen.backbone, answer.outcome) == ("vgg16", Outcome.AHEAD)
    assert answer.rest == ()


@pytest.mark.parametrize("names", [("vgg16_probe", "vgg16_finetune"), ("vgg16_probe",)])
def test_there_is_no_answer_without_two_backbones_in_one_mode(names: tuple[str, ...]) -> None:
    assert answer_of(backbone_matrix(evidence(*names)), {}) is None


def test_costs_come_from_the_rows_of_backbones() -> None:
    measured = made_up.result(
        feature_seconds=7.0, feature_cache="hit", deployment=made_up.deployment(other_load=0.2)
    )
    runs = [made_up.run("vgg16_probe", result=measured), made_up.run("cnn"), made_up.run("gone")]
    (found,) = costs_of(compare(made_up.experiment(), runs).rows).values()
    assert (found.whole_run_seconds, found.extraction_seconds) == (17.0, 7.0)
    assert (found.image_seconds, found.file_bytes) == (0.012, 58_900_000)
    assert found.is_disturbed
    bare = costs_of(compare(made_up.experiment(), [made_up.run("vgg16_probe")]).rows)
    assert (bare["vgg16_probe"].image_seconds, bare["vgg16_probe"].is_disturbed) == (None, False)
