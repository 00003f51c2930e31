import pandas as pd
import pytest

from core.experiments.labels import change_labels
from core.experiments.store import open_store
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
