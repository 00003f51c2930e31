from types import SimpleNamespace

import pandas as pd
import pytest

from core.experiments.labels import change_labels
from core.experiments.store import open_store
from core.ui.experiments.table import SORTS
from tests.pages.compared import EXPERIMENT, store_compared
from tests.pages.conftest import open_cold
from tests.stored_home import add_arrows, majority_spec


@pytest.fixture
def waiting(empty_home) -> str:  # noqa: ARG001 - sets the home
    """An experiment that waits, besides the recorded one."""
    store = open_store()
    store_compared(store, add_arrows())
    return store.create_experiment(majority_spec())


def table(**query: str) -> pd.DataFrame:
    app = open_cold("experiments", **query)
    assert not app.exception
    return app.dataframe[0].value.set_index("id") if app.dataframe else pd.DataFrame()


def test_each_experiment_has_a_line(waiting):
    shown = table()
    assert list(shown.index) == [waiting, EXPERIMENT]
    line = shown.loc[EXPERIMENT]
    assert (line["dataset"], line["best strategy"], line["state"]) == (
        "arrows",
        "CNN, three blocks",
        "finished",
    )
    assert (line["pre-training helps"], line["made"]) == ("cannot tell", "recorded")
    assert line["backbones"] == "VGG16"
    assert line["cheapest as good"] == "CNN, three blocks, 10.0 s"
    assert "owner" not in shown  # nobody signs in
    assert shown.loc[waiting, "state"] == "at work"
    assert pd.isna(shown.loc[waiting, "best (%)"])


def test_filters_and_order_are_in_the_address(waiting):
    store = open_store()
    change_labels(store, EXPERIMENT, "ada", name="Wings", tags=["demo"])
    for query, expected in (
        ({"words": "vgg16 wings"}, [EXPERIMENT]),
        ({"words": "squeezenet"}, []),
        ({"state": "active"}, [waiting]),
        ({"source": "recorded", "dataset": "arrows"}, [EXPERIMENT]),
        ({"tag": "demo"}, [EXPERIMENT]),
        ({"device": "two test cores"}, [EXPERIMENT]),
        ({"device": "a GPU that nobody has"}, [waiting, EXPERIMENT]),
        ({"sort": "accuracy"}, [EXPERIMENT, waiting]),
        ({"shelf": "archived"}, []),
    ):
        assert list(table(**query).index) == expected, query


def test_archived_ones_are_not_shown_and_pinned_ones_come_first(waiting):
    store = open_store()
    change_labels(store, EXPERIMENT, "ada", pinned=True)
    assert list(table().index) == [EXPERIMENT, waiting]
    change_labels(store, EXPERIMENT, "ada", archived=True)
    assert list(table().index) == [waiting]
    assert list(table(shelf="archived").index) == [EXPERIMENT]
    # Lists of other pages leave it out, a link opens it.
    offered = open_cold("compare").selectbox[0].options
    assert [EXPERIMENT in label for label in offered] == [False]
    assert EXPERIMENT in open_cold("compare", experiment=EXPERIMENT).selectbox[0].value


def test_the_leaderboard_has_a_line_for_each_dataset(waiting):  # noqa: ARG001 - the experiments
    app = open_cold("experiments", view="datasets")
    assert not app.exception
    assert app.header[0].value == "Where does pre-training pay?"
    line = app.dataframe[0].value.iloc[0]
    assert (line["dataset"], line["experiment"]) == ("arrows", EXPERIMENT)
    assert line["pre-training helps"] == "cannot tell"
    assert line["low (points)"] < line["gain (points)"] < line["high (points)"]
    assert (line["pre-trained"], line["from scratch"]) == ("VGG16 probe", "CNN, three blocks")
    (link,) = [each for each in app.get("page_link") if each.label == "arrows"]
    assert (link.page, link.query_string) == ("compare", f"experiment={EXPERIMENT}")
    change_labels(open_store(), EXPERIMENT, "ada", archived=True)
    app = open_cold("experiments", view="datasets")
    assert "No dataset has an experiment yet with both" in app.markdown[0].value


def test_the_room_that_everything_takes_is_on_one_page(waiting):  # noqa: ARG001 - the experiments
    app = open_cold("experiments", view="disk")
    assert not app.exception
    assert [header.value for header in app.header] == [
        *("What takes room", "Datasets", "Experiments")
    ]
    parts, datasets, experiments = (entry.value for entry in app.dataframe)
    by_name = parts.set_index("part")["size (MB)"]
    assert by_name["runs"] > 0
    assert datasets["size (MB)"].tolist() == pytest.approx([120 * 8 * 8 / 1e6])
    assert by_name["datasets"] > datasets["size (MB)"].sum()
    assert experiments["experiment"].tolist() == [f"arrows · {EXPERIMENT}"]


def test_a_dataset_has_its_results_over_time(waiting):  # noqa: ARG001 - the experiments
    store_compared(open_store(), add_arrows(), names=("mlp", "cnn"), experiment_id="dddd4444")
    app = open_cold("datasets", dataset="arrows", section="Results")
    assert not app.exception
    results, won = (entry.value for entry in app.dataframe[:2])
    assert sorted(results["experiment"]) == [EXPERIMENT, "dddd4444"]
    assert won["strategy"].tolist() == ["CNN, three blocks"]
    assert won["best in (experiments)"].tolist() == [2]
    shown = "\n".join(element.value for element in app.markdown)
    assert "best of 2 experiments" in shown
    assert {"Best on arrows", "Its experiments"} <= {each.label for each in app.get("page_link")}


def test_the_largest_gain_comes_first_also_where_one_is_nothing():
    results = [None, *(SimpleNamespace(difference=gain) for gain in (-0.05, 0.0, 0.03, None))]
    entries = [SimpleNamespace(result=result) for result in results]
    ordered = [entry.result for entry in sorted(entries, key=SORTS["gain"][1])]
    assert [one.difference for one in ordered[:3]] == [0.03, 0.0, -0.05]
