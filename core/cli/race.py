"""``advise DATASET --race MINUTES``: who cannot win is found out on a part of the images."""

import argparse
from collections.abc import Sequence
from typing import Any

from core.analysis.advice.facts import IMAGE_SIZE
from core.analysis.advice.race.request import Race, plan_race, run_race
from core.analysis.comparison import title_of
from core.analysis.words.race import describe_quick, describe_race, verdict_words
from core.cli.datasets import BUNDLED
from core.cli.output import EXIT_DONE, counter, print_json, print_table, say, stop_on_termination
from core.cli.run import names_or_all, whole_number
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.experiments.recorded import prepare_home
from core.text import UNKNOWN, percent_text


def race(arguments: argparse.Namespace) -> int:
    """Race in a job, and print how it stands when it is over. Ctrl-C cancels it; its points stay,
    and the same command goes on from them."""
    minutes, size = whole_number(arguments.race, "--race"), IMAGE_SIZE
    if arguments.image_size is not None:
        size = whole_number(arguments.image_size, "--image-size")
    backbones = None if arguments.backbones is None else names_or_all(arguments.backbones)
    strategies = names_or_all(arguments.strategies or "all")
    store = prepare_home(counter(BUNDLED))
    dataset = open_dataset(arguments.dataset)
    plan = plan_race(store, dataset, minutes, strategies, backbones, size)
    for name, reason in plan.left_out.items():
        say(f"{name} is left out. {reason}")
    if (quick := describe_quick(plan)) is not None:
        say(f"{quick} {run_command_of(dataset, plan.spec.names, size)}")
    stop_on_termination()
    found = run_race(store, plan, say)
    if arguments.json:
        print_json(_document(dataset, found))
    else:
        _print(dataset, found)
    return EXIT_DONE


def run_command_of(dataset: Dataset, strategies: Sequence[str], size: int) -> str:
    """The command that runs these strategies on all images of the size that advice is for."""
    parts = [f"python -m core run {dataset.id[:12]} --strategies {','.join(strategies)}"]
    return " ".join(parts + ([f"--image-size {size}"] if size != IMAGE_SIZE else []))


def _print(dataset: Dataset, found: Race) -> None:
    for line in describe_race(found):
        print(line)
    print()
    print_table(
        ("STRATEGY", "TRAINING IMAGES", "VALIDATION", "VERDICT"),
        [
            (
                one.strategy,
                f"{one.last.images:,}" if one.last else UNKNOWN,
                percent_text(one.last.accuracy if one.last else None),
                verdict_words(found, one),
            )
            for one in found.status.racers
        ],
    )
    if found.remaining:
        command = run_command_of(dataset, found.remaining, found.spec.image_size)
        print(f"\nTo run those that remain: {command}")


def _document(dataset: Dataset, found: Race) -> dict[str, Any]:
    leader = found.status.leader
    return {
        "dataset": dataset.name,
        "dataset_id": dataset.id,
        "image_size": found.spec.image_size,
        "minutes": found.spec.minutes,
        "seconds": found.seconds,
        "ended": found.ended,
        "train_images": found.spec.train_images,
        "validation_images": found.status.validation_images,
        "leader": None if leader is None else leader.strategy,
        "remaining": found.remaining,
        "undecided": found.undecided,
        "strategies": [
            {
                "strategy": one.strategy,
                "title": title_of(one.strategy),
                "verdict": found.verdict(one),
                "words": verdict_words(found, one),
                "optimistic": one.line,
                "points": [
                    {
                        "images": point.images,
                        "accuracy": point.accuracy,
                        "low": point.low,
                        "high": point.high,
                        "seconds": point.seconds,
                    }
                    for point in one.scored
                ],
            }
            for one in found.status.racers
        ],
        "words": describe_race(found),
    }
