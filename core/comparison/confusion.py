"""Which class was taken for which, and the pictures behind each cell of that table."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.text import percent_text
from core.comparison.consensus import row_of_seed
from core.comparison.evidence import ExperimentPredictions
from core.errors import UnknownName

# So many kinds of mistake are named in words.
MISTAKES_NAMED = 3


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for each: row the label, column what the strategy said.

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
    def shares(self) -> np.ndarray:
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
        """Positions of the ``count`` classes with most mistakes, made or suffered, in class order.

        Of classes with as many mistakes the earlier come first.
        """
        mistakes = self.wrong.sum(axis=0) + self.wrong.sum(axis=1)
        return sorted(int(place) for place in np.argsort(-mistakes, kind="stable")[:count])


@dataclass(frozen=True)
class CellImages:
    """The pictures behind one cell, most certain first.

    ``positions`` int64 ``(n,)`` are places in the dataset; ``seeds`` int64 ``(n,)`` says how many
    of ``seed_count`` seeds put the picture there, ``confidence`` float64 ``(n,)`` the mean
    probability (0 to 1) that these gave to the class they said.
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
    predicted = answers.predicted if seed is None else answers.predicted[row_of_seed(answers, seed)]
    predicted = np.atleast_2d(predicted)
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
    """The test images of class ``true`` that the strategy took for ``predicted``.

    Classes are positions in ``evidence.classes``. With ``seed`` None these are the images that any
    seed put there: those that most seeds put there come first, then by sureness. ``UnknownName``
    for a strategy, seed or class that is not there.
    """
    answers = evidence.of(strategy)
    for place in (true, predicted):
        if not 0 <= place < len(evidence.classes):
            raise UnknownName("class", str(place), evidence.classes)
    rows = slice(None) if seed is None else [row_of_seed(answers, seed)]
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


def confusion_words(matrix: Confusion) -> str:
    """The matrix in two sentences: how much is right, and what is confused most often."""
    images, right = matrix.counts.sum(), matrix.counts.trace()
    seeds = f", on average over {matrix.seed_count} seeds" if matrix.seed_count > 1 else ""
    first = (
        f"{matrix.title}: {number_text(right)} of {number_text(images)} test images were named "
        f"rightly ({percent_text(right / images)}){seeds}."
    )
    wrong = matrix.wrong
    worst = np.argsort(-wrong.ravel(), kind="stable")[:MISTAKES_NAMED]
    listed = [
        f"{matrix.classes[true]} taken for {matrix.classes[said]} "
        f"({number_text(wrong[true, said])})"
        for true, said in (divmod(int(cell), len(matrix.classes)) for cell in worst)
        if wrong[true, said] > 0
    ]
    if not listed:
        return f"{first} Nothing was confused."
    return f"{first} Confused most often: {', '.join(listed)}."


def confusion_frame(matrix: Confusion) -> pd.DataFrame:
    """One line a class: its images, the share named rightly, and how often it was taken for each.

    The columns after ``label``, ``images`` and ``named rightly (%)`` are the classes in their
    order, each after "as".
    """
    shares = 100 * np.diagonal(matrix.shares)
    frame = pd.DataFrame(
        {
            "label": matrix.classes,
            "images": np.rint(matrix.images_of_label).astype(np.int64),
            "named rightly (%)": shares,
        }
    )
    said = [f"as {name}" for name in matrix.classes]
    return pd.concat([frame, pd.DataFrame(matrix.counts, columns=said)], axis=1)


def number_text(count: float) -> str:
    """Whole counts whole, means over seeds with one digit."""
    rounded = round(float(count), 6)  # thirds that add up to a whole number count as whole
    return f"{rounded:,.0f}" if rounded.is_integer() else f"{rounded:,.1f}"
