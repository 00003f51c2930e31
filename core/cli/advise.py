"""``advise DATASET``: what is known of a dataset before training, and what to try."""

import argparse
from dataclasses import asdict, dataclass
from typing import Any

from core.analysis.advice.facts import IMAGE_SIZE, Facts, known_facts, measure_facts
from core.analysis.advice.forecasts import newest_forecasts
from core.analysis.advice.grades import (
    AdviceRecord,
    Graded,
    advice_record,
    coverage_of,
    graded_forecasts,
    outcomes_of,
    own_record,
)
from core.analysis.advice.placing import (
    FoundHere,
    Placement,
    Proposal,
    found_here,
    placed,
    proposal,
)
from core.analysis.advice.replay import bundled_replay
from core.analysis.words.advice import (
    CONVENTIONS,
    describe_facts,
    describe_found,
    describe_left_out,
    describe_rule,
    how_measured,
    named_words,
    scenario_words,
)
from core.analysis.words.forecasts import SILENT, describe_each, describe_forecasts
from core.analysis.words.grades import (
    describe_caution,
    describe_coverage,
    describe_record,
    describe_replay,
)
from core.cli.datasets import BUNDLED
from core.cli.output import EXIT_DONE, counter, print_json, print_table, say
from core.cli.race import race, run_command_of
from core.cli.run import whole_number
from core.datasets.dataset import Dataset
from core.datasets.storage import list_datasets, open_dataset
from core.errors import BadInput
from core.experiments.accuracy_forecasts import AccuracyForecast
from core.experiments.recorded import prepare_home
from core.text import percent_text


@dataclass(frozen=True)
class _Advice:
    """All that is printed. ``forecasts``: the newest of each strategy on this dataset; ``graded``:
    those of any dataset that were graded; ``record``: how good the verdicts among them were."""

    dataset: Dataset
    facts: Facts
    placement: Placement
    proposed: Proposal | None
    found: tuple[FoundHere, ...]
    forecasts: list[AccuracyForecast]
    graded: tuple[Graded, ...]
    record: AdviceRecord | None

    @property
    def words(self) -> list[str]:
        return [
            *describe_facts(self.facts),
            *describe_rule(self.facts, self.placement, self.proposed),
        ]


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
    placement = placed(facts)
    known = known_facts(list_datasets(), size) | {dataset.id: facts}
    graded = graded_forecasts(store)
    placements = {key: placed(one) for key, one in known.items()}
    advice = _Advice(
        dataset,
        facts,
        placement,
        proposal(facts, placement),
        found_here(store, known),
        newest_forecasts(store, dataset.id, size),
        graded,
        advice_record(outcomes_of(store, graded, placements)),
    )
    if arguments.json:
        print_json(_document(advice))
    else:
        _print(advice)
    return EXIT_DONE


def command_of(advice: _Advice, proposed: Proposal) -> str:
    """The command that runs what is proposed."""
    parts = [run_command_of(advice.dataset, proposed.strategies, advice.facts.image_size)]
    parts += [f"--set {name}={value}" for name, value in proposed.settings.items()]
    return " ".join(parts)


def _print(advice: _Advice) -> None:
    for line in (*advice.words, CONVENTIONS):
        print(line)
    if advice.proposed is not None:
        print(f"To run that: {command_of(advice, advice.proposed)}")
    _print_forecasts(advice)
    print(f"\n{describe_found(advice.found)}")
    if advice.found:
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
                for one in advice.found
            ],
        )
    print(f"\n{how_measured(advice.facts)}")
    for line in describe_left_out(advice.facts):
        print(line)


def _print_forecasts(advice: _Advice) -> None:
    own = own_record(advice.graded)
    caution = describe_caution(own)
    if own.caution == "silent":
        print(f"\n{SILENT}")
    else:
        print(f"\n{describe_forecasts(advice.forecasts)}")
        for line in describe_each(advice.forecasts):
            print(line)
    print(f"\n{describe_coverage(coverage_of(advice.graded))}")
    if caution is not None and own.caution != "silent":
        print(caution)
    if advice.graded:
        for line in describe_record(advice.record):
            print(line)
    for line in describe_replay(bundled_replay()):
        print(line)


def _document(advice: _Advice) -> dict[str, Any]:
    proposed = advice.proposed
    return {
        "dataset": advice.dataset.name,
        "facts": asdict(advice.facts),
        "placement": asdict(advice.placement),
        "proposal": None
        if proposed is None
        else {
            "backbone": proposed.backbone.name,
            "strategies": proposed.strategies,
            "settings": proposed.settings,
        },
        "forecasts": [asdict(one) for one in advice.forecasts],
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
        "record": None if advice.record is None else asdict(advice.record),
        "found_here": [
            {
                "dataset": one.experiment.spec.dataset_name,
                "dataset_id": one.experiment.spec.dataset_id,
                "experiment": one.experiment.id,
                "scenarios": None if one.placement is None else one.placement.scenarios,
                "named_by_the_rule": one.is_named,
                **asdict(one.result),
            }
            for one in advice.found
        ],
        "words": advice.words,
    }
