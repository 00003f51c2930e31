"""The story is true where a head start wins, loses or ties, and where runs are missing."""

from dataclasses import replace

import numpy as np
import pytest

from core.analysis.advice.grades import Quote
from core.analysis.choice import headline_of
from core.analysis.story import (
    Bars,
    Squares,
    StoryFacts,
    Times,
    headline_experiment,
    other_experiments,
    scene_keys,
    stored_gains,
    visual_of,
)
from core.analysis.verdicts import Outcome
from core.analysis.words.grades import describe_quote
from core.analysis.words.story import scene_of
from core.charts.story import HEIGHT, PRESENTED_HEIGHT, marked_squares, story_chart
from core.experiments.records import UsedBackbone
from tests import made_up
from tests.analysis.advice.made_forecasts import graded
from tests.analysis.made_rights import CLIMBING, LOST, TIED, WON, facts_of, right
from tests.own_backbones import add_own


def test_whether_the_gain_is_real():
    assert facts_of(WON).gain_outcome is Outcome.AHEAD
    assert facts_of(TIED).gain_outcome is Outcome.TIED
    assert facts_of(LOST).gain_outcome is Outcome.BEHIND
    assert facts_of(WON, kept=False).gain_outcome is None
    assert facts_of({"cnn": right(40)}).gain_outcome is None
    assert facts_of(WON).gain == pytest.approx(0.4)


def test_what_a_network_is_compared_with():
    facts = facts_of(CLIMBING)
    assert facts.before("mlp") is None
    assert facts.before("cnn") is facts.rows["mlp"]
    assert facts.before("vgg16_probe") is facts.rows["cnn"]


def test_seeds_that_disagree_leave_a_gain_undecided():
    cnn = np.concatenate([right(95), right(0), right(0)])
    facts = facts_of({"mlp": np.concatenate([right(21)] * 3), "cnn": cnn})
    verdict = facts.verdict("cnn", over="mlp")
    assert verdict is not None
    assert (verdict.told_apart, verdict.seeds_agree) == (True, False)


def test_a_gain_over_seeds_that_disagree_is_not_real():
    probe = np.concatenate([right(95), right(0), right(0)])
    facts = facts_of({"cnn": np.concatenate([right(21)] * 3), "vgg16_probe": probe})
    assert facts.gain_outcome is Outcome.TIED


def test_scenes_without_results_are_left_out():
    facts = facts_of({"vgg16_probe": right(90)})
    assert scene_keys(facts, None) == ("pictures", "commonest", "head_start")


def test_the_probe_leads_unless_another_is_really_better():
    near = facts_of(CLIMBING | {"vgg16_finetune": right(92)})
    assert near.best_pretrained is near.rows["vgg16_probe"]
    assert [bar.strategy for bar in near.bars] == ["majority", "mlp", "cnn", "vgg16_probe"]
    far = facts_of({"cnn": right(40), "vgg16_probe": right(60), "vgg16_finetune": right(95)})
    assert far.best_pretrained is far.rows["vgg16_finetune"]
    assert [bar.strategy for bar in far.bars] == [
        "majority",
        "cnn",
        "vgg16_probe",
        "vgg16_finetune",
    ]
    without = facts_of({"cnn": right(40), "vgg16_features": right(60)})
    assert without.best_pretrained is without.rows["vgg16_features"]


@pytest.mark.usefixtures("stand_in")
def test_of_several_backbones_the_smallest_leads_unless_another_is_really_better():
    rights = {"cnn": right(40), "stand_in_probe": right(88), "vgg16_probe": right(90)}
    alike = facts_of(rights | {"vgg16_finetune": right(92)})
    assert alike.best_pretrained is alike.rows["stand_in_probe"]
    assert alike.backbones == ("Stand-in", "VGG16")
    assert (
        "Of the pre-trained networks that were run (Stand-in and VGG16) this is the smallest "
        "whose probe no other strategy is really better than."
    ) in scene_of("head_start", alike, None).small_print
    weaker = facts_of(rights | {"stand_in_probe": right(60)})
    assert weaker.best_pretrained is weaker.rows["vgg16_probe"]
    tuned = facts_of(rights | {"stand_in_finetune": right(100)})
    assert tuned.best_pretrained is tuned.rows["stand_in_finetune"]
    # beside it the probe of its own backbone
    assert [bar.strategy for bar in tuned.bars] == [
        "majority",
        "cnn",
        "stand_in_probe",
        "stand_in_finetune",
    ]
    assert "really better than every probe" in scene_of("head_start", tuned, None).small_print


def test_the_story_quotes_what_was_forecast_where_the_head_start_is_told():
    facts = facts_of(CLIMBING)
    quote = Quote(graded(0.2), True, 0.0)
    quoted = replace(facts, load_quote=lambda: quote)
    for key in scene_keys(facts, None):
        plain, told = (scene_of(key, one, None).small_print for one in (facts, quoted))
        extra = f" {describe_quote(quote)}" if key == "head_start" else ""
        assert told == f"{plain}{extra}"


def test_without_predictions_the_most_accurate_probe_is_compared():
    accuracies = {"cnn": 0.4, "vgg16_probe": 0.8, "vgg16_finetune": 0.9}
    assert headline_of(accuracies) == ("cnn", "vgg16_probe")


def test_other_experiments_come_by_gain_the_smallest_first_unless_ones_own_is_smallest():
    gains = {"a": 0.3, "b": 0.1, "c": 0.2}
    assert other_experiments(gains, own=0.25) == ["b", "c", "a"]
    assert other_experiments(gains, own=None) == ["b", "c", "a"]
    assert other_experiments(gains, own=0.05) == ["a", "c", "b"]
    assert other_experiments({}, own=0.1) == []


def test_gains_come_from_stored_scores():
    runs = [
        made_up.run("majority", result=made_up.result(0.9)),
        made_up.run("cnn", 0, result=made_up.result(0.5)),
        made_up.run("cnn", 1, result=made_up.result(0.75)),
        made_up.run("vgg16_probe", result=made_up.result(0.875)),
        made_up.run("vgg16_finetune", state="failed", result=None),
        made_up.run("cnn", experiment_id="only_cnn", result=made_up.result(0.5)),
    ]
    assert stored_gains(runs, {}) == {"abcd1234": 0.25}


@pytest.mark.usefixtures("home")
def test_a_backbone_that_saw_test_images_is_no_head_start():
    record = add_own()
    used = UsedBackbone(record=record, seen_test_images=1)
    spec = made_up.spec(backbones={"digits_cnn": used})
    runs = [
        made_up.run("cnn", result=made_up.result(0.5)),
        made_up.run("digits_cnn_probe", result=made_up.result(0.875)),
    ]
    assert stored_gains(runs, {"abcd1234": spec}) == {}
    clean = spec.model_copy(
        update={"backbones": {"digits_cnn": used.model_copy(update={"seen_test_images": 0})}}
    )
    assert stored_gains(runs, {"abcd1234": clean}) == {"abcd1234": 0.375}
    facts = facts_of(WON)
    rows = tuple(replace(row, saw_test_images=True) for row in facts.comparison.rows)
    seen = StoryFacts(replace(facts.comparison, rows=rows), lambda: facts.evidence)
    assert not seen.has_pretrained
    assert seen.headline is None


@pytest.mark.usefixtures("home")
def test_a_backbone_of_ones_own_is_told_by_what_it_was_trained_on():
    add_own()
    scene = scene_of(
        "head_start", facts_of({"cnn": right(50), "digits_cnn_probe": right(90)}), None
    )
    assert scene.sentence.startswith("A network that was first trained on “digits” gets 90.0 %")


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
    facts = facts_of(CLIMBING)
    figures = []
    for count, key in ((2, "mlp"), (3, "cnn"), (4, "head_start")):
        visual = visual_of(key, facts, None)
        assert isinstance(visual, Bars)
        assert (len(visual.bars), visual.places) == (count, 4)
        figures.append(story_chart(visual).figure)
    for figure in figures:
        assert figure.layout.height == HEIGHT
        assert figure.layout.yaxis.range == (3.55, -0.6)
        assert figure.layout.xaxis.range == (0, 102)
    drawn = [trace.x[0] for trace in figures[2].data if trace.type == "bar"]
    assert drawn == pytest.approx([20.0, 40.0, 55.0, 90.0])
    assert story_chart(visual, presented=True).figure.layout.height == PRESENTED_HEIGHT


def test_a_hundred_squares_are_marked_by_the_fraction():
    assert marked_squares(Squares(0.186, "Always “ant”")) == 19
    assert marked_squares(Squares(0.001, "")) == 1
    assert marked_squares(Squares(0.999, "")) == 99
    squares = Squares(0.2, "Always “ant”")
    right_ones, wrong_ones = story_chart(squares).figure.data
    assert (len(right_ones.x), len(wrong_ones.x)) == (20, 80)
    assert story_chart(squares).words == (
        "A hundred squares for a hundred pictures; 20 of them are marked: Always “ant” is "
        "correct for these."
    )


def test_every_chart_has_its_words():
    facts = facts_of(CLIMBING)
    visual = visual_of("mlp", facts, None)
    assert story_chart(visual).words == (
        "Test accuracy on insects, bars with 95 % intervals. Always “ant” 20.0 % (13.3 % to "
        "28.9 %); MLP 40.0 % (30.9 % to 49.8 %)."
    )
    times = visual_of("time", facts, None)
    assert isinstance(times, Times)
    assert "VGG16 probe 90.0 % after 10.0 s" in story_chart(times).words
