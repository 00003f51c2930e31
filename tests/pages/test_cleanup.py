"""The page Datasets: a new version, another name, downloads, and removal."""

from dataclasses import fields

import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets, open_dataset
from core.datasets.versions import Changes
from core.errors import BadInput
from core.experiments.store import open_store
from core.ui.datasets import manage as dataset_manage
from core.ui.datasets.cleanup import ACTION_LABELS
from tests import stored_home
from tests.datasets.pictures import encoded, write_zip
from tests.pages.conftest import button, links, open_cold, open_routed, press, words

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
