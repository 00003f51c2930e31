"""``advise DATASET``: what is known of a dataset before training, and what to try."""

import argparse
from dataclasses import asdict
from typing import Any

from core.analysis.advice.facts import IMAGE_SIZE, Facts, known_facts, measure_facts
from core.analysis.advice.placing import (
    FoundHere,
    Placement,
    Proposal,
    found_here,
    placed,
    proposal,
)
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
from core.cli.datasets import BUNDLED
from core.cli.output import EXIT_DONE, counter, print_json, print_table, say
from core.cli.run import whole_number
from core.datasets.dataset import Dataset
from core.datasets.storage import list_datasets, open_dataset
from core.experiments.recorded import prepare_home
from core.text import percent_text


def advise(arguments: argparse.Namespace) -> int:
    """Measure the dataset in a job, unless that was done before, and print what it says."""
    store = prepare_home(counter(BUNDLED))
    dataset = open_dataset(arguments.dataset)
    size = IMAGE_SIZE
    if arguments.image_size is not None:
        size = whole_number(arguments.image_size, "--image-size")
    facts = measure_facts(store, dataset, say, size)
    placement = placed(facts)
    proposed = proposal(facts, placement)
    found = found_here(store, known_facts(list_datasets(), size) | {dataset.id: facts})
    if arguments.json:
        print_json({"dataset": dataset.name} | _document(facts, placement, proposed, found))
    else:
        _print(dataset, facts, placement, proposed, found)
    return EXIT_DONE


def command_of(dataset: Dataset, proposed: Proposal, image_size: int) -> str:
    """The command that runs what is proposed."""
    parts = [f"python -m core run {dataset.id[:12]} --strategies {','.join(proposed.strategies)}"]
    if image_size != IMAGE_SIZE:
        parts.append(f"--image-size {image_size}")
    parts += [f"--set {name}={value}" for name, value in proposed.settings.items()]
    return " ".join(parts)


def _print(
    dataset: Dataset,
    facts: Facts,
    placement: Placement,
    proposed: Proposal | None,
    found: tuple[FoundHere, ...],
) -> None:
    for line in (*describe_facts(facts), "", *describe_rule(facts, placement, proposed)):
        print(line)
    print(CONVENTIONS)
    if proposed is not None:
        print(f"To run that: {command_of(dataset, proposed, facts.image_size)}")
    print(f"\n{describe_found(found)}")
    if found:
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
                for one in found
            ],
        )
    print(f"\n{how_measured(facts)}")
    for line in describe_left_out(facts):
        print(line)


def _document(
    facts: Facts, placement: Placement, proposed: Proposal | None, found: tuple[FoundHere, ...]
) -> dict[str, Any]:
    return {
        "facts": asdict(facts),
        "placement": asdict(placement),
        "proposal": None
        if proposed is None
        else {
            "backbone": proposed.backbone.name,
            "strategies": proposed.strategies,
            "settings": proposed.settings,
        },
        "found_here": [
            {
                "dataset": one.experiment.spec.dataset_name,
                "dataset_id": one.experiment.spec.dataset_id,
                "experiment": one.experiment.id,
                "scenarios": None if one.placement is None else one.placement.scenarios,
                "named_by_the_rule": one.is_named,
                **asdict(one.result),
            }
            for one in found
        ],
        "words": [*describe_facts(facts), *describe_rule(facts, placement, proposed)],
    }
