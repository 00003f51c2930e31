"""Imports in real processes: finished, failed, cancelled, killed, tried again, found again."""

import io
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from core.datasets import add
from core.datasets.add import add_dataset
from core.datasets.reading_choice import Choice
from core.datasets.storage import list_datasets, open_dataset, remove_dataset
from core.errors import BadInput
from core.experiments import imports as imports_module
from core.experiments.imports import (
    ImportRecord,
    cancel_import,
    find_import,
    forget_import,
    import_folder,
    list_imports,
    receive_upload,
    retry_import,
)
from core.experiments.store import Store, open_store
from core.experiments.uploads import import_folder_path
from core.jobs import child
from core.jobs.launchers import ProcessLauncher, child_environment, log_path
from core.jobs.worker import serve
from core.jobs.workers import utc_now
from core.settings import PROJECT_ROOT, current_settings
from tests.datasets.pictures import encoded, noise_png, two_classes
from tests.jobs.conftest import processes_of, wait_for


def zipped(members: dict[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            # Without the clock: made again two seconds later, it is the same file.
            archive.writestr(zipfile.ZipInfo(name), data)
    buffer.seek(0)
    return buffer


def pets(prefix: str = "") -> io.BytesIO:
    return zipped(two_classes(6, prefix))


def slow_pets(count: int = 400) -> io.BytesIO:
    """Many large pictures: seconds to read on any machine, small to send."""
    large = encoded(Image.linear_gradient("L").resize((1500, 1500)).convert("RGB"))
    names = [f"{label}/{number}.png" for label in ("cats", "dogs") for number in range(count // 2)]
    return zipped(dict.fromkeys(names, large))


def over(store: Store, import_id: str) -> ImportRecord:
    wait_for(lambda: not find_import(store, import_id).is_active)
    return find_import(store, import_id)


def left_in_datasets() -> list[str]:
    folder = current_settings().datasets_folder
    return sorted(path.name for path in folder.iterdir() if path.name != "bundled.json")


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started: the test does the import's work in its own."""
    monkeypatch.setattr(imports_module, "ensure_worker", lambda _queue: False)


def execute(store: Store, import_id: str) -> int:
    """Claim the next job, which is this import, and do it here."""
    job = store.claim_next("worker")
    assert job is not None
    assert job.id == import_id
    return child.execute(store, import_id)


# In a process of its own ----------------------------------------------------------------------


def test_an_upload_becomes_a_dataset_and_is_kept_to_be_read_another_way(store: Store) -> None:
    import_id = receive_upload(store, [("mes animaux.zip", pets())], None)
    record = over(store, import_id)
    assert (record.state, record.error, record.notes) == ("finished", None, ())
    dataset = open_dataset(record.dataset_id or "")
    assert (dataset.name, dataset.provenance) == ("mes animaux", "added from mes animaux.zip")
    assert dataset.class_counts == {"cats": 6, "dogs": 6}
    wait_for(lambda: processes_of(import_id) == [])
    assert sorted(path.name for path in import_folder_path(import_id).iterdir()) == [
        "log.txt",
        "upload",
    ]
    assert log_path(store.job(import_id)).read_text() == ""


def test_a_dropped_folder_becomes_a_dataset_of_its_name(store: Store) -> None:
    files = [(f"pets/{name}", io.BytesIO(data)) for name, data in two_classes(6).items()]
    record = over(store, receive_upload(store, files, None))
    assert record.source == "pets (12 files)"
    dataset = open_dataset(record.dataset_id or "")
    assert (dataset.name, dataset.class_counts) == ("pets", {"cats": 6, "dogs": 6})


def test_a_folder_on_the_server_becomes_a_dataset_and_stays(store: Store, home: Path) -> None:
    for name, data in two_classes(6).items():
        path = home / "inbox" / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    record = over(store, import_folder(store, "pets", "my pets"))
    assert (record.state, record.error) == ("finished", None)
    assert open_dataset(record.dataset_id or "").name == "my pets"
    assert (home / "inbox" / "pets" / "cats" / "0.png").exists()


def test_it_goes_on_when_the_web_server_is_gone(store: Store) -> None:
    program = (
        "import io, sys\n"
        "from core.experiments.imports import receive_upload\n"
        "from core.experiments.store import open_store\n"
        "print(receive_upload(open_store(), [('pets.zip', sys.stdin.buffer)], None), flush=True)\n"
        "import os; os._exit(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=pets().getvalue(),
        env=child_environment(),
        capture_output=True,
        check=False,
    )
    assert done.stderr == b""
    import_id = done.stdout.decode().strip()
    record = over(store, import_id)
    assert (record.state, record.error) == ("finished", None)
    assert [dataset.name for dataset in list_datasets()] == ["pets"]


def test_it_counts_yields_to_others_and_a_cancel_leaves_nothing(store: Store) -> None:
    import_id = receive_upload(store, [("pets.zip", slow_pets())], None)
    wait_for(lambda: (found := find_import(store, import_id).progress) and found.done > 0)
    progress = find_import(store, import_id).progress
    assert progress is not None
    assert (progress.step, progress.total) == ("Reading images", 400)
    (process,) = processes_of(import_id)
    assert process.nice() == min(19, os.nice(0) + 10)
    wait_for(
        lambda: (found := find_import(store, import_id).progress) and found.seconds_left is not None
    )
    assert cancel_import(store, import_id).state == "running"
    cancel_import(store, import_id)
    wait_for(lambda: find_import(store, import_id).state == "cancelled", seconds=3)
    wait_for(lambda: processes_of(import_id) == [], seconds=3)
    assert left_in_datasets() == []
    assert [path.name for path in import_folder_path(import_id).iterdir()] == ["log.txt"]
    assert find_import(store, import_id).can_retry is False
    assert cancel_import(store, import_id).state == "cancelled"


@pytest.mark.slow
def test_an_import_whose_worker_was_killed_can_be_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = receive_upload(store, [("pets.zip", slow_pets(100))], "pets")
    wait_for(lambda: (found := find_import(store, import_id).progress) and found.done > 0)
    (worker,) = store.live_workers()
    psutil.Process(worker.process_id).kill()
    wait_for(lambda: processes_of(import_id) == [], seconds=10)
    assert store.job(import_id).state == "running"  # its lease lasts
    with monkeypatch.context() as patch:
        patch.setattr(store, "_now", lambda: utc_now() + timedelta(seconds=16))
        (record,) = list_imports(store)
    assert (record.state, record.can_retry) == ("interrupted", True)
    assert list_datasets() == []
    again = retry_import(store, import_id)
    assert (again.is_active, again.attempts) == (True, 1)
    record = over(store, import_id)
    assert (record.state, record.error, record.attempts) == ("finished", None, 2)
    assert open_dataset("pets").image_count == 100


def test_a_stopped_process_says_so_and_tidies_up(store: Store) -> None:
    import_id = receive_upload(store, [("pets.zip", slow_pets())], None)
    wait_for(lambda: (found := find_import(store, import_id).progress) and found.done > 0)
    (process,) = processes_of(import_id)
    process.send_signal(signal.SIGTERM)
    record = over(store, import_id)
    assert (record.state, record.can_retry) == ("interrupted", True)
    assert record.error == ("The import was stopped before its end. Start the import again.")
    wait_for(lambda: processes_of(import_id) == [])
    assert left_in_datasets() == []


@pytest.mark.usefixtures("by_hand")
def test_a_cancel_that_the_work_does_not_ask_for_is_heard_too(store: Store) -> None:
    import_id = receive_upload(store, [("pets.zip", pets())], None)
    launcher = ProcessLauncher(module="tests.experiments.deaf_import")
    serving = threading.Thread(
        target=serve, args=(open_store(), launcher), kwargs={"exit_when_idle": 0}, daemon=True
    )
    serving.start()
    comparing = "Looking for duplicates"
    wait_for(lambda: (found := find_import(store, import_id).progress) and found.step == comparing)
    assert [name[:10] for name in left_in_datasets()] == [".incoming-"]
    cancel_import(store, import_id)
    wait_for(lambda: find_import(store, import_id).state == "cancelled", seconds=6)
    serving.join(timeout=10)
    assert left_in_datasets() == []


def test_one_import_at_a_time(store: Store) -> None:
    first = receive_upload(store, [("pets.zip", slow_pets(100))], None)
    second = receive_upload(store, [("others.zip", pets("more/"))], None)
    wait_for(lambda: find_import(store, first).progress is not None)
    assert find_import(store, second).state == "queued"
    assert store.queue_place(second) == 1
    assert cancel_import(store, second).state == "cancelled"
    assert over(store, first).state == "finished"
    assert [dataset.name for dataset in list_datasets()] == ["pets"]


def test_what_cannot_be_used_is_said_and_the_upload_kept_until_forgotten(store: Store) -> None:
    one_class = {f"cats/{number}.png": data for number, data in enumerate(two_classes().values())}
    import_id = receive_upload(store, [("chats.zip", zipped(one_class))], None)
    record = over(store, import_id)
    assert (record.state, record.can_retry, record.question) == ("failed", True, None)
    assert "at least 2 are needed" in (record.error or "")
    wait_for(lambda: processes_of(import_id) == [])
    forget_import(store, import_id)
    assert list_imports(store) == []
    assert list(current_settings().imports_folder.iterdir()) == []


# In this process ------------------------------------------------------------------------------


@pytest.mark.usefixtures("by_hand")
def test_the_same_upload_again_is_found_without_reading(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = receive_upload(store, [("pets.zip", pets())], None)
    assert execute(store, first) == 0
    second = receive_upload(store, [("other name.zip", pets())], "other")

    def not_read(*_arguments: Any, **_options: Any) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr(add, "add_dataset", not_read)
    assert execute(store, second) == 0
    record = find_import(store, second)
    assert record.dataset_id == find_import(store, first).dataset_id
    assert record.notes == (
        "These are the same images as dataset 'pets', which was there already."
        " It keeps its name; you can rename it.",
    )
    assert len(list_datasets()) == 1


@pytest.mark.usefixtures("by_hand")
def test_what_an_older_edition_made_of_a_file_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have guessed what is asked about today."""
    first = receive_upload(store, [("pets.zip", pets())], None)
    assert execute(store, first) == 0
    manifest = open_dataset(find_import(store, first).dataset_id or "").folder / "manifest.json"
    document = json.loads(manifest.read_text())
    del document["reading"]
    manifest.write_text(json.dumps(document))
    read = []
    monkeypatch.setattr(add, "add_dataset", lambda *a, **k: read.append(a) or add_dataset(*a, **k))
    assert execute(store, receive_upload(store, [("pets.zip", pets())], None)) == 0
    assert len(read) == 1


@pytest.mark.usefixtures("by_hand")
def test_the_same_images_packed_otherwise_are_found_by_their_content(store: Store) -> None:
    for name, prefix in (("pets.zip", ""), ("wrapped.zip", "wrapping/")):
        import_id = receive_upload(store, [(name, pets(prefix))], None)
        assert execute(store, import_id) == 0
    assert find_import(store, import_id).notes == (
        "These are the same images as dataset 'pets', which was there already.",
    )
    assert len(list_datasets()) == 1


@pytest.mark.usefixtures("by_hand")
def test_an_upload_whose_dataset_was_removed_is_read_again(store: Store) -> None:
    execute(store, receive_upload(store, [("pets.zip", pets())], None))
    remove_dataset("pets")
    again = receive_upload(store, [("pets.zip", pets())], None)
    assert execute(store, again) == 0
    assert find_import(store, again).notes == ()
    assert [dataset.name for dataset in list_datasets()] == ["pets"]


@pytest.mark.usefixtures("by_hand")
def test_labels_that_were_mended_beside_the_same_idx_images_are_read(
    store: Store, home: Path
) -> None:
    inbox = home / "inbox"
    inbox.mkdir(parents=True)
    images = bytes((0, 0, 8, 3)) + struct.pack(">III", 6, 4, 4) + bytes(range(96))
    (inbox / "train-images-idx3-ubyte").write_bytes(images)
    classes = []
    for labels in ((0, 1, 0, 1, 0, 1), (2, 3, 2, 3, 2, 3)):
        header = bytes((0, 0, 8, 1)) + struct.pack(">I", 6)
        (inbox / "train-labels-idx1-ubyte").write_bytes(header + bytes(labels))
        import_id = import_folder(store, "train-images-idx3-ubyte", None)
        assert execute(store, import_id) == 0
        record = find_import(store, import_id)
        assert record.notes == ()
        classes.append(open_dataset(record.dataset_id or "").classes)
    assert classes == [("0", "1"), ("2", "3")]


@pytest.mark.usefixtures("by_hand")
def test_a_process_that_was_given_up_leaves_the_upload_to_the_next_attempt(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = receive_upload(store, [("pets.zip", pets())], None)

    def given_up(*arguments: Any, **options: Any) -> Any:
        dataset = add_dataset(*arguments, **options)
        # The machine slept: the lease ended, and somebody pressed Try again.
        assert store.mark_interrupted(import_id, "gone", 1)
        retry_import(store, import_id)
        return dataset

    with monkeypatch.context() as patched:
        patched.setattr(add, "add_dataset", given_up)
        assert execute(store, import_id) == 0
    record = find_import(store, import_id)
    assert (record.state, record.attempts, record.source_present) == ("queued", 1, True)
    assert execute(store, import_id) == 0
    record = find_import(store, import_id)
    assert (record.state, record.source_present) == ("finished", True)


@pytest.mark.usefixtures("by_hand")
def test_a_name_that_is_taken_gets_a_number_and_a_note(store: Store, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for name, data in two_classes(7).items():
            archive.writestr(name, data)
    add_dataset(tmp_path / "pets.zip")
    import_id = receive_upload(store, [("x.zip", pets())], "pets")
    assert execute(store, import_id) == 0
    record = find_import(store, import_id)
    assert open_dataset(record.dataset_id or "").name == "pets (2)"
    assert record.notes == (
        "Another dataset is called 'pets' already, so this one is called 'pets (2)'."
        " You can rename it.",
    )


@pytest.mark.usefixtures("by_hand")
def test_an_unclear_table_asks_and_the_answer_is_used(store: Store) -> None:
    table = "picture,first,second\na.png,x,1\nb.png,y,2\nc.png,x,1\nd.png,y,2\n"
    members = {f"{name}.png": noise_png(number) for number, name in enumerate("abcd")}
    files = [("tabled.zip", zipped(members | {"t.csv": table.encode()}))]
    import_id = receive_upload(store, files, None)
    assert execute(store, import_id) == 1
    record = find_import(store, import_id)
    assert (record.state, record.can_retry) == ("failed", True)
    assert [table.model_dump() for table in record.question.tables] == [
        {
            "name": "t.csv",
            "columns": ["picture", "first", "second"],
            "rows": [
                ["a.png", "x", "1"],
                ["b.png", "y", "2"],
                ["c.png", "x", "1"],
                ["d.png", "y", "2"],
            ],
        }
    ]
    retry_import(store, import_id, Choice(file_column="picture", label_column="second"))
    assert execute(store, import_id) == 0
    record = find_import(store, import_id)
    assert (record.state, record.question) == ("finished", None)
    assert open_dataset(record.dataset_id or "").class_counts == {"1": 2, "2": 2}
    # The same file read by another column is another dataset.
    other = receive_upload(store, files, None)
    assert execute(store, other) == 1
    retry_import(store, other, Choice(file_column="picture", label_column="first"))
    assert execute(store, other) == 0
    assert open_dataset("tabled (2)").class_counts == {"x": 2, "y": 2}


FAULTS = [
    (MemoryError(), "The import ran out of memory: close other programs, or give fewer images"),
    (OSError(28, "No space left on device"), "The disk is full. Make room, and start the import"),
    (RuntimeError("odd\nthing"), "The import stopped with an unexpected RuntimeError: odd. See"),
]


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize(("fault", "message"), FAULTS, ids=[type(f).__name__ for f, _ in FAULTS])
def test_faults_are_worded_and_can_be_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, fault: Exception, message: str
) -> None:
    def broken(*_arguments: Any, **_options: Any) -> None:
        raise fault

    monkeypatch.setattr(add, "add_dataset", broken)
    import_id = receive_upload(store, [("pets.zip", pets())], None)
    assert execute(store, import_id) == 1
    record = find_import(store, import_id)
    assert (record.state, record.can_retry) == ("failed", True)
    assert (record.error or "").startswith(message)
    monkeypatch.undo()


@pytest.mark.usefixtures("by_hand")
def test_an_import_that_is_over_is_not_done_again(store: Store) -> None:
    import_id = receive_upload(store, [("pets.zip", pets())], None)
    assert execute(store, import_id) == 0
    before = find_import(store, import_id)
    assert child.execute(store, import_id) == 0
    assert find_import(store, import_id) == before
    with pytest.raises(BadInput, match="is finished; its dataset is there"):
        retry_import(store, import_id)


def test_the_child_loads_nothing_heavy_before_its_handler() -> None:
    heavy = ("imagehash", "pandas", "scipy", "sklearn", "tensorflow", "streamlit")
    code = (
        "import sys, core.jobs.child, core.experiments.imports; "
        f"print(sorted(set({heavy!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
