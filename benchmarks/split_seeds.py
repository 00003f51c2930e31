"""Test accuracy of the probe and the CNN over several splits of themes16.

    python -m benchmarks.split_seeds [--strategies vgg16_probe,cnn] [--splits 5] [--output FILE]

Each split seed deals the images anew (default proportions, near duplicates together); the training
seed stays 0. What must be reached: the probe at least 0.66 on average at 224, and at least 0.20
above the CNN.
"""

import argparse
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.scratch import tell
from core.datasets.bundled import ensure_bundled_datasets
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.strategies.registry import find_strategy
from core.training.engine import train
from core.training.events import RunResult, TrainingOutcome
from core.training.spec import SplitProportions, TrainingSpec


def result_of(dataset: Dataset, strategy: str, image_size: int, split_seed: int) -> RunResult:
    spec = TrainingSpec(
        dataset_id=dataset.id,
        strategy=strategy,
        settings=find_strategy(strategy).resolve("quick"),
        image_size=image_size,
        split=SplitProportions(seed=split_seed),
    )
    *_, outcome = train(spec, dataset, spec.subsets_of(dataset))
    assert isinstance(outcome, TrainingOutcome)
    return outcome.result


def measure(
    dataset_name: str, strategies: list[str], image_size: int, splits: int
) -> dict[str, Any]:
    ensure_bundled_datasets()
    dataset = open_dataset(dataset_name)
    accuracies: dict[str, list[float]] = {name: [] for name in strategies}
    for name in strategies:
        for split_seed in range(splits):
            result = result_of(dataset, name, image_size, split_seed)
            accuracies[name].append(round(result.scores.test.accuracy, 4))
            print(f"split {split_seed}, {name}: {accuracies[name][-1]:.4f}", flush=True)
    means = {name: round(statistics.fmean(values), 4) for name, values in accuracies.items()}
    return {
        "benchmark": f"test accuracy over split seeds 0 to {splits - 1} of {dataset_name}",
        "date": datetime.now(UTC).date().isoformat(),
        "image_size": image_size,
        "device": result.device,
        "precision": result.precision,
        "versions": result.versions,
        "test_accuracy": accuracies,
        "means": means,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dataset", default="themes16")
    parser.add_argument("--strategies", default="vgg16_probe,cnn")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    result = measure(
        options.dataset, options.strategies.split(","), options.image_size, options.splits
    )
    tell(result, options.output)


if __name__ == "__main__":
    main()
