"""What augmentation is worth: test accuracy with and without it, the same split and seeds.

    python -m benchmarks.augmentation --datasets themes16,digits --output FILE

Varied images can be trained on for longer before a network knows them by heart, so each strategy
is trained for the preset's epochs and for three times as many. What is compared has the same
epochs; ``longer`` compares the best with augmentation at three times the epochs with the preset as
it is. Each pair is tested image by image over the seeds (``core.analysis.significance``). Accuracy
does not depend on what else the machine does. Trainings that the file has are not made again.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.scratch import tell
from core.analysis.significance import paired_test, percentile_interval, resampled_accuracies
from core.datasets.storage import open_dataset
from core.devices import processor_name
from core.strategies.registry import find_strategy
from core.training.engine import train
from core.training.events import TrainingOutcome
from core.training.policy import library_versions
from core.training.spec import TrainingSpec

STRATEGIES = "cnn,squeezenet_finetune,efficientnet_lite0_finetune"
SEEDS = (0, 1, 2)
LEVELS = ("off", "light", "strong")
LONGER = 3
# Below 64 pixels the digits are larger than they came.
SIZES = {"digits": 64}
Key = tuple[str, str, str, int]
"""Dataset, strategy, level, times the preset's epochs."""


def trained(key: Key, seed: int) -> dict[str, Any]:
    name, strategy, level, times = key
    dataset, entry = open_dataset(name), find_strategy(strategy)
    usual = entry.resolve("quick")
    change = {"augment": level, "epochs": times * usual["epochs"]}
    spec = TrainingSpec(
        dataset_id=dataset.id,
        strategy=strategy,
        settings=entry.resolve("quick", change),
        seed=seed,
        image_size=SIZES.get(name, 96),
    )
    *_, outcome = train(spec, dataset, spec.subsets_of(dataset))
    assert isinstance(outcome, TrainingOutcome)
    predictions = outcome.predictions
    correct = predictions.probabilities.argmax(axis=1) == predictions.labels
    return {
        "key": list(key),
        "seed": seed,
        "accuracy": round(float(correct.mean()), 4),
        "best_epoch": outcome.result.best_epoch,
        "epochs": outcome.result.epochs,
        "correct": "".join("01"[int(each)] for each in correct),
    }


def compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each pair of which all seeds are there."""
    found: dict[Key, dict[int, np.ndarray]] = {}
    for row in rows:
        correct = np.array([mark == "1" for mark in row["correct"]])
        found.setdefault(tuple(row["key"]), {})[row["seed"]] = correct
    whole = {
        key: np.stack([of_seed[seed] for seed in SEEDS])
        for key, of_seed in found.items()
        if set(of_seed) >= set(SEEDS)
    }
    pairs = []
    for key in whole:
        dataset, strategy, level, times = key
        if level == "off":
            continue
        for before in ((dataset, strategy, "off", times), (dataset, strategy, "off", 1)):
            if before in whole and (before, key) not in pairs:
                pairs.append((before, key))
    return [_pair(before, after, whole[before], whole[after]) for before, after in pairs]


def _pair(before: Key, after: Key, first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    test = paired_test(first, second)
    one, other = resampled_accuracies([first, second])
    low, high = percentile_interval(other - one)
    return {
        "without": list(before),
        "with": list(after),
        "accuracies": [round(float(each.mean()), 4) for each in (first, second)],
        "difference": round(test.difference, 4),
        "interval": [round(low, 4), round(high, 4)],
        "p_value": round(test.p_value, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--datasets", default="themes16,digits", help="names in HEADSTART_HOME")
    parser.add_argument("--strategies", default=STRATEGIES)
    parser.add_argument("--longer", default="cnn,squeezenet_finetune", help="also for more epochs")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    rows = json.loads(options.output.read_text())["trainings"] if options.output.exists() else []
    longer = options.longer.split(",")
    wanted = [
        (dataset, strategy, level, times)
        for dataset in options.datasets.split(",")
        for strategy in options.strategies.split(",")
        for times in ((1, LONGER) if strategy in longer else (1,))
        for level in LEVELS
    ]
    done = {(*row["key"], row["seed"]) for row in rows}
    for key in wanted:
        for seed in SEEDS:
            if (*key, seed) in done:
                continue
            rows.append(trained(key, seed))
            print(rows[-1]["key"], seed, rows[-1]["accuracy"], flush=True)
            result = {
                "benchmark": "test accuracy with and without augmentation, preset quick",
                "date": datetime.now(UTC).date().isoformat(),
                "device": processor_name(),
                "versions": library_versions(),
                "compared": compared(rows),
                "trainings": rows,
            }
            options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    tell({"compared": compared(rows)}, None)


if __name__ == "__main__":
    main()
