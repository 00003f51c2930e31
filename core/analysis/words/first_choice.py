"""What to run first, in sentences: what it is, why, how sure that is, and what to run beside it."""

from collections.abc import Sequence

from core.analysis.advice.facts import BackboneFacts, Facts
from core.analysis.advice.first_choice import FirstChoice
from core.analysis.advice.forecasts import leader_of
from core.analysis.advice.gathered import Advice
from core.analysis.advice.placing import Finding, FoundHere, finding_of
from core.analysis.comparison import title_of
from core.analysis.words.advice import describe_backbones
from core.analysis.words.forecasts import describe_verdict, range_words, why_not
from core.analysis.words.verdicts import always, closed, interval_words
from core.experiments.accuracy_forecasts import AccuracyForecast
from core.strategies.registry import MAJORITY, find_strategy
from core.strategies.strategy import Mode
from core.text import count_text, list_text, percent_text, rough_seconds_text

MOST_NAMES = 4
NOTHING_TO_GO_BY = "What to run first cannot be told"
WHAT_IT_IS = {
    Mode.PROBE: "the pre-trained network stays as it is; one new layer on top learns your classes",
    Mode.DENSE: "the pre-trained network stays as it is; a few new layers on top learn your "
    "classes",
    Mode.SOFTMAX: "the pre-trained network stays as it is, but for its last layer, which is "
    "replaced and learns your classes",
    Mode.FREEZE: "the first layers of the pre-trained network stay as they are; the others go on "
    "learning from your images",
    Mode.FINETUNE: "the pre-trained network goes on learning from your images, in all its layers",
    Mode.SCRATCH: "a network built like a pre-trained one, which learns from your images alone",
    None: "a network that learns from your images alone",
}


def describe_title(choice: FirstChoice | None) -> str:
    """For a heading."""
    return NOTHING_TO_GO_BY if choice is None else f"Run first: {title_of(choice.strategy)}"


def describe_answer(advice: Advice, found: Sequence[FoundHere]) -> list[str]:
    """What to run first, and what experiments on the dataset, of those ``found`` here, found
    already."""
    here = [one for one in found if one.experiment.spec.dataset_id == advice.dataset.id]
    return [*describe_first(advice.facts, advice.first), *map(describe_best_so_far, here)]


def describe_first(facts: Facts, choice: FirstChoice | None) -> list[str]:
    """What it is, why, how sure that is, what to run beside it."""
    if choice is None:
        return describe_backbones(facts)
    found = [describe_what(choice)]
    if choice.forecast is not None:
        found += [
            _why_trained(choice, choice.forecast),
            _confidence_trained(choice, choice.forecast),
        ]
    elif measured := _measured(facts, choice):
        found += [_why_measured(facts, measured), _confidence_measured(facts, measured)]
    beside = [title_of(name) for name in choice.strategies if name != choice.strategy]
    if beside:
        found.append(f"Run beside it, to see what it is worth: {'; '.join(beside)}.")
    return found


def describe_what(choice: FirstChoice) -> str:
    """What the strategy does, for somebody who never trained a network."""
    strategy = find_strategy(choice.strategy)
    what = WHAT_IT_IS[strategy.mode]
    made = choice.forecast
    time = ""
    if made is not None and made.seconds is not None:
        time = f" It takes about {rough_seconds_text(made.seconds)}."
    return f"What it is: {what}.{time}"


def describe_best_so_far(found: FoundHere) -> str:
    """What an experiment on the dataset found already."""
    best = found.result
    return (
        f"Run already: the best on these images is {closed(best.best)} with "
        f"{percent_text(best.accuracy)} of the test images right "
        f"({interval_words(best.low, best.high)})."
    )


def _measured(facts: Facts, choice: FirstChoice) -> BackboneFacts | None:
    backbone = find_strategy(choice.strategy).backbone
    return next((one for one in facts.backbones if backbone and one.name == backbone.name), None)


def _why_measured(facts: Facts, measured: BackboneFacts) -> str:
    found = (
        f"Why: in a quick test, without training a network, what {measured.title} notices in your "
        f"images was enough to get {percent_text(measured.probe.accuracy)} of them right; "
        f"{always(facts.commonest)} gets {percent_text(facts.majority_accuracy)}."
    )
    if measured.behind is None:
        return found
    return f"{found} Of the networks that may be best it is the smallest."


def _confidence_measured(facts: Facts, measured: BackboneFacts) -> str:
    found = (
        f"Confidence: on very many images like these the quick test would get "
        f"{range_words(measured.probe.low, measured.probe.high)} right; 19 of 20 such ranges hold."
    )
    others = [one for one in facts.backbones if one.name != measured.name]
    good = [one.title for one in others if one.behind is None or _may_be_as_good(one)]
    if good:
        found += f" {list_text(good)} may do as well."
    elif others:
        found += " Every other network that was measured is behind it by more than luck."
    return f"{found} Whether it pays to train more of the network was not tested: a race finds out."


def _may_be_as_good(one: BackboneFacts) -> bool:
    return one.behind is not None and finding_of(one.behind) is not Finding.AHEAD


def _why_trained(choice: FirstChoice, made: AccuracyForecast) -> str:
    learned = sum(one.strategy != MAJORITY for one in choice.together)
    accuracy = percent_text(made.predicted)
    if learned == 1:
        return (
            f"Why: trained on parts of your images, it is expected to get {accuracy} of the test "
            "images right once it has learned from all of them."
        )
    return (
        f"Why: of {learned} strategies trained on parts of your images, it is expected to get the "
        f"most test images right once it has learned from all of them: {accuracy}."
    )


def _confidence_trained(choice: FirstChoice, made: AccuracyForecast) -> str:
    if made.verdict == "cannot_win":  # the majority class is ahead
        return f"Confidence: none. {describe_verdict(made, choice.together)}"
    if made.verdict != "worth":
        return f"Confidence: not yet. {why_not(made, leader_of(choice.together) or made)}."
    found = (
        f"Confidence: it will be {range_words(made.low_80, made.high_80)} in 8 of 10 cases, judged "
        f"by {count_text(made.cases, 'earlier forecast')}."
    )
    others = [one for one in choice.together if one.strategy != choice.strategy]
    for verdict, words in (
        ("worth", "About as good"),
        ("cannot_win", "Cannot win here"),
        ("cannot_tell", "Cannot tell"),
    ):
        names = [title_of(one.strategy) for one in others if one.verdict == verdict]
        if names:
            few = "; ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} others"
            found += f" {words}: {few}."
    return found
