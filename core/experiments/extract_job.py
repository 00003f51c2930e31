"""One extraction of features by several workers: what a run says to the others, and the job
``extract`` of whoever helps.

A run whose features are more than one shard asks the workers that are there for help: one job for
each, behind all that waits, so that only an idle one takes it. Whoever needs the same features at
the same time takes shards as well. A helper gives way to runs after its shard.
"""

from contextlib import suppress
from typing import Any

from core.datasets.storage import open_dataset
from core.devices import device_kind
from core.errors import BadInput, UnknownName
from core.experiments.records import RunRecord, finished_runs
from core.experiments.store import Store, open_store
from core.jobs.context import JobContext
from core.jobs.holds import Holds
from core.jobs.records import NewJob, WorkerRecord
from core.training.events import Progress
from core.training.spec import TrainingSpec

KIND = "extract"
STEP = "Extracting features for a run"


def sharing_of(store: Store, context: JobContext) -> "RunSharing | None":
    """With whom a run extracts its features; None where nobody else can be there: a machine that
    shares its database with no other, and has one worker for all of its devices."""
    if store.database.file is not None and not store.device:
        return None
    return RunSharing(store, context)


class RunSharing:
    """``core.backbones.features.Sharing`` for the job of a run, or of a helper."""

    def __init__(self, store: Store, context: JobContext) -> None:
        self._store, self._job = store, context.job
        self._holds = Holds(store, context.job)
        self._asked: set[str] = set()
        self.take, self.give_back = self._holds.take, self._holds.give_back

    def ask_for_help(self, key: str, batch_size: int, most: int) -> None:
        arguments = {"run": self._job.id, "key": key, "batch_size": batch_size}
        # In the group of the run, so that workers of other kinds of devices leave them alone.
        group = self._job.group_id
        for number in range(min(most, self._other_places())):
            job_id = f"{KIND}-{key[:16]}-{number}"
            _forget_if_over(self._store, job_id)
            self._store.add_job_once(NewJob(job_id, KIND, arguments, group))
            self._asked.add(job_id)

    def end(self) -> None:
        self._holds.give_back()
        for job_id in self._asked:
            with suppress(UnknownName):  # another run that shares the work has withdrawn it
                self._store.cancel_job(job_id)
                _forget_if_over(self._store, job_id)

    def _other_places(self) -> int:
        """Devices of the same kind that have a worker of their own for whatever waits."""
        workers = self._store.live_workers()
        kinds = {one.device_kind for one in workers if one.id == self._job.worker_id}
        places = {
            (one.host, one.device)
            for one in workers
            if one.group_id in (None, self._job.group_id)
            and one.device_kind in kinds
            and not self._is_here(one)
        }
        return len(places)

    def _is_here(self, worker: WorkerRecord) -> bool:
        """Whether it has to wait for the device of this run."""
        ours = self._store.device
        return worker.host == self._store.host and (
            worker.device == ours or not (worker.device and ours)
        )


def _forget_if_over(store: Store, job_id: str) -> None:
    with suppress(UnknownName, BadInput):  # it is not there, or at work (again)
        store.forget_job(job_id)


def run(arguments: dict[str, Any], context: JobContext) -> dict[str, Any] | None:
    """Extract what nobody else has, of the features that the run named ``run`` asked for."""
    store = open_store()
    store.device_kind = device_kind()
    try:
        found = store.run(arguments["run"])
    except UnknownName:
        return None  # it was removed meanwhile
    if found.state != "running" or store.has_waiting("device", KIND):
        return None
    context.report("Loading the libraries")
    # Imported here: these load Keras, and whether there is something to do was asked before.
    from core.backbones.backend import dtype_policy, load_keras
    from core.backbones.features import help_to_extract
    from core.datasets.prepare import prepare_images
    from core.training.engine import feature_request, images_with_features, mean_colour
    from core.training.policy import choose_policy

    load_keras()
    spec = same_precision(store, found, store.experiment(found.experiment_id).training_spec(found))
    policy = choose_policy(spec.precision)
    dataset = open_dataset(spec.dataset_id)
    prepared = prepare_images(
        dataset,
        spec.image_size,
        spec.resize,
        lambda done, total: context.report("Preparing the images", done, total),
        context.should_stop,
    )
    batch_size, mean = arguments["batch_size"], mean_colour(spec, dataset)
    with dtype_policy(policy.precision):
        request = feature_request(spec, batch_size, mean, policy)
        images = images_with_features(spec, spec.subsets_of(dataset))
        extracted = help_to_extract(
            (prepared, request, images),
            arguments["key"],
            RunSharing(store, context),
            lambda: store.has_waiting("device", KIND),
            lambda done, total: context.report_progress(Progress(STEP, done, total)),
            context.should_stop,
        )
    return {"images": extracted}


def same_precision(store: Store, run: RunRecord, spec: TrainingSpec) -> TrainingSpec:
    """The precision that the first trained run of the experiment chose holds for all its runs."""
    if spec.precision != "auto":
        return spec
    for _, result in finished_runs(store.runs(run.experiment_id)):
        if result.epochs:
            return spec.model_copy(update={"precision": result.precision})
    return spec
