"""The page Datasets: the list; one dataset with head, health and images; on to the benchmark."""

from html import escape

import numpy as np
import pytest
from PIL import Image

from core.datasets.add import add_dataset, add_pixels
from core.datasets.bundled import SAMPLES
from core.datasets.storage import open_dataset
from core.ui.datasets.images import PAGE_SIZE
from core.ui.frame import reads
from core.ui.frame.address import in_text_colour
from tests.datasets.pictures import encoded, two_classes, write_zip
from tests.pages.conftest import button, links, open_cold, open_routed, press, words

HOSTILE = ("**bold** <script>", "[link](http://x)", "`code` $x$")


HOSTILE = ("**bold** <script>", "[link](http://x)", "`code` $x$")


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
    for section in ("Health", "Images", "Results", "Clean up", "Manage"):
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
