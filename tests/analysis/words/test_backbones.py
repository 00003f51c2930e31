"""Which pre-trained model, in sentences."""

from dataclasses import replace

import pytest

from core.analysis.backbones import answer_of, backbone_matrix
from core.analysis.words.backbones import (
    describe_answer,
    describe_family,
    describe_matrix,
    part_text,
)
from tests.made_backbones import RIGHT, add_backbones, cost, evidence

COSTS = {
    "vgg16_probe": cost(63.0, 0.095, 59),
    "small_probe": cost(7.0),
    "tiny_probe": cost(5.0, 0.006, 5),
}
SECONDS = {name: found.whole_run_seconds for name, found in COSTS.items()}


@pytest.fixture(autouse=True)
def _three_backbones(monkeypatch: pytest.MonkeyPatch) -> None:
    add_backbones(monkeypatch)


def test_the_answer_says_how_good_how_long_and_what_it_costs_to_deploy() -> None:
    matrix = backbone_matrix(evidence(*RIGHT))
    answer = answer_of(matrix, SECONDS)
    assert answer is not None
    assert describe_answer(answer, COSTS, 400) == [
        "As a probe, Small cannot be told apart from VGG16 on 400 test images (69.0 % and "
        "67.5 %, p = 0.062 after Holm over 4 pairs, one seed each), and takes a ninth of the time "
        "to extract the features.",
        "Where it is used, one image takes 12 ms instead of 95 ms, the file has 14 MB instead of "
        "59 MB, and the network 3.5 million parameters instead of 14.8 million.",
        "Tiny (50.0 %) is 19.0 points behind Small.",
    ]


def test_what_was_not_measured_or_not_in_peace_is_said() -> None:
    matrix = backbone_matrix(evidence("vgg16_probe", "small_probe"))
    answer = answer_of(matrix, SECONDS)
    assert answer is not None
    old = COSTS | {"small_probe": cost(7.0, None)}
    assert describe_answer(answer, old, 400)[1] == (
        "It has 3.5 million parameters instead of 14.8 million; the time of one image was not "
        "measured for both."
    )
    busy = COSTS | {"small_probe": replace(COSTS["small_probe"], is_disturbed=True)}
    assert describe_answer(answer, busy, 400)[1].endswith(
        "Other programs were at work while that was measured, so it may be too long."
    )
    without = COSTS | {"small_probe": replace(COSTS["small_probe"], extraction_seconds=None)}
    assert (
        "and takes a ninth of the time for a whole run." in describe_answer(answer, without, 400)[0]
    )


def test_the_view_says_which_pairs_it_tests() -> None:
    assert describe_family(backbone_matrix(evidence(*RIGHT))) == (
        "Holm's correction is over 4 pairs: those of two backbones trained in the same mode. "
        "Networks from random weights are shown, and not tested."
    )


def test_the_matrix_in_words_says_what_was_not_run() -> None:
    assert describe_matrix(
        backbone_matrix(evidence("vgg16_scratch", "vgg16_probe", "small_probe"))
    ) == (
        "Test accuracy by backbone and mode, with 95 % intervals. VGG16: probe 67.5 % "
        "(62.8 % to 71.9 %), scratch 25.0 % (21.0 % to 29.5 %); Small: probe 69.0 % "
        "(64.3 % to 73.3 %), scratch not run."
    )


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.05, "less than a tenth of the time"),
        (0.1, "a tenth of the time"),
        (0.112, "a ninth of the time"),
        (0.125, "an eighth of the time"),
        (0.3, "a third of the time"),
        (0.41, "41 % of the time"),
        (0.48, "half of the time"),
        (0.75, "75 % of the time"),
        (0.95, "about as long"),
        (1.08, "about as long"),
        (2.5, "2.5 times as long"),
        (12.0, "12 times as long"),
    ],
)
def test_parts_of_a_time(ratio: float, text: str) -> None:
    assert part_text(ratio) == text
