"""What a race says: who cannot win and why, and what it leaves open."""

from dataclasses import replace

import pytest

from core.analysis.advice.race.request import Verdict
from core.analysis.words import race as words
from core.analysis.words.race import (
    describe_end,
    describe_leader,
    describe_quick,
    describe_race,
    describe_undecided,
    verdict_words,
)
from tests.made_race import CURVES, job, race

RACE = race()


def said(name: str, **changes: object) -> str:
    found = race(**changes)
    return verdict_words(found, next(one for one in found.status.racers if one.strategy == name))


def test_each_verdict_has_its_reason():
    assert said("majority") == "stays to compare with: the baseline"
    assert said("vgg16_probe") == "leads"
    assert said("vgg16_features") == "undecided: 1 training, and it takes two to see where it goes"
    assert said("vgg16_finetune") == (
        "undecided: no training yet, and it takes two to see where it goes"
    )
    assert said("cnn") == "can still win: it may reach 100.0 % at best with all images"
    assert said("mlp") == (
        "cannot win here: at best it would reach 68.7 % with all images, below the 76.3 % that "
        "VGG16 probe had already (dropped after 200 training images)"
    )
    assert said("mlp", failed={"mlp": "Its loss became nan."}) == "not trained: Its loss became nan"


def test_the_best_from_scratch_stays_where_it_cannot_win():
    flat = CURVES | {"cnn": (0.4, 0.4, 0.4), "mlp": (0.3, 0.3)}
    assert said("cnn", curves=flat) == "stays to compare with: the best without pre-training"


def test_the_sentences_stand_in_the_order_in_which_they_matter():
    lines = describe_race(RACE)
    assert lines[0] == "Every training that the race needed was done in 1 min 33 s."
    assert lines[1] == (
        "VGG16 probe leads: trained on 400 of 1,600 training images, it is right for 84.0 % "
        "(95 % interval 80.5 to 87.0) of 500 validation images."
    )
    assert lines[2:-1] == ["Cannot win here any more: MLP; SqueezeNet probe."]
    assert lines[-1] == (
        "5 of 7 strategies remain. Undecided, as they might still be better on all images: CNN, "
        "three blocks; VGG16 features, dense head; VGG16, everything fine-tuned."
    )


def test_many_undecided_are_counted_and_not_listed(monkeypatch):
    monkeypatch.setattr(words, "MOST_NAMES", 2)
    assert describe_race(RACE)[-1] == (
        "5 of 7 strategies remain. Undecided are 3 of them: they might still be better on all "
        "images."
    )


def test_what_could_not_be_trained_says_why():
    lines = describe_race(race(failed={"cnn": "Its loss became nan."}))
    assert lines[3] == "CNN, three blocks, was not trained: Its loss became nan."


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"job": job(state="running"), "ended": None}, "The race is not over yet; it ends after "),
        ({"ended": "time"}, "The budget of 10 min was used up before every training was done."),
        ({"job": job(state="cancelled"), "ended": None}, "The race was cancelled; what was "),
        (
            {"job": job(state="failed", error="The disk is full."), "ended": None},
            "The race ended early. The disk is full. What was trained until then counts.",
        ),
    ],
)
def test_how_it_ended(changes, sentence):
    assert describe_end(race(**changes)).startswith(sentence)


def test_before_the_first_point_nobody_leads():
    found = race({"mlp": (), "cnn": ()})
    assert describe_leader(found) == "No training is done yet, so nobody leads."
    assert found.undecided == ("mlp", "cnn")


def test_where_nothing_is_undecided_it_says_so():
    found = race({"majority": (0.3, 0.3), "vgg16_features": (0.9, 0.9), "vgg16_freeze": (0.3, 0.3)})
    assert (found.undecided, found.remaining) == ((), ("majority", "vgg16_features"))
    assert describe_undecided(found).startswith("2 of 3 strategies remain; if accuracy grows")
    alone = replace(found, failed={"majority": "gone"})
    assert describe_undecided(alone).startswith("1 of 3 strategies remains;")
    assert alone.verdict(alone.status.racers[0]) is Verdict.FAILED


def test_just_run_it(arrows_plan):
    assert describe_quick(arrows_plan(None)) is None
    assert describe_quick(arrows_plan(2000.0)) is None
    assert describe_quick(arrows_plan(250.0)) == (
        "Just run it: 7 strategies on all 1,600 training images take about 4 min, so there is "
        "little to save by a race."
    )


@pytest.fixture
def arrows_plan():
    from core.analysis.advice.race.request import RacePlan
    from core.experiments.forecast import Forecast
    from tests import made_up

    return lambda seconds: RacePlan(
        RACE.spec, made_up.spec(), Forecast(seconds, 0.0, () if seconds else ("cnn",), ""), {}
    )
