"""How good forecasts and verdicts were, once their runs ended.

A forecast is graded by the first experiment that was begun after it on the same split: a hit where
the mean accuracy over the seeds lies in the interval. Advice is graded by its *regret*: how many
points what it named stays below the best that was run, beside the regret of rules that always name
the same.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

from core.analysis.advice.experience import Case, OwnRecord
from core.analysis.advice.placing import AS_GOOD, Placement, strategies_of
from core.analysis.significance import wilson_interval
from core.backbones.registry import BACKBONES
from core.datasets.choices import RESIZES
from core.experiments.accuracy_forecasts import AccuracyForecast, read_forecasts
from core.experiments.records import ExperimentRecord, RunRecord, finished_runs
from core.experiments.store import Store
from core.strategies.registry import STRATEGIES
from core.strategies.strategy import Mode

# How far shorter times differ is the luck of the machine, and nobody plans by them.
SHORTEST_SECONDS = 1.0


@dataclass(frozen=True)
class Graded:
    """A forecast with what came out: ``actual`` is the mean test accuracy over the seeds (0 to 1),
    ``seconds`` the mean of a whole training; None where it was disturbed or is not known.

    ``origin``: the dataset, or a source of several. ``experiment_id`` is empty where it was graded
    by the recorded series.
    """

    forecast: AccuracyForecast
    dataset_name: str
    origin: str
    experiment_id: str
    actual: float
    seconds: float | None = None

    @property
    def error(self) -> float:
        """What came out minus the forecast."""
        return self.actual - self.forecast.predicted

    @property
    def is_hit_80(self) -> bool:
        return self.forecast.low_80 <= self.actual <= self.forecast.high_80

    @property
    def is_hit_95(self) -> bool:
        return self.forecast.low_95 <= self.actual <= self.forecast.high_95

    @property
    def is_timed(self) -> bool:
        """Whether its time was forecast and is known, and is long enough to be graded."""
        return min(self.seconds or 0.0, self.forecast.seconds or 0.0) >= SHORTEST_SECONDS

    @property
    def case(self) -> Case:
        """What the next forecasts learn from it."""
        return Case(
            self.origin,
            self.forecast.kind,
            self.forecast.strategy,
            self.forecast.predicted,
            self.forecast.deviation,
            self.actual,
            math.log((self.seconds or 1.0) / (self.forecast.seconds or 1.0))
            if self.is_timed
            else None,
        )


@dataclass(frozen=True)
class Coverage:
    """How many of ``cases`` lay in their 80 % and 95 % intervals, with Wilson's 95 % interval of
    these fractions; ``lowest`` and ``highest`` are the errors furthest below and above.
    ``width_80`` is the mean width of the 80 % intervals.

    ``time_hits`` of ``timed`` trainings took as long as the 80 % interval of the seconds says.
    """

    cases: int
    hits_80: int
    hits_95: int
    interval_80: tuple[float, float]
    interval_95: tuple[float, float]
    lowest: float
    highest: float
    width_80: float
    time_hits: int = 0
    timed: int = 0


class Rule(StrEnum):
    """Simple advice, to compare with. All but the tutorial's needs no measurement."""

    FINETUNE = "always fine-tune"
    LARGEST_PROBE = "always the probe of the largest backbone"
    TUTORIAL = "the tutorial's rule"
    USUAL = "always what was best on other datasets"


@dataclass(frozen=True)
class Outcome:
    """What came out on one dataset that was advised on: mean test accuracies (0 to 1) and seconds
    of the strategies that ran, by name, and their ``forecasts``, made together. ``named`` are those
    that the tutorial's rule names; empty where it is not known where the dataset lies. ``usual``:
    what was best on average on datasets of other sources; None where that is not known."""

    dataset_name: str
    accuracies: Mapping[str, float]
    seconds: Mapping[str, float]
    forecasts: tuple[AccuracyForecast, ...]
    named: tuple[str, ...]
    usual: str | None = None

    @property
    def best(self) -> float:
        return max(self.accuracies.values())

    @property
    def advised(self) -> str | None:
        """What the advice names first: the highest of those that are worth running and ran."""
        worth = [
            one
            for one in self.forecasts
            if one.verdict == "worth" and one.strategy in self.accuracies
        ]
        return max(worth, key=lambda one: one.predicted).strategy if worth else None

    @property
    def regret(self) -> float | None:
        """None where nothing was named."""
        return None if self.advised is None else self.best - self.accuracies[self.advised]

    def regret_of(self, rule: Rule) -> float | None:
        """On average over what the rule leaves open; None where nothing that it names ran."""
        names = [name for name in self._names(rule) if name in self.accuracies]
        return self.best - fmean(self.accuracies[name] for name in names) if names else None

    @property
    def saved(self) -> float | None:
        """The fraction of the time of all runs that was not needed: those that cannot win, less
        what the trainings on a part of the images took. None where a time is not known."""
        names = {one.strategy for one in self.forecasts} & set(self.accuracies)
        if not names or not names <= set(self.seconds):
            return None
        if any(one.spent_seconds is None for one in self.forecasts if one.strategy in names):
            return None
        skipped = {one.strategy for one in self.forecasts if one.verdict == "cannot_win"} & names
        spent = sum(one.spent_seconds or 0.0 for one in self.forecasts if one.strategy in names)
        whole = sum(self.seconds[name] for name in names)
        return (sum(self.seconds[name] for name in skipped) - spent) / whole

    def _names(self, rule: Rule) -> Sequence[str]:
        if rule is Rule.TUTORIAL:
            return self.named
        if rule is Rule.USUAL:
            return [] if self.usual is None else [self.usual]
        mode = Mode.FINETUNE if rule is Rule.FINETUNE else Mode.PROBE
        found = [
            (BACKBONES[backbone.name].parameters(), name)
            for name in self.accuracies
            if name in STRATEGIES and STRATEGIES[name].mode is mode
            if (backbone := STRATEGIES[name].backbone) is not None and backbone.name in BACKBONES
        ]
        return [max(found)[1]] if found else []


@dataclass(frozen=True)
class AdviceRecord:
    """How good advice was on so many ``datasets``: regrets in accuracy (0 to 1) on average,
    ``within``: how many were at most ``AS_GOOD``, of ``named`` where something was named.

    ``rules``: mean regret of each rule on the same datasets, where something that it names ran on
    all of them. ``undecided``: the fraction of
    verdicts that say "cannot tell". ``saved``: the fraction of the time of all runs, on average.
    """

    datasets: int
    named: int
    within: int
    regret: float | None
    rules: Mapping[Rule, float]
    undecided: float
    saved: float | None


@dataclass(frozen=True)
class Quote:
    """What was forecast of an experiment before it was begun: the forecast of what the advice named
    (``is_advised``), with its regret; where it named nothing, the highest forecast."""

    graded: Graded
    is_advised: bool
    regret: float | None


# From the store -----------------------------------------------------------------------------------


def graded_forecasts(store: Store) -> tuple[Graded, ...]:
    """Each dataset, strategy, image size and kind once, by the first experiment that was begun
    after a forecast; the newest forecast before that experiment counts."""
    made = read_forecasts(store.database)
    found: dict[tuple[str, str, int, str], Graded] = {}
    oldest_first = sorted(store.experiments(), key=lambda one: one.created_at)
    for experiment in oldest_first if made else ():
        about = [one for one in made if _is_about(one, experiment)]
        if not about:
            continue
        accuracies, seconds = _came_out(store.runs(experiment.id))
        ran_with = dict(experiment.spec.strategies)
        # The oldest first, so that the newest forecast stays.
        newest = {
            (one.strategy, one.kind): one
            for one in about
            if one.settings is None or one.settings == ran_with.get(one.strategy)
        }
        for (strategy, kind), forecast in newest.items():
            spec = experiment.spec
            key = (spec.dataset_id, strategy, spec.image_size, kind)
            if strategy in accuracies and key not in found:
                found[key] = Graded(
                    forecast=forecast,
                    dataset_name=spec.dataset_name,
                    origin=spec.dataset_id,
                    experiment_id=experiment.id,
                    actual=accuracies[strategy],
                    seconds=seconds.get(strategy),
                )
    return tuple(found.values())


def _is_about(made: AccuracyForecast, experiment: ExperimentRecord) -> bool:
    spec = experiment.spec
    return (
        (made.dataset_id, made.image_size, made.split_fingerprint)
        == (spec.dataset_id, spec.image_size, spec.split_fingerprint)
        and spec.train_share == 1
        and spec.resize == RESIZES[0]
        and not experiment.recorded
        and not experiment.is_active
        and made.made_at < experiment.created_at
    )


def _came_out(runs: Iterable[RunRecord]) -> tuple[dict[str, float], dict[str, float]]:
    """Mean test accuracy and mean seconds by strategy; seconds without those that were
    disturbed."""
    accuracies: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for run, result in finished_runs(runs):
        accuracies.setdefault(run.strategy, []).append(result.scores.test.accuracy)
        if "end_to_end_seconds" not in result.disturbed:
            seconds.setdefault(run.strategy, []).append(result.end_to_end_seconds)
    return (
        {name: fmean(values) for name, values in accuracies.items()},
        {name: fmean(values) for name, values in seconds.items()},
    )


def outcomes_of(
    store: Store, graded: Sequence[Graded], placements: Mapping[str, Placement]
) -> tuple[Outcome, ...]:
    """Of each dataset on which forecasts with verdicts were graded, by the first experiment that
    did; ``placements`` by the id of the dataset."""
    found: dict[str, Outcome] = {}
    for experiment_id in dict.fromkeys(one.experiment_id for one in graded):
        own = [one for one in graded if one.experiment_id == experiment_id and one.forecast.verdict]
        if not own or own[0].origin in found:
            continue
        newest = max(own, key=lambda one: one.forecast.made_at).forecast.batch
        accuracies, seconds = _came_out(store.runs(experiment_id))
        found[own[0].origin] = Outcome(
            own[0].dataset_name,
            accuracies,
            seconds,
            tuple(one.forecast for one in own if one.forecast.batch == newest),
            named_by_tutorial(placements.get(own[0].forecast.dataset_id)),
        )
    return tuple(found.values())


def quote_of(store: Store, experiment: ExperimentRecord) -> Quote | None:
    """None where no forecast was graded by ``experiment``."""
    if not any(_is_about(one, experiment) for one in read_forecasts(store.database)):
        return None
    own = [one for one in graded_forecasts(store) if one.experiment_id == experiment.id]
    if not own:
        return None
    for outcome in outcomes_of(store, own, {}):
        advised = [one for one in own if one.forecast.strategy == outcome.advised]
        if advised:
            newest = max(advised, key=lambda one: one.forecast.made_at)
            return Quote(newest, True, outcome.regret)
    return Quote(max(own, key=lambda one: one.forecast.predicted), False, None)


def named_by_tutorial(placement: Placement | None) -> tuple[str, ...]:
    """All strategies that the tutorial's rule names for a dataset that lies there."""
    if placement is None:
        return ()
    return tuple(name for scenario in placement.scenarios for name in strategies_of(scenario))


# Sums ---------------------------------------------------------------------------------------------


def own_record(graded: Sequence[Graded]) -> OwnRecord:
    """What decides whether forecasts are widened or silent. Those that were not shown count."""
    origins = dict.fromkeys(one.origin for one in graded)
    by_dataset = [[one for one in graded if one.origin == origin] for origin in origins]
    return OwnRecord(
        tuple(one.case for one in graded),
        len(by_dataset),
        (
            sum(fmean(one.is_hit_80 for one in some) for some in by_dataset),
            sum(fmean(one.is_hit_95 for one in some) for some in by_dataset),
        ),
    )


def coverage_of(graded: Sequence[Graded]) -> Coverage | None:
    """None where nothing was graded."""
    if not graded:
        return None
    hits_80, hits_95 = (sum(one.is_hit_80 for one in graded), sum(one.is_hit_95 for one in graded))
    errors = [one.error for one in graded]
    timed = [
        low <= (one.seconds or 0.0) <= high
        for one in graded
        if one.is_timed and one.forecast.seconds_80 is not None
        for low, high in [one.forecast.seconds_80]
    ]
    return Coverage(
        cases=len(graded),
        hits_80=hits_80,
        hits_95=hits_95,
        interval_80=wilson_interval(hits_80, len(graded)),
        interval_95=wilson_interval(hits_95, len(graded)),
        lowest=min(errors),
        highest=max(errors),
        width_80=fmean(one.forecast.high_80 - one.forecast.low_80 for one in graded),
        time_hits=sum(timed),
        timed=len(timed),
    )


def advice_record(outcomes: Sequence[Outcome]) -> AdviceRecord | None:
    """None without any outcome."""
    if not outcomes:
        return None
    named = [one for one in outcomes if one.regret is not None]
    regrets = [one.regret for one in named if one.regret is not None]
    by_rule = {
        rule: [regret for one in named if (regret := one.regret_of(rule)) is not None]
        for rule in Rule
    }
    verdicts = [one.verdict for outcome in outcomes for one in outcome.forecasts]
    saved = [one.saved for one in outcomes if one.saved is not None]
    return AdviceRecord(
        datasets=len(outcomes),
        named=len(regrets),
        within=sum(regret <= AS_GOOD for regret in regrets),
        regret=fmean(regrets) if regrets else None,
        rules={
            rule: fmean(found) for rule, found in by_rule.items() if len(found) == len(named) > 0
        },
        undecided=sum(verdict == "cannot_tell" for verdict in verdicts) / len(verdicts),
        saved=fmean(saved) if saved else None,
    )
