"""The story of one experiment: its facts, its scenes, and what each scene shows.

The story climbs from the commonest class over a network on raw pixels and one that learns its own
filters to one that was pre-trained on other images (``best_pretrained``), which is compared with
the best that was trained from scratch (``best_from_scratch``). Scenes whose strategies have no
result are left out. Every number comes from the experiment; ``core.analysis.words.story`` makes
the sentences.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from core.analysis import choice
from core.analysis.advice.grades import Quote
from core.analysis.choice import is_probe, needs_pretrained
from core.analysis.comparison import Comparison, Row
from core.analysis.evidence import ExperimentPredictions
from core.analysis.families import main_strategies
from core.analysis.significance import wilson_interval
from core.analysis.verdicts import (
    MajorityVerdict,
    Outcome,
    PairVerdict,
    against_majority,
    pair_verdict,
)
from core.experiments.records import ExperimentRecord, ExperimentSpec, RunRecord, finished_runs
from core.experiments.used_backbones import saw_test_images
from core.strategies.registry import MAJORITY, names_with
from core.strategies.strategy import Role

# The two strategies from scratch that have scenes of their own, named like them, also in links.
PIXELS = names_with(Role.FROM_SCRATCH, convolutional=False)[0]
FILTERS = names_with(Role.FROM_SCRATCH, convolutional=True)[0]
IMAGES, COMMONEST, HEAD_START = "pictures", "commonest", "head_start"
TIME, ELSEWHERE = "time", "elsewhere"


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


@dataclass(frozen=True)
class Montage:
    """Images of every class of a dataset."""

    dataset_id: str


@dataclass(frozen=True)
class Squares:
    """A hundred squares, ``fraction`` (0 to 1) of them marked: those that ``label`` gets right."""

    fraction: float
    label: str


@dataclass(frozen=True)
class Bars:
    """Bars from the top of a chart with room for ``places``, so that none moves when one is added.

    ``dataset`` is the name of the dataset.
    """

    dataset: str
    bars: tuple[Bar, ...]
    places: int


@dataclass(frozen=True)
class Times:
    """Accuracy against the time of a whole run, for the strategies of ``comparison``."""

    comparison: Comparison


Visual = Montage | Squares | Bars | Times


@dataclass(frozen=True, eq=False)
class StoryFacts:
    """The experiment that the story is about.

    ``load_evidence`` is called when a scene first asks whether a difference is real, ``load_quote``
    when one first asks what was forecast. Verdicts are None for strategies without predictions.
    """

    comparison: Comparison
    load_evidence: Callable[[], ExperimentPredictions]
    load_quote: Callable[[], Quote | None] = lambda: None

    @cached_property
    def evidence(self) -> ExperimentPredictions:
        return self.load_evidence()

    @cached_property
    def quote(self) -> Quote | None:
        """What was forecast before the experiment, and how good that was; None where nothing."""
        return self.load_quote()

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
    def has_pretrained(self) -> bool:
        """Known without the predictions that ``best_pretrained`` may need."""
        return any(needs_pretrained(name) for name in self._accuracies)

    @cached_property
    def best_from_scratch(self) -> Row | None:
        """The most accurate strategy trained from scratch; ties go to the first."""
        name = choice.best_from_scratch(self._accuracies)
        return None if name is None else self.rows[name]

    @cached_property
    def best_pretrained(self) -> Row | None:
        """The pre-trained one that the story is about: see ``choice.best_pretrained``."""
        name = choice.best_pretrained(self._accuracies, self._is_better)
        return None if name is None else self.rows[name]

    @property
    def headline(self) -> tuple[Row, Row] | None:
        """The best from scratch and the best pre-trained one; None where one is missing."""
        first, second = self.best_from_scratch, self.best_pretrained
        return None if first is None or second is None else (first, second)

    @property
    def headline_verdict(self) -> PairVerdict | None:
        if self.headline is None:
            return None
        first, second = self.headline
        return self.verdict(second.strategy, over=first.strategy)

    @property
    def gain(self) -> float | None:
        """What the pre-trained one adds in accuracy; None where one of the two is missing."""
        if self.headline is None:
            return None
        first, second = self.headline
        return accuracy_of(second) - accuracy_of(first)

    @property
    def gain_outcome(self) -> Outcome | None:
        """Whether the gain is real, also over other seeds; None where that is not known."""
        verdict = self.headline_verdict
        return None if verdict is None else verdict.settled_outcome

    def verdict(self, strategy: str, over: str) -> PairVerdict | None:
        """``strategy`` against ``over``."""
        if not {strategy, over} <= self._predicted:
            return None
        return pair_verdict(self.evidence, over, strategy)

    def verdict_on_majority(self, strategy: str) -> MajorityVerdict | None:
        """``strategy`` against always predicting the commonest class."""
        return against_majority(self.evidence, strategy) if strategy in self._predicted else None

    def before(self, strategy: str) -> Row | None:
        """What a network of the story is compared with, besides the commonest class."""
        if needs_pretrained(strategy):
            return self.best_from_scratch
        return self.rows.get(PIXELS) if strategy == FILTERS else None

    @property
    def timed_rows(self) -> list[Row]:
        """What was trained and knows how long a whole run took, the quickest first; without
        those whose time was disturbed, unless all were."""
        timed = [
            (row.end_to_end_seconds, row)
            for row in self.rows.values()
            if row.strategy != MAJORITY and row.end_to_end_seconds is not None
        ]
        quiet = [entry for entry in timed if "end_to_end_seconds" not in entry[1].disturbed]
        return [row for _, row in sorted(quiet or timed, key=lambda entry: entry[0])]

    @property
    def longest_pretrained(self) -> Row | None:
        """The pre-trained one whose whole run took longest."""
        return next(
            (row for row in reversed(self.timed_rows) if needs_pretrained(row.strategy)), None
        )

    @property
    def timed_comparison(self) -> Comparison:
        """The comparison with the main strategies (``families``), and the longest that is named."""
        names = list(self.rows)
        headline = None
        if self.headline is not None:
            headline = (self.headline[0].strategy, self.headline[1].strategy)
        shown = set(main_strategies(names, headline))
        if self.longest_pretrained is not None:
            shown.add(self.longest_pretrained.strategy)
        rows = tuple(row for row in self.comparison.rows if row.strategy in shown)
        return replace(self.comparison, rows=rows)

    @cached_property
    def bars(self) -> tuple[Bar, ...]:
        """All bars of the scenes on this experiment, from the commonest class up."""
        shown = [self.rows.get(PIXELS), self.rows.get(FILTERS)]
        if self.best_pretrained is not None:
            if self.best_from_scratch not in shown:
                shown.append(self.best_from_scratch)
            shown += [self._probe_beside(self.best_pretrained), self.best_pretrained]
        return self.baseline_bars + tuple(bar_of(row) for row in shown if row is not None)

    def _probe_beside(self, chosen: Row) -> Row | None:
        """The probe of the same backbone as ``chosen``; None where that is one itself."""
        if is_probe(chosen.strategy):
            return None
        backbone = choice.backbone_of(chosen.strategy)
        probes = [row for row in self.rows.values() if is_probe(row.strategy)]
        return next((row for row in probes if choice.backbone_of(row.strategy) is backbone), None)

    @property
    def backbones(self) -> tuple[str, ...]:
        """Titles of the pre-trained networks that have a result, in the order of their runs."""
        found = (choice.backbone_of(name) for name in self.rows if needs_pretrained(name))
        return tuple(dict.fromkeys(backbone.title for backbone in found if backbone))

    @property
    def baseline_bars(self) -> tuple[Bar, ...]:
        """The bar of always predicting the commonest class; none where it is not known."""
        name, fraction = self.comparison.majority_class, self.comparison.majority_accuracy
        if name is None or fraction is None:
            return ()
        low, high = None, None
        if self.test_images:
            low, high = wilson_interval(round(fraction * self.test_images), self.test_images)
        return (Bar(MAJORITY, f"Always “{name}”", fraction, low, high),)

    @property
    def _accuracies(self) -> dict[str, float]:
        """Of those that have not seen test images."""
        return {
            name: accuracy_of(row) for name, row in self.rows.items() if not row.saw_test_images
        }

    @property
    def _predicted(self) -> set[str]:
        return {answers.strategy for answers in self.evidence.answers}

    def _is_better(self, strategy: str, over: str) -> bool:
        verdict = self.verdict(strategy, over=over)
        return verdict is not None and verdict.told_apart


def scene_keys(facts: StoryFacts, other: StoryFacts | None) -> tuple[str, ...]:
    """The scenes that this experiment has results for, in their order.

    ``other`` is the experiment of the last scene: see ``other_experiments``.
    """
    elsewhere = other is not None and other.best_from_scratch and other.has_pretrained
    there = {
        IMAGES: True,
        COMMONEST: facts.baseline_bars,
        PIXELS: PIXELS in facts.rows,
        FILTERS: FILTERS in facts.rows,
        HEAD_START: facts.has_pretrained,
        TIME: len(facts.timed_rows) > 1,
        ELSEWHERE: elsewhere,
    }
    return tuple(key for key, is_there in there.items() if is_there)


def visual_of(key: str, facts: StoryFacts, other: StoryFacts | None) -> Visual:
    """What one of ``scene_keys`` shows; ``KeyError`` for any other, a programmer's error."""
    if key == IMAGES:
        return Montage(facts.comparison.dataset_id)
    if key == COMMONEST:
        (bar,) = facts.baseline_bars
        return Squares(bar.accuracy, bar.label)
    if key == TIME:
        return Times(facts.timed_comparison)
    if key == ELSEWHERE and other is not None and other.headline is not None:
        bars = (*other.baseline_bars, *map(bar_of, other.headline))
        return Bars(other.name, bars, max(len(bars), len(facts.bars)))
    strategy = strategy_of(key, facts)
    last = [bar.strategy for bar in facts.bars].index(strategy) + 1
    return Bars(facts.name, facts.bars[:last], len(facts.bars))


def strategy_of(key: str, facts: StoryFacts) -> str:
    """The strategy that a scene is about; ``KeyError`` for a scene that is about none."""
    if key in (PIXELS, FILTERS):
        return key
    if key != HEAD_START or facts.best_pretrained is None:
        raise KeyError(key)
    return facts.best_pretrained.strategy


def bar_of(row: Row) -> Bar:
    low, high = row.test_accuracy_low, row.test_accuracy_high
    return Bar(row.strategy, row.title, accuracy_of(row), low, high)


def accuracy_of(row: Row) -> float:
    """The mean test accuracy of a row that has one."""
    if row.test_accuracy is None:
        raise ValueError(f"{row.strategy} has no result yet")
    return row.test_accuracy


def stored_gains(
    runs: Iterable[RunRecord], specs: Mapping[str, ExperimentSpec]
) -> dict[str, float]:
    """By experiment: the best pre-trained accuracy minus the best from scratch.

    From the scores of the runs, without reading predictions; those that have seen test images are
    left out. ``specs`` are those of the experiments, by id. Experiments that lack either are left
    out; the order is that in which they first appear among ``runs``.
    """
    scores: dict[str, dict[str, list[float]]] = {}
    for run, result in finished_runs(runs):
        spec = specs.get(run.experiment_id)
        if run.strategy != MAJORITY and not (spec and saw_test_images(run.strategy, spec)):
            strategies = scores.setdefault(run.experiment_id, {})
            strategies.setdefault(run.strategy, []).append(result.scores.test.accuracy)
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
    """The story shown by default: the newest that is pinned, else the recorded experiment with the
    largest gain.

    Without any, the first that is not part of a learning curve (those use a fraction of the
    images), else the first. ``experiments`` must not be empty.
    """
    pinned = next((entry for entry in experiments if entry.labels.pinned), None)
    if pinned is not None:
        return pinned
    recorded = [entry for entry in experiments if entry.recorded and entry.id in gains]
    whole = next((entry for entry in experiments if not entry.spec.series), experiments[0])
    return max(recorded, key=lambda entry: gains[entry.id], default=whole)


def other_experiments(gains: Mapping[str, float], own: float | None) -> list[str]:
    """The experiments that may show the other side, the best first: those with the smallest gain.

    Where the story's own gain is smaller still: those with the largest.
    """
    smallest_first = sorted(gains, key=lambda name: gains[name])
    if own is not None and gains and own <= gains[smallest_first[0]]:
        return sorted(gains, key=lambda name: -gains[name])
    return smallest_first
