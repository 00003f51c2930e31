"""What cannot be read is shown as damaged with its id, and every page and view goes on."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from core.cli import main
from core.experiments.run_files import predictions_path
from core.experiments.store import Store, open_store
from tests.experiments.test_damaged import store_text
from tests.pages.addresses import ADDRESSES, VIEWS
from tests.pages.compared import EXPERIMENT, store_compared
from tests.pages.conftest import open_cold, words
from tests.stored_home import add_arrows

DAMAGED = "dddd4444"
RUN = f"{EXPERIMENT}-cnn-1"


@pytest.fixture
def damaged_store(empty_home, monkeypatch) -> Store:  # noqa: ARG001 - sets the home
    """An experiment with a damaged spec, and one in which a run has a damaged result, another
    damaged epochs, a third no readable predictions."""
    store = open_store()
    for experiment_id in (EXPERIMENT, DAMAGED):
        store_compared(store, add_arrows(), experiment_id=experiment_id)
    store_text(store, "experiments", "spec", DAMAGED, "[]")
    store_text(store, "runs", "result", RUN, '{"scores": {}}')
    store_text(store, "epochs", "record", f"{EXPERIMENT}-cnn-0", "not JSON")
    predictions_path(f"{EXPERIMENT}-mlp-0").write_bytes(b"not an archive")
    return store


@pytest.mark.usefixtures("damaged_store")
@pytest.mark.parametrize("name", [name for name in ADDRESSES if name != "try-keep"])
def test_every_view_names_it_and_goes_on(name: str) -> None:
    parts = urlsplit(ADDRESSES[name])
    app = open_cold(parts.path.strip("/"), **dict(parse_qsl(parts.query)))
    assert not app.exception
    assert not app.error
    assert f"Experiment {DAMAGED} is damaged in the store" in words(app).replace("\\", "")


@pytest.mark.parametrize("name", [name for name in VIEWS if name.startswith(("compare", "try-g"))])
def test_an_experiment_of_which_no_result_can_be_read(damaged_store: Store, name: str) -> None:
    for run in damaged_store.runs(EXPERIMENT):
        store_text(damaged_store, "runs", "result", run.id, "not JSON")
    parts = urlsplit(VIEWS[name])
    app = open_cold(parts.path.strip("/"), **dict(parse_qsl(parts.query)))
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize("page", ["start", "watch", "benchmark", "measured"])
def test_a_page_about_an_experiment_of_which_no_result_can_be_read(
    damaged_store: Store, page: str
) -> None:
    for run in damaged_store.runs(EXPERIMENT):
        store_text(damaged_store, "runs", "result", run.id, "not JSON")
    app = open_cold(page, experiment=EXPERIMENT)
    assert not app.exception
    assert not app.error


@pytest.mark.usefixtures("damaged_store")
def test_a_link_to_it_says_so() -> None:
    app = open_cold("benchmark", experiment=DAMAGED)
    assert not app.exception
    assert f"Experiment {DAMAGED} is damaged" in words(app).replace("\\", "")


def test_the_command_line_lists_it_on_a_line_of_its_own(
    damaged_store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["experiments", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(EXPERIMENT)
    assert lines[-1].startswith(f"{DAMAGED}  damaged: spec: ")
    assert main(["experiments", "show", DAMAGED]) == 1
    assert f"Experiment {DAMAGED} is damaged" in capsys.readouterr().err
    assert main(["runs", "list"]) == 0
    (line,) = (each for each in capsys.readouterr().out.splitlines() if each.startswith(RUN))
    assert "failed" in line
    assert "The stored result of this run is damaged (scores.train: Field required)" in line
    for form in ("table", "csv", "json", "html"):
        assert main(["compare", EXPERIMENT, "--format", form]) == 0
    assert len(damaged_store.experiments()) == 1
