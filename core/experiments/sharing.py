"""An experiment in one file, for a colleague: results, predictions, weights, and the images if
somebody wants that.

Whoever has the same images finds them joined again: a dataset is known by its content.
"""

import re
import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from core.datasets.add import add_dataset
from core.datasets.export import export_zip
from core.datasets.reading.raw_files import DAMAGE
from core.datasets.storage import list_datasets, open_dataset, remove_dataset
from core.errors import BadInput, StoreError
from core.experiments.recorded import (
    DOCUMENT_NAME,
    PREDICTIONS_NAME,
    WEIGHTS_FOLDER,
    dataset_in,
    export_experiment,
    import_document,
    names_in,
)
from core.experiments.store import Store
from core.files import is_free, lock, making, sweep_folders, temporary_folder, written_whole
from core.settings import current_settings
from core.storage.shared import forget

IMAGES_NAME = "images.zip"
MOST_BYTES = 8 << 30
_PREFIX = ".sharing-"
_WEIGHTS = re.compile(rf"{WEIGHTS_FOLDER}/[a-z0-9_]{{1,64}}-[0-9]{{1,9}}\.npz")


def export_file(store: Store, experiment_id: str, file: Path, with_images: bool = False) -> None:
    """Write a finished experiment into a zip, whole. Raises ``BadInput`` for one that is not, and
    ``UnknownName`` where its images are wanted and not here."""
    with tempfile.TemporaryDirectory(dir=file.absolute().parent) as name:
        folder = export_experiment(store, experiment_id, Path(name), exact=True)
        if with_images:
            dataset = open_dataset(store.experiment(experiment_id).spec.dataset_id)
            with open(folder / IMAGES_NAME, "wb") as images:
                export_zip(dataset, images)
        # The arrays are compressed already, as far as they can be.
        with written_whole(file) as part, zipfile.ZipFile(part, "w") as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())


def add_at_once(images: Path, dataset_id: str, name: str) -> None:
    """Add the dataset of an imported experiment. Raises ``BadInput`` where it is another one."""
    before = {dataset.id for dataset in list_datasets()}
    added = add_dataset(images, default_name=name, provenance="came with an experiment")
    if added.id != dataset_id:
        if added.id not in before:
            remove_dataset(added.id)
        raise BadInput("The images in the file are not those of its experiment.", "file")


def import_file(
    store: Store,
    file: BinaryIO | Path,
    add_images: Callable[[Path, str, str], object] = add_at_once,
) -> str:
    """Store what ``export_file`` wrote; returns the id of the experiment.

    Images that are in it and not here are given to ``add_images`` (their zip, the id and the name
    of their dataset) before the experiment is stored, and stay. All of the experiment or nothing is
    here afterwards, also where the process is killed: what such a one left is taken back by the
    next import or worker (``sweep_shared``). Raises ``BadInput`` for another
    file, and for an experiment that is here already.
    """
    room, locks = current_settings().imports_folder, current_settings().locks_folder
    room.mkdir(parents=True, exist_ok=True)
    sweep_shared(store)
    with temporary_folder(room / f"{_PREFIX}{uuid.uuid4().hex}", locks) as folder:
        _unpack(file, folder)
        try:
            experiment_id, _ = names_in(folder / DOCUMENT_NAME)
            with _only_importer(experiment_id):
                if experiment_id not in store.experiment_ids():
                    _take_images(folder, add_images)
                imported = import_document(store, folder / DOCUMENT_NAME)
        except BaseException as error:
            _take_back(store, folder)
            if isinstance(error, StoreError | ValueError):
                raise BadInput(
                    f"The file holds no experiment that can be read. {error}", "file"
                ) from error
            raise
    if imported is None:
        removed = experiment_id in {one.id for one in store.removed_experiments()}
        hint = " It was removed within the hour: take it back." if removed else ""
        raise BadInput(f"This experiment is here already.{hint}", "file")
    return imported


def sweep_shared(store: Store) -> None:
    """Take back what killed imports left: files of runs without an experiment, unpacked files."""
    room, locks = current_settings().imports_folder, current_settings().locks_folder
    for folder in room.glob(f"{_PREFIX}*"):
        if is_free(making(folder, locks)):
            _take_back(store, folder)
    sweep_folders(room, f"{_PREFIX}*", locks)


def _take_back(store: Store, folder: Path) -> None:
    """Delete the files of the runs that were unpacked into ``folder``, unless they are here: the
    rows come last, so an experiment that the store knows is whole."""
    try:
        experiment_id, run_ids = names_in(folder / DOCUMENT_NAME)
    except (OSError, ValueError):
        return  # nothing was written yet
    with _only_importer(experiment_id):
        if experiment_id in store.experiment_ids():
            return
        for run_id in run_ids:
            kept = current_settings().runs_folder / run_id
            forget(kept)
            if kept.exists():
                shutil.rmtree(kept)


def _take_images(folder: Path, add_images: Callable[[Path, str, str], object]) -> None:
    """Raises ``ValueError`` for a document that names no dataset, and what ``add_images`` does."""
    if not (folder / IMAGES_NAME).exists():
        return
    dataset_id, name = dataset_in(folder / DOCUMENT_NAME)
    if dataset_id not in {dataset.id for dataset in list_datasets()}:
        add_images(folder / IMAGES_NAME, dataset_id, name)


def _only_importer(experiment_id: str) -> AbstractContextManager[None]:
    """One process at a time writes or takes back the files of an experiment."""
    return lock(current_settings().locks_folder / f"import-{experiment_id}.lock")


def _unpack(file: BinaryIO | Path, folder: Path) -> None:
    """Only the files that an export has, under names of its own."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if not {DOCUMENT_NAME, PREDICTIONS_NAME} <= names:
                raise BadInput(
                    "This is no experiment of Headstart: make the file with Export on the page "
                    "Experiments, or with experiments export ID --output FILE.zip.",
                    "file",
                )
            known = {DOCUMENT_NAME, PREDICTIONS_NAME, IMAGES_NAME}
            others = [one for one in names - known if not _WEIGHTS.fullmatch(one)]
            if others or len(names) < len(members):
                raise BadInput(f"The file holds what no export has: {sorted(others)[:3]}.", "file")
            if sum(member.file_size for member in members) > MOST_BYTES:
                raise BadInput(f"The file is larger than {MOST_BYTES >> 30} GB unpacked.", "file")
            (folder / WEIGHTS_FOLDER).mkdir()
            for member in members:
                with (
                    archive.open(member) as source,
                    (folder / member.filename).open("wb") as target,
                ):
                    shutil.copyfileobj(source, target)
    except OSError:
        raise  # of the disk: it has words of its own
    except (*DAMAGE, RuntimeError) as error:  # the last of an encrypted one
        raise BadInput(f"The file is damaged, or no zip ({error}).", "file") from error
