"""Compare, Where it helps: slices from the stored arrays, more of them once they are measured."""

import pytest

from core.analysis.evidence import load_evidence
from core.analysis.image_properties import kept_measurements, property_values
from core.analysis.slice_gains import slice_gains
from core.analysis.slices import slices_of
from core.analysis.words.slices import OWN_CAUTION, describe_slices
from core.datasets.add import add_dataset
from core.datasets.storage import remove_dataset
from core.experiments.labels import OwnSlice
from core.experiments.store import open_store
from core.jobs import cached
from core.text import escape_markdown
from core.ui.frame import evidence_reads, reads
from tests.datasets.pictures import two_classes, write_zip
from tests.pages.compared import EXPERIMENT, store_compared
from tests.pages.conftest import arrows, is_whole, open_cold, press, words
from tests.stored_home import do_next

NAME, PARTS = f"slices.own.name.{EXPERIMENT}", f"slices.own.parts.{EXPERIMENT}"
MEASURE = "Measure brightness, contrast, sharpness and the nearest training image, too"


@pytest.fixture(autouse=True)
def _compared(compared):  # noqa: ARG001 - the experiment
    evidence_reads._cached.clear()


def opened(**query):
    return is_whole(open_cold("compare", experiment=EXPERIMENT, view="slices", **query), query)


def sentences_of(first, second):
    store = open_store()
    spec, evidence = store.experiment(EXPERIMENT).spec, load_evidence(store, EXPERIMENT)
    values = property_values(evidence, spec, arrows(), kept_measurements(EXPERIMENT))
    gains = slice_gains(evidence, slices_of(values).slices, first, second)
    return [escape_markdown(one) for one in describe_slices(gains, evidence.classes)]


def labels(app):
    return [button.label for button in app.button]


def offered(app):
    """The properties to choose from, without the colour of their letters."""
    options = app.segmented_control(key="address.property").options
    return [one.removeprefix(":gray[").removesuffix("]") for one in options]


def test_the_gain_stands_in_words_and_in_a_table():
    app = opened(first="mlp", second="cnn")
    assert "Where is CNN, three blocks better?" in [element.value for element in app.header]
    text = words(app)
    for sentence in sentences_of("mlp", "cnn"):
        assert sentence in text
    assert "All test images are about the same in" in text
    gains, accuracies = (entry.value for entry in app.dataframe[:2])
    assert gains["test images"].tolist() == [12, 12, 12]
    assert accuracies["strategy"].tolist()[:4] == [
        *("Majority class", "MLP", "CNN, three blocks", "VGG16 probe")
    ]
    assert opened().header[0].value == "Where does pre-training help?"


def test_more_is_measured_when_somebody_asks(monkeypatch):
    monkeypatch.setattr(cached, "ensure_worker", do_next)
    app = opened()
    assert offered(app) == ["class"]
    before = sentences_of("cnn", "vgg16_probe")[-1]
    app = is_whole(press(app, MEASURE))
    assert MEASURE not in labels(app)
    assert offered(app) == [
        *("class", "brightness", "contrast", "sharpness", "nearest training image")
    ]
    after = sentences_of("cnn", "vgg16_probe")[-1]
    assert before != after
    assert after in words(app)
    # Once it is measured everybody sees it.
    assert MEASURE not in labels(opened(property="sharpness"))


def test_columns_that_came_with_the_images_are_slices(tmp_path):
    members = two_classes(90)
    rows = ["file,site", *(f"{name},{'ab'[at % 2]}" for at, name in enumerate(members))]
    members["about.csv"] = "\n".join(rows).encode()
    dataset = add_dataset(write_zip(tmp_path / "pets.zip", members))
    store_compared(open_store(), dataset, names=("mlp", "cnn"), experiment_id="dddd4444")
    query = {"experiment": "dddd4444", "view": "slices"}
    app = is_whole(open_cold("compare", **query), query)
    assert "what came with the images" in offered(app)
    assert {"site “a”", "site “b”"} <= set(app.dataframe[0].value["slice"])


def test_the_pictures_of_a_slice_open_large():
    evidence = load_evidence(open_store(), EXPERIMENT)
    app = opened(slice="class.2", first="mlp", second="cnn")
    tiles = [button for button in app.button if (button.key or "").startswith("open.slice.")]
    shown = [int(tile.key.rsplit(".", 1)[1]) for tile in tiles]
    inside = evidence.test_indices[evidence.labels == 2].tolist()
    assert sorted(shown) == sorted(inside)
    row = evidence.test_indices.tolist().index(shown[0])
    gain = evidence.of("cnn").correct[:, row].sum() - evidence.of("mlp").correct[:, row].sum()
    assert gain > 0
    app = is_whole(tiles[0].click().run())
    assert app.query_params["image"] == str(shown[0])
    assert "Back to all pictures" in labels(app)


def test_without_the_dataset_there_are_classes_alone():
    remove_dataset("arrows")
    reads.forget_datasets()
    app = opened()
    assert "the slices are by class alone" in words(app)
    assert MEASURE not in labels(app)
    assert offered(app) == ["class"]


def test_a_slice_of_ones_own_is_saved_tested_with_the_others_and_removed():
    app = opened(first="mlp", second="cnn")
    tests = sentences_of("mlp", "cnn")[-1]
    app.text_input(key=NAME).set_value("left and up")
    app.multiselect(key=PARTS).set_value(["class.1", "class.2"])
    app = is_whole(press(app, "Save"))
    assert store_labels().slices == (OwnSlice("left and up", ("class.1", "class.2")),)
    text = words(app)
    assert "**left and up**: class “left” and class “up”" in text
    assert tests not in text
    assert OWN_CAUTION in text
    assert "your own" in offered(app)
    assert 24 in app.dataframe[0].value["test images"].tolist()
    app = is_whole(press(app, "Remove"))
    assert store_labels().slices == ()
    assert tests in words(app)


def test_a_slice_without_a_name_is_refused():
    app = opened()
    app.multiselect(key=PARTS).set_value(["class.1"])
    app = press(app, "Save")
    assert "A slice has a name of 1 to 80 letters" in app.error[0].value
    assert store_labels().slices == ()


def store_labels():
    return open_store().experiment(EXPERIMENT).labels
