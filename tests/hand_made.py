"""Evidence from answers that are written down by hand, for tests that look at single images."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from tests.made_up import DATASET_ID

# Answers of one strategy: what each seed said, how sure it was, what it gave the label.
Table = Sequence[Sequence[float]]


def answers(
    labels: Sequence[int],
    strategy: str,
    predicted: Sequence[Sequence[int]],
    confidence: Table | None = None,
    true_class_probability: Table | None = None,
) -> StrategyPredictions:
    """``predicted`` is (seeds, images). Confidence 0.5, label 0.25 where nothing is given."""
    table = np.array(predicted, np.int32)
    right = np.equal(table, labels)
    sure = np.full(table.shape, 0.5) if confidence is None else np.array(confidence)
    given = (
        np.where(right, sure, 0.25) if true_class_probability is None else true_class_probability
    )
    return StrategyPredictions(
        strategy=strategy,
        title=strategy.title(),
        seeds=tuple(range(len(table))),
        run_ids=tuple(f"run-{strategy}-{seed}" for seed in range(len(table))),
        predicted=table,
        correct=right,
        true_class_probability=np.array(given, np.float32),
        confidence=sure.astype(np.float32),
        true_class_rank=np.where(right, 0, 1).astype(np.int32),
    )


def evidence(
    labels: Sequence[int],
    predicted: Mapping[str, Sequence[Sequence[int]]],
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
            for strategy, rows in predicted.items()
        ),
        missing={},
    )
