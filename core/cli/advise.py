"""``advise DATASET``: what is known of a dataset before training, and what to try."""

import argparse
from dataclasses import asdict, dataclass
from typing import Any

from core.analysis.advice.facts import IMAGE_SIZE, measure_facts
from core.analysis.advice.first_choice import FirstChoice, made_together
from core.analysis.advice.gathered import Advice, gather
from core.analysis.advice.grades import (
    AdviceRecord,
    advice_record,
    coverage_of,
    outcomes_of,
    own_record,
)
from core.analysis.advice.placing import FoundHere, found_here, proposal
from core.analysis.advice.replay import bundled_replay
from core.analysis.comparison import title_of
from core.analysis.words.advice import (
    CONVENTIONS,
    INTERVALS,
    describe_backbones,
    describe_facts,
    describe_found,
    describe_left_out,
    describe_rule,
    how_measured,
    named_words,
    scenario_words,
)
from core.analysis.words.first_choice import describe_answer, describe_title
from core.analysis.words.forecasts import (
    SILENT,
    describe_each,
    describe_forecasts,
    range_words,
    verdict_words,
)
from core.analysis.words.grades import (
    describe_caution,
    describe_coverage,
    describe_record,
    describe_replay,
    describe_rules,
)
from core.cli.datasets import BUNDLED
from core.cli.output import EXIT_DONE, counter, print_json, print_table, say
from core.cli.race import race, run_command_of
from core.cli.run import whole_number
from core.datasets.storage import list_datasets, open_dataset
from core.errors import BadInput
from core.experiments.recorded import prepare_home
from core.text import UNKNOWN, percent_text, rough_seconds_text


@dataclass(frozen=True)
class _Printed:
    """All that is printed. ``found``: what experiments found here; ``record``: how good the
    verdicts among the graded forecasts were."""

    advice: Advice
    found: tuple[FoundHere, ...]
    record: AdviceRecord | None

    @property
    def words(self) -> list[str]:
        """The answer, then what it rests on."""
        answer = describe_answer(self.advice, self.found)
        return [f"{describe_title(self.advice.first)}.", *answer]

    @property
    def measured(self) -> list[str]:
        facts = self.advice.facts
        backbones = describe_backbones(facts) if facts.backbones else []
        rule = describe_rule(facts, self.advice.placement)
        return [*describe_facts(facts), *backbones, *rule]


def advise(arguments: argparse.Namespace) -> int:
    """Measure the dataset in a job, unless that was done before, and print what it says; or race
    strategies on it."""
    if arguments.race is not None:
        return race(arguments)
    for option in ("strategies", "backbones"):
        if getattr(arguments, option) is not None:
            raise BadInput(f"--{option} is for a race: add --race MINUTES.", f"--{option}")
    store = prepare_home(counter(BUNDLED))
    dataset = open_dataset(arguments.dataset)
    size = IMAGE_SIZE
    if arguments.image_size is not None:
        size = whole_number(arguments.image_size, "--image-size")
    facts = measure_facts(store, dataset, say, size)
    advice = gather(store, dataset, facts, list_datasets())
    record = advice_record(outcomes_of(store, advice.graded, advice.placements))
    printed = _Printed(advice, found_here(store, advice.known), record)
    if arguments.json:
        print_json(_document(printed))
    else:
        _print(printed)
    return EXIT_DONE


def command_of(advice: Advice, first: FirstChoice) -> str:
    """The command that runs what is to be run first, and beside it."""
    parts = [run_command_of(advice.dataset, first.strategies, advice.facts.image_size)]
    parts += [f"--set {name}={value}" for name, value in first.settings.items()]
    return " ".join(parts)


def _print(printed: _Printed) -> None:
    advice = printed.advice
    _print_lines(*printed.words)
    if advice.first is not None:
        print(f"To run that: {command_of(advice, advice.first)}")
    _print_forecasts(advice)
    print("\nYour images")
    _print_lines(*printed.measured, CONVENTIONS, INTERVALS)
    _print_grades(printed)
    print(f"\n{describe_found(printed.found)}")
    if printed.found:
        print_table(
            ("DATASET", "CASE", "BEST STRATEGY", "TEST ACCURACY", "NAMED BY THE RULE"),
            [
                (
                    one.experiment.spec.dataset_name,
                    scenario_words(one.placement),
                    one.result.best,
                    percent_text(one.result.accuracy),
                    named_words(one),
                )
                for one in printed.found
            ],
        )
    print("\nHow this was measured")
    _print_lines(*how_measured(advice.facts), *describe_left_out(advice.facts))


def _print_forecasts(advice: Advice) -> None:
    print("\nWhat to expect")
    if advice.is_silent:
        print(SILENT)
        return
    print(describe_forecasts(advice.forecasts))
    if not advice.forecasts:
        return
    together = made_together(advice.forecasts)
    print_table(
        ("STRATEGY", "VERDICT", "EXPECTED", "IN 8 OF 10 CASES", "TIME"),
        [
            (
                title_of(one.strategy),
                verdict_words(one, together),
                percent_text(one.predicted),
                range_words(one.low_80, one.high_80),
                UNKNOWN if one.seconds is None else rough_seconds_text(one.seconds),
            )
            for one in advice.forecasts
        ],
    )
    _print_lines(*describe_each(advice.forecasts))


def _print_grades(printed: _Printed) -> None:
    graded = printed.advice.graded
    print("\nHow good was earlier advice?")
    _print_lines(*describe_replay(bundled_replay()))
    print(f"In this installation: {describe_coverage(coverage_of(graded))}")
    caution = describe_caution(own_record(graded))
    if caution is not None and not printed.advice.is_silent:  # which is said above
        print(caution)
    if graded:
        _print_lines(*describe_record(printed.record), *describe_rules(printed.record))


def _print_lines(*lines: str) -> None:
    for line in lines:
        print(line)


def _document(printed: _Printed) -> dict[str, Any]:
    advice = printed.advice
    proposed, first = proposal(advice.facts, advice.placement), advice.first
    return {
        "dataset": advice.dataset.name,
        "first": None
        if first is None
        else {
            "strategy": first.strategy,
            "strategies": first.strategies,
            "settings": first.settings,
            "rests_on": "trainings" if first.together else "facts",
        },
        "facts": asdict(advice.facts),
        "placement": asdict(advice.placement),
        "proposal": None
        if proposed is None
        else {
            "backbone": proposed.backbone.name,
            "strategies": proposed.strategies,
            "settings": proposed.settings,
        },
        "forecasts": [asdict(one) for one in advice.stored],
        "graded": [
            {
                "forecast": one.forecast.id,
                "experiment": one.experiment_id,
                "actual": one.actual,
                "hit_80": one.is_hit_80,
                "hit_95": one.is_hit_95,
                "seconds": one.seconds,
            }
            for one in advice.graded
        ],
        "record": None if printed.record is None else asdict(printed.record),
        "found_here": [
            {
                "dataset": one.experiment.spec.dataset_name,
                "dataset_id": one.experiment.spec.dataset_id,
                "experiment": one.experiment.id,
                "scenarios": None if one.placement is None else one.placement.scenarios,
                "named_by_the_rule": one.is_named,
                **asdict(one.result),
            }
            for one in printed.found
        ],
        "words": [*printed.words, *printed.measured],
    }
