"""The steady epochs of a finished run, measured again: asking for it, and the job that does it.

Scores, predictions and weights stay as they are. Only times that this machine took can be measured
again here, and only the steady epochs: the whole run is measured by running it again.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.datasets.storage import open_dataset
from core.errors import BadInput, HeadstartError
from core.experiments.records import RunRecord, result_of
from core.experiments.store import Store, open_store
from core.jobs.context import JobContext
from core.jobs.records import JobRecord, NewJob
from core.text import rough_percent_text, seconds_text
from core.training.events import EpochRecord, RunConditions, RunResult
from core.training.steady import steady_epochs, without_steady_notes

KIND = "remeasure"


def request_remeasure(store: Store, run_id: str) -> JobRecord:
    """Queue it; a job that waits or works already is left as it is.

    Raises ``UnknownName`` for a run that is not there, and ``BadInput`` for one without a steady
    epoch, or that was recorded on another machine, or ran on another device than most of its
    experiment.
    """
    # Among the others: which device is another one, they say.
    others = store.runs(store.run(run_id).experiment_id)
    run = next(one for one in others if one.id == run_id)
    if (reason := obstacle(store, run)) is not None:
        raise BadInput(f"The epochs of {run_id} cannot be measured again: {reason}.", "run")
    job_id = job_of(run_id)
    if store.find_job(job_id) is None:
        return store.add_job_once(NewJob(job_id, KIND, {"run": run_id}, run.experiment_id))
    store.requeue_job(job_id)
    return store.job(job_id)


def obstacle(store: Store, run: RunRecord) -> str | None:
    """Why the epochs of a run cannot be measured again here; None where they can."""
    result = run.finished_result
    if result is None:
        return f"it is {run.state}"
    if result.steady_epoch_seconds is None:
        return "it has no epoch after the first"
    if result.other_device:
        return f"it ran on {result.device}, and other runs of its experiment on another device"
    if store.experiment(run.experiment_id).recorded:
        return "it was recorded on another machine"
    return None


def job_of(run_id: str) -> str:
    """The id of the job that measures the run again."""
    return f"{KIND}-{run_id}"


def run(arguments: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Measure the run named ``run``; raises ``HeadstartError`` where it was disturbed again."""
    # Imported here: the engine brings in scikit-learn, and pages read this room.
    from core.training.engine import measure_again

    store = open_store()
    found = store.run(arguments["run"])
    before = result_of(found)
    experiment = store.experiment(found.experiment_id)
    spec = experiment.training_spec(found).model_copy(update={"precision": before.precision})
    dataset = open_dataset(spec.dataset_id)
    split = spec.subsets_of(dataset)
    records: list[EpochRecord] = []
    for event in measure_again(spec, dataset, split, should_stop=context.should_stop):
        if isinstance(event, EpochRecord):
            records.append(event)
        else:
            context.report_progress(event)
    result = with_steady_epochs(before, records[1:])
    if not store.replace_result(found.id, result):
        raise HeadstartError(f"Run {found.id} was started again meanwhile: nothing was changed.")
    return {"steady_epoch_seconds": result.steady_epoch_seconds}


def with_steady_epochs(before: RunResult, later: list[EpochRecord]) -> RunResult:
    """``before`` with the times of ``later`` epochs, and a note that says so.

    Raises ``HeadstartError`` where they were disturbed, too: then nothing is better than before.
    """
    steady = steady_epochs(later)
    if steady.conditions is not None and steady.conditions.is_disturbed:
        load = rough_percent_text(steady.conditions.other_load or 0.0)
        raise HeadstartError(
            f"The epochs were disturbed again (others used {load} of the processors), so the times "
            "stay as they are. Measure again when the machine has less to do."
        )
    former = seconds_text(before.steady_epoch_seconds, "steady_epoch_seconds" in before.disturbed)
    today = datetime.now(UTC).date().isoformat()
    note = f"Its steady epochs were measured again on {today}; the run itself took {former}."
    return replace(
        before,
        steady_epoch_seconds=steady.seconds,
        validation_seconds=steady.validation_seconds,
        conditions=replace(
            before.conditions or RunConditions(),
            steady_epochs=steady.conditions,
            left_out_epochs=steady.left_out,
        ),
        notes=(*without_steady_notes(before.notes), *steady.notes, note),
    )
