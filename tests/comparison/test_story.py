"""The story is true where a head start wins, loses or ties, and where runs are missing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.charts.story import (
    HEIGHT,
    PRESENTED_HEIGHT,
    marked_squares,
    story_chart,
)
from core.comparison.story import Bars, Scene, Squares, Times, scene_keys, scene_of
from core.comparison.story_cast import (
    Told,
    headline_experiment,
    other_experiment,
    stored_gains,
)
from core.comparison.story_words import NOT_KEPT, missing_sentence
from core.comparison.tables import compare
from tests import made_up
from tests.made_evidence import CLASSES, evidence_of

IMAGES = 100
FROM_NOTHING = "the best that started from nothing"


def right(count: int, start: int = 0) -> np.ndarray:
    """One seed that got ``count`` of a hundred images right, from ``start`` on."""
    places = np.arange(IMAGES)
    return ((places >= start) & (places < start + count))[np.newaxis]


def told_of(
    rights: Mapping[str, Any], dataset: str = "insects", kept: bool = True, **changes: Any
) -> Told:
    """A hundred test images, 20 of them ants, the commonest; without predictions if not ``kept``"""
    found = evidence_of(rights, majority_right=20)
    if not kept:
        found = replace(found, answers=())
    spec = made_up.spec(
        dataset_name=dataset,
        strategies=tuple((name, {}) for name in rights),
        classes=CLASSES,
        majority_class="ant",
        majority_accuracy=0.2,
        seeds=(0,),
    )
    runs = [
        made_up.run(name, seed, result=made_up.result(float(row.mean()), **changes))
        for name, table in rights.items()
        for seed, row in enumerate(table)
    ]
    return Told(compare(made_up.experiment(spec=spec), runs), lambda: found)


CLIMBING = {"mlp": right(40), "cnn": right(55), "vgg16_probe": right(90)}


def story_of(told: Told, other: Told | None = None) -> tuple[Scene, ...]:
    return tuple(scene_of(key, told, other) for key in scene_keys(told, other))


def sentences(told: Told, other: Told | None = None) -> dict[str, str]:
    return {scene.key: scene.sentence for scene in story_of(told, other)}


def test_a_head_start_that_wins_is_told_in_seven_scenes():
    other = told_of({"cnn": right(60), "vgg16_probe": right(70)}, dataset="moths")
    assert sentences(told_of(CLIMBING), other) == {
        "pictures": "These are 320 pictures of 3 kinds: can a computer learn to tell which is "
        "which?",
        "commonest": "Always saying “ant”, the commonest, already gets 20.0 % right.",
        "mlp": "A network that sees only raw pixels names 40.0 % right: 20.0 points more than "
        "always saying “ant”.",
        "cnn": "A network that learns its own filters names 55.0 % right: 15.0 points more than "
        "the one on raw pixels.",
        "head_start": "A network that has seen a million other pictures names 90.0 % right: "
        f"35.0 points more than {FROM_NOTHING}.",
        "time": "One run takes 10.0 s with the head start and 10.0 s without.",
        "elsewhere": "A head start wins on other pictures too: it is worth 35.0 points here and "
        "10.0 points on “moths”.",
    }


def test_small_print_holds_interval_n_seeds_and_the_test():
    scenes = {scene.key: scene for scene in story_of(told_of(CLIMBING))}
    assert scenes["pictures"].small_print == (
        "Dataset insects: 200 pictures to learn from, 20 to choose by while learning, and 100 "
        "held back, on which every number of this story is measured."
    )
    assert scenes["commonest"].small_print.startswith(
        "Share of “ant” among the 100 test images (95 % interval 13.3 to 28.9 %)."
    )
    words = scenes["head_start"].small_print
    assert words.startswith(
        "VGG16 probe: 90.0 % (95 % interval 82.6 to 94.5 %), n = 100 test images, one seed. "
        "VGG16 probe beats CNN, three blocks, by 35.0 points (one seed each, 95 % interval "
    )
    assert words.endswith("a difference this large by luck is less likely than 1 in 10,000.")


def test_what_cannot_be_told_apart_is_not_called_better():
    told = told_of({"mlp": right(40), "cnn": right(42), "vgg16_probe": right(44)})
    found = sentences(told)
    assert found["cnn"] == (
        "A network that learns its own filters names 42.0 % right: on these pictures it cannot be "
        "told apart from the one on raw pixels."
    )
    assert found["head_start"] == (
        "A network that has seen a million other pictures names 44.0 % right: on these pictures "
        f"it cannot be told apart from {FROM_NOTHING}."
    )


def test_a_head_start_that_loses_is_said_so():
    told = told_of({"cnn": right(90), "vgg16_probe": right(60)})
    assert sentences(told)["head_start"] == (
        "A network that has seen a million other pictures names 60.0 % right: 30.0 points less "
        f"than {FROM_NOTHING}."
    )


def test_a_network_below_and_at_the_commonest_class():
    found = sentences(told_of({"mlp": right(5), "cnn": right(22, start=10)}))
    assert found["mlp"] == (
        "A network that sees only raw pixels names 5.0 % right: worse than always saying “ant”."
    )
    assert found["cnn"] == (
        "A network that learns its own filters names 22.0 % right: no better than always saying "
        "“ant”, as far as these pictures can tell."
    )


def test_a_network_that_says_one_class_learned_nothing():
    told = told_of({"cnn": right(20)})
    (answers,) = told.evidence.answers
    constant = replace(answers, predicted=np.zeros_like(answers.predicted))
    told.__dict__["evidence"] = replace(told.evidence, answers=(constant,))
    assert sentences(told)["cnn"] == (
        "A network that learns its own filters learned nothing here: it says “ant” for every "
        "picture."
    )


def test_seeds_that_disagree_are_said():
    cnn = np.concatenate([right(95), right(0), right(0)])
    told = told_of({"mlp": np.concatenate([right(21)] * 3), "cnn": cnn})
    verdict = told.verdict("cnn", over="mlp")
    assert verdict is not None
    assert (verdict.told_apart, verdict.seeds_agree) == (True, False)
    assert sentences(told)["cnn"] == (
        "A network that learns its own filters names 31.7 % right: 10.7 points more than the one "
        "on raw pixels, though training again could turn that round."
    )


def test_without_predictions_numbers_stand_side_by_side():
    told = told_of(CLIMBING, kept=False)
    found = sentences(told)
    assert found["mlp"] == (
        "A network that sees only raw pixels names 40.0 % right; always saying “ant” gets 20.0 %."
    )
    assert found["head_start"] == (
        "A network that has seen a million other pictures names 90.0 % right; "
        f"{FROM_NOTHING} 55.0 %."
    )
    assert scene_of("head_start", told, None).small_print.endswith(NOT_KEPT)


def test_scenes_without_results_are_left_out_and_named():
    told = told_of({"vgg16_probe": right(90)})
    assert scene_keys(told, None) == ("pictures", "commonest", "head_start")
    assert sentences(told)["head_start"] == (
        "A network that has seen a million other pictures names 90.0 % right: 70.0 points more "
        "than always saying “ant”."
    )
    assert missing_sentence(told) == (
        "Left out, because there is no result on these pictures yet: MLP and CNN, three blocks."
    )
    assert missing_sentence(told_of({"mlp": right(30), "cnn": right(40)})) == (
        "Left out, because there is no result on these pictures yet: a pre-trained one, such as "
        "the VGG16 probe."
    )
    assert missing_sentence(told_of(CLIMBING)) is None


def test_the_probe_leads_unless_another_is_really_better():
    near = told_of(CLIMBING | {"vgg16_finetune": right(92)})
    assert near.lead is near.rows["vgg16_probe"]
    assert [bar.strategy for bar in near.bars] == ["majority", "mlp", "cnn", "vgg16_probe"]
    far = told_of({"cnn": right(40), "vgg16_probe": right(60), "vgg16_finetune": right(95)})
    assert far.lead is far.rows["vgg16_finetune"]
    assert [bar.strategy for bar in far.bars] == [
        "majority",
        "cnn",
        "vgg16_probe",
        "vgg16_finetune",
    ]
    without = told_of({"cnn": right(40), "vgg16_features": right(60)})
    assert without.lead is without.rows["vgg16_features"]


def test_a_gain_elsewhere_that_does_not_reach_the_commonest_class_says_so():
    other = told_of({"mlp": right(3, start=50), "vgg16_probe": right(20)}, dataset="moths")
    assert sentences(told_of(CLIMBING), other)["elsewhere"] == (
        "A head start wins on other pictures too: it is worth 35.0 points here and 17.0 points on "
        "“moths”, but no better there than always saying “ant”."
    )


def test_the_longest_run_is_named_with_what_it_brings():
    told = told_of(CLIMBING | {"vgg16_finetune": right(91)})
    row = told.rows["vgg16_finetune"]
    told.rows["vgg16_finetune"] = replace(row, end_to_end_seconds=90.0)
    small_print = scene_of("time", told, None).small_print
    assert (
        "The longest with a head start (VGG16, everything fine-tuned) takes 1 min 30 s and is not "
        "clearly better."
    ) in small_print
    assert "on two test cores, one seed. Accuracy" in small_print


WON, TIED, LOST = (
    {"cnn": right(50), "vgg16_probe": right(90)},
    {"cnn": right(50), "vgg16_probe": right(51)},
    {"cnn": right(90), "vgg16_probe": right(50)},
)


@pytest.mark.parametrize(
    ("own", "there", "sentence"),
    [
        (
            WON,
            TIED,
            "A head start does not always win: not on “moths”, where it cannot be told apart from "
            f"{FROM_NOTHING}.",
        ),
        (
            WON,
            LOST,
            "A head start does not always win: not on “moths”, where it is 40.0 points behind "
            f"{FROM_NOTHING}.",
        ),
        (
            LOST,
            TIED,
            "A head start does not win here, nor on “moths”, where it cannot be told apart from "
            f"{FROM_NOTHING}.",
        ),
        (
            LOST,
            WON,
            "On other pictures a head start does win: on “moths” it is worth 40.0 points.",
        ),
    ],
)
def test_the_other_side(own, there, sentence):
    assert sentences(told_of(own), told_of(there, dataset="moths"))["elsewhere"] == sentence


def test_the_other_side_without_predictions_claims_nothing():
    other = told_of(WON, dataset="moths", kept=False)
    assert sentences(told_of(WON), other)["elsewhere"] == (
        "On other pictures, “moths”, a head start makes a difference of 40.0 points; whether that "
        "is luck could not be tested."
    )


def test_the_other_experiment_has_the_smallest_gain_or_the_largest_if_ones_own_is_smallest():
    gains = {"a": 0.3, "b": 0.1, "c": 0.2}
    assert other_experiment(gains, own=0.25) == "b"
    assert other_experiment(gains, own=None) == "b"
    assert other_experiment(gains, own=0.05) == "a"
    assert other_experiment({}, own=0.1) is None


def test_gains_come_from_stored_scores():
    runs = [
        made_up.run("majority", result=made_up.result(0.9)),
        made_up.run("cnn", 0, result=made_up.result(0.5)),
        made_up.run("cnn", 1, result=made_up.result(0.75)),
        made_up.run("vgg16_probe", result=made_up.result(0.875)),
        made_up.run("vgg16_finetune", state="failed", result=None),
        made_up.run("cnn", experiment_id="only_cnn", result=made_up.result(0.5)),
    ]
    assert stored_gains(runs) == {"abcd1234": 0.25}


def test_the_headline_is_the_recorded_result_with_the_largest_gain():
    own = made_up.experiment(id="own")
    small, large = (made_up.experiment(id=name, recorded=True) for name in ("small", "large"))
    gains = {"own": 0.9, "small": 0.1, "large": 0.2}
    assert headline_experiment([own, small, large], gains) is large
    assert headline_experiment([own, small], {"own": 0.9}) is own
    point = made_up.experiment(id="point", spec=made_up.spec(series="curve"))
    assert headline_experiment([point, own], {}) is own
    assert headline_experiment([point], {}) is point


def test_bars_keep_their_places_and_the_height_from_scene_to_scene():
    told = told_of(CLIMBING)
    figures = []
    for count, key in ((2, "mlp"), (3, "cnn"), (4, "head_start")):
        picture = scene_of(key, told, None).picture
        assert isinstance(picture, Bars)
        assert (len(picture.bars), picture.places) == (count, 4)
        figures.append(story_chart(picture).figure)
    for figure in figures:
        assert figure.layout.height == HEIGHT
        assert figure.layout.yaxis.range == (3.55, -0.6)
        assert figure.layout.xaxis.range == (0, 102)
    drawn = [trace.x[0] for trace in figures[2].data if trace.type == "bar"]
    assert drawn == pytest.approx([20.0, 40.0, 55.0, 90.0])
    assert story_chart(picture, presented=True).figure.layout.height == PRESENTED_HEIGHT


def test_a_hundred_squares_are_marked_by_the_share():
    assert marked_squares(Squares(0.186, "Always “ant”")) == 19
    assert marked_squares(Squares(0.001, "")) == 1
    assert marked_squares(Squares(0.999, "")) == 99
    squares = Squares(0.2, "Always “ant”")
    correct, wrong = story_chart(squares).figure.data
    assert (len(correct.x), len(wrong.x)) == (20, 80)
    assert story_chart(squares).words == (
        "A hundred squares for a hundred pictures; 20 of them are marked: Always “ant” is "
        "correct for these."
    )


def test_every_chart_is_said_in_words():
    told = told_of(CLIMBING)
    picture = scene_of("mlp", told, None).picture
    assert story_chart(picture).words == (
        "Test accuracy on insects, bars with 95 % intervals. Always “ant” 20.0 % (13.3 % to "
        "28.9 %); MLP 40.0 % (30.9 % to 49.8 %)."
    )
    times = scene_of("time", told, None).picture
    assert isinstance(times, Times)
    assert "VGG16 probe 90.0 % after 10.0 s" in story_chart(times).words
