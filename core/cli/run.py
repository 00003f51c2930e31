"""``run DATASET``, ``experiments extend | resume``: queue runs, serve them to their end, print the
comparison."""

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from core.cli.datasets import BUNDLED
from core.cli.output import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    counter,
    print_json,
    print_table,
    say,
    stop_on_termination,
)
from core.errors import BadInput
from core.experiments.extension import extend as extend_experiment
from core.experiments.extension import plan_extension
from core.experiments.extension import resume as resume_experiment
from core.experiments.planning import FRACTIONS, plan_experiment, plan_learning_curve
from core.experiments.recorded import export_experiment, prepare_home
from core.experiments.records import ExperimentSpec
from core.experiments.serving import run_to_end
from core.experiments.store import Store
from core.text import count_text, exact_percent_text, list_text, percent_text

if TYPE_CHECKING:
    from core.analysis.learning_curve import LearningCurve


def run(arguments: argparse.Namespace) -> int:
    if arguments.learning_curve or arguments.fractions is not None:
        return _run_learning_curve(arguments)
    overrides = parse_overrides(arguments.overrides)
    store = prepare_home(counter(BUNDLED))
    spec = plan(arguments, overrides)
    experiment_id = store.create_experiment(spec)
    say(f"experiment {experiment_id}: {spec.run_count} runs")
    _say_doubts(spec)
    if not _serve_all(store, [experiment_id]):
        return EXIT_INTERRUPTED
    _print_comparison(store, experiment_id, arguments.json)
    if not _all_finished(store, [experiment_id]):
        return EXIT_FAILED
    if arguments.record is not None:
        say(f"recorded in {export_experiment(store, experiment_id, arguments.record)}")
    return EXIT_DONE


def extend(arguments: argparse.Namespace) -> int:
    """Add strategies and seeds to a finished experiment, and serve the new runs to their end."""
    store = prepare_home(counter(BUNDLED))
    experiment = store.experiment(arguments.id)
    strategies = [] if arguments.strategies is None else names_or_all(arguments.strategies)
    if strategies == "all":
        raise BadInput("Name the strategies to add.", "--strategies")
    seeds = [] if arguments.seeds is None else arguments.seeds.split(",")
    spec = plan_extension(
        store,
        experiment,
        strategies,
        [whole_number(seed, "--seeds") for seed in seeds],
        None if arguments.backbones is None else names_or_all(arguments.backbones),
    )
    added = extend_experiment(store, experiment.id, spec)
    say(f"experiment {experiment.id}: {count_text(len(added), 'new run')}")
    _say_doubts(spec)
    return _serve_to_end(store, experiment.id, arguments.json)


def resume(arguments: argparse.Namespace) -> int:
    """Start again what broke off in an experiment, and serve it, with what waits, to its end."""
    store = prepare_home(counter(BUNDLED))
    experiment = store.experiment(arguments.id)
    queued, unreadable = resume_experiment(store, experiment.id)
    for sentence in unreadable:
        say(sentence)
    if not queued and not experiment.is_active:
        raise BadInput(f"Experiment {experiment.id} has no run that could be started again.", "ID")
    say(f"experiment {experiment.id}: {count_text(len(queued), 'run')} started again")
    return _serve_to_end(store, experiment.id, arguments.json)


def _serve_to_end(store: Store, experiment_id: str, as_json: bool) -> int:
    if not _serve_all(store, [experiment_id]):
        return EXIT_INTERRUPTED
    _print_comparison(store, experiment_id, as_json)
    return EXIT_DONE if _all_finished(store, [experiment_id]) else EXIT_FAILED


def _run_learning_curve(arguments: argparse.Namespace) -> int:
    from core.analysis.learning_curve import load_learning_curve

    fractions = _fractions(arguments)
    overrides = parse_overrides(arguments.overrides)
    store = prepare_home(counter(BUNDLED))
    planned = plan_learning_curve(
        arguments.dataset, fractions, **_planned_options(arguments, overrides)
    )
    for sentence in planned.dropped:
        say(sentence)
    _say_doubts(planned.specs[0])
    experiments = []
    for spec in planned.specs:
        experiments.append(store.create_experiment(spec))
        say(
            f"experiment {experiments[-1]}: {exact_percent_text(spec.train_share)} of the training "
            f"images ({spec.images['train']:,}), {count_text(spec.run_count, 'run')}"
        )
    if not _serve_all(store, experiments):
        return EXIT_INTERRUPTED
    curve = load_learning_curve(store, planned.series)
    if arguments.json:
        print_json(_document(curve, experiments, planned.dropped))
    else:
        _print(curve)
    return EXIT_DONE if _all_finished(store, experiments) else EXIT_FAILED


def _print_comparison(store: Store, experiment_id: str, as_json: bool) -> None:
    from core.analysis.comparison import compare_experiment
    from core.reports.export import to_json, to_text

    comparison = compare_experiment(store, experiment_id)
    sys.stdout.write(to_json(comparison).decode() + "\n" if as_json else to_text(comparison))


def _say_doubts(spec: ExperimentSpec) -> None:
    """What was left out, and what makes the comparison unfair."""
    from core.analysis.words.own_backbones import describe_overlap

    for warning in describe_overlap(spec.backbones, spec.images["test"]):
        say(warning)
    for name, reason in spec.unavailable.items():
        say(f"{name} is left out: {reason}")


def _serve_all(store: Store, experiments: list[str]) -> bool:
    """Serve one after the other; False where the user stopped it."""
    stop_on_termination()
    try:
        for name in experiments:
            run_to_end(store, name, say)
    except KeyboardInterrupt:
        for name in experiments:
            store.request_cancel_experiment(name)
        commands = [f"python -m core experiments resume {name}" for name in experiments]
        say(f"Stopped. To go on: {list_text(commands, last='then')}")
        return False
    return True


def _all_finished(store: Store, experiments: list[str]) -> bool:
    return all(run.state == "finished" for name in experiments for run in store.runs(name))


# The arguments --------------------------------------------------------------------------------


def plan(arguments: argparse.Namespace, overrides: dict[str, str]) -> ExperimentSpec:
    """What ``run`` would do: ``plan_experiment`` with the arguments as they were typed."""
    fraction = arguments.train_share
    return plan_experiment(
        arguments.dataset,
        **_planned_options(arguments, overrides),
        train_share=1.0 if fraction is None else _number(fraction, "--train-fraction"),
    )


def _planned_options(arguments: argparse.Namespace, overrides: dict[str, str]) -> dict[str, Any]:
    """The arguments of ``plan_experiment``, without the dataset and the fraction of it."""
    split: dict[str, Any] = {}
    if arguments.test_fraction is not None:
        split["test"] = _number(arguments.test_fraction, "--test-fraction")
    if arguments.validation_fraction is not None:
        split["validation"] = _number(arguments.validation_fraction, "--validation-fraction")
    if arguments.split_seed is not None:
        split["seed"] = whole_number(arguments.split_seed, "--split-seed")
    if arguments.own_split:
        split["use_given"] = False
    size, backbones = arguments.image_size, arguments.backbones
    return {
        "strategies": names_or_all(arguments.strategies),
        "backbones": None if backbones is None else names_or_all(backbones),
        "preset": arguments.preset,
        "seeds": [whole_number(seed, "--seeds") for seed in arguments.seeds.split(",")],
        "image_size": None if size is None else whole_number(size, "--image-size"),
        "overrides": overrides,
        "split": split,
        "resize": arguments.resize,
        "precision": arguments.precision,
    }


def names_or_all(text: str) -> list[str] | Literal["all"]:
    """``a,b`` as a list; ``all`` stays."""
    return "all" if text == "all" else [name.strip() for name in text.split(",") if name.strip()]


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


def _fractions(arguments: argparse.Namespace) -> tuple[float, ...]:
    if not arguments.learning_curve:
        raise BadInput("--fractions is for a learning curve: add --learning-curve.", "--fractions")
    if arguments.train_share is not None:
        raise BadInput(
            "--learning-curve runs several fractions, so --train-fraction has no meaning beside "
            "it; name them with --fractions.",
            "--train-fraction",
        )
    if arguments.record is not None:
        raise BadInput(
            "--record is for one experiment. Export those of the learning curve one by one with "
            "python -m core experiments export ID --output FOLDER.",
            "--record",
        )
    if arguments.fractions is None:
        return FRACTIONS
    return tuple(_number(text.strip(), "--fractions") for text in arguments.fractions.split(","))


def whole_number(text: str, field: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadInput(f"{field} is {text!r}; it must be a whole number.", field) from None


def _number(text: str, field: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"{field} is {text!r}; it must be a number.", field) from None


# A learning curve -----------------------------------------------------------------------------


def _print(curve: "LearningCurve") -> None:
    from core.analysis.learning_curve import headline_curves
    from core.analysis.words.several import describe_crossings

    print(f"{curve.dataset_name}: learning curve {curve.series}, {curve.test_images:,} test images")
    print()
    print_table(
        ["strategy", "training images", "fraction", "test accuracy", "95 % interval", "seeds"],
        [
            [
                entry.strategy,
                f"{point.train_images:,}",
                exact_percent_text(point.fraction),
                percent_text(point.mean),
                f"{percent_text(point.low)} to {percent_text(point.high)}",
                len(point.seeds),
            ]
            for entry in curve.curves
            for point in entry.points
        ],
    )
    pair = headline_curves(curve)
    if pair is not None:
        print()
        print(describe_crossings(*pair))


def _document(
    curve: "LearningCurve", experiments: list[str], dropped: tuple[str, ...]
) -> dict[str, Any]:
    """Fractions 0 to 1; a point for each strategy and fraction. ``share`` is the first edition's
    name of ``fraction``."""
    return {
        "series": curve.series,
        "dataset": curve.dataset_name,
        "test_images": curve.test_images,
        "majority_accuracy": curve.majority_accuracy,
        "experiments": experiments,
        "dropped": list(dropped),
        "points": [
            {"strategy": entry.strategy} | asdict(point) | {"share": point.fraction}
            for entry in curve.curves
            for point in entry.points
        ],
    }
