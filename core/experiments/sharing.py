"""An experiment in one file, for a colleague: results, predictions, weights; not the images.

Whoever has the same images finds them joined again: a dataset is known by its content.
"""

import re
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import BinaryIO

from core.datasets.reading.raw_files import DAMAGE
from core.errors import BadInput, StoreError
from core.experiments.recorded import (
    DOCUMENT_NAME,
    PREDICTIONS_NAME,
    WEIGHTS_FOLDER,
    copy_weights,
    export_experiment,
    import_document,
)
from core.experiments.store import Store
from core.files import written_whole
from core.settings import current_settings

MOST_BYTES = 8 << 30
_WEIGHTS = re.compile(rf"{WEIGHTS_FOLDER}/[a-z0-9_]{{1,64}}-[0-9]{{1,9}}\.npz")


def export_file(store: Store, experiment_id: str, file: Path) -> None:
    """Write a finished experiment into a zip, whole. Raises ``BadInput`` for one that is not."""
    with tempfile.TemporaryDirectory(dir=file.absolute().parent) as name:
        folder = export_experiment(store, experiment_id, Path(name), exact=True)
        # The arrays are compressed already, as far as they can be.
        with written_whole(file) as part, zipfile.ZipFile(part, "w") as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())


def import_file(store: Store, file: BinaryIO | Path) -> str:
    """Store what ``export_file`` wrote; returns the id of the experiment.

    Raises ``BadInput`` for another file, and for an experiment that is here already.
    """
    room = current_settings().imports_folder
    room.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=room) as name:
        folder = Path(name)
        _unpack(file, folder)
        try:
            imported = import_document(store, folder / DOCUMENT_NAME)
        except StoreError as error:
            raise BadInput(
                f"The file holds no experiment that can be read. {error}", "file"
            ) from error
        if imported is None:
            raise BadInput("This experiment is here already.", "file")
        copy_weights(folder / WEIGHTS_FOLDER, imported)
    return imported


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
            others = [
                one
                for one in names - {DOCUMENT_NAME, PREDICTIONS_NAME}
                if not _WEIGHTS.fullmatch(one)
            ]
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
