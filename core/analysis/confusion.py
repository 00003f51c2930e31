"""The confusion matrix of a strategy, and the images behind each of its cells."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.analysis.evidence import ExperimentPredictions
from core.errors import UnknownName


@dataclass(frozen=True)
class Confusion:
    """Images by label (rows) and predicted class (columns).

    ``counts`` ``(C, C)``: int64 for one seed; with ``seed`` None float64, the mean over the
    ``seed_count`` seeds.
    """

    strategy: str
    title: str
    seed: int | None
    seed_count: int
    classes: tuple[str, ...]
    counts: np.ndarray

    @property
    def images_of_label(self) -> np.ndarray:
        """``(C,)``: test images of each class."""
        return self.counts.sum(axis=1)

    @property
    def fractions(self) -> np.ndarray:
        """float64 ``(C, C)``, 0 to 1: each row divided by its images; NaN for a class without."""
        images = self.images_of_label.astype(np.float64)[:, None]
        return np.divide(
            self.counts, images, out=np.full(self.counts.shape, np.nan), where=images > 0
        )

    @property
    def wrong(self) -> np.ndarray:
        """``counts`` with nothing on the diagonal: the mistakes alone."""
        counts = self.counts.copy()
        np.fill_diagonal(counts, 0)
        return counts

    def most_confused(self, count: int) -> list[int]:
        """Positions of the ``count`` classes in most mistakes, as label or prediction, rising.

        Ties go to the earlier class.
        """
        mistakes = self.wrong.sum(axis=0) + self.wrong.sum(axis=1)
        return sorted(int(place) for place in np.argsort(-mistakes, kind="stable")[:count])


@dataclass(frozen=True)
class CellImages:
    """The images behind one cell.

    ``positions`` int64 ``(n,)`` in the dataset; ``seeds`` int64 ``(n,)``: how many of
    ``seed_count`` seeds put the image there; ``confidence`` float64 ``(n,)``: their mean confidence
    (0 to 1) in the predicted class.
    """

    positions: np.ndarray
    seeds: np.ndarray
    seed_count: int
    confidence: np.ndarray


def confusion(evidence: ExperimentPredictions, strategy: str, seed: int | None = None) -> Confusion:
    """The confusion matrix of one seed, or with None the mean over all seeds of the strategy.

    ``UnknownName`` for a strategy or seed that is not there.
    """
    answers = evidence.of(strategy)
    predicted = answers.predicted if seed is None else answers.predicted[[answers.row_of(seed)]]
    size = len(evidence.classes)
    cells = evidence.labels.astype(np.int64) * size + predicted
    counts = np.bincount(cells.ravel(), minlength=size * size).reshape(size, size)
    return Confusion(
        strategy=answers.strategy,
        title=answers.title,
        seed=seed,
        seed_count=len(predicted),
        classes=evidence.classes,
        counts=counts if seed is not None else counts / len(predicted),
    )


def cell_images(
    evidence: ExperimentPredictions, strategy: str, seed: int | None, true: int, predicted: int
) -> CellImages:
    """The test images of class ``true`` that the strategy predicts as ``predicted``.

    Classes are positions in ``evidence.classes``. With ``seed`` None these are the images that any
    seed put there, those of most seeds first, then the most confident. ``UnknownName`` for a
    strategy, seed or class that is not there.
    """
    answers = evidence.of(strategy)
    for place in (true, predicted):
        if not 0 <= place < len(evidence.classes):
            raise UnknownName("class", str(place), evidence.classes)
    rows = slice(None) if seed is None else [answers.row_of(seed)]
    there = (answers.predicted[rows] == predicted) & (evidence.labels == true)
    seeds = there.sum(axis=0)
    found = np.flatnonzero(seeds)
    given = (answers.confidence[rows][:, found] * there[:, found]).sum(axis=0, dtype=np.float64)
    confidence = given / seeds[found]
    order = np.lexsort((-confidence, -seeds[found]))
    return CellImages(
        positions=evidence.test_indices[found][order],
        seeds=seeds[found][order],
        seed_count=len(there),
        confidence=confidence[order],
    )


def confusion_frame(matrix: Confusion) -> pd.DataFrame:
    """One line a class: its images, how many are correct, and how often each class is predicted.

    The columns after ``label``, ``images`` and ``correct (%)`` are the classes in their
    order, each after "as".
    """
    frame = pd.DataFrame(matrix.counts, columns=[f"as {name}" for name in matrix.classes])
    frame.insert(0, "label", matrix.classes)
    frame.insert(1, "images", np.rint(matrix.images_of_label).astype(np.int64))
    frame.insert(2, "correct (%)", 100 * np.diagonal(matrix.fractions))
    return frame
