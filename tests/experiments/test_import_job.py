"""What the job of an import does, without a process: found again, named, asked, failed."""

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from core.datasets import add
from core.datasets.add import add_dataset
from core.datasets.reading_choice import Choice
from core.datasets.storage import list_datasets, open_dataset, remove_dataset
from core.errors import BadInput
from core.experiments.imports import find_import, import_folder, receive_upload, retry_import
from core.experiments.store import Store
from core.jobs import child
from tests.datasets.pictures import noise_png, two_classes
from tests.experiments.conftest import pets, zipped


def execute(store: Store, import_id: str) -> int:
    """Claim the next job, which is this import, and do it here."""
    job = store.claim_next("worker")
    assert job is not None
    assert job.id == import_id
    return child.execute(store, import_id)


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
