"""Evidence from answers that are written down by hand, for tests that look at single images."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.comparison.evidence import StrategyPredictions, ExperimentPredictions
from tests.made_up import DATASET_ID

# Answers of one strategy: what each seed said, how sure it was, what it gave the label.
Table = Sequence[Sequence[float]]


def answers(
    labels: Sequence[int],
    strategy: str,
    said: Sequence[Sequence[int]],
    confidence: Table | None = None,
    true_class_probability: Table | None = None,
) -> StrategyPredictions:
    """``said`` is (seeds, images). Sure of 0.5 and 0.25 for the label where nothing is given."""
    predicted = np.array(said, np.int32)
    right = predicted == np.array(labels)
    sure = np.full(predicted.shape, 0.5) if confidence is None else np.array(confidence)
    given = (
        np.where(right, sure, 0.25) if true_class_probability is None else true_class_probability
    )
    return StrategyPredictions(
        strategy=strategy,
        title=strategy.title(),
        seeds=tuple(range(len(predicted))),
        run_ids=tuple(f"run-{strategy}-{seed}" for seed in range(len(predicted))),
        predicted=predicted,
        right=right,
        true_class_probability=np.array(given, np.float32),
        confidence=sure.astype(np.float32),
        true_class_rank=np.where(right, 0, 1).astype(np.int32),
    )


def evidence(
    labels: Sequence[int],
    said: Mapping[str, Sequence[Sequence[int]]],
    classes: tuple[str, ...] = ("ant", "bee", "cat"),
    **tables: Mapping[str, Table],
) -> ExperimentPredictions:
    """Image number i is at position 10 + i of the dataset; class 0 is the commonest.

    ``tables`` may be ``confidence`` and ``true_class_probability``, each by strategy.
    """
    return ExperimentPredictions(
        experiment_id="abcd1234",
        dataset_id=DATASET_ID,
        dataset_name="insects",
        classes=classes,
        labels=np.array(labels, np.int32),
        test_indices=np.arange(10, 10 + len(labels), dtype=np.int64),
        majority_label=0,
        answers=tuple(
            answers(
                labels,
                strategy,
                rows,
                **{name: table[strategy] for name, table in tables.items() if strategy in table},
            )
            for strategy, rows in said.items()
        ),
        missing={},
    )
