"""Learning rates, optimisers, batch sizes and epochs, tried on validation images of datasets.

    python -m benchmarks.tuning --datasets themes16,digits [--strategies a,b] [--changes JSON]
        --output FILE

Each strategy is trained with the values of the preset and with others, one change at a time, on the
same splits. A larger part of the images than usual is held out for validation (27 % in place of
7 %, taken from the test images: as many are trained on), because a choice by 94 images would be
luck. Test images are not looked at. Trials that the file has already are not made again.

Of each trial the best epoch counts, as training keeps it. ``choose`` gives, for each strategy, how
far a trial's validation accuracy lies below the best trial of the same dataset and split, on
average: the smallest distance is the choice.
"""

import argparse
import json
import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.errors import TrainingDiverged
from core.strategies.registry import find_strategy, names_with
from core.strategies.strategy import Mode
from core.training.engine import train
from core.training.events import TrainingOutcome
from core.training.spec import SplitProportions, TrainingSpec

BACKBONES = ("vgg16", "efficientnet_lite0", "squeezenet")
TEST_FRACTION = 0.10
VALIDATION_FRACTION = 0.27
HEAD_SPLITS, NETWORK_SPLITS = (0, 1, 2), (0,)
Values = dict[str, Any]

_HEAD: list[Values] = [{"learning_rate": 5e-3}, {"learning_rate": 1e-2}, {"batch_size": 32}]
_TRAINED: list[Values] = [
    {"learning_rate": 3e-3},
    {"learning_rate": 1e-2},
    {"optimizer": "adam", "learning_rate": 3e-5},
    {"optimizer": "adam", "learning_rate": 1e-4},
    {"optimizer": "adam", "learning_rate": 3e-4},
]
_SCRATCH: list[Values] = [{"learning_rate": 1e-4}, {"learning_rate": 3e-4}, {"batch_size": 16}]
TRIALS: dict[Mode, list[Values]] = {
    Mode.PROBE: _HEAD,
    Mode.DENSE: _HEAD,
    Mode.FREEZE: _TRAINED,
    Mode.FINETUNE: _TRAINED,
    Mode.SCRATCH: _SCRATCH,
}


def trials(strategy: str, preset: str, changes: list[Values] | None) -> list[Values]:
    """The changes to the preset that are tried, the preset itself first, none twice."""
    entry = find_strategy(strategy)
    usual = entry.resolve(preset)
    found: list[Values] = [{}]
    if changes is None:
        changes = TRIALS[entry.mode] if entry.mode else []
    for change in changes:
        different = {name: value for name, value in change.items() if usual[name] != value}
        if different not in found:
            found.append(different)
    return found


def splits_of(strategy: str) -> tuple[int, ...]:
    """More splits where a trial takes seconds."""
    mode = find_strategy(strategy).mode
    return HEAD_SPLITS if mode in (Mode.PROBE, Mode.DENSE) else NETWORK_SPLITS


def tried(dataset: Dataset, strategy: str, preset: str, change: Values, seed: int) -> Values:
    spec = TrainingSpec(
        dataset_id=dataset.id,
        strategy=strategy,
        settings=find_strategy(strategy).resolve(preset, change),
        split=SplitProportions(test=TEST_FRACTION, validation=VALIDATION_FRACTION, seed=seed),
    )
    row: Values = {"strategy": strategy, "change": change, "dataset": dataset.name, "split": seed}
    try:
        *_, outcome = train(spec, dataset, spec.subsets_of(dataset))
    except TrainingDiverged:
        return row | {"accuracy": 0.0, "diverged": True}
    assert isinstance(outcome, TrainingOutcome)
    result = outcome.result
    assert result.scores.validation
    return row | {
        "accuracy": round(result.scores.validation.accuracy, 4),
        "log_loss": round(result.scores.validation.log_loss, 4),
        "best_epoch": result.best_epoch,
        "epochs": result.epochs,
    }


def work(
    datasets: list[Dataset],
    strategies: list[str],
    preset: str,
    changes: list[Values] | None,
    rows: list[Values],
) -> Iterator[Values]:
    done = [(row["dataset"], row["strategy"], row["change"], row["split"]) for row in rows]
    for strategy in strategies:
        for dataset in datasets:
            for change in trials(strategy, preset, changes):
                for seed in splits_of(strategy):
                    if (dataset.name, strategy, change, seed) not in done:
                        yield tried(dataset, strategy, preset, change, seed)


def choose(rows: list[Values]) -> dict[str, list[Values]]:
    """For each strategy its trials with their mean loss against the best, the best trial first."""
    best: dict[tuple[Any, ...], float] = defaultdict(float)
    for row in rows:
        place = row["strategy"], row["dataset"], row["split"]
        best[place] = max(best[place], row["accuracy"])
    behind: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        place = row["strategy"], row["dataset"], row["split"]
        behind[row["strategy"]][json.dumps(row["change"])].append(best[place] - row["accuracy"])
    return {
        strategy: sorted(
            (
                {
                    "change": json.loads(change),
                    "behind_best": round(statistics.fmean(values), 4),
                    "worst": round(max(values), 4),
                    "trials": len(values),
                }
                for change, values in by_change.items()
            ),
            key=lambda row: row["behind_best"],
        )
        for strategy, by_change in behind.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--datasets", default="themes16,digits", help="names in HEADSTART_HOME")
    parser.add_argument("--strategies", help="names; default: those on three backbones")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--changes", type=json.loads, help="a list; default: those of the mode")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    datasets = [open_dataset(name) for name in options.datasets.split(",")]
    if options.strategies:
        strategies = options.strategies.split(",")
    else:
        found = [names_with(mode=mode, backbone=one) for mode in TRIALS for one in BACKBONES]
        strategies = [name for names in found for name in names]
    rows = json.loads(options.output.read_text())["trials"] if options.output.exists() else []
    for row in work(datasets, strategies, options.preset, options.changes, rows):
        print(json.dumps(row), flush=True)
        rows.append(row)
        result = {
            "benchmark": "validation accuracy of settings, changed one at a time",
            "date": datetime.now(UTC).date().isoformat(),
            "preset": options.preset,
            "images": {one.name: len(one.labels) for one in datasets},
            "choices": choose(rows),
            "trials": rows,
        }
        options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
