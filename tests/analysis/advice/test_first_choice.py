"""What to run first: by trainings where there are any, else by the facts."""

import pytest

from core.analysis.advice.first_choice import FirstChoice, first_choice, made_together
from core.analysis.advice.placing import placed
from tests.analysis.advice.made_forecasts import forecast, trained
from tests.made_facts import blocks, difference, facts

UNLIKE = {"blocks": blocks(difference(-5), 30, 20, None, 5, 9)}
SURE = [
    trained("vgg16_probe", 0.8, verdict="worth"),
    trained("squeezenet_probe", 0.795, verdict="worth"),
    trained("cnn", 0.6),
    trained("mlp", 0.62, verdict="cannot_win"),
]


def chosen(made: list, **changes: object) -> FirstChoice | None:
    known = facts(**changes)
    return first_choice(known, placed(known), made)


def test_by_the_facts_it_is_the_probe_of_the_smallest_good_network():
    found = chosen([], **UNLIKE)
    assert (found.strategy, found.forecast, found.together) == (
        "efficientnet_lite0_probe",
        None,
        (),
    )
    assert found.strategies == ("majority", "cnn", "efficientnet_lite0_probe", "vgg16_freeze")
    assert found.settings == {"vgg16_freeze.k": 11}


def test_a_forecast_from_the_facts_alone_changes_nothing():
    assert chosen([forecast()], **UNLIKE) == chosen([], **UNLIKE)


def test_by_trainings_that_are_sure_it_is_the_leader_beside_what_is_worth_and_the_baselines():
    found = chosen(SURE, **UNLIKE)
    assert found.strategy == "vgg16_probe"
    assert found.forecast is SURE[0]
    assert set(found.strategies) == {"majority", "mlp", "squeezenet_probe", "vgg16_probe"}
    assert found.strategies[0] == "majority"
    assert found.settings == {}


def test_by_trainings_that_are_not_sure_what_the_rule_names_stays():
    unsure = [trained("squeezenet_finetune", 0.8, cases=0), trained("mlp", 0.6, cases=0)]
    found = chosen(unsure, **UNLIKE)
    assert found.strategy == "squeezenet_finetune"
    assert set(found.strategies) == {
        "majority", "cnn", "efficientnet_lite0_probe", "vgg16_freeze", "squeezenet_finetune"
    }  # fmt: skip
    assert found.settings == {"vgg16_freeze.k": 11}
    assert set(chosen(unsure, backbones=(), blocks=None).strategies) == {
        "majority", "squeezenet_finetune"
    }  # fmt: skip


def test_the_majority_class_and_what_is_gone_are_never_first():
    made = [trained("majority", 0.9), trained("removed_probe", 0.85), trained("cnn", 0.6)]
    assert chosen(made).strategy == "cnn"
    assert chosen(made[:2], **UNLIKE).strategy == "efficientnet_lite0_probe"


def test_without_anything_known_nothing_is_first():
    assert chosen([], backbones=(), blocks=None) is None


@pytest.mark.parametrize(("made", "batch"), [([], []), ([forecast()], []), (SURE, ["b"] * 4)])
def test_those_that_were_made_together_have_verdicts_and_are_the_newest(made, batch):
    older = trained("cnn", 0.9, batch="a", made_at="2026-01-01")
    assert [one.batch for one in made_together(made)] == batch
    assert [one.batch for one in made_together([older, *made])] == (batch or ["a"])
