"""Sign-in and roles on every page, cold and routed: strangers, viewers, editors, the refused."""

import time
import tomllib

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from core.datasets.storage import list_datasets
from core.experiments.store import open_store
from core.settings import PROJECT_ROOT, STREAMLIT_CONFIG
from core.ui.frame import access
from core.ui.frame.page import PAGES
from tests import made_up
from tests.pages.conftest import RECORDED_ID, TIMEOUT_SECONDS, words

PATHS = [page.path for page in PAGES]
VIEWER = {"is_logged_in": True, "email": "vera@example.org"}
EDITOR = {"is_logged_in": True, "email": "ed@example.org"}
STRANGER = {"is_logged_in": False}

pytestmark = pytest.mark.usefixtures("results_store")


@pytest.fixture(autouse=True)
def lists(monkeypatch):
    monkeypatch.setenv("HEADSTART_EDITORS", "ed@example.org")
    monkeypatch.setenv("HEADSTART_VIEWERS", "*@example.org")


def opened(page: str, user: dict, routed: bool = False, **query: str) -> AppTest:
    """The page as ``user`` sees it, who signed in a minute ago."""
    known = {**user, "iat": time.time() - 60} if user.get("is_logged_in") else user
    path = PROJECT_ROOT / ("app.py" if routed else f"pages/{page}.py")
    app = AppTest.from_file(str(path), default_timeout=TIMEOUT_SECONDS)
    app.user = known
    if routed:
        app.run().switch_page(f"pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def press_all_the_same(button: Button) -> None:
    """Press what is disabled, as a session made by hand can."""
    button.proto.disabled = False
    assert not button.click().run().exception


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


@pytest.mark.parametrize("page", PATHS)
@pytest.mark.parametrize("routed", [False, True], ids=["cold", "routed"])
def test_a_stranger_sees_the_sign_in_page_and_nothing_else(page, routed):
    app = opened(page, STRANGER, routed)
    assert not app.exception
    assert [title.value for title in app.title] == ["Sign in"]
    assert labels(app) == ["Sign in"]
    assert len(app.main) <= 5
    text = words(app)
    assert "shapes" not in text
    assert "arrows" not in text


@pytest.mark.parametrize("page", PATHS)
def test_a_viewer_sees_every_page_and_who_is_signed_in(page):
    app = opened(page, VIEWER)
    assert not app.exception
    assert not app.error
    assert app.text[-1].value == "Signed in as vera@example.org, viewer."
    assert labels(app)[-1] == "Sign out"


@pytest.mark.parametrize("page", PATHS)
def test_who_is_on_no_list_is_refused_on_every_page(page):
    app = opened(page, {"is_logged_in": True, "email": "mal@example.com"})
    assert [title.value for title in app.title] == ["You cannot come in"]
    assert "not on the list of people" in app.error[0].value
    assert [text.value for text in app.text] == ["You are signed in as mal@example.com."]
    assert labels(app) == ["Sign out"]


def test_an_old_sign_in_is_asked_for_again():
    app = AppTest.from_file(str(PROJECT_ROOT / "pages" / "compare.py"))
    app.user = {**EDITOR, "iat": time.time() - 13 * 3600}
    app.run(timeout=TIMEOUT_SECONDS)
    assert "You signed in more than 12 hours ago" in words(app)
    assert labels(app) == ["Sign in"]


def test_the_link_is_remembered_by_its_reader():
    app = opened("compare", STRANGER, experiment=RECORDED_ID)
    assert app.caption[0].value == (
        "Afterwards you are on the first page: open your link once more."
    )


def test_lists_without_sign_in_let_nobody_in():
    app = opened("compare", {})
    assert [title.value for title in app.title] == ["You cannot come in"]
    assert "sign\\-in is not configured" in app.error[0].value
    assert labels(app) == []


def test_secrets_that_cannot_be_read_let_nobody_in(monkeypatch, tmp_path):
    monkeypatch.delenv("HEADSTART_EDITORS")
    monkeypatch.delenv("HEADSTART_VIEWERS")
    broken = tmp_path / "secrets.toml"
    broken.write_text("[auth\n")
    given = access.st.get_option
    monkeypatch.setattr(
        access.st,
        "get_option",
        lambda name: [str(broken)] if name == "secrets.files" else given(name),
    )
    app = opened("compare", {})
    assert "The secrets of this server cannot be read" in app.error[0].value.replace("\\", "")


def test_a_list_with_a_typing_error_lets_nobody_in(monkeypatch):
    monkeypatch.setenv("HEADSTART_EDITORS", "ed")
    app = opened("compare", EDITOR, routed=True)
    assert "HEADSTART_EDITORS has 'ed' in it" in app.error[0].value.replace("\\", "")


def test_without_sign_in_everything_is_as_before(monkeypatch):
    monkeypatch.delenv("HEADSTART_EDITORS")
    monkeypatch.delenv("HEADSTART_VIEWERS")
    app = opened("benchmark", {})
    assert not app.warning
    assert "Sign out" not in labels(app)
    (start,) = [button for button in app.button if button.label == "Start the benchmark"]
    assert not start.disabled


@pytest.mark.parametrize("address", ["0.0.0.0", None, "192.168.0.7"])
def test_a_server_that_others_reach_without_sign_in_says_so(monkeypatch, caplog, address):
    monkeypatch.delenv("HEADSTART_EDITORS")
    monkeypatch.delenv("HEADSTART_VIEWERS")
    given = access.st.get_option
    monkeypatch.setattr(
        access.st, "get_option", lambda name: address if name == "server.address" else given(name)
    )
    app = opened("ladder", {})
    assert app.warning[0].value == access.OPEN_TO_OTHERS
    assert access.OPEN_TO_OTHERS in caplog.text


@pytest.mark.parametrize(
    ("hosts", "reachable"),
    [(["localhost", "127.0.0.1", "::1"], False), (["headstart.example.org"], True), ([], True)],
)
def test_names_beyond_this_machine_make_it_reachable(monkeypatch, hosts, reachable):
    options = {"server.address": "127.0.0.1", "server.allowedHosts": hosts}
    monkeypatch.setattr(access.st, "get_option", options.get)
    assert access.reachable_by_others() is reachable


def test_the_app_binds_to_this_machine_alone_unless_told_otherwise():
    config = tomllib.loads(STREAMLIT_CONFIG.read_text())["server"]
    assert config["address"] == "127.0.0.1"
    assert config["allowedHosts"] == ["localhost", "127.0.0.1"]
    assert config["enableXsrfProtection"] is True
    assert config["enableCORS"] is True
    assert "address" not in (PROJECT_ROOT / "Makefile").read_text()


# What a viewer cannot do --------------------------------------------------------------------------


def test_a_viewer_cannot_start_a_benchmark_and_an_editor_can():
    app = opened("benchmark", VIEWER)
    (start,) = [button for button in app.button if button.label == "Start the benchmark"]
    assert start.disabled
    assert "only an editor can start runs" in words(app)
    press_all_the_same(start)
    assert len(open_store().experiments()) == 1

    app = opened("benchmark", EDITOR)
    (start,) = [button for button in app.button if button.label == "Start the benchmark"]
    start.click().run()
    newest, other = open_store().experiments()
    assert (newest.labels.owner, other.labels.owner) == ("ed@example.org", "")


def test_experiments_have_an_owner_where_people_sign_in():
    store = open_store()
    (mine,) = store.create_experiments([made_up.spec()], owner="ed@example.org")
    store.create_experiment(made_up.spec())
    shown = opened("experiments", EDITOR).dataframe[0].value.set_index("id")
    assert shown["owner"].value_counts().to_dict() == {"": 2, "ed@example.org": 1}
    assert list(opened("experiments", EDITOR, owner="mine").dataframe[0].value["id"]) == [mine]
    assert "No experiment is like that" in words(opened("experiments", VIEWER, owner="mine"))
    searched = opened("experiments", VIEWER, words="ed@example")
    assert list(searched.dataframe[0].value["id"]) == [mine]


def test_a_viewer_sees_runs_at_work_without_the_buttons():
    experiment_id = open_store().create_experiment(made_up.spec())
    app = opened("benchmark", VIEWER, experiment=experiment_id)
    assert not app.error
    assert labels(app) == ["Sign out"]
    app = opened("benchmark", EDITOR, experiment=experiment_id)
    assert labels(app).count("Cancel") == 6


def test_who_became_a_viewer_meanwhile_cannot_press_the_button_any_more():
    experiment_id = open_store().create_experiment(made_up.spec())
    app = opened("benchmark", EDITOR, experiment=experiment_id)
    app.user = {**VIEWER, "iat": time.time()}
    app = app.button(key="cancel-all").click().run()
    assert "Only an editor can do this" in app.error[0].value
    assert {run.state for run in open_store().runs(experiment_id)} == {"queued"}


def test_a_viewer_adds_no_images():
    app = opened("datasets", VIEWER)
    assert len(app.file_uploader) == 0
    assert "only an editor can add images" in words(app)
    assert len(opened("datasets", EDITOR).file_uploader) == 1


def test_a_viewer_manages_nothing_but_downloads():
    app = opened("datasets", VIEWER, dataset="arrows", section="Manage")
    assert labels(app) == ["Sign out"]
    assert "only an editor can rename or remove a dataset" in words(app)
    app = opened("datasets", EDITOR, dataset="arrows", section="Manage")
    assert labels(app) == ["Rename", "Remove this dataset", "Sign out"]


def test_a_viewer_makes_no_version():
    app = opened("datasets", VIEWER, dataset="arrows", section="Clean up")
    app = app.multiselect[0].set_value(["up"]).run()
    (make,) = [button for button in app.button if button.label == "Make a new version"]
    assert make.disabled
    assert "only an editor can make a new version" in words(app)
    press_all_the_same(make)
    assert [dataset.name for dataset in list_datasets()] == ["arrows"]


def test_too_many_runs_are_refused_in_a_sentence(monkeypatch):
    monkeypatch.setenv("HEADSTART_MOST_QUEUED_RUNS", "1")
    app = opened("benchmark", EDITOR)
    (start,) = [button for button in app.button if button.label == "Start the benchmark"]
    app = start.click().run()
    assert "the limit is 1 (HEADSTART_MOST_QUEUED_RUNS)" in app.error[0].value.replace("\\", "")
    assert len(open_store().experiments()) == 1
