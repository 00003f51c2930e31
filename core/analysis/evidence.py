"""The predictions of every finished run of an experiment for every test image, in memory.

Everything that is compared image by image (intervals, paired tests, disagreements, confusion
matrices) starts from an ``ExperimentPredictions``. Shapes: S seeds, N test images in the order of
the split, C classes.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from core.analysis.comparison import title_of
from core.analysis.significance import PairedTest, paired_test, resampled_accuracies
from core.errors import StoreError, UnknownName
from core.experiments.records import ExperimentSpec, RunRecord
from core.experiments.run_files import read_predictions
from core.experiments.store import Store
from core.experiments.used_backbones import saw_test_images
from core.strategies.registry import STRATEGIES
from core.training.events import Predictions

# Cannot clash with a strategy name, which is an identifier.
BASELINE = "(always the commonest class)"


@dataclass(frozen=True, eq=False)
class StrategyPredictions:
    """The predictions of one strategy, one row a seed, seeds rising.

    ``predicted`` int32 ``(S, N)``: the most probable class; ties go to the first.
    ``correct`` bool ``(S, N)``.
    ``true_class_probability`` float32 ``(S, N)``, 0 to 1.
    ``confidence`` float32 ``(S, N)``, 0 to 1: the probability of the predicted class.
    ``true_class_rank`` int32 ``(S, N)``: number of classes before the true one; 0 if correct.
    """

    strategy: str
    title: str
    seeds: tuple[int, ...]
    run_ids: tuple[str, ...]
    predicted: np.ndarray
    correct: np.ndarray
    true_class_probability: np.ndarray
    confidence: np.ndarray
    true_class_rank: np.ndarray

    @property
    def accuracy(self) -> float:
        """Mean over seeds of the fraction of images that are predicted correctly."""
        return float(self.correct.mean())

    def probabilities(self) -> np.ndarray:
        """float32 ``(S, N, C)``: the probability of every class by each run.

        Read from the files at each call, since it is C times as large as all the rest;
        ``StoreError`` where a file is gone.
        """
        return np.stack([read_predictions(run_id).probabilities for run_id in self.run_ids])

    def row_of(self, seed: int) -> int:
        """The row of a seed in the arrays; ``UnknownName`` lists the seeds that there are."""
        if seed not in self.seeds:
            raise UnknownName("seed", str(seed), [str(known) for known in self.seeds])
        return self.seeds.index(seed)

    def of_seed(self, seed: int) -> "StrategyPredictions":
        """The same strategy with one of its seeds alone."""
        row = slice(self.row_of(seed), self.row_of(seed) + 1)
        by_seed = set(self.__dataclass_fields__) - {"strategy", "title"}
        return replace(self, **{name: getattr(self, name)[row] for name in by_seed})


@dataclass(frozen=True, eq=False)
class ExperimentPredictions:
    """All predictions of one experiment for the same test images.

    ``labels`` int32 ``(N,)``, ``test_indices`` int64 ``(N,)`` (positions in the dataset).
    ``majority_label`` is the position in ``classes`` of the commonest class of the *training*
    images. ``answers`` are in the order of the ladder and empty where nothing could be read, as are
    the arrays then; ``missing`` has the reason for each finished run that is left out.
    ``saw_test_images``: strategies on a backbone of one's own that has seen some of the test
    images, or may have.
    """

    experiment_id: str
    dataset_id: str
    dataset_name: str
    classes: tuple[str, ...]
    labels: np.ndarray
    test_indices: np.ndarray
    majority_label: int
    answers: tuple[StrategyPredictions, ...]
    missing: dict[str, str]
    saw_test_images: frozenset[str] = frozenset()

    @property
    def images(self) -> int:
        return len(self.labels)

    @property
    def majority_name(self) -> str:
        return self.classes[self.majority_label]

    @property
    def majority_title(self) -> str:
        """The title of the baseline beside those of strategies: ``Always “ant”``."""
        return f"Always “{self.majority_name}”"

    @property
    def majority_correct(self) -> np.ndarray:
        """``correct`` of always predicting the commonest training class, bool ``(1, N)``."""
        return (self.labels == self.majority_label)[np.newaxis]

    @property
    def majority_accuracy(self) -> float:
        """Fraction of the test images that are of the commonest training class."""
        return float(self.majority_correct.mean()) if self.images else 0.0

    @cached_property
    def resampled(self) -> dict[str, np.ndarray]:
        """Mean accuracy of each strategy in each bootstrap sample, float64 ``(resamples,)``.

        Images and seeds are drawn anew, the same images for all strategies. ``BASELINE`` is the key
        of always predicting the commonest class. Computed once, when it is first asked for.
        """
        if not self.images:
            return {}
        rights = [self.majority_correct, *(answers.correct for answers in self.answers)]
        names = [BASELINE, *(answers.strategy for answers in self.answers)]
        return dict(zip(names, resampled_accuracies(rights), strict=True))

    def drawn_differences(self, first: str, second: str) -> np.ndarray:
        """Accuracy of ``second`` minus that of ``first`` in each bootstrap sample."""
        return self.resampled[second] - self.resampled[first]

    @cached_property
    def pair_tests(self) -> dict[tuple[str, str], PairedTest]:
        """The exact test of every pair of strategies, first and second in ladder order.

        p values are not yet adjusted for their number. Computed once.
        """
        return {
            (first.strategy, second.strategy): paired_test(first.correct, second.correct)
            for first, second in combinations(self.answers, 2)
        }

    @cached_property
    def ranked(self) -> tuple[StrategyPredictions, ...]:
        """Best accuracy first; ties go to the earlier in the order of the ladder."""
        return tuple(sorted(self.answers, key=lambda answers: -answers.accuracy))

    @property
    def best(self) -> StrategyPredictions | None:
        """The most accurate strategy of ``fair``; None without predictions."""
        return next(iter(self.fair.ranked), None)

    @cached_property
    def fair(self) -> "ExperimentPredictions":
        """The same without strategies that have seen test images: what is said to be best is one of
        these. All of them where no other is left."""
        names = {answers.strategy for answers in self.answers}
        kept = names - self.saw_test_images
        return self.only(kept) if kept and kept != names else self

    def only(self, strategies: Collection[str]) -> "ExperimentPredictions":
        """The same with some of the strategies: what is tested together is then theirs alone."""
        kept = tuple(answers for answers in self.answers if answers.strategy in strategies)
        return replace(self, answers=kept)

    def of(self, strategy: str) -> StrategyPredictions:
        """The predictions of one strategy, or ``UnknownName`` listing those that have any."""
        known = {answers.strategy: answers for answers in self.answers}
        if strategy not in known:
            raise UnknownName("strategy", strategy, list(known))
        return known[strategy]


def load_evidence(store: Store, experiment_id: str) -> ExperimentPredictions:
    """Read the predictions of all finished runs; what cannot be read goes to ``missing``.

    Raises ``UnknownName`` for an experiment that is not in the store.
    """
    spec = store.experiment(experiment_id).spec
    read: list[tuple[RunRecord, Predictions]] = []
    missing: dict[str, str] = {}
    for run in store.runs(experiment_id, ["finished"]):
        try:
            predictions = read_predictions(run.id)
            _refuse_misfit(run.id, predictions, spec, read[0][1] if read else None)
        except StoreError as error:
            missing[run.id] = str(error)
        else:
            read.append((run, predictions))
    labels = read[0][1].labels.astype(np.int32) if read else np.zeros(0, np.int32)
    indices = read[0][1].test_indices.astype(np.int64) if read else np.zeros(0, np.int64)
    return ExperimentPredictions(
        experiment_id=experiment_id,
        dataset_id=spec.dataset_id,
        dataset_name=spec.dataset_name,
        classes=spec.classes,
        labels=labels,
        test_indices=indices,
        majority_label=_majority_label(spec, labels),
        answers=tuple(
            _answers([entry for entry in read if entry[0].strategy == strategy], labels)
            for strategy in ladder_order(run.strategy for run, _ in read)
        ),
        missing=missing,
        saw_test_images=frozenset(
            run.strategy for run, _ in read if saw_test_images(run.strategy, spec)
        ),
    )


def _refuse_misfit(
    run_id: str, predictions: Predictions, spec: ExperimentSpec, others: Predictions | None
) -> None:
    """Raise ``StoreError`` where a file is whole, but not of this experiment's test images."""
    labels, probabilities = predictions.labels, predictions.probabilities
    wanted = (len(labels), len(spec.classes))
    reason = None
    if probabilities.shape != wanted or predictions.test_indices.shape != labels.shape:
        reason = f"they have the shape {probabilities.shape} and not {wanted}"
    elif len(labels) == 0:
        reason = "they hold no images"
    elif labels.min() < 0 or labels.max() >= len(spec.classes):
        reason = "they name classes that the experiment does not have"
    elif not np.isfinite(probabilities).all():
        reason = "they hold values that are not numbers"
    elif others is not None and not (
        np.array_equal(predictions.test_indices, others.test_indices)
        and np.array_equal(labels, others.labels)
    ):
        reason = "they are for other test images than those of the other runs"
    if reason is not None:
        raise StoreError(
            f"The predictions of run {run_id} do not fit: {reason}. Start the run again."
        )


def _majority_label(spec: ExperimentSpec, labels: np.ndarray) -> int:
    """By name; an old experiment without it gets the commonest class of its test images.

    The split is stratified, so the two are the same unless classes are almost equally common.
    """
    if spec.majority_class in spec.classes:
        return spec.classes.index(spec.majority_class)
    return int(np.bincount(labels).argmax()) if len(labels) else 0


def ladder_order(strategies: Iterable[str]) -> list[str]:
    """Each name once, in the registry's order; those that it no longer has come last, by name."""
    ladder = list(STRATEGIES)
    return sorted(
        set(strategies),
        key=lambda name: (ladder.index(name) if name in STRATEGIES else len(ladder), name),
    )


def _answers(
    read: Sequence[tuple[RunRecord, Predictions]], labels: np.ndarray
) -> StrategyPredictions:
    read = sorted(read, key=lambda entry: entry[0].seed)
    strategy = read[0][0].strategy
    images = np.arange(len(labels))
    by_seed = []
    for _, predictions in read:
        probabilities = predictions.probabilities
        chosen, given = probabilities.argmax(axis=1), probabilities[images, labels]
        rank = _rank(probabilities, labels, given)
        by_seed.append((chosen, probabilities[images, chosen], given, rank))
    predicted, confidence, true_class, ranks = zip(*by_seed, strict=True)
    return StrategyPredictions(
        strategy=strategy,
        title=title_of(strategy),
        seeds=tuple(run.seed for run, _ in read),
        run_ids=tuple(run.id for run, _ in read),
        predicted=np.array(predicted, np.int32),
        correct=np.array(predicted, np.int32) == labels,
        true_class_probability=np.array(true_class, np.float32),
        confidence=np.array(confidence, np.float32),
        true_class_rank=np.array(ranks, np.int32),
    )


def _rank(probabilities: np.ndarray, labels: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Classes that are more probable than the label, or as probable and before it: ``(N,)``."""
    rank = (probabilities > given[:, np.newaxis]).sum(axis=1)
    equal = probabilities == given[:, np.newaxis]
    # Rows where the label shares its probability are few, unless the answer is always the same.
    shared = np.flatnonzero(equal.sum(axis=1) > 1)
    before = np.arange(probabilities.shape[1]) < labels[shared, np.newaxis]
    rank[shared] += (equal[shared] & before).sum(axis=1)
    return rank
