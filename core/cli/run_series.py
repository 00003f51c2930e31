"""``run DATASET --learning-curve``: an experiment for each fraction, then where the lines cross."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.cli import EXIT_INTERRUPTED, stop_on_termination
from core.cli.datasets import BUNDLED
from core.cli.output import counter, print_json, print_table, say
from core.cli.run import parse_number, parse_overrides, planned_options
from core.errors import BadInput
from core.experiments.first_start import prepare_home
from core.experiments.learning_curve_plan import FRACTIONS, plan_learning_curve
from core.experiments.serving import run_to_end
from core.experiments.store import Store
from core.text import count_text, exact_percent_text, percent_text

if TYPE_CHECKING:
    from core.analysis.learning_curve import LearningCurve


def run_learning_curve(arguments: argparse.Namespace) -> int:
    from core.analysis.learning_curve import load_learning_curve

    fractions = _fractions(arguments)
    overrides = parse_overrides(arguments.overrides)
    store = prepare_home(counter(BUNDLED))
    plan = plan_learning_curve(
        arguments.dataset, fractions, **planned_options(arguments, overrides)
    )
    for sentence in plan.dropped:
        say(sentence)
    for name, reason in plan.specs[0].unavailable.items():
        say(f"{name} is left out: {reason}")
    experiments = []
    for spec in plan.specs:
        experiments.append(store.create_experiment(spec))
        runs = len(spec.strategies) * len(spec.seeds)
        say(
            f"experiment {experiments[-1]}: {exact_percent_text(spec.train_share)} of the training "
            f"images ({spec.images['train']:,}), {count_text(runs, 'run')}"
        )
    if not _serve_all(store, experiments):
        return EXIT_INTERRUPTED
    curve = load_learning_curve(store, plan.series)
    if arguments.json:
        print_json(_document(curve, experiments, plan.dropped))
    else:
        _print(curve)
    finished = all(run.state == "finished" for name in experiments for run in store.runs(name))
    return 0 if finished else 1


def _fractions(arguments: argparse.Namespace) -> tuple[float, ...]:
    if not arguments.learning_curve:
        raise BadInput("--fractions is of a learning curve: add --learning-curve.", "--fractions")
    if arguments.train_share is not None:
        raise BadInput(
            "--learning-curve runs several fractions, so --train-fraction has no meaning beside "
            "it; name them with --fractions.",
            "--train-fraction",
        )
    if arguments.record is not None:
        raise BadInput(
            "--record is of one experiment. Export those of the learning curve one by one with "
            "python -m core experiments export ID --output FOLDER.",
            "--record",
        )
    if arguments.fractions is None:
        return FRACTIONS
    return tuple(
        parse_number(fraction.strip(), "--fractions") for fraction in arguments.fractions.split(",")
    )


def _serve_all(store: Store, experiments: list[str]) -> bool:
    """Serve one after the other, the smallest first; False where the user stopped it."""
    stop_on_termination()
    try:
        for name in experiments:
            run_to_end(store, name, say)
    except KeyboardInterrupt:
        for name in experiments:
            store.request_cancel_experiment(name)
        say(
            "Stopped. To go on: python -m core runs list, then python -m core runs retry ID and "
            "python -m core worker"
        )
        return False
    return True


def _print(curve: "LearningCurve") -> None:
    from core.analysis.learning_curve import headline_curves
    from core.analysis.words.curve import describe_crossings

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
    """Fractions 0 to 1; one point a strategy and fraction, which is also there as ``share``, its
    name in the first edition."""
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
