"""More strategies and more seeds for an experiment that is finished, on its own split."""

from collections.abc import Sequence
from itertools import product

from sqlalchemy import func, insert, select, update

from core.errors import BadInput
from core.experiments.hosts import devices_by_host
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
from core.experiments.store import Store
from core.experiments.used_backbones import why_other_features


def plan_extension(
    store: Store,
    experiment: ExperimentRecord,
    strategies: Sequence[str] = (),
    seeds: Sequence[int] = (),
) -> ExperimentSpec:
    """The spec with these besides, all else as it was; nothing is stored.

    New strategies get the values of the experiment's preset. Raises ``BadInput`` where nothing is
    new, where the experiment is at work, and where the new runs could not be compared with the old
    ones: another machine, another split, other features, images that are not here any more.
    """
    spec = experiment.spec
    known = [name for name, _ in spec.strategies]
    new = [name for name in dict.fromkeys(strategies) if name not in known]
    more = [seed for seed in dict.fromkeys(seeds) if seed not in spec.seeds]
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
        [*known, *new],
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

    Raises ``LimitReached`` where more than ``most_waiting`` runs would wait then.
    """
    own = runs.c.experiment_id == experiment_id
    with store.database.writing() as connection:
        there = set(connection.execute(select(runs.c.id).where(own)).scalars())
        last = connection.execute(select(func.max(runs.c.position)).where(own)).scalar_one()
        wanted = [
            (strategy, seed, settings)
            for seed, (strategy, settings) in product(spec.seeds, spec.strategies)
            if run_id_of(experiment_id, strategy, seed) not in there
        ]
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
