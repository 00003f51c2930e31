"""All that pages change, in one place: each verb asks first whether the visitor may.

No other module of ``core.ui`` and no page calls what stands behind these (a test looks), so that
an action cannot be reached past the roles: not from a callback, a form, a fragment or a session
that somebody made by hand. Each raises ``NotAllowed`` for whoever is no editor.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from core.analysis.advice import facts
from core.analysis.advice.race import request as race
from core.datasets import storage, versions
from core.datasets.dataset import Dataset
from core.datasets.reading_choice import Choice
from core.datasets.versions import Changes
from core.experiments import extension, imports, own_backbones, removal, sharing
from core.experiments.labels import change_several
from core.experiments.limits import check_stored
from core.experiments.records import ExperimentSpec
from core.experiments.remeasure import request_remeasure
from core.settings import current_settings
from core.ui.frame import reads
from core.ui.frame.access import editors_only, visitor


@editors_only
def create_experiments(specs: Sequence[ExperimentSpec], repeats: str = "") -> list[str]:
    """Queue the runs of all ``specs``, or of none; returns the ids of the experiments, whose owner
    is whoever is signed in. ``repeats``: the experiment that was changed to get there.

    Raises ``LimitReached`` where too many runs would wait, or the home is full.
    """
    check_stored(0, "what these runs keep")
    owner = visitor().email or ""
    most = current_settings().most_queued_runs
    return reads.store().create_experiments(specs, most, owner, repeats)


@editors_only
def extend_experiment(
    experiment_id: str, strategies: Sequence[str], seeds: Sequence[int], backbones: Sequence[str]
) -> None:
    """Queue more strategies, seeds, and the modes that it has of more ``backbones``. Raises
    ``BadInput`` where they could not be compared with the others, ``LimitReached``."""
    check_stored(0, "what these runs keep")
    now = reads.store().experiment(experiment_id)  # others may have added to it meanwhile
    spec = extension.plan_extension(reads.store(), now, strategies, seeds, backbones)
    extension.extend(reads.store(), experiment_id, spec, current_settings().most_queued_runs)


@editors_only
def cancel_runs(run_ids: Iterable[str]) -> None:
    """Ask all of them to stop; those that are over stay as they are."""
    for run_id in run_ids:
        reads.store().request_cancel(run_id)


@editors_only
def retry_run(run_id: str) -> None:
    """Queue it again. Raises ``BadInput`` where it waits or works, ``LimitReached``."""
    check_stored(0, "what this run keeps")
    reads.store().retry(run_id, current_settings().most_queued_runs)


@editors_only
def resume_experiments(experiment_ids: Iterable[str], states: Collection[str]) -> list[str]:
    """``extension.resume`` of each; returns what is wrong with runs that cannot be read any more.
    Raises ``LimitReached``."""
    check_stored(0, "what these runs keep")
    most = current_settings().most_queued_runs
    unreadable = []
    for experiment_id in experiment_ids:
        unreadable += extension.resume(reads.store(), experiment_id, most, states)[1]
    return unreadable


@editors_only
def remeasure_runs(run_ids: Iterable[str]) -> None:
    """Measure their steady epochs again. Raises ``BadInput`` where that is not possible."""
    for run_id in run_ids:
        request_remeasure(reads.store(), run_id)


@editors_only
def label_experiments(experiment_ids: Iterable[str], **given: Any) -> None:
    """``labels.change_several``: of all or of none. Raises ``BadInput``."""
    change_several(reads.store(), experiment_ids, _who(), **given)


@editors_only
def remove_experiments(experiment_ids: Iterable[str]) -> None:
    """``removal.remove_experiments``: can be taken back within the hour."""
    removal.remove_experiments(reads.store(), experiment_ids, _who())


@editors_only
def drop_weights(experiment_ids: Iterable[str]) -> None:
    """``removal.drop_weights``: results stay."""
    removal.drop_weights(reads.store(), experiment_ids)


@editors_only
def import_experiment(file: BinaryIO) -> str:
    """``sharing.import_file``; returns the id. Images in it are read by a job, like an upload.
    Raises ``LimitReached`` where the home is full."""
    check_stored(0, "this experiment")

    def read_later(images: Path, _dataset_id: str, name: str) -> None:
        with open(images, "rb") as stream:
            file_name = f"{name.replace('/', '-')}.zip"
            imports.receive_upload(reads.store(), [(file_name, stream)], None)

    return sharing.import_file(reads.store(), file, read_later)


@editors_only
def undo_removal(experiment_id: str) -> None:
    removal.undo_removal(reads.store(), experiment_id, _who())


@editors_only
def request_facts(dataset: Dataset) -> None:
    """Have a dataset measured. Raises ``BadInput`` where that is not possible."""
    facts.request_facts(reads.store(), dataset)


@editors_only
def request_race(plan: race.RacePlan) -> None:
    """Queue a race. Raises ``BadInput`` where one on these images is at work."""
    race.request_race(reads.store(), plan)


@editors_only
def cancel_work(job_id: str) -> None:
    """Ask a heat map, a map, an export, a measurement or a race to stop."""
    reads.store().cancel_job(job_id)


@editors_only
def make_backbone(run_id: str, name: str | None) -> str:
    """``own_backbones.request_backbone``; returns the name that the backbone gets."""
    check_stored(0, "this backbone")
    return own_backbones.request_backbone(reads.store(), run_id, name)


@editors_only
def remove_backbone(name: str) -> bool:
    """``own_backbones.remove_backbone``; returns whether experiments keep its name."""
    return own_backbones.remove_backbone(reads.store(), name)


@editors_only
def receive_upload(files: Sequence[tuple[str, BinaryIO]], name: str | None) -> str:
    return imports.receive_upload(reads.store(), files, name)


@editors_only
def import_folder(path_text: str, name: str | None) -> str:
    return imports.import_folder(reads.store(), path_text, name)


@editors_only
def retry_import(import_id: str, choice: Choice | None = None) -> None:
    imports.retry_import(reads.store(), import_id, choice)


@editors_only
def read_again(import_id: str) -> str:
    """``imports.read_again``: ask how to read the files of a finished import."""
    return imports.read_again(reads.store(), import_id)


@editors_only
def cancel_import(import_id: str) -> None:
    imports.cancel_import(reads.store(), import_id)


@editors_only
def forget_import(import_id: str) -> None:
    """Take its line away, with what was uploaded for it; the dataset stays."""
    imports.forget_import(reads.store(), import_id)


@editors_only
def rename_dataset(dataset_id: str, name: str) -> None:
    storage.rename_dataset(dataset_id, name)
    reads.forget_datasets()


@editors_only
def remove_dataset(dataset_id: str) -> None:
    """``core.datasets.storage.remove_dataset``; pages do not show it any more."""
    try:
        storage.remove_dataset(dataset_id)
    finally:
        reads.forget_datasets()


@editors_only
def make_version(dataset: Dataset, changes: Changes, name: str | None) -> Dataset:
    """``core.datasets.versions.make_version``. Raises ``LimitReached`` where the home is full."""
    check_stored(0, "this version")
    made = versions.make_version(dataset, changes, name)
    reads.forget_datasets()
    return made


def _who() -> str:
    return visitor().email or "a visitor of the pages"
