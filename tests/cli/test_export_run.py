"""``runs export``: the package as a file, and the message where there is none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.cli import main, parser
from core.experiments.planning import plan_experiment
from core.experiments.store import open_store
from core.jobs.cached import CachedWork
from core.reports import export_model as keep_model

pytestmark = pytest.mark.usefixtures("home", "no_showcase")


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> Callable[[Iterator[CachedWork]], None]:
    def told(states: Iterator[CachedWork]) -> None:
        monkeypatch.setattr(keep_model, "model_package", lambda *_: next(states))

    return told


def test_the_package_is_written_whole(
    making: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made.zip"
    made.write_bytes(b"package")
    making(iter([
        CachedWork(made, "working", "Loading the libraries"),
        CachedWork(made, "working", "Loading the libraries"),
        CachedWork(made, "ready"),
    ]))  # fmt: skip
    target = tmp_path / "model.zip"
    assert main(["runs", "export", "a-cnn-0", "--output", str(target)]) == 0
    assert target.read_bytes() == b"package"
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"Loading the libraries\n{target} holds the model (7 bytes)\n"
    assert sorted(path.name for path in tmp_path.glob("*.zip*")) == ["made.zip", "model.zip"]


def test_what_went_wrong_is_said(
    making: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "made.zip"
    making(
        iter([CachedWork(result, "working", "Packing"), CachedWork(result, "failed", error="No.")])
    )
    assert main(["runs", "export", "a-cnn-0", "--output", str(tmp_path / "model.zip")]) == 1
    assert "No." in capsys.readouterr().err
    assert not (tmp_path / "model.zip").exists()


def test_bad_input_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store()
    experiment_id = store.create_experiment(plan_experiment("arrows", ["majority"], image_size=16))
    run_id = f"{experiment_id}-majority-0"
    assert main(["runs", "export", run_id, "--output", str(tmp_path / "model.zip")]) == 2
    assert f"Run {run_id} is queued" in capsys.readouterr().err
    missing = tmp_path / "nowhere" / "model.zip"
    assert main(["runs", "export", run_id, "--output", str(missing)]) == 2
    assert f"There is no folder {missing.parent}." in capsys.readouterr().err


def test_the_first_editions_name_is_the_same_verb() -> None:
    one = parser()
    rest = ["a-cnn-0", "--output", "model.zip"]
    assert one.parse_args(["runs", "export", *rest]) == one.parse_args(["runs", "keep", *rest])
