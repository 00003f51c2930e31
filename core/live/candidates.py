"""Which strategies of an experiment can answer about a picture, and why the others cannot."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.backbones.weights.access import is_available, what_to_do
from core.datasets.storage import open_dataset
from core.errors import UnknownName
from core.experiments.records import ExperimentRecord, RunRecord
from core.experiments.run_files import why_no_weights
from core.experiments.store import Store
from core.strategies.registry import MAJORITY, STRATEGIES, find_strategy


@dataclass(frozen=True)
class Candidate:
    """One strategy of an experiment that may answer.

    ``run_id`` and ``seed`` name the run whose network answers: that of the first seed that kept
    its weights. ``why_not`` is a sentence for people where it cannot answer, else None.
    ``finished_at`` tells that run apart from the same run made again. ``majority`` has no network
    and answers always, also where no run of it is there.
    """

    strategy: str
    run_id: str | None
    seed: int | None
    why_not: str | None
    finished_at: str | None = None

    @property
    def has_network(self) -> bool:
        """Whether the process that holds the networks is asked for it."""
        return self.why_not is None and self.strategy != MAJORITY


def candidates(store: Store, experiment_id: str) -> tuple[Candidate, ...]:
    """The strategies of an experiment in the order of the ladder; reads no weights.

    Raises ``UnknownName`` for an experiment that is not there.
    """
    experiment = store.experiment(experiment_id)
    runs = store.runs(experiment_id)
    no_dataset = _why_no_dataset(experiment)
    named = {MAJORITY, *(name for name, _ in experiment.spec.strategies)}
    return tuple(
        _candidate(experiment, name, [run for run in runs if run.strategy == name], no_dataset)
        for name in STRATEGIES
        if name in named
    )


def _candidate(
    experiment: ExperimentRecord,
    strategy: str,
    runs: Sequence[RunRecord],
    no_dataset: str | None,
) -> Candidate:
    finished = next((run for run in runs if run.state == "finished"), None)
    shown = finished or next(iter(runs), None)
    if strategy == MAJORITY:
        found = finished
        reason = no_dataset
    else:
        found = next((run for run in runs if why_no_weights(run, experiment) is None), None)
        reason = no_dataset or _why_not(experiment, strategy, found, shown)
    named = found or shown
    if named is None:
        return Candidate(strategy, None, None, reason)
    return Candidate(strategy, named.id, named.seed, reason, named.finished_at)


def _why_not(
    experiment: ExperimentRecord,
    strategy: str,
    found: RunRecord | None,
    shown: RunRecord | None,
) -> str | None:
    if found is not None:
        return _why_no_imagenet(found)
    if shown is None:
        return f"{find_strategy(strategy).title} has no run in this experiment."
    return why_no_weights(shown, experiment)


def _why_no_imagenet(run: RunRecord) -> str | None:
    """A network keeps the arrays that its run changed; the others are the published ones."""
    strategy = find_strategy(run.strategy)
    weight_set = strategy.weights(run.settings)
    if strategy.backbone is None or weight_set is None or is_available(weight_set):
        return None
    return (
        f"{strategy.title} stands on {strategy.backbone.title}'s ImageNet weights, which are not "
        f"on this machine. {what_to_do(weight_set)}"
    )


def _why_no_dataset(experiment: ExperimentRecord) -> str | None:
    try:
        open_dataset(experiment.spec.dataset_id)
    except UnknownName:
        return (
            f"The dataset {experiment.spec.dataset_name} was removed, and nobody can say any more "
            "how its pictures were prepared."
        )
    return None
