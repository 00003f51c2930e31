"""Which epoch's weights to keep: the test accuracy of what different rules choose.

    python -m benchmarks.best_epoch --datasets themes16,digits --output FILE

Each strategy is trained as usual; after each epoch of its main stage the test images are scored as
well, which a run never does. A rule sees validation alone: ``kept`` is the latest within one
standard error of the highest accuracy, ``accuracy`` the highest (ties by loss). Trainings that the
file has are not made again.
"""

import argparse
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scratch import tell
from core.conditions import look_at_machine
from core.datasets.storage import open_dataset
from core.strategies.registry import find_strategy
from core.training.clock import MONOTONIC
from core.training.engine import _Training, dtype_policy
from core.training.events import EpochRecord
from core.training.scoring import predict
from core.training.spec import TrainingSpec

STRATEGIES = (
    "efficientnet_lite0_probe,squeezenet_probe,vgg16_probe,"
    "efficientnet_lite0_dense,squeezenet_dense,vgg16_features,"
    "mlp,cnn,squeezenet_finetune,efficientnet_lite0_freeze"
)
SEEDS = (0, 1, 2)
SIZES = {"digits": 64}
Epoch = dict[str, Any]


def _kept(epochs: list[Epoch], images: int) -> Epoch:
    """What training keeps: see ``core.training.fitting``."""
    highest = max(epoch["validation_accuracy"] for epoch in epochs)
    least = highest - math.sqrt(highest * (1 - highest) / images)
    return [epoch for epoch in epochs if epoch["validation_accuracy"] >= least][-1]


def _highest(epochs: list[Epoch], _images: int) -> Epoch:
    return max(epochs, key=lambda one: (one["validation_accuracy"], -one["validation_loss"]))


RULES: dict[str, Callable[[list[Epoch], int], Epoch]] = {
    "kept": _kept,
    "accuracy": _highest,
    "loss": lambda epochs, _images: min(epochs, key=lambda one: one["validation_loss"]),
    "last": lambda epochs, _images: epochs[-1],
}


def epochs_of(spec: TrainingSpec) -> dict[str, Any]:
    """Validation and test accuracy after each epoch of the main stage."""
    dataset = open_dataset(spec.dataset_id)
    split = spec.subsets_of(dataset)
    training = _Training(spec, dataset, split, lambda: False, MONOTONIC, look_at_machine)
    found = []
    for _ in training._prepare():
        pass
    with dtype_policy(training.policy.precision):
        plan, fitting = _end_of(training._plan())
        for stage in plan.stages:
            inputs = _end_of(training._inputs(stage))
            for event in fitting.fit(stage, training._data(stage, inputs)):
                if isinstance(event, EpochRecord) and stage is plan.stages[-1]:
                    probabilities = predict(stage, inputs, split.test, lambda: None)
                    right = probabilities.argmax(axis=1) == dataset.labels[split.test]
                    found.append(
                        {
                            "epoch": event.epoch,
                            "validation_accuracy": event.validation_accuracy,
                            "validation_loss": event.validation_loss,
                            "test_accuracy": float(np.mean(right)),
                        }
                    )
    return {"validation_images": len(split.validation), "epochs": found}


def _end_of(generator: Any) -> Any:
    """What a generator returns, its progress thrown away."""
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean test accuracy by strategy and rule, and of all."""
    by_strategy: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for name, rule in RULES.items():
            chosen = rule(row["epochs"], row["validation_images"])["test_accuracy"]
            for key in (f"{row['dataset']}, {row['strategy']}", "all"):
                by_strategy[key][name].append(chosen)
    return {
        key: {name: round(statistics.fmean(values), 4) for name, values in rules.items()}
        for key, rules in by_strategy.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--datasets", default="themes16,digits", help="names in HEADSTART_HOME")
    parser.add_argument("--strategies", default=STRATEGIES)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    rows = json.loads(options.output.read_text())["trainings"] if options.output.exists() else []
    done = {(row["dataset"], row["strategy"], row["seed"]) for row in rows}
    for strategy in options.strategies.split(","):
        for dataset in options.datasets.split(","):
            for seed in SEEDS:
                if (dataset, strategy, seed) in done:
                    continue
                spec = TrainingSpec(
                    dataset_id=open_dataset(dataset).id,
                    strategy=strategy,
                    settings=find_strategy(strategy).resolve("quick"),
                    seed=seed,
                    image_size=SIZES.get(dataset, 96),
                )
                row = {"dataset": dataset, "strategy": strategy, "seed": seed}
                rows.append(row | epochs_of(spec))
                print(row, summary(rows[-1:])["all"], flush=True)
                result = {
                    "benchmark": "test accuracy of the epoch that a rule chooses by validation",
                    "date": datetime.now(UTC).date().isoformat(),
                    "summary": summary(rows),
                    "trainings": rows,
                }
                options.output.write_text(json.dumps(result) + "\n", encoding="utf-8")
    tell(summary(rows), None)


if __name__ == "__main__":
    main()
