"""Experiments that are removed: seen no more, taken back within the hour, deleted whole."""

import shutil
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select

from core.datasets.storage import open_dataset
from core.errors import BadInput, UnknownName
from core.experiments.extension import extend, plan_extension
from core.experiments.labels import change_labels
from core.experiments.remeasure import job_of
from core.experiments.removal import (
    delete_removed,
    drop_weights,
    loss_of,
    remove_experiments,
    removed_lately,
    undo_removal,
    why_kept,
)
from core.experiments.run_files import read_predictions, weights_path, write_weights
from core.experiments.store import Store
from core.jobs.records import NewJob, metadata
from core.jobs.workers import utc_now
from core.settings import SHOWCASE_FOLDER, current_settings
from tests import made_up
from tests.pages.compared import EXPERIMENT, MOMENT, store_compared
from tests.stored_home import majority_spec


@pytest.fixture
def filled(arrows_store: Store) -> Store:
    store_compared(arrows_store, open_dataset("arrows"))
    change_labels(arrows_store, EXPERIMENT, "ada", name="Wings")
    return arrows_store


def an_hour_later(store: Store) -> Store:
    return Store(store.url, now=lambda: utc_now() + timedelta(seconds=3601))


def counts(store: Store) -> dict[str, int]:
    with store.database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def test_it_is_seen_no_more_and_can_be_taken_back(filled):
    before = filled.experiment(EXPERIMENT), filled.runs(EXPERIMENT)
    remove_experiments(filled, [EXPERIMENT], "ada")
    assert filled.experiments() == []
    assert filled.runs() == []
    with pytest.raises(UnknownName):
        filled.experiment(EXPERIMENT)
    assert [one.id for one in filled.removed_experiments()] == [EXPERIMENT]
    assert delete_removed(filled) == []  # within the hour
    undo_removal(filled, EXPERIMENT, "ada")
    assert (filled.experiment(EXPERIMENT), filled.runs(EXPERIMENT)) == before
    with pytest.raises(BadInput, match="not among those that were removed"):
        undo_removal(filled, EXPERIMENT, "ada")


def test_after_an_hour_nothing_of_it_is_left_and_others_are_whole(filled):
    other = filled.create_experiment(majority_spec())
    filled.cancel_job(f"{other}-majority-0")
    loss = loss_of([filled.experiment(EXPERIMENT)], filled)
    assert (loss.experiments, loss.runs) == (1, 8)
    assert loss.size_bytes > 1000
    run_id = f"{EXPERIMENT}-cnn-0"
    measuring = NewJob(job_of(run_id), "remeasure", {"run": run_id}, EXPERIMENT)
    filled.add_job_once(measuring)
    with pytest.raises(BadInput, match="is at work"):
        remove_experiments(filled, [EXPERIMENT], "ada")
    filled.cancel_job(measuring.id)
    remove_experiments(filled, [EXPERIMENT], "ada")
    assert delete_removed(an_hour_later(filled)) == [EXPERIMENT]
    assert list(current_settings().runs_folder.iterdir()) == []
    assert [one.id for one in filled.experiments()] == [other]
    assert counts(filled) | {"job_workers": 0} == {
        "experiments": 1, "runs": 1, "jobs": 1, "epochs": 0, "job_workers": 0,
        "experiment_changes": 0, "experiment_summaries": 0, "accuracy_forecasts": 0,
        "race_points": 0, "job_groups": 0, "device_kinds": 0, "job_holds": 0,
    }  # fmt: skip


def test_after_the_hour_it_cannot_be_taken_back_even_if_nobody_has_deleted_it(filled):
    remove_experiments(filled, [EXPERIMENT], "ada")
    assert [one.id for one in removed_lately(filled)] == [EXPERIMENT]
    later = an_hour_later(filled)
    assert removed_lately(later) == []
    with pytest.raises(BadInput, match="not among those that were removed within the hour"):
        undo_removal(later, EXPERIMENT, "ada")
    assert filled.experiment_ids() == [EXPERIMENT]


def test_a_deletion_that_was_killed_is_finished_by_the_next(filled, monkeypatch):
    remove_experiments(filled, [EXPERIMENT], "ada")
    deleted = []

    def killed(folder, **_kept):
        deleted.append(folder)
        if len(deleted) == 3:
            raise KeyboardInterrupt
        really(folder)

    really = shutil.rmtree
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            delete_removed(an_hour_later(filled))
    assert counts(filled)["runs"] == 8  # the rows still name what is left
    assert delete_removed(an_hour_later(filled)) == [EXPERIMENT]
    assert list(current_settings().runs_folder.iterdir()) == []


def test_one_that_is_at_work_is_kept_and_so_are_the_others_with_it(filled):
    busy = filled.create_experiment(majority_spec())
    assert "is at work" in (why_kept(filled.experiment(busy)) or "")
    with pytest.raises(BadInput, match="is at work"):
        remove_experiments(filled, [EXPERIMENT, busy], "ada")
    assert filled.removed_experiments() == []


def test_one_whose_run_starts_meanwhile_is_kept_and_so_are_the_others(filled, monkeypatch):
    started = filled.create_experiment(majority_spec())
    filled.cancel_job(f"{started}-majority-0")
    before = {one: filled.experiment(one) for one in (EXPERIMENT, started)}
    filled.retry(f"{started}-majority-0")
    monkeypatch.setattr(filled, "experiment", before.__getitem__)  # read before it started
    with pytest.raises(BadInput, match=f"{started} is at work"):
        remove_experiments(filled, [EXPERIMENT, started], "ada")
    assert filled.removed_experiments() == []


def test_what_was_removed_starts_no_run(filled):
    removed = filled.create_experiment(majority_spec())
    filled.cancel_job(f"{removed}-majority-0")
    spec = plan_extension(filled, filled.experiment(removed), seeds=[1])
    remove_experiments(filled, [removed], "ada")
    for start in (
        lambda: filled.retry(f"{removed}-majority-0"),
        lambda: extend(filled, removed, spec),
    ):
        with pytest.raises(BadInput, match="Within the hour it can be taken back"):
            start()


def test_what_comes_with_headstart_is_kept(filled):
    shown = next(SHOWCASE_FOLDER.iterdir()).name.rpartition("-")[2]
    spec = made_up.spec()
    filled.add_recorded(shown, spec, MOMENT, made_up.origin(), [])
    assert "came with Headstart" in (why_kept(filled.experiment(shown)) or "")


def test_weights_are_dropped_and_results_stay(filled):
    run_id = f"{EXPERIMENT}-cnn-0"
    write_weights(run_id, {"kernel": np.zeros((4, 4), np.float32)})
    before = filled.runs(EXPERIMENT)
    loss = loss_of([filled.experiment(EXPERIMENT)], filled)
    assert loss.size_bytes > loss.weights_bytes == weights_path(run_id).stat().st_size
    assert drop_weights(filled, [EXPERIMENT]) == loss.weights_bytes > 64
    assert not weights_path(run_id).exists()
    assert filled.runs(EXPERIMENT) == before
    assert len(read_predictions(run_id).labels) == 36
    assert drop_weights(filled, [EXPERIMENT]) == 0
