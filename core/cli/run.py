"""``run DATASET``: queue an experiment, serve it to its end, print the comparison."""

import argparse
import sys
from typing import Any

from core.cli import EXIT_INTERRUPTED, stop_on_termination
from core.cli.datasets import BUNDLED
from core.cli.output import counter, say
from core.errors import BadInput
from core.experiments.first_start import prepare_home
from core.experiments.planning import plan_experiment
from core.experiments.recorded import export_experiment
from core.experiments.serving import run_to_end
from core.experiments.spec import ExperimentSpec


def run(arguments: argparse.Namespace) -> int:
    from core.analysis.comparison import compare_experiment
    from core.reports.export import to_json, to_text

    if arguments.learning_curve or arguments.fractions is not None:
        from core.cli.run_series import run_learning_curve

        return run_learning_curve(arguments)
    overrides = parse_overrides(arguments.overrides)
    store = prepare_home(counter(BUNDLED))
    spec = plan(arguments, overrides)
    experiment_id = store.create_experiment(spec)
    say(f"experiment {experiment_id}: {len(spec.strategies) * len(spec.seeds)} runs")
    for name, reason in spec.unavailable.items():
        say(f"{name} is left out: {reason}")
    stop_on_termination()
    try:
        run_to_end(store, experiment_id, say)
    except KeyboardInterrupt:
        store.request_cancel_experiment(experiment_id)
        say(
            f"Stopped. To go on: python -m core runs list --experiment {experiment_id}, then "
            "python -m core runs retry ID and python -m core worker"
        )
        return EXIT_INTERRUPTED
    comparison = compare_experiment(store, experiment_id)
    if arguments.json:
        sys.stdout.write(to_json(comparison).decode() + "\n")
    else:
        sys.stdout.write(to_text(comparison))
    finished = all(entry.state == "finished" for entry in store.runs(experiment_id))
    if finished and arguments.record is not None:
        say(f"recorded in {export_experiment(store, experiment_id, arguments.record)}")
    return 0 if finished else 1


def plan(arguments: argparse.Namespace, overrides: dict[str, str]) -> ExperimentSpec:
    """What ``run`` would do: ``plan_experiment`` of the arguments as they were typed."""
    fraction = arguments.train_share
    return plan_experiment(
        arguments.dataset,
        **planned_options(arguments, overrides),
        train_share=1.0 if fraction is None else parse_number(fraction, "--train-fraction"),
    )


def planned_options(arguments: argparse.Namespace, overrides: dict[str, str]) -> dict[str, Any]:
    """What ``plan_experiment`` is given, but for the dataset and the fraction of it."""
    split: dict[str, Any] = {}
    if arguments.test_fraction is not None:
        split["test"] = parse_number(arguments.test_fraction, "--test-fraction")
    if arguments.validation_fraction is not None:
        split["validation"] = parse_number(arguments.validation_fraction, "--validation-fraction")
    if arguments.split_seed is not None:
        split["seed"] = parse_whole(arguments.split_seed, "--split-seed")
    if arguments.own_split:
        split["use_given"] = False
    size, strategies = arguments.image_size, arguments.strategies
    return {
        "strategies": "all" if strategies == "all" else parse_names(strategies),
        "preset": arguments.preset,
        "seeds": [parse_whole(seed, "--seeds") for seed in arguments.seeds.split(",")],
        "image_size": None if size is None else parse_whole(size, "--image-size"),
        "overrides": overrides,
        "split": split,
        "resize": arguments.resize,
        "precision": arguments.precision,
    }


def parse_overrides(texts: list[str]) -> dict[str, str]:
    """``["cnn.epochs=3"]`` as ``{"cnn.epochs": "3"}``."""
    overrides: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise BadInput(f"--set {text!r} is not of the form strategy.setting=value.", "--set")
        if key in overrides:
            raise BadInput(f"--set gives {key} twice.", key)
        overrides[key] = value.strip()
    return overrides


def parse_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def parse_whole(text: str, field: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadInput(f"{field} is {text!r}; it must be a whole number.", field) from None


def parse_number(text: str, field: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"{field} is {text!r}; it must be a number.", field) from None
