"""Compare: every view; links that are stale; what is missing."""

import pytest

from core.analysis.confusion import cell_images
from core.analysis.evidence import load_evidence
from core.analysis.mistakes import disagreements, likely_label_errors
from core.analysis.verdicts import Outcome, pair_verdict
from core.analysis.words.verdicts import describe_pair
from core.datasets.storage import remove_dataset
from core.experiments.run_files import predictions_path
from core.experiments.store import open_store
from core.text import escape_markdown
from core.ui.frame import evidence_reads, reads
from tests import stored_home
from tests.pages.compared import EXPERIMENT, HOSTILE, add_hostile, store_compared
from tests.pages.conftest import arrows, everything, is_whole, open_cold, open_routed, words

# What each view shows first, as one of its headings or sentences.
VIEWS = {
    "overview": "What was found",
    "differences": "All pairs",
    "backbones": "Backbone and mode",
    "classes": "Class by class",
    "slices": "Where does pre-training help?",
    "time": "Where the time went",
    "pictures": "test images were predicted correctly",
    "data": "Start the learning curve",
    "several": "One experiment\\: arrows",
    "report": "Repeat it",
}
SHOWS = {
    "confusion": "Choose a cell to see its pictures",
    "flips": "pictures that",
    "mistakes": "highest confidence first",
    "hardest": "Images that every strategy gets wrong",
    "labels": "the best strategies",
    "map": "Every test picture is a point",
}


def every_view(experiment_id=EXPERIMENT):
    """Each view by its link, cold: its name and the page."""
    for view in VIEWS:
        yield view, is_whole(open_cold("compare", experiment=experiment_id, view=view), view)


@pytest.mark.usefixtures("compared")
def test_every_view_opens_from_its_link():
    for view, app in every_view():
        assert VIEWS[view] in everything(app), view
        assert [element.value for element in app.warning] == [], view
        assert app.segmented_control(key="address.view").value == view


@pytest.mark.usefixtures("compared")
def test_the_view_time_says_what_a_network_costs_to_deploy_and_what_was_not_measured():
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, view="time"))
    shown = everything(app)
    assert "What it costs to deploy" in shown
    assert escape_markdown("Measured on two test cores, one image at a time") in shown
    assert "Not measured for MLP and VGG16 probe" in shown


@pytest.mark.usefixtures("compared")
def test_every_kind_of_pictures_opens_from_its_link():
    for show, sentence in SHOWS.items():
        query = {"view": "pictures", "show": show}
        app = is_whole(open_cold("compare", experiment=EXPERIMENT, **query), show)
        assert sentence in everything(app), show


def test_only_the_chosen_view_is_computed(compared, monkeypatch):  # noqa: ARG001
    def unwanted(*_arguments):
        raise AssertionError("another view was computed")

    monkeypatch.setattr(evidence_reads, "load_evidence", unwanted)
    for view in ("data", "several", "report"):
        is_whole(open_cold("compare", experiment=EXPERIMENT, view=view))


@pytest.mark.usefixtures("compared")
def test_a_choice_goes_into_the_address_and_comes_from_it():
    app = open_routed("compare", experiment=EXPERIMENT)
    app = is_whole(app.segmented_control(key="address.view").set_value("differences").run())
    assert app.query_params["view"] == "differences"
    app = is_whole(app.selectbox(key="address.first").set_value("mlp").run())
    assert app.query_params["first"] == "mlp"
    second = app.query_params["second"]
    shared = is_whole(
        open_cold("compare", experiment=EXPERIMENT, view="differences", first="mlp", second=second)
    )
    assert shared.header[0].value == app.header[0].value


def test_the_verdict_stands_in_words_first(compared):
    app = is_whole(
        open_cold("compare", experiment=EXPERIMENT, view="differences", first="mlp", second="cnn")
    )
    verdict = pair_verdict(load_evidence(compared, EXPERIMENT), "mlp", "cnn")
    assert f"**{escape_markdown(describe_pair(verdict))}**" in [
        element.value for element in app.markdown
    ]
    assert verdict.outcome is Outcome.AHEAD


@pytest.mark.usefixtures("compared")
def test_twice_the_same_strategy_is_said():
    app = is_whole(
        open_cold("compare", experiment=EXPERIMENT, view="differences", first="cnn", second="cnn")
    )
    assert "Choose two different strategies" in words(app)


@pytest.mark.usefixtures("compared")
def test_the_headline_measure_is_that_of_every_chart():
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, metric="log_loss"))
    assert "Log loss" in [element.value for element in app.header]
    assert "Log loss on the test images; lower is better." in everything(app)
    app = app.segmented_control(key="address.view").set_value("time").run()
    assert "Log loss against the time of a whole run." in everything(is_whole(app))


STALE_LINKS = [
    ({"experiment": "gone"}, "The link names the experiment gone, which is not here"),
    ({"view": "gone"}, "The link names the view gone, which is not here"),
    ({"metric": "gone"}, "The link names the metric gone, which is not here"),
    ({"view": "differences", "first": "gone"}, "The link names the strategy gone"),
    ({"view": "differences", "second": "**gone**"}, "strategy \\*\\*gone\\*\\*, which"),
    ({"view": "pictures", "show": "gone"}, "the kind of pictures gone"),
    ({"view": "pictures", "strategy": "gone"}, "The link names the strategy gone"),
    ({"view": "pictures", "seed": "7"}, "The link names the seed 7"),
    ({"view": "pictures", "true": "renamed"}, "The link names the class renamed"),
    ({"view": "pictures", "predicted": "renamed"}, "The link names the class renamed"),
    ({"view": "pictures", "image": "999999"}, "The link names the picture 999999"),
    ({"view": "pictures", "image": "-1"}, "The link names the picture \\-1"),
    ({"view": "pictures", "image": "١٢"}, "The link names the picture"),
    (
        {"view": "pictures", "show": "flips", "side": "x"},
        "The link names the direction of change x",
    ),
    ({"view": "slices", "property": "gone"}, "The link names the property gone"),
    ({"view": "slices", "slice": "class.99"}, "The link names the slice class\\.99"),
    ({"view": "data", "series": "gone"}, "learning curve that the link names is not here"),
    ({"view": "several", "several": "gone,cccc3333"}, "experiments that are not here"),
    ({"view": "several", "baseline": "gone"}, "The link names the baseline gone"),
]


@pytest.mark.usefixtures("compared")
def test_a_stale_link_is_said_and_the_nearest_is_shown():
    for query, sentence in STALE_LINKS:
        app = is_whole(open_cold("compare", **({"experiment": EXPERIMENT} | query)), query)
        assert sentence in "\n".join(element.value for element in app.warning), query
        stale = list(query)[-1]
        assert app.query_params.get(stale) != query[stale], query


@pytest.mark.usefixtures("compared")
def test_a_page_of_pictures_beyond_the_end_is_the_last():
    is_whole(open_cold("compare", experiment=EXPERIMENT, view="pictures", page="99"))
    is_whole(open_cold("compare", experiment=EXPERIMENT, view="pictures", page="x"))


@pytest.mark.usefixtures("compared")
def test_choosing_another_experiment_takes_what_belonged_to_the_old_one_along():
    store = open_store()
    store_compared(store, add_hostile(), experiment_id="dddd4444")
    app = open_routed(
        "compare", experiment=EXPERIMENT, view="pictures", true="up", predicted="down", seed="1"
    )
    app = is_whole(app.selectbox(key="address.experiment").set_value("dddd4444").run())
    assert [element.value for element in app.warning] == []
    assert app.query_params["view"] == "pictures"
    assert "seed" not in app.query_params


def test_a_cell_opens_its_pictures_by_the_two_lists(compared):
    evidence = load_evidence(compared, EXPERIMENT)
    app = open_cold("compare", experiment=EXPERIMENT, view="pictures", strategy="mlp")
    app = app.selectbox(key="address.true").set_value("up").run()
    app = is_whole(app.selectbox(key="address.predicted").set_value("left").run())
    assert (app.query_params["true"], app.query_params["predicted"]) == ("up", "left")
    found = cell_images(evidence, "mlp", None, 2, 1)
    opened = {button.key for button in app.button if (button.key or "").startswith("open.cell.")}
    assert opened == {f"open.cell.{position}" for position in found.positions.tolist()}
    assert "up predicted as left" in [element.value for element in app.header]


def test_flips_show_both_probabilities_and_both_sides(compared):
    evidence = load_evidence(compared, EXPERIMENT)
    found = disagreements(evidence, "mlp", "cnn")
    query = {"view": "pictures", "show": "flips", "first": "mlp", "second": "cnn"}
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, **query))
    opened = [button.key for button in app.button if (button.key or "").startswith("open.flips.")]
    assert opened == [
        f"open.flips.put_right.{disagreement.image}" for disagreement in found.fixed[:24]
    ]
    first = found.fixed[0]
    before, after = (
        escape_markdown(f"{100 * value:.1f}")
        for value in (first.first_true_class_probability, first.second_true_class_probability)
    )
    caption = next(entry.value for entry in app.caption if entry.value.startswith("label "))
    assert f"for it\\: {before}\N{NO-BREAK SPACE}% → {after}\N{NO-BREAK SPACE}%" in caption
    app = is_whole(app.segmented_control(key="address.side").set_value("broken").run())
    opened = [button.key for button in app.button if (button.key or "").startswith("open.flips.")]
    assert opened == [
        f"open.flips.broken.{disagreement.image}" for disagreement in found.regressed[:24]
    ]


def test_one_picture_is_shown_large_with_what_everybody_said(compared):
    evidence = load_evidence(compared, EXPERIMENT)
    image = int(evidence.test_indices[0])
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, view="pictures", image=str(image)))
    assert app.dataframe[0].value["strategy"].tolist() == [
        "Majority class",
        "MLP",
        "CNN, three blocks",
        "VGG16 probe",
    ]
    assert f"File: **{escape_markdown(arrows().file_names[image])}**" in words(app)
    app = is_whole(app.selectbox(key="address.seed").set_value("1").run())
    assert app.query_params["seed"] == "1"
    assert set(app.dataframe[0].value["seeds correct"]) <= {"0 of 1", "1 of 1"}
    next(button for button in app.button if button.label == "Back to all pictures").click().run()
    assert "image" not in app.query_params


@pytest.mark.usefixtures("compared")
def test_where_the_weights_were_not_kept_a_sentence_says_so():
    evidence = load_evidence(open_store(), EXPERIMENT)
    image = str(int(evidence.test_indices[0]))
    query = {"view": "pictures", "image": image, "first": "mlp", "second": "cnn"}
    app = open_cold("compare", experiment=EXPERIMENT, **query)
    app = is_whole(app.toggle(key="looked").set_value(True).run())
    text = words(app)
    assert "MLP has no convolutional layer" in text
    assert "The weights of this run were not kept\\: it was recorded elsewhere" in text


@pytest.mark.usefixtures("compared")
def test_a_picture_outside_the_test_split_is_said():
    dataset = arrows()
    tested = set(load_evidence(open_store(), EXPERIMENT).test_indices.tolist())
    image = next(place for place in range(dataset.image_count) if place not in tested)
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, view="pictures", image=str(image)))
    assert "is not one of the 36 test images" in app.warning[0].value


def test_doubtful_labels_are_listed_as_often_as_they_are_found(compared):
    evidence = load_evidence(compared, EXPERIMENT)
    found = likely_label_errors(evidence)
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, view="pictures", show="labels"))
    opened = [button.key for button in app.button if (button.key or "").startswith("open.labels.")]
    assert opened == [f"open.labels.{error.image}" for error in found[:24]]


@pytest.mark.usefixtures("empty_home")
def test_an_experiment_without_a_finished_run_says_so():
    experiment_id = open_store().create_experiment(stored_home.majority_spec())
    for view, app in every_view(experiment_id):
        if view not in ("data", "several"):
            assert "No run of this experiment has finished" in words(app), view


@pytest.mark.usefixtures("empty_home")
def test_one_seed_is_said_and_every_view_opens():
    store_compared(open_store(), arrows(), seeds=(0,))
    pages = dict(every_view())
    assert "One seed each" in words(pages["overview"])
    assert "one seed" in everything(pages["overview"])


@pytest.mark.usefixtures("empty_home")
def test_one_strategy_alone_has_no_pair():
    store_compared(open_store(), arrows(), names=("cnn",), seeds=(0,))
    assert "no pair to compare yet" in words(dict(every_view())["differences"])


@pytest.mark.usefixtures("compared")
def test_missing_predictions_of_one_run_are_said_and_the_others_shown():
    predictions_path(f"{EXPERIMENT}-cnn-0").unlink()
    predictions_path(f"{EXPERIMENT}-mlp-1").write_bytes(b"not an array")
    for view, app in every_view():
        if view in ("overview", "differences", "classes", "pictures"):
            said = app.warning[0].value
            assert "The stored predictions of 2 finished runs cannot be used" in said, view
            assert f"{EXPERIMENT}\\-cnn\\-0" in words(app), view


def test_without_any_predictions_the_results_are_still_there(compared):
    for run in compared.runs(EXPERIMENT):
        predictions_path(run.id).unlink()
    pages = dict(every_view())
    assert "Test accuracy" in [element.value for element in pages["overview"].header]
    assert len(pages["overview"].get("plotly_chart")) == 2
    assert "So this view has nothing to show" in pages["pictures"].warning[0].value


@pytest.mark.usefixtures("compared")
def test_without_the_dataset_the_numbers_are_still_there():
    remove_dataset("arrows")
    reads.forget_datasets()
    for view, app in every_view():
        if view in ("pictures", "data"):
            assert "is no longer here, so its pictures cannot be shown" in words(app), view


@pytest.mark.usefixtures("empty_home")
def test_hostile_names_are_shown_literally():
    store_compared(open_store(), add_hostile())
    cell = {"experiment": EXPERIMENT, "true": HOSTILE[0], "predicted": HOSTILE[1]}
    for query in [
        *({"view": view} for view in VIEWS),
        *({"view": "pictures", "show": show} for show in SHOWS),
    ]:
        app = is_whole(open_cold("compare", **cell, **query), query)
        text = words(app)
        for harmful in ("[x](http://x)", "<script>", "<b>"):
            assert harmful not in text, query
        for chart in app.get("plotly_chart"):
            assert "<script>" not in chart.proto.spec, query


@pytest.mark.usefixtures("compared")
def test_several_experiments_stand_side_by_side():
    store = open_store()
    store_compared(store, arrows(), names=("mlp", "cnn"), experiment_id="dddd4444")
    app = is_whole(
        open_cold(
            "compare",
            experiment=EXPERIMENT,
            view="several",
            several=f"{EXPERIMENT},dddd4444",
            baseline="dddd4444",
        )
    )
    table = app.table[0].value
    names = [f"arrows ({EXPERIMENT})", "arrows (dddd4444)"]
    assert table.columns.tolist() == [escape_markdown(name) for name in names]
    shown = len(table)
    app = is_whole(app.toggle[0].set_value(False).run())
    assert app.query_params["differences"] == "no"
    assert len(app.table[0].value) > shown


def test_the_report_and_the_tables_are_built_when_asked_for(compared):
    app = is_whole(open_cold("compare", experiment=EXPERIMENT, view="report"))
    labels = [element.label for element in app.get("download_button")]
    assert labels == [
        "Download the report",
        "Download all tables",
        "Table as CSV",
        "Everything as JSON",
    ]
    assert app.code[0].value.startswith("python -m core run ")
    assert compared.experiment(EXPERIMENT).spec.split_fingerprint in words(app)
