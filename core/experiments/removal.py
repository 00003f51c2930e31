"""Experiments that are removed: gone from every page at once, deleted after an hour.

What can be seen changes in one write. Files are deleted before the rows that name them, so a
process that is killed in between leaves rows, which the next deletion finishes, and no orphans.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, select

from core.errors import BadInput
from core.experiments.labels import change_labels, changes, history, write_labels
from core.experiments.limits import stored_bytes
from core.experiments.records import ExperimentRecord, epochs, experiments, runs
from core.experiments.run_files import weights_path
from core.experiments.store import Store
from core.experiments.summaries import summaries
from core.jobs.records import ACTIVE_STATES, groups, jobs
from core.jobs.workers import moment_text
from core.settings import SHOWCASE_FOLDER, current_settings
from core.storage.shared import forget

UNDO_SECONDS = 3600


@dataclass(frozen=True)
class Loss:
    """What is lost with some experiments: their runs, and the bytes of what these kept here;
    ``weights_bytes``: of their trained weights alone."""

    experiments: int
    runs: int
    size_bytes: int
    weights_bytes: int


def loss_of(chosen: Iterable[ExperimentRecord], store: Store) -> Loss:
    """Counted before anybody is asked."""
    ids = [[run.id for run in store.runs(experiment.id)] for experiment in chosen]
    kept = [run_id for of_one in ids for run_id in of_one]
    return Loss(len(ids), len(kept), sum(map(size_of_run, kept)), sum(map(size_of_weights, kept)))


def remove_experiments(store: Store, ids: Iterable[str], who: str) -> None:
    """Nobody sees them any more. Raises ``BadInput`` where one cannot be removed, and then none
    is. What was removed more than an hour ago is deleted now."""
    found = [store.experiment(one) for one in dict.fromkeys(ids)]
    for experiment in found:
        _refuse(experiment)
    with store.database.writing() as connection:
        moment = moment_text(store.clock(connection))
        for experiment in found:
            refuse_at_work(connection, experiment.id)
            write_labels(connection, experiment.id, moment, who, removed=True)
    delete_removed(store)


def undo_removal(store: Store, experiment_id: str, who: str) -> None:
    """It is there again with all that it had. Raises ``BadInput`` after the hour: some of its files
    may be deleted by then."""
    if experiment_id not in {one.id for one in removed_lately(store)}:
        raise BadInput(
            f"Experiment {experiment_id} is not among those that were removed within the hour.",
            "experiment",
        )
    change_labels(store, experiment_id, who, removed=False)


def removed_lately(store: Store) -> list[ExperimentRecord]:
    """Those that can still be taken back, the newest first."""
    removed = store.removed_experiments()
    due = _due(store, removed)
    return [experiment for experiment in removed if experiment.id not in due]


def delete_removed(store: Store) -> list[str]:
    """Delete what was removed more than an hour ago; returns the ids."""
    due = _due(store, store.removed_experiments())
    for experiment_id in due:
        _delete(store, experiment_id)
    return due


def _due(store: Store, removed: Iterable[ExperimentRecord]) -> list[str]:
    """Ids of those that were removed more than an hour ago."""
    with store.database.reading() as connection:
        before = moment_text(store.clock(connection) - timedelta(seconds=UNDO_SECONDS))
    moments = {
        experiment.id: next(
            one.changed_at for one in history(store, experiment.id) if one.field == "removed"
        )
        for experiment in removed
    }
    return [experiment_id for experiment_id, moment in moments.items() if moment <= before]


def sizes_here(store: Store) -> dict[str, int]:
    """Bytes of what the runs of each experiment keep on this machine, by its id."""
    with store.database.reading() as connection:
        known = connection.execute(select(runs.c.experiment_id, runs.c.id)).all()
    found: dict[str, int] = {}
    for experiment_id, run_id in known:
        found[experiment_id] = found.get(experiment_id, 0) + size_of_run(run_id)
    return found


def size_of_run(run_id: str) -> int:
    """Bytes of the files that a run keeps on this machine."""
    return stored_bytes(current_settings().runs_folder / run_id)


def size_of_weights(run_id: str) -> int:
    """Bytes of the trained weights of a run on this machine."""
    path = weights_path(run_id)
    return path.stat().st_size if path.is_file() else 0


def drop_weights(store: Store, ids: Iterable[str]) -> int:
    """Delete the trained weights of their runs; results and predictions stay. Returns the bytes.

    What needs the networks (Try it, heat maps, exports) says then why it cannot. Raises
    ``BadInput`` where one is at work or came with Headstart, and then nothing is dropped.
    """
    found = [store.experiment(one) for one in ids]
    for experiment in found:
        _refuse(experiment)
    total = 0
    for experiment in found:
        for run in store.runs(experiment.id):
            path = weights_path(run.id)
            total += size_of_weights(run.id)
            forget(path)
            path.unlink(missing_ok=True)
        with store.database.writing() as connection:  # its size is another now
            own = summaries.c.experiment_id == experiment.id
            connection.execute(delete(summaries).where(own))
    return total


def why_kept(experiment: ExperimentRecord) -> str | None:
    """Why it cannot be removed, in a sentence; None if it can."""
    if experiment.is_active:
        return _at_work(experiment.id)
    if any(SHOWCASE_FOLDER.glob(f"*-{experiment.id}")):
        return (
            f"Experiment {experiment.id} came with Headstart and would come back at the next "
            "start. Archive it: then no list shows it."
        )
    return None


def _refuse(experiment: ExperimentRecord) -> None:
    if reason := why_kept(experiment):
        raise BadInput(reason, "experiment")


def refuse_at_work(connection: Connection, experiment_id: str) -> None:
    """Raise ``BadInput``, in the transaction at work, where a run of it waits or works or is
    measured again: somebody may have started one since the experiment was read."""
    of_it = jobs.c.group_id == experiment_id
    active = select(jobs.c.id).where(of_it, jobs.c.state.in_(ACTIVE_STATES)).limit(1)
    if connection.execute(active).first() is not None:
        raise BadInput(_at_work(experiment_id), "experiment")


def _at_work(experiment_id: str) -> str:
    return f"Experiment {experiment_id} is at work. Cancel its runs first, or wait."


def _delete(store: Store, experiment_id: str) -> None:
    of_it = select(runs.c.id).where(runs.c.experiment_id == experiment_id)
    with store.database.reading() as connection:
        run_ids = connection.execute(of_it).scalars().all()
    for run_id in run_ids:
        folder = current_settings().runs_folder / run_id
        forget(folder)
        if folder.exists():
            shutil.rmtree(folder)
    with store.database.writing() as connection:
        connection.execute(delete(epochs).where(epochs.c.run_id.in_(run_ids)))
        # Its runs, the jobs that helped them, and those that measured them again.
        connection.execute(delete(jobs).where(jobs.c.group_id == experiment_id))
        for table in (summaries, changes, runs):
            connection.execute(delete(table).where(table.c.experiment_id == experiment_id))
        connection.execute(delete(groups).where(groups.c.id == experiment_id))
        connection.execute(delete(experiments).where(experiments.c.id == experiment_id))
