"""The page Datasets: every state of it; uploads good and bad."""

import io
import zipfile
from dataclasses import fields
from html import escape

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset, add_pixels
from core.datasets.bundled import SAMPLES
from core.datasets.storage import list_datasets, open_dataset
from core.datasets.versions import Changes
from core.errors import BadInput
from core.experiments import imports
from core.experiments.imports import find_import, list_imports
from core.experiments.store import open_store
from core.jobs.child import execute
from core.jobs.records import Progress
from core.ui.datasets import manage as dataset_manage
from core.ui.datasets.cleanup import ACTION_LABELS
from core.ui.datasets.images import PAGE_SIZE
from core.ui.frame import reads
from core.ui.frame.address import in_text_colour
from tests import stored_home
from tests.datasets.pictures import encoded, noise_png, two_classes, write_zip
from tests.pages.conftest import open_cold, open_routed, words

HOSTILE = ("**bold** <script>", "[link](http://x)", "`code` $x$")


def do_next(queue):
    """In place of a worker: the first job that waits, done by the very function of the child."""
    execute(queue, queue.claim_next("page").id)


@pytest.fixture
def at_once(empty_home, monkeypatch):  # noqa: ARG001 - sets the home
    """Imports are done at once, in this process."""
    monkeypatch.setattr(imports, "ensure_worker", do_next)


@pytest.fixture
def never(empty_home, monkeypatch):  # noqa: ARG001 - sets the home
    """Imports stay in the queue, as if their process had not begun yet."""
    monkeypatch.setattr(imports, "ensure_worker", lambda queue: False)  # noqa: ARG005


@pytest.fixture
def pets(empty_home, tmp_path):  # noqa: ARG001 - sets the home
    """40 pictures in two classes; one twice, one under both classes, one file broken."""
    members = two_classes(20) | {"cats/broken.png": b"\x89PNG\r\n\x1a\n nothing"}
    members["cats/again.png"] = members["cats/3.png"]
    members["dogs/both.png"] = members["cats/5.png"]
    return add_dataset(write_zip(tmp_path / "pets.zip", members), "pets")


@pytest.fixture
def divided(empty_home, tmp_path):  # noqa: ARG001 - sets the home
    """A dataset with a predefined split; one image is in both subsets."""
    members = {
        f"{subset}/{name}/{number}.png": noise_png(1000 * place + 100 * number + len(subset))
        for subset, count in (("train", 12), ("test", 6))
        for place, name in enumerate(("cats", "dogs"))
        for number in range(count)
    }
    members["train/cats/leak.png"] = members["test/cats/0.png"]
    return add_dataset(write_zip(tmp_path / "divided.zip", members), "divided")


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def upload(app, *files):
    """Drop files: names with their bytes."""
    given = [(name, data, "application/octet-stream") for name, data in files]
    return app.file_uploader[0].set_value(given).run()


def button(app, label):
    return next(entry for entry in app.button if entry.label == label)


def press(app, label):
    return button(app, label).click().run()


def links(app):
    return {entry.label: (entry.page, entry.query_string) for entry in app.get("page_link")}


# The list -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("empty_home")
def test_the_list_shows_how_to_add_and_what_is_there():
    app = open_cold("datasets")
    assert not app.exception
    assert not app.error
    text = words(app)
    assert "Images may have any size, grey or colour" in text
    assert "and stay on this machine" in text
    assert "up to 500 MB at a time" in text
    assert "python -m core datasets add PATH" in text
    assert "120 images in 3 classes, grey" in text
    assert "Majority class: down, 33.3 % of the images" in text
    for sample in SAMPLES:
        assert in_text_colour(sample.title) in [tab.label for tab in app.tabs]
        assert any(escape(sample.tree) in shown.proto.body for shown in app.get("html"))
    dataset = open_dataset("arrows")
    assert links(app)["Open"] == ("datasets", f"dataset={dataset.folder.name}")
    assert links(app)["Benchmark it"] == ("benchmark", f"dataset={dataset.folder.name}")


@pytest.mark.usefixtures("empty_home")
def test_an_empty_home_says_what_to_do(monkeypatch):
    monkeypatch.setattr(reads, "datasets", list)
    assert "There are no datasets yet. Drop your images above" in words(open_cold("datasets"))


@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("wanted", ["gone", "**gone** <script>", "0123456789abcdef"])
def test_a_stale_link_says_so_and_shows_the_list(wanted):
    app = open_cold("datasets", dataset=wanted)
    (warning,) = app.warning
    assert warning.value.startswith("There is no dataset named")
    assert "<script>" not in warning.value.replace("\\<script\\>", "")
    assert app.title[0].value == "Datasets"
    assert "120 images in 3 classes" in words(app)


# Uploads ------------------------------------------------------------------------------------------


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


@pytest.mark.usefixtures("at_once")
def test_unclear_columns_are_asked_for_and_read_again():
    names = [f"p{number}.png" for number in range(12)]
    rows = [f"{name},{'ab'[n % 2]},{'xy'[n % 2]}{n % 3}" for n, name in enumerate(names)]
    members = {name: noise_png(number) for number, name in enumerate(names)}
    table = "\n".join(["one,two,three", *rows]).encode()
    app = upload(open_cold("datasets"), ("pets.zip", zipped(members | {"t.csv": table})))
    (entry,) = list_imports(open_store())
    assert entry.question is not None, entry.error
    assert "These are its first lines" in words(app)
    assert app.dataframe[0].value.columns.tolist() == ["one", "two", "three"]
    assert app.dataframe[0].value.iloc[0].tolist() == ["p0.png", "a", "x0"]
    assert button(app, "Read it as chosen").disabled
    app.selectbox(key=f"label_column.t.csv.{entry.id}").set_value("two").run()
    app.selectbox(key=f"file_column.t.csv.{entry.id}").set_value("one").run()
    app = press(app, "Read it as chosen")
    assert not app.error
    assert open_dataset("pets").classes == ("a", "b")


@pytest.mark.usefixtures("at_once")
def test_the_files_are_kept_to_be_read_another_way():
    members = {f"{name}_{n}/{n}_{name}.png": noise_png(n) for n in range(6) for name in ("a", "b")}
    members = {name: noise_png(place) for place, name in enumerate(members)}
    upload(open_cold("datasets"), ("pets.zip", zipped(members)))
    first = open_dataset("pets")
    assert len(first.classes) == 12
    app = open_cold("datasets", dataset=first.folder.name, section="Manage")
    app = press(app, "Read it another way")
    (asking, _) = list_imports(open_store())
    (offer,) = asking.question.offers
    assert (offer.class_count, offer.image_count) == (12, 12)
    app.segmented_control(key=f"way.{asking.id}").set_value("The file names").run()
    app.text_input(key=f"pattern.{asking.id}").set_value("*_{class").run()
    assert "must have" in app.error[0].value
    assert button(app, "Read it as chosen").disabled
    app.text_input(key=f"pattern.{asking.id}").set_value("*_{class}").run()
    assert "**a**" in words(app)
    app.segmented_control(key=f"way.{asking.id}").set_value("The folders").run()
    app.multiselect(key=f"leave.{asking.id}").set_value(["a_0", "b_*"]).run()
    app = press(app, "Read it as chosen")
    assert not app.error
    second = open_dataset("pets (2)")
    assert second.classes == ("a_1", "a_2", "a_3", "a_4", "a_5")
    assert second.reading.choice.leave_out == ("a_0", "b_*")
    assert open_dataset(first.id).classes == first.classes


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


# One dataset --------------------------------------------------------------------------------------


def test_the_head_says_what_it_is(pets):
    app = open_cold("datasets", dataset=pets.folder.name)
    assert not app.exception
    assert not app.error
    assert app.title[0].value == "pets"
    text = words(app)
    assert "**42 images in 2 classes, colour**, 12 × 12 pixels" in text
    assert "Majority class: cats, 50.0 % of the images" in text
    assert "read as class folders" in text
    assert links(app)["Benchmark it"] == ("benchmark", f"dataset={pets.folder.name}")
    assert app.query_params["dataset"] == pets.folder.name


def test_health_shows_findings_gravest_first_with_pictures_on_demand(pets):
    app = open_routed("datasets", dataset="pets")
    found = reads.findings(pets)
    text = words(app)
    places = [text.index(finding.title.split(":")[0].split("(")[0][:20]) for finding in found[:2]]
    assert places == sorted(places)
    assert "1 image appears in more than one class" in text
    assert not app.image  # nothing is decoded before somebody looks
    assert "Every image has 12 × 12 pixels." in text
    table = next(frame.value for frame in app.dataframe if "fraction (%)" in frame.value)
    assert table["class"].tolist() == ["cats", "dogs"]
    assert table["images"].tolist() == [21, 21]


def test_the_numbers_of_a_predefined_split_are_shown(divided):
    app = open_cold("datasets", dataset=divided.folder.name)
    assert "Comes with a split: 25 train, 12 test" in words(app)
    table = next(frame.value for frame in app.dataframe if "fraction (%)" in frame.value)
    assert table["train"].tolist() == [13, 12]
    assert table["test"].tolist() == [6, 6]


def test_the_images_of_a_finding_are_side_by_side_when_it_is_opened(pets):
    app = open_cold("datasets", dataset="pets")
    kinds = [finding.kind for finding in reads.findings(pets)]
    number = kinds.index("label_conflicts")
    app.session_state[f"groups.{pets.id}.{number}"] = True
    app = app.run()
    assert len(app.image) == 2
    twins = [pets.file_names.index(name) for name in ("cats/5.png", "dogs/both.png")]
    keys = [f"open.groups.{pets.id}.{number}.0.{index}" for index in twins]
    assert [app.button(key=key).label for key in keys] == ["cats", "dogs"]
    app = app.button(key=keys[1]).click().run()
    assert app.query_params["image"] == str(twins[1])
    assert "- File: **dogs\\/both\\.png**" in words(app)


@pytest.mark.usefixtures("pets")
def test_the_gallery_shows_a_page_at_a_time_and_the_address_names_it():
    app = open_routed("datasets", dataset="pets", section="Images")
    assert "1 to 24 of 42 images" in words(app)
    assert len(app.image) == PAGE_SIZE
    app = app.pagination[0].set_value(2).run()
    assert "25 to 42 of 42 images" in words(app)
    assert len(app.image) == 18
    assert app.query_params["page"] == "2"
    app = app.selectbox[0].set_value("dogs").run()
    assert app.query_params["class"] == "dogs"
    assert "page" not in app.query_params
    assert "1 to 21 of 21 images" in words(app)
    app = app.selectbox[0].select_index(0).run()
    assert "class" not in app.query_params


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"class": "cows"}, "cows, which is not here (any more). Shown instead: All classes"),
        ({"class": "<b>x</b>"}, "the class \\<b\\>x\\<\\/b\\>, which is not here"),
        ({"image": "4711"}, "4711, which is not in this dataset: its pictures are numbered"),
        ({"image": "-1"}, "\\-1, which is not in this dataset"),
        ({"image": "one"}, "one, which is not in this dataset"),
    ],
)
@pytest.mark.usefixtures("pets")
def test_a_stale_address_is_said_and_the_gallery_is_shown(query, sentence):
    app = open_cold("datasets", dataset="pets", section="Images", **query)
    assert not app.exception
    assert sentence in app.warning[0].value
    assert "1 to 24 of 42 images" in words(app)


@pytest.mark.usefixtures("pets")
@pytest.mark.parametrize("page", ["0", "99", "x"])
def test_a_page_beyond_the_ends_is_the_nearest(page):
    app = open_cold("datasets", dataset="pets", section="Images", page=page)
    assert not app.exception
    assert ("25 to 42 of" if page == "99" else "1 to 24 of") in words(app)


def test_one_picture_is_shown_large_with_its_facts_and_its_twin(pets):
    index = pets.file_names.index("cats/3.png")
    twin = pets.file_names.index("cats/again.png")
    app = open_routed("datasets", dataset="pets", section="Images", image=str(index))
    text = words(app)
    assert "- Class: **cats**" in text
    assert "- File: **cats\\/3\\.png**" in text
    assert "- Size: **12 × 12 pixels**" in text
    assert "1 image, with exactly the same pixels." in text
    assert app.button(key=f"open.near.{twin}").help == "Open cats\\/again\\.png"
    app = app.button(key=f"open.near.{twin}").click().run()
    assert app.query_params["image"] == str(twin)
    app = press(app, "All images")
    assert "image" not in app.query_params
    assert "1 to 24 of 42 images" in words(app)


def test_next_and_previous_stay_in_the_class(pets):
    first = int(np.flatnonzero(pets.labels == 1)[0])
    app = open_cold("datasets", dataset="pets", section="Images", image=str(first))
    assert button(app, "Previous").disabled
    app = press(app, "Next")
    assert app.query_params["image"] == str(first + 1)
    assert "2 of 21 images of this class" in words(app)


def test_the_subset_of_a_predefined_split_is_shown(divided):
    leak = divided.file_names.index("cats/train/leak.png")
    app = open_cold("datasets", dataset="divided", section="Images", image=str(leak))
    assert "Subset of the split: **train**" in words(app)


@pytest.mark.usefixtures("empty_home")
def test_hostile_names_are_shown_literally():
    classes = sorted(HOSTILE)
    pixels = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    dataset = add_pixels(pixels, np.repeat(np.arange(3), 10), classes, "# *set* <b>", "<i>x</i>")
    for section in ("Health", "Images", "Clean up", "Manage"):
        app = open_cold("datasets", dataset=dataset.folder.name, section=section)
        assert not app.exception
        assert not app.error
        assert app.title[0].value == "\\# \\*set\\* \\<b\\>"
        text = words(app)
        assert "<script>" not in text
        assert "[link](" not in text
        assert "<i>x" not in text
    app = open_cold("datasets", dataset=dataset.folder.name, section="Images", image="0")
    assert f"- Class: **{classes[0]}**" not in words(app)
    assert not app.exception


# Clean up -----------------------------------------------------------------------------------------


def test_every_change_has_a_label_and_a_way_to_choose_it():
    assert set(ACTION_LABELS) == {field.name for field in fields(Changes)}


@pytest.mark.usefixtures("pets")
def test_the_button_of_a_finding_opens_clean_up_with_it_chosen():
    app = open_routed("datasets", dataset="pets")
    app = press(app, "Leave out exact copies")
    assert app.query_params["section"] == "Clean up"
    chosen = {toggle.label: toggle.value for toggle in app.toggle}
    assert chosen["Leave out exact copies"] is True
    assert chosen["Leave out near duplicates"] is False
    assert [(metric.label, metric.value) for metric in app.metric] == [
        ("Images that stay", "41"),
        ("Images that go", "1"),
    ]


def test_a_new_version_is_made_and_the_old_one_stays(pets):
    app = open_cold("datasets", dataset="pets", section="Clean up")
    assert "Nothing is chosen yet." in words(app)
    next(t for t in app.toggle if t.label == "Leave out images with two labels").set_value(True)
    app = app.run()
    assert [metric.value for metric in app.metric] == ["40", "2"]
    app = press(app, "Make a new version")
    assert not app.error
    made = open_dataset("pets, version 2")
    assert made.image_count == 40
    assert made.version_of == pets.id
    assert app.title[0].value == "pets, version 2"
    assert app.query_params["dataset"] == made.folder.name
    assert links(app)["Made from pets"] == ("datasets", f"dataset={pets.folder.name}")
    assert open_dataset("pets").image_count == 42
    old = open_cold("datasets", dataset="pets")
    assert "Later version: pets, version 2" in links(old)


def test_classes_are_merged_and_pictures_marked_one_by_one_go(pets):
    app = open_cold("datasets", dataset="pets", section="Images", image="0")
    app = app.toggle[0].set_value(True).run()
    app.query_params["section"] = "Clean up"
    app = app.run()
    assert "1 image marked one by one." in words(app)
    assert [metric.value for metric in app.metric] == ["41", "1"]
    app.multiselect[1].set_value(["cats"]).run()
    assert "Choose the class that they become" in words(app)
    app = app.selectbox[0].set_value("dogs").run()
    assert "at least 2 classes are needed" in app.error[0].value
    assert "Make a new version" not in [entry.label for entry in app.button]
    app = app.multiselect[1].set_value([]).run()
    assert app.error == []
    app = press(app, "Unmark all")
    assert "Nothing is chosen yet." in words(app)
    assert pets.image_count == 42


@pytest.mark.usefixtures("empty_home")
def test_what_would_change_nothing_is_said():
    app = open_cold("datasets", dataset="arrows", section="Clean up")
    app = app.toggle[0].set_value(True).run()
    assert "This changes nothing" in words(app)
    assert button(app, "Make a new version").disabled


# Manage -------------------------------------------------------------------------------------------


def test_renaming_keeps_the_address(pets):
    app = open_cold("datasets", dataset="pets", section="Manage")
    app.text_input[0].set_value("beasts")
    app = press(app, "Rename")
    assert app.title[0].value == "beasts"
    assert app.query_params["dataset"] == pets.folder.name
    assert open_dataset("beasts").id == pets.id
    app.text_input[0].set_value("arrows")
    app = press(app, "Rename")
    assert "There is already a dataset named" in app.error[0].value


def test_a_dataset_is_removed_after_a_confirmation_that_names_what_goes(pets):
    app = open_routed("datasets", dataset="pets", section="Manage")
    assert "**pets** is removed, with its 42 images" in words(app)
    assert button(app, "Remove this dataset").disabled
    app = app.checkbox[0].set_value(True).run()
    app = press(app, "Remove this dataset")
    assert [box.value for box in app.info] == ["pets was removed\\."]
    assert app.title[0].value == "Datasets"
    assert "dataset" not in app.query_params
    assert [entry.name for entry in list_datasets()] == ["arrows"]
    assert not pets.folder.exists()


@pytest.mark.usefixtures("empty_home")
def test_a_dataset_at_work_is_not_removed_and_its_runs_are_named():
    store = open_store()
    experiment_id = store.create_experiment(stored_home.majority_spec())
    (run,) = store.runs(experiment_id)
    app = open_cold("datasets", dataset="arrows", section="Manage")
    assert "It cannot be removed now: 1 run uses it" in app.warning[0].value
    assert f"experiment={experiment_id}" in [query for _, query in links(app).values()]
    assert any(run.id.replace("-", "\\-") == label for label in links(app))
    assert "Remove this dataset" not in [entry.label for entry in app.button]
    store.request_cancel(run.id)
    app = app.run()
    assert "The numbers of 1 experiment stay" in words(app)
    assert "Remove this dataset" in [entry.label for entry in app.button]


@pytest.mark.usefixtures("empty_home")
def test_a_download_that_grows_too_large_is_stopped(tmp_path, monkeypatch):
    members = {
        f"{name}/{number}.webp": encoded(
            Image.effect_noise((64, 64), 20 + 20 * place + number).convert("RGB"), "WEBP"
        )
        for place, name in enumerate(("cats", "dogs"))
        for number in range(3)
    }
    dataset = add_dataset(write_zip(tmp_path / "webp.zip", members))
    whole = dataset_manage._exported(dataset)
    assert len(whole) > 2 * dataset.sizes.sum()
    monkeypatch.setattr(dataset_manage, "LARGEST_DOWNLOAD_BYTES", len(whole))
    assert dataset_manage._exported(dataset) == whole
    monkeypatch.setattr(dataset_manage, "LARGEST_DOWNLOAD_BYTES", len(whole) - 1)
    with pytest.raises(BadInput, match="more than a browser should fetch from here"):
        dataset_manage._exported(dataset)
    app = open_cold("datasets", dataset="webp", section="Manage")
    assert "Images that are not JPEG become PNG, which may be larger." in words(app)


def test_the_downloads_are_there(pets):
    app = open_cold("datasets", dataset=pets.folder.name, section="Manage")
    labels = {entry.label: entry.proto.disabled for entry in app.get("download_button")}
    assert labels == {"The images as a zip": False, "List of the files left out": False}


# From here to the benchmark -----------------------------------------------------------------------


def test_the_benchmark_begins_with_the_dataset_of_the_link(pets):
    app = open_cold("benchmark", dataset=pets.folder.name)
    assert not app.error
    assert app.selectbox[0].value == pets.id
    assert "Majority class: cats" in words(app)
    app = app.selectbox[0].set_value(open_dataset("arrows").id).run()
    assert app.query_params["dataset"] == open_dataset("arrows").folder.name
    assert "Majority class: down" in words(app)


@pytest.mark.usefixtures("empty_home")
def test_a_stale_dataset_of_a_benchmark_link_is_said():
    app = open_cold("benchmark", dataset="gone")
    assert "There is no dataset named" in app.warning[0].value
    assert "Majority class: down" in words(app)


def test_the_split_that_came_with_a_dataset_is_offered_and_on(divided):
    app = open_cold("benchmark", dataset=divided.folder.name)
    own = next(entry for entry in app.toggle if entry.label == "Use the split that came with it")
    assert own.value is True
    test = next(entry for entry in app.number_input if entry.label == "Test images (%)")
    assert test.disabled
    app = own.set_value(False).run()
    test = next(entry for entry in app.number_input if entry.label == "Test images (%)")
    assert not test.disabled


def test_without_a_split_of_its_own_none_is_offered(pets):
    app = open_cold("benchmark", dataset=pets.folder.name)
    assert "Use the split that came with it" not in [entry.label for entry in app.toggle]


@pytest.mark.usefixtures("empty_home")
def test_a_class_too_small_is_named_with_the_way_to_clean_up(tmp_path):
    members = two_classes(12) | {"cows/1.png": encoded(Image.effect_noise((12, 12), 90))}
    dataset = add_dataset(write_zip(tmp_path / "farm.zip", members), "farm")
    app = open_cold("benchmark", dataset=dataset.folder.name)
    assert "Class \\'cows\\' has 1 image" in app.error[0].value
    page, query = links(app)["Leave a class out, or merge classes: Clean up"]
    assert page == "datasets"
    assert query == f"dataset={dataset.folder.name}&section=Clean+up"
