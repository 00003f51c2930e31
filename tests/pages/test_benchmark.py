"""Setting up, starting, watching, cancelling and retrying on the Benchmark page."""

import re

import pytest

from core.errors import StoreError
from core.experiments.planning import plan_experiment, spec_changes
from core.experiments.store import open_store
from core.strategies.registry import STRATEGIES
from core.ui import benchmark
from tests import stored_home
from tests.pages.conftest import RECORDED_ID, links, open_cold, open_routed, words


def press(app, label):
    return next(button for button in app.button if button.label == label).click().run()


def choose(app, *names):
    for box in app.checkbox:
        if not box.disabled:
            box.set_value(box.key in {f"choose.{name}" for name in names})
    return app.run()


@pytest.fixture
def set_up(empty_home):  # noqa: ARG001 - sets the home
    return open_cold("benchmark")


def by_cost():
    return sorted(STRATEGIES.values(), key=lambda entry: (entry.cost, entry.name))


def test_the_form_is_drawn_from_the_registry(set_up):
    boxes = [box.key.removeprefix("choose.") for box in set_up.checkbox]
    alone = [entry.name for entry in by_cost() if entry.backbone is None]
    assert boxes[: len(alone)] == alone
    assert set_up.checkbox[0].label == "**Majority class**"
    # then a row for each backbone, its modes in the same order
    assert sorted(boxes) == sorted(STRATEGIES)
    on_vgg16 = ["probe", "features", "freeze", "finetune", "scratch", "softmax"]
    assert [name for name in boxes if name.startswith("vgg16_")] == [
        f"vgg16_{mode}" for mode in on_vgg16
    ]
    assert "one linear layer on the features" in words(set_up)


def test_one_click_starts_what_it_always_started(set_up):
    press(set_up, "Start the benchmark")
    (experiment,) = open_store().experiments()
    chosen = {name for name, _ in experiment.spec.strategies}
    assert chosen - {"vgg16_probe"} == {"majority", "mlp", "cnn"}


@pytest.mark.usefixtures("results_store")
def test_each_cell_says_how_long_it_takes_where_that_is_known():
    boxes = {box.key: box.label for box in open_routed("benchmark").checkbox}
    assert re.fullmatch(r"\*\*CNN, three blocks\*\* · \d+ (s|min)", boxes["choose.cnn"])
    assert boxes["choose.vgg16_scratch"] == "scratch"


def test_an_experiment_is_repeated_with_changes(empty_home):  # noqa: ARG001 - sets the home
    then = plan_experiment(
        "arrows",
        ["majority", "mlp"],
        image_size=80,
        seeds=(0, 1),
        overrides={"mlp.epochs": 3},
        split={"test": 0.4, "seed": 5},
        resize="pad",
    )
    app = open_cold("benchmark", repeat=open_store().create_experiment(then))
    assert "Nothing differs from it" in words(app)
    choose(app, "majority", "mlp", "cnn")
    assert app.table[0].value.values.tolist() == [["not run", "run"]]
    press(app, "Start the benchmark")
    now, before = open_store().experiments()
    assert spec_changes(then, now.spec) == [("cnn", "not run", "run")]
    assert links(open_cold("compare", experiment=now.id))["Compare with the one it repeats"] == (
        "compare",
        f"experiment={now.id}&view=several&several={before.id}%2C{now.id}",
    )
    assert "Compare with the one it repeats" not in links(
        open_cold("compare", experiment=before.id)
    )


def test_a_stale_experiment_to_repeat_is_said(empty_home):  # noqa: ARG001 - sets the home
    app = open_cold("benchmark", repeat="zzzz")
    assert "zzzz" in app.warning[0].value
    assert "repeat" not in app.query_params


def test_without_earlier_runs_it_says_that_the_time_is_not_known(set_up):
    assert "**Time: not known yet.**" in words(set_up)


@pytest.mark.usefixtures("results_store")
def test_with_earlier_runs_it_says_how_long_and_what_says_so():
    text = words(choose(open_routed("benchmark"), "majority", "cnn"))
    assert "**Time: about" in text
    assert "Measured on a \\*test\\* bench" in text


def test_start_queues_what_the_form_says_and_shows_it(set_up):
    choose(set_up, "majority", "mlp")
    set_up.number_input(key="image_size.quick").set_value(16)
    set_up.number_input(key="seed_count").set_value(2)
    set_up.session_state["settings.quick.mlp"] = True
    set_up.run()
    set_up.number_input(key="quick.mlp.epochs").set_value(3)
    set_up.run()
    set_up.session_state["settings.quick.mlp"] = False
    app = set_up.run()
    assert "quick.mlp.epochs" not in [box.key for box in app.number_input]
    app = press(set_up, "Start the benchmark")
    (experiment,) = open_store().experiments()
    assert app.query_params["experiment"] == experiment.id
    assert experiment.spec.dataset_name == "arrows"
    assert experiment.spec.image_size == 16
    assert experiment.spec.seeds == (0, 1)
    assert [name for name, _ in experiment.spec.strategies] == ["majority", "mlp"]
    assert dict(experiment.spec.strategies)["mlp"]["epochs"] == 3
    assert [element.value for element in app.title] == ["Benchmark of arrows"]
    text = words(app)
    assert "Next in the queue" in text
    assert "Place 4 in the queue" in text


@pytest.mark.parametrize(
    ("preset", "says"),
    [("article", "The tutorial's own sizes"), ("best", "What a careful practitioner would run")],
)
def test_a_change_of_preset_brings_its_values(set_up, preset, says):
    app = set_up.segmented_control(key="preset").set_value(preset).run()
    assert app.number_input(key=f"image_size.{preset}").value == 224
    assert says in words(app)


def images_of(app):
    """Where the images lie that augmentation varied: their names are made of their content."""
    folded = next(one for one in app.expander if one.label.startswith("Augmentation"))
    return [image.proto.imgs[0].url for image in folded.get("image")]


def test_augmentation_is_shown_on_eight_images(set_up):
    choose(set_up, "majority", "mlp")
    set_up.session_state["augmentation"] = True
    app = set_up.run()
    assert "No chosen strategy uses it" in words(app)
    # one of the classes is called left
    assert "No image is mirrored. Classes say left or right \\(left\\)" in words(app)
    shown = images_of(app)
    assert len(shown) == 8
    app = press(app, "Other variations")
    assert set(images_of(app)) != set(shown)
    app = next(one for one in app.segmented_control if one.label == "Mirrored images")
    app = app.set_value("on").run()
    assert "which a mirror exchanges" in app.warning[0].value
    assert not app.exception


def test_augmentation_begins_with_what_was_chosen(set_up):
    choose(set_up, "majority", "mlp")
    set_up.session_state["settings.quick.mlp"] = True
    set_up.run()
    set_up.selectbox(key="quick.mlp.augment").set_value("strong")
    set_up.session_state["augmentation"] = True
    app = set_up.run()
    level = next(one for one in app.segmented_control if one.label == "Augmentation")
    assert level.value == "strong"
    assert "Used by MLP; shown here it changes nothing." in words(app)


def test_what_cannot_work_is_said_and_nothing_is_stored(set_up):
    choose(set_up, "majority", "cnn")
    app = set_up.number_input(key="image_size.quick").set_value(16).run()
    (box,) = app.error
    assert "image\\_size is 16; cnn with padding same needs at least 64" in box.value
    start = next(button for button in app.button if button.label == "Start the benchmark")
    assert start.disabled
    assert open_store().experiments() == []


def test_no_strategy_chosen_is_said(set_up):
    (box,) = choose(set_up).error
    assert box.value == "Choose at least one strategy\\."


@pytest.mark.usefixtures("results_store")
def test_a_stale_link_says_so_and_shows_the_form():
    app = open_cold("benchmark", experiment="gone")
    assert "There is no experiment named" in app.warning[0].value
    assert any(button.label == "Start the benchmark" for button in app.button)


@pytest.mark.usefixtures("empty_home")
def test_cancel_and_try_again_change_the_run():
    store = open_store()
    experiment_id = store.create_experiment(stored_home.majority_spec(seeds=(0, 1)))
    app = open_routed("benchmark", experiment=experiment_id)
    app = press(app, "Cancel")
    assert [run.state for run in store.runs(experiment_id)] == ["cancelled", "queued"]
    app = press(app, "Retry")
    assert [run.state for run in store.runs(experiment_id)] == ["queued", "queued"]
    press(app, "Cancel all")
    assert [run.state for run in store.runs(experiment_id)] == ["cancelled", "cancelled"]


@pytest.mark.usefixtures("results_store")
def test_finished_rows_stand_in_the_table_of_the_live_view():
    app = open_cold("benchmark", experiment=RECORDED_ID)
    assert "**88.0 %** of 100 test images correct" in words(app)
    assert app.dataframe[0].value["strategy"].tolist()[0] == "Majority class"


@pytest.mark.usefixtures("empty_home")
def test_a_form_without_datasets_says_how_to_add_one(monkeypatch):
    from core.ui.frame import reads

    monkeypatch.setattr(reads, "datasets", list)
    app = open_cold("benchmark")
    assert "There are no datasets. Add your own images" in words(app)
    assert [link.label for link in app.get("page_link")] == ["Add images"]


@pytest.mark.usefixtures("results_store")
def test_a_store_that_cannot_be_read_is_said_in_a_box(monkeypatch):
    def away(*_arguments):
        raise StoreError("The database is locked.")

    monkeypatch.setattr(benchmark, "show_facts", away)
    app = open_cold("benchmark", experiment=RECORDED_ID)
    assert not app.exception
    assert [element.value for element in app.error] == ["The database is locked\\."]
