"""Uploads on their way to the disk: names, limits, broken-off streams, what is left behind."""

import io
import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.datasets.reading.raw_files import safe_parts
from core.errors import BadInput, HeadstartError
from core.experiments import imports, uploads
from core.experiments.imports import find_import, list_imports, receive_upload, retry_import
from core.experiments.store import Store
from core.experiments.uploads import (
    MOST_UPLOADED_FILES,
    delete_import_folder,
    keep_upload,
    link_upload,
    safe_file_name,
    sweep_uploads,
    upload_folder,
)
from core.files import temporary_folder
from core.jobs.queue import JobQueue
from core.settings import current_settings

pytestmark = pytest.mark.usefixtures("woken")


class BrokenOff(io.BytesIO):
    """A stream whose sender goes away after half of it."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= len(self.getvalue()) // 2:
            raise ConnectionError("the browser went away")
        return super().read(min(size or 0, len(self.getvalue()) // 2))


def kept_names(home: Path) -> list[str]:
    """All files and folders below ``imports``."""
    root = home / "imports"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def streams(*names: str) -> list[tuple[str, io.BytesIO]]:
    return [(name, io.BytesIO(name.encode("utf-8", "replace"))) for name in names]


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def test_one_file_is_kept_as_it_is_under_its_own_name(home: Path) -> None:
    kept = keep_upload("a1", streams("Été 2024.zip"))
    assert kept.path == home / "imports" / "a1" / "upload" / "Été 2024.zip"
    assert kept.source == "Été 2024.zip"
    assert kept.path.read_bytes() == "Été 2024.zip".encode()
    assert kept_names(home) == ["a1", "a1/upload", "a1/upload/Été 2024.zip"]


@pytest.mark.parametrize(
    ("names", "file_name", "source"),
    [
        (["pets/cats/1.png", "pets/dogs/1.png"], "pets.zip", "pets (2 files)"),
        (["pets\\cats\\1.png"], "pets.zip", "pets (1 file)"),
        (["train-images.gz", "train-labels.gz"], "uploaded files.zip", "2 files"),
        (["cats/1.png", "dogs/1.png"], "uploaded files.zip", "2 files"),
        (["pets/1.png", "labels.csv"], "uploaded files.zip", "2 files"),
        (["../1.png", "../2.png"], "upload.zip", ".. (2 files)"),
    ],
)
@pytest.mark.usefixtures("home")
def test_several_files_or_a_folder_become_one_zip(
    names: list[str], file_name: str, source: str
) -> None:
    kept = keep_upload("a1", streams(*names))
    assert (kept.path.name, kept.source) == (file_name, source)
    assert members(kept.path) == {name: name.encode() for name in names}


@pytest.mark.usefixtures("home")
def test_hostile_and_equal_names_are_kept_for_the_reader_to_judge() -> None:
    hostile = ["/abs.png", "..\\up.png", "C:\\x.png", "nul\0l.png", "a\u202egpj.exe", "x" * 300]
    kept = keep_upload("a1", streams(*hostile, "1.png", "1.png", "1 (2).png", "lone\ud800.png", ""))
    with zipfile.ZipFile(kept.path) as archive:
        found = [entry.orig_filename for entry in archive.infolist()]
    assert sorted(found) == sorted(
        [*hostile, "1.png", "1 (2).png", "1 (3).png", "lone?.png", "file"]
    )


@pytest.mark.usefixtures("home")
def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    first = keep_upload("a1", streams("b.png", "a.png")).path.read_bytes()
    assert keep_upload("a2", streams("a.png", "b.png")).path.read_bytes() == first


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("pets.zip", "pets.zip"),
        ("C:\\Users\\me\\pets.zip", "pets.zip"),
        ("../../etc/passwd", "passwd"),
        (".zip", "upload.zip"),
        ("...", "upload"),
        ("", "file"),
        ("a/b\0c\u202e.zip", "b_c_.zip"),
        ("x.y.tar.gz", "x.y.tar.gz"),
        ("a." + "b" * 50, "a." + "b" * 10),
        ("a.z!i/p", "p"),
        ("é" * 300 + ".zip", "é" * 100 + ".zip"),
        ("鳥" * 300 + ".zip", "鳥" * 66 + ".zip"),
        ("<script>.csv", "_script_.csv"),
    ],
)
def test_names_that_can_be_written_on_any_disk(name: str, kept: str) -> None:
    assert safe_file_name(name) == kept


@given(st.text(max_size=400))
@example("a" * 99 + ". .zip")
@example("\ud800.zip")
def test_no_name_leads_elsewhere_or_hides_or_is_too_long(name: str) -> None:
    kept = safe_file_name(name)
    assert Path(kept).name == kept
    assert kept.isprintable()
    assert not kept.startswith((".", " "))
    assert not kept.endswith((".", " "))
    assert 1 <= len(kept.encode()) <= 255
    assert safe_parts(kept) == (kept,)


def refused(store: Store, home: Path, files: list[tuple[str, io.BytesIO]], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        receive_upload(store, files, None)
    assert list_imports(store) == []
    assert kept_names(home) == [] if (home / "imports").exists() else True


def test_no_file_is_refused(store: Store, home: Path) -> None:
    refused(store, home, [], "No file was given")


def test_5001_files_are_refused_and_a_zip_is_asked_for(store: Store, home: Path) -> None:
    files = streams(*(f"{number}.png" for number in range(MOST_UPLOADED_FILES + 1)))
    refused(store, home, files, r"5,001 files at once; the limit is 5,000\. Make a zip of them")


def test_5000_files_are_taken(store: Store) -> None:
    files = streams(*(f"{number}.png" for number in range(MOST_UPLOADED_FILES)))
    record = find_import(store, receive_upload(store, files, None))
    assert (record.source, record.state) == ("5,000 files", "queued")
    assert len(members(record.path)) == MOST_UPLOADED_FILES


@pytest.mark.parametrize("names", [["a.zip"], ["a.png", "b.png"]])
def test_more_than_the_limit_is_refused(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", "1")
    files = [(name, io.BytesIO(bytes(1024**2 // len(names) + 1))) for name in names]
    refused(store, home, files, "larger than 1 MB, which is the limit.*datasets add PATH")


def test_what_is_really_read_counts_against_the_limit(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", "1")
    refused(store, home, [("a.zip", Unseekable(bytes(1024**2 + 1)))], "larger than 1 MB")


def test_the_limit_is_that_of_the_browser() -> None:
    import tomllib

    from core.settings import PROJECT_ROOT

    text = (PROJECT_ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    megabytes = tomllib.loads(text)["server"]["maxUploadSize"]
    assert current_settings().upload_limit_bytes == megabytes * 1024**2


@pytest.mark.parametrize("name", ["model.keras", "Weights.H5", "m.onnx"])
def test_a_model_file_is_refused(store: Store, home: Path, name: str) -> None:
    refused(store, home, streams(name), f"{name} is a model file, not pictures")


def test_a_pickle_is_told_as_that_before_it_is_kept(store: Store, home: Path) -> None:
    refused(store, home, streams("m.pkl"), r"m\.pkl is a pickle of Python, which is never opened")


@pytest.mark.parametrize("name", ["x" * 101, "a\nb"])
def test_a_name_that_cannot_be_used_is_refused_first(store: Store, home: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be used: give 1 to 100"):
        receive_upload(store, streams("a.zip"), name)
    assert not (home / "imports").exists()
    assert list_imports(store) == []


@pytest.mark.parametrize("names", [["a.zip"], ["1.png", "2.png"]])
def test_an_upload_that_breaks_off_leaves_nothing(
    store: Store, home: Path, names: list[str]
) -> None:
    files = [*streams(*names[:-1]), (names[-1], BrokenOff(bytes(10_000)))]
    with pytest.raises(HeadstartError, match=r"could not be written to .*the browser went away"):
        receive_upload(store, files, None)
    assert kept_names(home) == []
    assert list_imports(store) == []


def test_a_full_disk_is_said_before_anything_is_written(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage._replace(free=1000))
    with pytest.raises(HeadstartError, match="this upload and the dataset made of it would take"):
        receive_upload(store, [("a.zip", io.BytesIO(bytes(2000)))], None)
    assert kept_names(home) == []


def test_a_process_that_cannot_start_leaves_nothing(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(_queue: JobQueue) -> bool:
        raise OSError("too many processes")

    monkeypatch.setattr(imports, "ensure_worker", unable)
    with pytest.raises(HeadstartError, match=r"No process could be started to read a\.zip"):
        receive_upload(store, streams("a.zip"), None)
    assert kept_names(home) == []
    assert list_imports(store) == []


def test_a_worker_is_woken_for_the_import(store: Store, woken: list[str]) -> None:
    import_id = receive_upload(store, streams("a.zip"), "  pets ")
    assert woken == [import_id]
    assert find_import(store, import_id).name == "pets"
    store.claim_next("worker")
    store.fail(import_id, "It did not work.")
    retry_import(store, import_id)
    assert woken == [import_id, import_id]


def age(path: Path, days: float) -> None:
    moment = time.time() - days * 24 * 3600
    os.utime(path, (moment, moment))


def test_old_uploads_are_swept_when_the_next_one_comes(store: Store, home: Path) -> None:
    old, recent, active = (
        receive_upload(store, streams(f"{name}.zip"), None) for name in ("old", "recent", "active")
    )
    for import_id in (old, recent):
        store.claim_next("worker")
        store.fail(import_id, "It did not work.")
    root = home / "imports"
    for broken_off in (".receiving-x", ".removed-y", "of-another-store"):
        (root / broken_off / "upload").mkdir(parents=True)
    age(root / "of-another-store" / "upload", days=1.1)
    age(root / old / "upload", days=7.1)
    age(root / recent / "upload", days=6.9)
    age(root / active / "upload", days=30)
    with temporary_folder(root / ".receiving-now", home / "locks") as another:
        (another / "upload").mkdir()
        new = receive_upload(store, streams("new.zip"), None)
        found = {path.parts[-2] for path in root.glob("*/upload")}
    assert found == {recent, active, new, ".receiving-now"}
    assert list((home / "locks").glob("making*")) == []
    assert find_import(store, old).can_retry is False
    assert find_import(store, recent).can_retry is True


def test_uploads_that_became_datasets_are_kept_up_to_a_limit(home, monkeypatch):  # noqa: ARG001
    for import_id in ("new", "old"):
        keep_upload(import_id, [("pets.zip", io.BytesIO(b"x" * 1000))])
    monkeypatch.setattr(uploads, "KEPT_FINISHED_BYTES", 1500)
    sweep_uploads([], ["new", "old"], {"new", "old"})
    assert (upload_folder("new").exists(), upload_folder("old").exists()) == (True, False)
    shared = link_upload("new", "newest")
    delete_import_folder("new")
    assert (shared / "pets.zip").read_bytes() == b"x" * 1000


def test_only_a_lack_of_room_costs_older_uploads(home, monkeypatch):  # noqa: ARG001
    for import_id in ("new", "old"):
        keep_upload(import_id, [("pets.zip", io.BytesIO(b"x" * 1000))])
    with pytest.raises(HeadstartError, match="could not be written"):
        keep_upload("broken", [("pets.zip", BrokenOff(b"x" * 1000))], ["new", "old"])
    assert (upload_folder("new").exists(), upload_folder("old").exists()) == (True, True)

    def full_until_one_is_gone(*_arguments):
        if upload_folder("old").exists():
            raise HeadstartError("The disk has no room.")

    monkeypatch.setattr(uploads, "check_room", full_until_one_is_gone)
    keep_upload("third", [("pets.zip", io.BytesIO(b"x" * 1000))], ["new", "old"])
    assert (upload_folder("new").exists(), upload_folder("old").exists()) == (True, False)
