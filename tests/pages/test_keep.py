"""Try it, Export a model: what is offered, how it is made, what is said where there is nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.datasets.storage import open_dataset
from core.experiments.run_files import write_weights
from core.experiments.store import Store, open_store
from core.jobs import cached
from core.jobs.cached import CachedWork
from core.reports.export_model import snippet
from core.reports.model_card import CONTENTS
from core.ui.try_it import export as keep_view
from tests.own_backbones import ORIGIN, add_own
from tests.pages.compared import EXPERIMENT, store_compared
from tests.pages.conftest import open_cold, open_routed, words

RUN = f"{EXPERIMENT}-mlp-0"  # as good in validation as the CNN, and cheaper
VIEW = {"view": "keep", "experiment": EXPERIMENT}


@pytest.fixture
def store(empty_home: Path) -> Store:  # noqa: ARG001 - sets the home
    store = open_store()
    store_compared(store, open_dataset("arrows"))
    return store


@pytest.fixture
def kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:  # noqa: ARG001 - fills it
    """Two strategies with kept weights; what the making process says is set by the test."""
    for strategy in ("mlp", "cnn"):
        for seed in (0, 1):
            write_weights(f"{EXPERIMENT}-{strategy}-{seed}", {"a/kernel": np.zeros(3, np.float32)})
    told: dict[str, Any] = {"asked": []}

    def model_package(_store: Store, run_id: str) -> CachedWork:
        told["asked"].append(run_id)
        return told["work"]

    monkeypatch.setattr(keep_view, "model_package", model_package)
    return told


def labels(app: AppTest, kind: str) -> list[str]:
    return [element.proto.label for element in app.get(kind)]


@pytest.mark.usefixtures("store")
def test_without_weights_the_page_says_why() -> None:
    app = open_cold("try_it", **VIEW)
    assert not app.exception
    assert (
        "These results were recorded elsewhere, and their networks did not come with them"
        in words(app).replace("\\", "")
    )


def test_a_package_is_made_when_it_is_asked_for(kept: dict[str, Any], tmp_path: Path) -> None:
    app = open_cold("try_it", **VIEW)
    assert not app.exception
    assert app.selectbox(key="address.strategy").value == "mlp"
    assert [code.value for code in app.code][-1] == snippet().rstrip()
    assert all(f"`{name}`" in words(app) for name in CONTENTS)
    assert kept["asked"] == []
    kept["work"] = CachedWork(tmp_path / "x.zip", "failed", error="It *stopped*.")
    app.button(key=f"keep.make.{RUN}").click().run()
    assert set(kept["asked"]) == {RUN}
    assert [error.value for error in app.error] == ["It \\*stopped\\*\\."]
    (tmp_path / "x.zip").write_bytes(b"0" * 1_500_000)
    kept["work"] = CachedWork(tmp_path / "x.zip", "ready")
    app.run()
    assert labels(app, "download_button") == ["Download (1.5 MB)"]


def test_a_link_names_strategy_and_seed(kept: dict[str, Any]) -> None:
    app = open_routed("try_it", **VIEW, strategy="cnn", seed="1")
    app.button(key=f"keep.make.{EXPERIMENT}-cnn-1")
    stale = open_routed("try_it", **VIEW, strategy="vgg16_probe", seed="9")
    assert not stale.exception
    assert len(stale.warning) == 2
    stale.button(key=f"keep.make.{RUN}")
    assert kept["asked"] == []


def test_what_is_too_large_for_a_browser_comes_by_the_command_line(
    kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_view, "LARGEST_DOWNLOAD_BYTES", 7_999)
    app = open_routed("try_it", **VIEW)
    assert app.code[0].value == f"python -m core runs export {RUN} --output model.zip"
    assert kept["asked"] == []


@pytest.mark.usefixtures("kept")
def test_a_network_becomes_a_backbone_with_a_click(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "ensure_worker", lambda _queue: False)
    run = f"{EXPERIMENT}-cnn-1"
    app = open_cold("try_it", **VIEW, strategy="cnn", seed="1")
    assert app.text_input(key=f"backbone.name.{run}").value == "arrows_cnn"
    app.text_input(key=f"backbone.name.{run}").set_value("No *good*")
    app.button(key=f"backbone.make.{run}").click().run()
    assert "cannot be the name of a backbone" in app.error[0].value
    assert store.jobs("backbone") == []
    app.text_input(key=f"backbone.name.{run}").set_value("arrows_cnn")
    app.button(key=f"backbone.make.{run}").click().run()
    assert not app.exception
    (job,) = store.jobs("backbone")
    assert job.arguments["run"] == run
    assert job.arguments["name"] == "arrows_cnn"
    add_own("arrows_cnn", "CNN of arrows", origin=ORIGIN.model_copy(update={"run": run}))
    app.run()
    assert not app.exception
    assert "This network is the backbone **CNN of arrows** (`arrows_cnn`)" in app.success[0].value


@pytest.mark.usefixtures("kept")
def test_a_network_without_convolutions_becomes_none() -> None:
    app = open_cold("try_it", **VIEW)
    assert "MLP has no convolutional layers" in words(app)
