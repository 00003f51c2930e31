"""Real runs in real processes: cancelled in an epoch, tried again after their worker died, and
done by a process that has done another."""

import threading

import pytest

from core.experiments.records import result_of
from core.experiments.run_files import read_predictions, read_weights
from core.experiments.store import Store, open_store
from core.jobs.launchers import LocalProcess, ProcessLauncher, log_path
from core.jobs.records import JobRecord
from core.jobs.worker import serve
from tests.jobs.conftest import processes_of, wait_for
from tests.stored_home import long_spec


@pytest.mark.tensorflow
def test_cancel_in_an_epoch_is_heard_and_leaves_no_process(arrows_store: Store) -> None:
    experiment_id = arrows_store.create_experiment(long_spec())
    run_id = arrows_store.runs(experiment_id)[0].id
    serving = threading.Thread(
        target=serve,
        args=(open_store(), ProcessLauncher()),
        kwargs={"exit_when_idle": 0},
        daemon=True,
    )
    serving.start()
    wait_for(lambda: len(arrows_store.epochs(run_id)) > 2)
    arrows_store.request_cancel(run_id)
    arrows_store.request_cancel(run_id)
    wait_for(lambda: arrows_store.run(run_id).state == "cancelled", seconds=30)
    serving.join(timeout=30)
    assert not serving.is_alive()
    assert processes_of(run_id) == []
    assert arrows_store.request_cancel(run_id).state == "cancelled"
    assert 2 < len(arrows_store.epochs(run_id)) < 1000
    assert log_path(arrows_store.job(run_id)).exists()


@pytest.mark.slow
def test_a_retry_finishes_what_was_interrupted(arrows_store: Store) -> None:
    experiment_id = arrows_store.create_experiment(long_spec(epochs=60))
    run_id = arrows_store.runs(experiment_id)[0].id

    def stop_in_the_middle() -> None:
        if len(arrows_store.epochs(run_id)) > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(arrows_store, ProcessLauncher(), group_id=experiment_id, watch=stop_in_the_middle)
    run = arrows_store.run(run_id)
    assert (run.state, run.error) == (
        "interrupted",
        "The run was stopped before its end. Start the run again.",
    )
    arrows_store.retry(run_id)
    serve(arrows_store, ProcessLauncher(), group_id=experiment_id)
    run = arrows_store.run(run_id)
    assert (run.state, run.attempts) == ("finished", 2), run.error
    assert [record.epoch for record in arrows_store.epochs(run_id)] == list(range(1, 61))


class NotingLauncher(ProcessLauncher):
    """Notes which process does each run."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: list[int] = []

    def start(self, job: JobRecord) -> LocalProcess:
        handle = super().start(job)
        self.processes.append(handle.process_id)
        return handle


@pytest.mark.slow
def test_a_run_is_the_same_in_a_process_that_has_done_another(arrows_store: Store) -> None:
    launcher = NotingLauncher()
    ids = []
    for seeds in ((0, 1), (1,)):
        spec = long_spec(epochs=2).model_copy(update={"seeds": seeds})
        experiment_id = arrows_store.create_experiment(spec)
        serve(arrows_store, launcher, group_id=experiment_id)
        ids.append(arrows_store.runs(experiment_id)[-1].id)
    first, second, alone = launcher.processes
    assert first == second != alone
    used, new = (arrows_store.run(run_id) for run_id in ids)
    assert used.seed == new.seed == 1
    assert result_of(used).scores == result_of(new).scores
    probabilities = [read_predictions(run_id).probabilities.tobytes() for run_id in ids]
    assert probabilities[0] == probabilities[1]
    weights = [read_weights(run_id) for run_id in ids]
    assert weights[0].keys() == weights[1].keys()
    assert all(weights[0][name].tobytes() == weights[1][name].tobytes() for name in weights[0])
    # Its peak memory is its own, and without what the run before it held.
    assert result_of(used).peak_memory_bytes < 1.2 * result_of(new).peak_memory_bytes
    assert [record.epoch for record in arrows_store.epochs(used.id)] == [1, 2]
