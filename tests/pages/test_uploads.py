"""The page Datasets: uploads good and bad, and the cards of imports."""

import pytest

from core.datasets.storage import list_datasets, open_dataset
from core.experiments import imports
from core.experiments.imports import find_import, list_imports
from core.experiments.store import open_store
from core.jobs.progress import Progress
from tests.datasets.pictures import noise_png, two_classes
from tests.pages.conftest import button, links, open_cold, press, upload, words, zipped
from tests.stored_home import do_next

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("at_once")
def test_an_upload_becomes_a_dataset():
    app = upload(open_cold("datasets"), ("pets.zip", zipped(two_classes(6))))
    assert not app.error
    assert "**12** images in **2** classes" in words(app)
    dataset = open_dataset("pets")
    assert links(app)["Open pets"] == ("datasets", f"dataset={dataset.folder.name}")
    assert links(app)["Benchmark it"] == ("benchmark", f"dataset={dataset.folder.name}")
    assert app.file_uploader[0].value == []  # nothing stays in the memory of the server
    assert "12 images in 2 classes, colour" in words(app)


@pytest.mark.usefixtures("at_once")
def test_the_classes_of_an_upload_are_named_at_once():
    """Folders of years are no classes, and copies count once: seen before a benchmark."""
    pictures = {
        f"{year}/{path}": data for year in (2022, 2023) for path, data in two_classes(3).items()
    }
    text = words(upload(open_cold("datasets"), ("pets.zip", zipped(pictures)))).replace("\\", "")
    assert "Classes: 'cats' and 'dogs'." in text
    assert "Left out: 6 files in 2023 that are in 2022 as well." in text


@pytest.mark.usefixtures("at_once")
def test_the_name_that_was_typed_is_taken():
    app = open_cold("datasets")
    app.text_input(key="upload.name.0").set_value("My **pets**").run()
    app = upload(app, ("x.zip", zipped(two_classes(6))))
    assert "Open My \\*\\*pets\\*\\*" in links(app)
    assert open_dataset("My **pets**").image_count == 12


@pytest.mark.usefixtures("at_once")
def test_the_same_upload_twice_is_one_dataset():
    app = open_cold("datasets")
    for _ in range(2):
        app = upload(app, ("pets.zip", zipped(two_classes(6))))
    assert [entry.name for entry in list_datasets()] == ["arrows", "pets"]
    assert "These are the same images as dataset \\'pets\\', which was there already" in words(app)


@pytest.mark.usefixtures("at_once")
def test_loose_files_of_a_folder_are_put_together():
    app = open_cold("datasets")
    app.segmented_control(key="upload.kind").set_value("A folder").run()
    assert app.file_uploader[0].accept_directory
    files = [(f"pets/{name}", data) for name, data in two_classes(6).items()]
    app = upload(app, *files)
    assert "**12** images in **2** classes" in words(app)
    assert open_dataset("pets").classes == ("cats", "dogs")


def png_zip(**changes):
    return zipped(two_classes(6) | changes)


def encrypted_zip():
    data = bytearray(png_zip())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):  # the flag of both headers says: encrypted
        place = data.find(start)
        while place >= 0:
            data[place + (6 if start == b"PK\x03\x04" else 8)] |= 1
            place = data.find(start, place + 4)
    return bytes(data)


BAD_UPLOADS = {
    "a document": ("thesis.docx", zipped({"word/document.xml": b"<xml/>"}), "images"),
    "a pdf": ("paper.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "paper"),
    "a rar": ("pets.rar", b"Rar!\x1a\x07\x01\x00" + bytes(64), "RAR"),
    "an empty zip": ("empty.zip", zipped({}), "empty"),
    "one class": (
        "one.zip",
        zipped({f"cats/{number}.png": noise_png(number) for number in range(6)}),
        "class",
    ),
    "encrypted": ("secret.zip", encrypted_zip(), "encrypted"),
    "truncated": ("cut.zip", png_zip()[:-200], "cut"),
    "pictures in the root": (
        "flat.zip",
        zipped({f"{number}.png": noise_png(number) for number in range(6)}),
        "folder",
    ),
    "a table without labels": ("table.csv", b"when,what\n1,2\n3,4\n", "table"),
}


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("kind", BAD_UPLOADS)
def test_a_bad_upload_is_refused_in_a_sentence(kind):
    name, data, word = BAD_UPLOADS[kind]
    app = upload(open_cold("datasets"), (name, data))
    assert not app.exception
    (box,) = app.error
    assert word.lower() in box.value.lower()
    assert "Traceback" not in box.value
    assert [entry.name for entry in list_datasets()] == ["arrows"]
    assert press(app, "Dismiss").error == []
    assert list_imports(open_store()) == []


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("name", ["model.keras", "weights.h5", "model.onnx"])
def test_a_model_file_is_refused_before_it_is_kept(name, home):
    app = upload(open_cold("datasets"), (name, b"anything"))
    (box,) = app.error
    assert "is a model file" in box.value
    assert list_imports(open_store()) == []
    assert not list((home / "imports").glob("*"))
    # A good upload takes the message away.
    app = upload(app, ("pets.zip", zipped(two_classes(6))))
    assert app.error == []


@pytest.mark.usefixtures("at_once")
def test_broken_pictures_are_left_out_and_listed():
    broken = {"cats/broken.png": b"\x89PNG\r\n\x1a\n nothing", "dogs/words.jpg": b"only words"}
    app = upload(open_cold("datasets"), ("pets.zip", zipped(two_classes(6) | broken)))
    assert "**12** images in **2** classes · 2 could not be used: see its Health" in words(app)
    app = open_cold("datasets", dataset="pets")
    listed = next(frame.value for frame in app.dataframe if "reason" in frame.value)
    assert listed["file"].tolist() == ["cats/broken.png", "dogs/words.jpg"]
    assert all(listed["reason"])
    assert "List of the files left out" in [entry.label for entry in app.get("download_button")]


@pytest.mark.usefixtures("never")
def test_an_import_at_work_is_shown_with_its_progress_and_can_be_cancelled():
    app = upload(open_cold("datasets"), ("pets.zip", zipped(two_classes(6))))
    store = open_store()
    (entry,) = list_imports(store)
    assert "**pets\\.zip**" in words(app)
    assert "Next in the queue" in words(app)
    assert store.claim_next("worker").id == entry.id
    assert store.set_progress(entry.id, Progress("Reading images", 1200, 4800, seconds_left=62.0))
    app = app.run()
    (bar,) = app.get("progress")
    assert bar.value == 25
    assert bar.proto.text == (
        "Reading images · 1,200 of 4,800 images · about 1 min left in this step"
    )
    app = press(app, "Cancel")
    assert find_import(store, entry.id).cancel_requested
    assert button(app, "Cancel").disabled
    assert store.mark_cancelled(entry.id)
    assert "Cancelled. Nothing was stored." in words(app.run())


@pytest.mark.usefixtures("never")
def test_an_interrupted_import_can_be_tried_again(monkeypatch):
    app = upload(open_cold("datasets"), ("pets.zip", zipped(two_classes(6))))
    store = open_store()
    (entry,) = list_imports(store)
    store.claim_next("worker")
    store.mark_interrupted(entry.id, "The process that read it ended.")
    app = app.run()
    assert [box.value for box in app.error] == ["The process that read it ended\\."]
    monkeypatch.setattr(imports, "ensure_worker", do_next)
    app = press(app, "Try again")
    assert "**12** images in **2** classes" in words(app)


def test_a_folder_on_the_server_is_read_only_where_it_is_allowed(at_once, home, tmp_path):  # noqa: ARG001
    for root in (home / "inbox", tmp_path / "elsewhere"):
        for name, data in two_classes(6).items():
            (root / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "pets" / name).write_bytes(data)
    app = open_cold("datasets")
    assert f"`{home / 'inbox'}`" in words(app)
    path = next(field for field in app.text_input if field.label == "Path")
    path.set_value(str(tmp_path / "elsewhere" / "pets"))
    app = press(app, "Read it")
    (box,) = app.error
    assert "HEADSTART\\_IMPORT\\_FOLDERS" in box.value
    path = next(field for field in app.text_input if field.label == "Path")
    path.set_value("pets")
    app = press(app, "Read it")
    assert app.error == []
    assert "**12** images in **2** classes" in words(app)


def test_the_layouts_of_other_programs_are_shown_when_they_are_unfolded():
    app = open_cold("datasets")
    assert "WebDataset" not in words(app)
    app.session_state["uploads.layouts"] = True
    text = words(app.run())
    assert (
        "- **Keras image_dataset_from_directory**: `main_directory/class_a/1.jpg`. *Read*" in text
    )
    assert "- **Vertex CSV without use**: `gs://bucket/1.jpg,daisy`. *Read*." in text
