"""How it is measured: every section, with and without results."""

import pytest

from core.backbones.registry import BACKBONES, own
from core.datasets.add import add_dataset
from core.experiments.planning import plan_experiment
from core.experiments.store import open_store
from core.text import escape_markdown
from tests import stored_home
from tests.datasets.pictures import tied_patients, write_zip
from tests.own_backbones import add_own
from tests.pages.compared import EXPERIMENT, store_compared
from tests.pages.conftest import open_cold, words

SECTIONS = {
    "split": "A network can memorise its training images",
    "clocks": "can be true and still mislead",
    "statistics": "Another few hundred test images would have given other numbers",
    "strategies": "The networks as they are built",
    "practice": "every network is trained as plainly as in the tutorial",
    "tutorial": "The ladder comes from a tutorial",
    "scenarios": "How much of a pre-trained network to keep",
    "device": "Times belong to the machine that they were taken on",
}
HEADINGS = {
    "split": ["How the images are split", "Who chooses the best epoch"],
    "clocks": [
        "One run in time: MLP, seed 0",
        "The five clocks",
        "When something else was at work",
        "What a network costs afterwards",
    ],
    "statistics": [
        "How certain is one accuracy?",
        "Is a difference between two strategies real?",
        "How large is the difference?",
        "Why a p value is corrected",
        "Where does it help?",
        "How well are the images ranked?",
        "One class against the rest",
        "A threshold between two classes",
        "Why several seeds",
    ],
    "strategies": ["VGG16 probe", "All strategies together"],
    "practice": [
        "The preset best",
        "Augmentation",
        "Early stopping",
        "Class weights",
        "Label smoothing",
        "Optimiser, schedule, warm-up",
    ],
    "tutorial": ["Why the numbers differ", "What readers of the tutorial asked"],
    "scenarios": [],
    "device": ["Versions"],
}


@pytest.fixture
def compared(empty_home):  # noqa: ARG001 - sets the home
    return store_compared(open_store(), stored_home.add_arrows())


@pytest.mark.usefixtures("compared")
def test_every_section_with_an_experiment():
    for section, sentence in SECTIONS.items():
        app = open_cold("measured", section=section, experiment=EXPERIMENT)
        assert (len(app.exception), len(app.error), len(app.warning)) == (0, 0, 0), section
        assert sentence in words(app), section
        assert [element.value for element in app.subheader] == HEADINGS[section]
        assert app.query_params["section"] == section


@pytest.mark.usefixtures("empty_home")
@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_without_any_experiment(section):
    app = open_cold("measured", section=section)
    assert not app.exception
    assert not app.error
    assert SECTIONS[section] in words(app)
    assert "No results yet, so the rules stand here" in words(app)


@pytest.mark.usefixtures("empty_home")
def test_the_glossary_needs_no_experiment():
    app = open_cold("measured", section="glossary")
    assert not app.info
    assert "accuracy" in app.table[0].value.index


@pytest.mark.usefixtures("empty_home")
def test_the_backbones_say_what_they_are_and_how_to_get_them():
    app = open_cold("measured", section="backbones")
    assert not app.info
    assert not app.error
    titles = [escape_markdown(one.title) for one in BACKBONES.values()]
    assert list(app.table[0].value.index) == titles
    text = words(app)
    for backbone in BACKBONES.values():
        assert f"python -m core backbones fetch {backbone.name}" in text
        assert escape_markdown(backbone.licence) in text
    stated = "75.1 %, as Google's page of EfficientNet-Lite states it. The accuracy of this"
    assert escape_markdown(stated) in text


def test_a_backbone_of_ones_own_is_removed_once_nothing_uses_it(empty_home):  # noqa: ARG001 - sets the home
    add_own()
    store = open_store()
    spec = plan_experiment("arrows", ["digits_cnn_probe"], image_size=64)
    experiment_id = store.create_experiment(spec)
    app = open_cold("measured", section="backbones")
    assert (
        f"Experiment {experiment_id} uses the backbone digits\\_cnn now; cancel it first\\."
        in app.warning[0].value
    )
    assert not [button for button in app.button if button.key == "remove.digits_cnn"]
    store.request_cancel_experiment(experiment_id)
    app = open_cold("measured", section="backbones")
    assert "The results of 1 experiment on it stay, with its name" in words(app)
    assert app.button(key="remove.digits_cnn").disabled
    app = app.checkbox(key="sure.digits_cnn").check().run()
    app = app.button(key="remove.digits_cnn").click().run()
    assert not app.exception
    assert app.info[0].value == "CNN of digits was removed\\."
    assert "CNN of digits" not in app.table[0].value.index
    assert own().records["digits_cnn"].removed_at


@pytest.mark.usefixtures("results_store")
@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_where_answers_and_dataset_are_gone(section):
    app = open_cold("measured", section=section)
    assert not app.exception
    assert not app.error
    assert SECTIONS[section] in words(app)


@pytest.mark.usefixtures("empty_home")
def test_the_practice_of_an_experiment_names_what_it_uses():
    plain = plan_experiment("arrows", ["majority", "mlp"], image_size=8)
    careful = plan_experiment(
        "arrows", ["majority", "mlp"], image_size=8, overrides={"mlp.patience": 3}
    )
    ids = open_store().create_experiments([plain, careful])
    app = open_cold("measured", section="practice", experiment=ids[0])
    assert "All of them are off in this experiment." in words(app)
    app = open_cold("measured", section="practice", experiment=ids[1])
    assert "In this experiment: MLP \\(early stopping after 3 epochs\\)." in words(app)


@pytest.mark.usefixtures("empty_home")
def test_a_point_of_a_learning_curve_counts_what_was_trained_on():
    spec = plan_experiment("arrows", ["majority"], image_size=8, train_share=0.5, series="half")
    app = open_cold("measured", section="split", experiment=open_store().create_experiment(spec))
    assert not app.exception
    used = spec.images["train"]
    assert f"training images {used:,} are used here: one point of a learning curve" in words(app)
    (table,) = app.dataframe
    assert int(table.value["train"].sum()) == used


@pytest.mark.usefixtures("empty_home")
def test_the_split_says_where_patients_could_not_stay_together(tmp_path):
    add_dataset(write_zip(tmp_path / "tied.zip", tied_patients()), "tied")
    spec = plan_experiment("tied", ["majority"], image_size=8)
    app = open_cold("measured", section="split", experiment=open_store().create_experiment(spec))
    assert not app.exception
    assert "Images with the same PatientID could not all stay together: " in words(app)
    assert "Images with the same PatientID together" not in words(app)


@pytest.mark.usefixtures("compared")
def test_a_stale_link_says_so():
    app = open_cold("measured", section="weather", experiment="gone")
    assert [element.value.split(".")[0] for element in app.warning] == [
        "The link names the section weather, which is not here (any more)",
        "The link names the experiment gone, which is not here (any more)",
    ]
    assert app.header[0].value == "The split"


@pytest.mark.usefixtures("compared")
def test_the_network_follows_the_address():
    app = open_cold("measured", section="strategies", strategy="vgg16_freeze", size="64", k="19")
    assert "6,147 of 14,720,835 parameters are trained" in words(app).replace("\\", "")
    app.selectbox(key="address.k").set_value("0").run()
    assert app.query_params["k"] == "0"
    assert "All 14,720,835 parameters are trained." in words(app).replace("\\", "")


@pytest.mark.usefixtures("compared")
def test_a_network_that_does_not_fit_says_why():
    app = open_cold("measured", section="strategies", strategy="cnn", size="32")
    assert "cnn with padding same needs at least 64 pixels" in app.warning[0].value.replace(
        "\\", ""
    )
    assert not app.error
    app = open_cold("measured", section="strategies", strategy="majority")
    assert "There is no network to draw" in words(app)


@pytest.mark.usefixtures("compared")
def test_another_section_forgets_what_was_chosen_in_this_one():
    app = open_cold("measured", section="strategies", strategy="vgg16_softmax", size="64")
    app.segmented_control(key="address.section").set_value("clocks").run()
    assert not app.warning
    assert {"strategy", "size"}.isdisjoint(app.query_params)
