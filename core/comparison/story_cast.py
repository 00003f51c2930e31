"""Who appears in the story of an experiment, and which other experiment it is held against.

The story climbs from the commonest class over a network on raw pixels (``mlp``) and one that
learns its own filters (``cnn``) to one that starts from what other pictures taught it (``lead``),
which is held against the best that started from nothing (``rival``).
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.comparison.choice import MAJORITY, needs_pretrained
from core.comparison.evidence import ExperimentPredictions
from core.comparison.metrics import wilson_interval
from core.comparison.model import Comparison, Row
from core.comparison.verdicts import MajorityVerdict, PairVerdict, against_majority, pair_verdict
from core.runs.records import ExperimentRecord, RunRecord

PIXELS, FILTERS, PROBE = "mlp", "cnn", "vgg16_probe"


@dataclass(frozen=True)
class Bar:
    """One bar of the chart that grows from scene to scene; fractions are 0 to 1.

    ``low`` and ``high``: 95 % Wilson interval; None where the number of images is not known.
    """

    strategy: str
    label: str
    accuracy: float
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class Told:
    """The experiment that is told about.

    ``load_evidence`` is called when a sentence first needs to know whether a difference is real.
    What was not kept (results without predictions) is simply not in it.
    """

    comparison: Comparison
    load_evidence: Callable[[], ExperimentPredictions]

    @cached_property
    def evidence(self) -> ExperimentPredictions:
        return self.load_evidence()

    @property
    def name(self) -> str:
        return self.comparison.dataset

    @property
    def test_images(self) -> int:
        return self.comparison.images.get("test", 0)

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The strategies that have a result, by name, in the order of their runs."""
        return {row.strategy: row for row in self.comparison.finished_rows}

    @property
    def has_baseline(self) -> bool:
        known = self.comparison
        return known.majority_class is not None and known.majority_accuracy is not None

    @cached_property
    def rival(self) -> Row | None:
        """The most accurate of those that started from nothing; of equals the first."""
        return _most_accurate(row for row in self._trained if not needs_pretrained(row.strategy))

    @cached_property
    def best_pretrained(self) -> Row | None:
        return _most_accurate(row for row in self._trained if needs_pretrained(row.strategy))

    @cached_property
    def lead(self) -> Row | None:
        """The pre-trained one that the story is about.

        The probe, as the simplest use of a head start; another only where it is really better
        or where the probe has no result. So the highest of several numbers that differ by luck
        is not picked for being the highest.
        """
        probe, best = self.rows.get(PROBE), self.best_pretrained
        if probe is None or best is None or best is probe:
            return best
        verdict = self.verdict(best.strategy, over=PROBE)
        return best if verdict is not None and verdict.told_apart else probe

    @property
    def gain(self) -> float | None:
        """Accuracy of ``lead`` minus that of ``rival``; None where one of them is missing."""
        if self.lead is None or self.rival is None:
            return None
        return accuracy_of(self.lead) - accuracy_of(self.rival)

    def verdict(self, strategy: str, over: str) -> PairVerdict | None:
        """Whether ``strategy`` differs from ``over``; None where that was not kept."""
        answered = {answers.strategy for answers in self.evidence.answers}
        if not {strategy, over} <= answered:
            return None
        return pair_verdict(self.evidence, over, strategy)

    def verdict_on_majority(self, strategy: str) -> MajorityVerdict | None:
        """Whether it beats always saying the commonest class; None where that was not kept."""
        if strategy not in {answers.strategy for answers in self.evidence.answers}:
            return None
        return against_majority(self.evidence, strategy)

    def learned_nothing(self, strategy: str) -> bool:
        """Whether every seed says the commonest class for every test image."""
        for answers in self.evidence.answers:
            if answers.strategy == strategy:
                return bool((answers.predicted == self.evidence.majority_label).all())
        return False

    @cached_property
    def bars(self) -> tuple[Bar, ...]:
        """All bars of the story from the lowest rung up, those of the last scene included."""
        shown = [self.rows.get(PIXELS), self.rows.get(FILTERS)]
        if self.lead is not None:
            if self.rival not in shown:
                shown.append(self.rival)
            if self.lead.strategy != PROBE:
                shown.append(self.rows.get(PROBE))
            shown.append(self.lead)
        return self.baseline_bars + tuple(bar_of(row) for row in shown if row is not None)

    @property
    def baseline_bars(self) -> tuple[Bar, ...]:
        """The bar of always saying the commonest class; none where its share is not known."""
        share = self.comparison.majority_accuracy
        if not self.has_baseline or share is None:
            return ()
        low, high = None, None
        if self.test_images:
            low, high = wilson_interval(round(share * self.test_images), self.test_images)
        return (Bar(MAJORITY, f"Always “{self.comparison.majority_class}”", share, low, high),)

    @property
    def _trained(self) -> list[Row]:
        return [row for row in self.rows.values() if row.strategy != MAJORITY]


def bar_of(row: Row) -> Bar:
    return Bar(
        row.strategy,
        row.title,
        accuracy_of(row),
        row.test_accuracy_low,
        row.test_accuracy_high,
    )


def accuracy_of(row: Row) -> float:
    """The mean test accuracy of a row that has one."""
    if row.test_accuracy is None:
        raise ValueError(f"{row.strategy} has no result yet")
    return row.test_accuracy


def stored_gains(runs: Iterable[RunRecord]) -> dict[str, float]:
    """By experiment: the best pre-trained accuracy minus the best from nothing.

    From the scores that every run keeps, without reading predictions. Experiments that lack
    either are left out; the order is that in which they first appear among ``runs``.
    """
    scores: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        score = (run.result or {}).get("scores", {}).get("test")
        if run.state == "finished" and score is not None and run.strategy != MAJORITY:
            strategies = scores.setdefault(run.experiment_id, {})
            strategies.setdefault(run.strategy, []).append(float(score["accuracy"]))
    gains = {}
    for experiment_id, strategies in scores.items():
        means = {name: statistics.fmean(values) for name, values in strategies.items()}
        pretrained = [mean for name, mean in means.items() if needs_pretrained(name)]
        scratch = [mean for name, mean in means.items() if not needs_pretrained(name)]
        if pretrained and scratch:
            gains[experiment_id] = max(pretrained) - max(scratch)
    return gains


def headline_experiment(
    experiments: Sequence[ExperimentRecord], gains: Mapping[str, float]
) -> ExperimentRecord:
    """What is told to who asked for nothing: the recorded result with the largest gain.

    Without any recorded, the first of ``experiments``, which are not none, that is no part of a
    learning curve (those were trained on a few of the images), else the first.
    """
    recorded = [entry for entry in experiments if entry.recorded and entry.id in gains]
    whole = next((entry for entry in experiments if not entry.spec.series), experiments[0])
    return max(recorded, key=lambda entry: gains[entry.id], default=whole)


def other_experiment(gains: Mapping[str, float], own: float | None) -> str | None:
    """Which experiment shows the other side: the smallest gain of ``gains``.

    Where the own gain is the smallest of all it is turned round: the largest. None without any.
    """
    if not gains:
        return None
    smallest = min(gains, key=lambda name: gains[name])
    if own is not None and own <= gains[smallest]:
        return max(gains, key=lambda name: gains[name])
    return smallest


def _most_accurate(rows: Iterable[Row]) -> Row | None:
    return max(rows, key=accuracy_of, default=None)
