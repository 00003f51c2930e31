from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.datasets.storage import list_datasets, open_dataset
from core.experiments.labels import Labels, change_labels
from core.experiments.run_files import read_predictions
from core.experiments.sharing import export_file
from core.experiments.store import open_store
from core.ui.experiments.table import SORTS
from tests.pages.compared import EXPERIMENT, store_compared
from tests.pages.conftest import TIMEOUT_SECONDS, open_cold, press, words
from tests.stored_home import add_arrows, leave_out_bundled_datasets, majority_spec


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


def test_all_interrupted_runs_start_again_with_one_click(waiting):
    store = open_store()
    other = store.create_experiment(majority_spec(seeds=(0, 1)))
    lost, cancelled = f"{other}-majority-0", f"{other}-majority-1"
    store.request_cancel(cancelled)
    assert [store.claim_next("worker").id for _ in range(2)] == [f"{waiting}-majority-0", lost]
    for run_id in (f"{waiting}-majority-0", lost):
        store.mark_interrupted(run_id, "The worker was lost.")
    app = press(open_cold("experiments"), "Start 2 interrupted runs again")
    assert not app.error
    assert [store.run(one).state for one in (lost, cancelled)] == ["queued", "cancelled"]
    assert "interrupted" not in " ".join(button.label for button in app.button)


NOTE = """# Seen
**twice** <img src=x onerror=alert(1)> ![eye](https://evil.example/x.png) :red[x] $x$"""


def test_a_note_is_markdown_where_that_is_safe(waiting):  # noqa: ARG001 - the home
    change_labels(open_store(), EXPERIMENT, "ada", note=NOTE)
    app = open_cold("compare", experiment=EXPERIMENT)
    assert not app.exception
    assert "Note" in [header.value for header in app.header]
    assert [element.value for element in app.html] == [
        "<h3>Seen</h3>\n<p><strong>twice</strong> &lt;img src=x onerror=alert(1)&gt; "
        "![eye](https://evil.example/x.png) :red[x] $x$</p>"
    ]
    for nothing in ("[x]: https://example.org", ""):
        change_labels(open_store(), EXPERIMENT, "ada", note=nothing)
        app = open_cold("compare", experiment=EXPERIMENT)
        assert not app.exception
        assert not app.error
        assert not app.html


def test_the_table_says_who_reviewed_an_experiment_and_since_when(waiting):
    now = change_labels(open_store(), EXPERIMENT, "ada", reviewed=True)
    shown = table()["reviewed"]
    assert shown[EXPERIMENT] == f"ada, {now.reviewed_at[:10]}"
    assert pd.isna(shown[waiting])


def named() -> None:
    """The window for names, opened before somebody else wrote the note."""
    import streamlit as st

    from core.experiments.store import open_store
    from core.ui.experiments.chosen import _show_labels
    from tests.pages.compared import EXPERIMENT

    if "known" not in st.session_state:
        st.session_state["known"] = open_store().experiment(EXPERIMENT)
    _show_labels(st.session_state["known"])


def test_a_name_is_saved_and_what_others_wrote_meanwhile_stays(waiting):  # noqa: ARG001 - the home
    app = AppTest.from_function(named, default_timeout=TIMEOUT_SECONDS).run()
    change_labels(open_store(), EXPERIMENT, "bob", note="bob's", tags=["demo"])
    app.text_input[0].set_value("Wings")
    app = press(app, "Save")
    assert not app.exception
    assert not app.error
    assert open_store().experiment(EXPERIMENT).labels == Labels("Wings", "bob's", ("demo",))


def taken_in(app: AppTest, name: str, content: bytes) -> AppTest:
    """The form is sent with the file in it."""
    app.file_uploader[0].set_value((name, content, "application/zip"))
    return press(app, "Import")


@pytest.mark.usefixtures("at_once")
def test_an_export_with_its_images_comes_in_on_the_page(tmp_path, monkeypatch):
    arrows, run_id = open_dataset("arrows"), f"{EXPERIMENT}-cnn-0"
    store_compared(open_store(), arrows)
    change_labels(open_store(), EXPERIMENT, "ada", name="Wings", pinned=True)
    file = tmp_path / "shared.zip"
    export_file(open_store(), EXPERIMENT, file, with_images=True)
    answers, here = read_predictions(run_id).probabilities, table().loc[EXPERIMENT]

    home = tmp_path / "elsewhere"
    monkeypatch.setenv("HEADSTART_HOME", str(home))
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    leave_out_bundled_datasets(home)
    app = open_cold("experiments", state="active", shelf="archived")
    assert "There is no experiment yet" in words(app)
    assert [box.value for box in press(app, "Import").error] == ["Choose a file first\\."]
    app = taken_in(app, "wrong.zip", b"no zip")
    assert "damaged, or no zip" in app.error[0].value
    assert open_store().experiment_ids() == []

    app = taken_in(app, file.name, file.read_bytes())
    assert not app.exception
    assert not app.error
    assert app.query_params == {"words": EXPERIMENT}  # no filter hides it
    line = app.dataframe[0].value.set_index("id").loc[EXPERIMENT]
    assert line["name"] == "Wings"
    assert line[""].startswith("data:image/png;base64,")
    of_results = ["dataset", "best strategy", "best (%)", "interval (%)", "gain (points)", "time"]
    assert line[of_results].equals(here[of_results])
    (added,) = list_datasets()
    assert (added.id, added.name) == (arrows.id, "arrows")
    assert np.array_equal(read_predictions(run_id).probabilities, answers)

    app = taken_in(app, file.name, file.read_bytes())
    assert "is here already" in app.error[0].value


def test_the_largest_gain_comes_first_also_where_one_is_nothing():
    results = [None, *(SimpleNamespace(difference=gain) for gain in (-0.05, 0.0, 0.03, None))]
    entries = [SimpleNamespace(result=result) for result in results]
    ordered = [entry.result for entry in sorted(entries, key=SORTS["gain"][1])]
    assert [one.difference for one in ordered[:3]] == [0.03, 0.0, -0.05]
