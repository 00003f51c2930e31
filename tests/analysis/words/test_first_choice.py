"""What to run first, in sentences."""

from dataclasses import replace

from core.analysis.advice.first_choice import FirstChoice, first_choice
from core.analysis.advice.placing import placed
from core.analysis.words import first_choice as words
from core.analysis.words.first_choice import (
    WHAT_IT_IS,
    describe_best_so_far,
    describe_first,
    describe_title,
    describe_what,
)
from core.strategies.registry import STRATEGIES
from tests.analysis.advice.made_forecasts import trained
from tests.analysis.words.conftest import Held
from tests.analysis.words.test_advice import found
from tests.made_facts import backbone, difference, facts

MADE = [
    trained("vgg16_probe", 0.8, verdict="worth"),
    trained("squeezenet_probe", 0.795, verdict="worth"),
    trained("cnn", 0.74),
    trained("mlp", 0.6, verdict="cannot_win"),
    trained("majority", 0.5, verdict="cannot_win"),
]


def said(made: list = [], **changes: object) -> str:  # noqa: B006 - never changed
    known = facts(**changes)
    choice = first_choice(known, placed(known), made)
    return "\n".join([describe_title(choice), *describe_first(known, choice)])


def test_many_are_counted_and_not_listed(monkeypatch) -> None:
    monkeypatch.setattr(words, "MOST_NAMES", 1)
    assert "Cannot win here: 2 others. Cannot tell: CNN, three blocks." in said(MADE)


def test_the_sentences(held: Held) -> None:
    first = facts().backbones[0]
    far = backbone("vgg16", "VGG16", 0.60, difference(12))
    larger = (backbone("vgg16", "VGG16", 0.73, None), replace(first, behind=difference(1)))
    ahead = [trained("majority", 0.82), trained("vgg16_probe", 0.8)]
    far_ahead = [
        trained("majority", 0.95, verdict="worth"),
        trained("vgg16_probe", 0.8, verdict="cannot_win"),
    ]
    unsure = [replace(one, cases=0, verdict="cannot_tell") for one in MADE]
    held(
        {
            "by the quick test": said(),
            "the others are behind": said(backbones=(first, far)),
            "the smallest of those that may be best": said(backbones=larger),
            "one network alone": said(backbones=(first,)),
            "no network": said(backbones=(), blocks=None),
            "by trainings": said(MADE),
            "by trainings, too little experience": said(unsure),
            "by trainings, the majority class is ahead": said(ahead),
            "by trainings, the majority class is far ahead": said(far_ahead),
            "run already": describe_best_so_far(found(True)),
        }
    )


def test_every_strategy_that_learns_is_explained() -> None:
    for name, strategy in STRATEGIES.items():
        text = describe_what(FirstChoice(name, (name,), {}))
        assert text == f"What it is: {WHAT_IT_IS[strategy.mode]}."
