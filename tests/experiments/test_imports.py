"""Imports in real processes: finished, failed, cancelled, killed, tried again, found again."""

import io
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from PIL import Image

from core.datasets.storage import list_datasets, open_dataset
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
from core.jobs.launchers import ProcessLauncher, child_environment, log_path
from core.jobs.worker import serve
from core.jobs.workers import utc_now
from core.settings import PROJECT_ROOT, current_settings
from tests.datasets.pictures import encoded, two_classes
from tests.experiments.conftest import pets, zipped
from tests.jobs.conftest import processes_of, wait_for

pytestmark = pytest.mark.slow


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
