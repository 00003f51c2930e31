"""More runs of an experiment, on its own split: new strategies and seeds, and those that broke
off."""

from collections.abc import Collection, Sequence
from itertools import product

from sqlalchemy import func, insert, select, update

from core.errors import BadInput, StoreError
from core.experiments.hosts import devices_by_host
from core.experiments.labels import refuse_removed
from core.experiments.planning import plan_experiment
from core.experiments.records import (
    ExperimentRecord,
    ExperimentSpec,
    experiments,
    finished_runs,
    job_of,
    new_run_row,
    run_id_of,
    runs,
)
from core.experiments.removal import refuse_at_work
from core.experiments.store import Store
from core.experiments.used_backbones import why_other_features
from core.jobs.records import RETRYABLE_STATES
from core.strategies.registry import STRATEGIES, names_with
from core.strategies.selection import Chosen, chosen_backbones, chosen_strategies
from core.strategies.strategy import Mode


def plan_extension(
    store: Store,
    experiment: ExperimentRecord,
    strategies: Sequence[str] = (),
    seeds: Sequence[int] = (),
    backbones: Chosen | None = None,
) -> ExperimentSpec:
    """The spec with these besides, all else as it was; nothing is stored.

    ``strategies``: names, or modes of ``backbones``; without a mode, ``backbones`` come in those
    that the experiment has of others. New strategies get the values of the experiment's preset.
    Raises ``BadInput`` where nothing is new, where the experiment is at work, and where the new
    runs could not be compared with the old ones: another machine, another split, other features,
    images that are not here any more.
    """
    spec = experiment.spec
    known = [name for name, _ in spec.strategies]
    new = [name for name in _wanted(known, strategies, backbones) if name not in known]
    more = [seed for seed in dict.fromkeys(seeds) if seed not in spec.seeds]
    if not strategies and not seeds and not backbones:
        raise BadInput("Choose what to add: strategies, backbones or seeds.", "strategies")
    if not new and not more:
        raise BadInput("The experiment has all of these already.", "strategies")
    if experiment.is_active:
        raise BadInput(f"Experiment {experiment.id} is at work. Wait until it ends.", "experiment")
    _refuse_other_machine(store, experiment)
    added = [*known, *new] if more else new
    if other := why_other_features(added, spec, store.runs(experiment.id)):
        raise BadInput(other, "experiment")
    planned = plan_experiment(
        spec.dataset_id,
        [*known, *new] if more else new,  # what only stays need not be able to run here
        spec.preset,
        [*spec.seeds, *more],
        spec.image_size,
        split=spec.split,
        resize=spec.resize,
        precision=spec.precision,
        train_share=spec.train_share,
        series=spec.series,
    )
    if planned.split_fingerprint != spec.split_fingerprint:
        raise BadInput(
            "This edition of Headstart splits these images in another way, so new runs would be "
            "scored on other test images. Run a new experiment.",
            "experiment",
        )
    settings = dict(planned.strategies)
    return spec.model_copy(
        update={
            "strategies": (*spec.strategies, *((name, settings[name]) for name in new)),
            "seeds": planned.seeds,
            "backbones": planned.backbones | spec.backbones,
            "unavailable": {
                name: reason for name, reason in spec.unavailable.items() if name not in new
            },
        }
    )


def extend(
    store: Store, experiment_id: str, spec: ExperimentSpec, most_waiting: int | None = None
) -> list[str]:
    """Store the spec of ``plan_extension`` and queue the runs that are new; returns their ids.

    Raises ``LimitReached`` where more than ``most_waiting`` runs would wait then, and ``BadInput``
    where the experiment was removed or is at work.
    """
    own = runs.c.experiment_id == experiment_id
    with store.database.writing() as connection:
        refuse_removed(connection, experiment_id)
        refuse_at_work(connection, experiment_id)  # else what another one adds now would be lost
        there = set(connection.execute(select(runs.c.id).where(own)).scalars())
        last = connection.execute(select(func.max(runs.c.position)).where(own)).scalar_one()
        planned = {
            run_id_of(experiment_id, strategy, seed): (strategy, seed, settings)
            for seed, (strategy, settings) in product(spec.seeds, spec.strategies)
        }
        if there - set(planned):  # the spec would forget what another one added meanwhile
            raise BadInput(
                f"Somebody else has added runs to experiment {experiment_id} meanwhile. Try again.",
                "experiment",
            )
        wanted = [found for run_id, found in planned.items() if run_id not in there]
        store.check_queue(connection, len(wanted), most_waiting)
        rows = [
            new_run_row(experiment_id, position, strategy, seed, settings)
            for position, (strategy, seed, settings) in enumerate(wanted, start=last + 1)
        ]
        changed = update(experiments).where(experiments.c.id == experiment_id)
        connection.execute(changed.values(spec=spec.model_dump(mode="json")))
        connection.execute(insert(runs), rows)
        store.insert_jobs(connection, [job_of(row) for row in rows])
    return [row["id"] for row in rows]


def resume(
    store: Store,
    experiment_id: str,
    most_waiting: int | None = None,
    states: Collection[str] = RETRYABLE_STATES,
) -> tuple[list[str], list[str]]:
    """Queue all its runs again that are in one of ``states``: failed, cancelled or interrupted.

    Returns their ids, and a sentence for each that cannot be read any more. Raises ``LimitReached``
    where more than ``most_waiting`` runs would wait then; those before it are queued.
    """
    queued, unreadable = [], []
    for run in store.runs(experiment_id, states):
        try:
            queued.append(store.retry(run.id, most_waiting).id)
        except StoreError as error:
            unreadable.append(str(error))
    return queued, unreadable


def _wanted(known: Sequence[str], strategies: Sequence[str], backbones: Chosen | None) -> list[str]:
    """The names of what is to be added, those that are there already among them."""
    asked = list(dict.fromkeys(strategies))
    if backbones and not set(asked) & set(Mode):
        more = [one.name for one in chosen_backbones(backbones)]
        modes = dict.fromkeys(STRATEGIES[name].mode for name in known if name in STRATEGIES)
        asked += [
            mode
            for mode in modes
            if mode and any(names_with(mode=mode, backbone=name) for name in more)
        ]
        if not asked:
            raise BadInput(
                "The experiment has no mode that these backbones have too. Name modes.",
                "strategies",
            )
    return [entry.name for entry in chosen_strategies(asked, backbones or None)] if asked else []


def _refuse_other_machine(store: Store, experiment: ExperimentRecord) -> None:
    """Times of two kinds of device in one table would say nothing about the strategies."""
    trained = {result.device for _, result in finished_runs(store.runs(experiment.id))}
    here = devices_by_host(store).get(store.host)
    if here is not None and trained and here not in trained:
        raise BadInput(
            f"Experiment {experiment.id} ran on {'; '.join(sorted(trained))}, this machine has "
            f"{here}: their times cannot be compared. Run a new experiment.",
            "experiment",
        )
    if here is None and experiment.recorded:
        raise BadInput(
            f"Experiment {experiment.id} was recorded on another machine: times of this one cannot "
            "be compared with its own. Run a new experiment.",
            "experiment",
        )
