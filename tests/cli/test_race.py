"""``advise DATASET --race MINUTES``: what is printed, and what is refused."""

import json
from pathlib import Path

import pytest

from core.analysis.advice.race import request
from core.experiments.forecast import Forecast
from core.experiments.store import Store
from tests.analysis.advice.race.conftest import StandIn
from tests.cli.conftest import TypeIt
from tests.stored_home import do_next

pytestmark = pytest.mark.usefixtures("home", "no_showcase")
RACE = ("advise", "arrows", "--race", "5", "--strategies", "majority,mlp,cnn")


@pytest.fixture
def engine(home: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:  # noqa: ARG001 - its home
    """In place of the real one; the job is done where a worker would be started."""
    stand_in = StandIn(accuracy={"cnn": 1.0, "majority": 0.3})
    monkeypatch.setattr("core.training.engine.train", stand_in)
    monkeypatch.setattr(request, "FEWEST_A_CLASS", 2)
    monkeypatch.setattr(request, "ensure_worker", do_next)
    return stand_in


def test_the_sentences_the_table_and_the_command(type_it: TypeIt, engine: StandIn) -> None:
    status, out, err = type_it(*RACE)
    assert (status, err) == (0, "")
    assert len(engine.trained) == 9
    lines = out.splitlines()
    assert lines[0].startswith("Every training that the race needed was done in ")
    assert lines[1].startswith("CNN, three blocks, leads: trained on 21 of 76 training images")
    table = [line.split()[0] for line in lines if line.startswith(("majority", "mlp", "cnn"))]
    assert table == ["majority", "mlp", "cnn"]
    assert lines[-1].startswith("To run those that remain: python -m core run ")
    assert lines[-1].endswith(" --strategies majority,mlp,cnn")


@pytest.mark.usefixtures("engine")
def test_the_json_has_every_point(type_it: TypeIt, store: Store) -> None:
    status, out, _ = type_it(*RACE, "--image-size", "64", "--json")
    document = json.loads(out)
    assert status == 0
    assert (document["ended"], document["leader"], document["image_size"]) == ("done", "cnn", 64)
    assert document["remaining"] == ["majority", "mlp", "cnn"]
    cnn = document["strategies"][2]
    assert (cnn["verdict"], [one["images"] for one in cnn["points"]]) == ("leads", [6, 12, 21])
    assert cnn["points"][0]["accuracy"] == 1.0
    (job,) = store.jobs("race")
    assert job.state == "finished"


@pytest.mark.usefixtures("engine")
def test_where_everything_takes_minutes_it_says_just_run_it_and_how(
    type_it: TypeIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    forecast = Forecast(240.0, 0.0, (), "")
    monkeypatch.setattr(request, "forecast_experiment", lambda *_arguments: forecast)
    status, _, err = type_it(*RACE)
    assert status == 0
    assert "Just run it: 3 strategies on all 76 training images take about 4 min" in err
    assert "python -m core run " in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("arrows", "--race", "0"), "minutes is 0; it must be a whole number from 1 to 1,440."),
        (("arrows", "--race", "soon"), "--race is 'soon'; it must be a whole number."),
        (("arrows", "--race", "5", "--strategies", "no"), "There is no strategy named 'no'."),
        (("arrows", "--strategies", "mlp"), "--strategies is for a race: add --race MINUTES."),
        (("arrows", "--backbones", "all"), "--backbones is for a race: add --race MINUTES."),
        (("nothing", "--race", "5"), "no dataset named 'nothing'"),
    ],
)
@pytest.mark.usefixtures("engine")
def test_bad_input_is_one_sentence(
    type_it: TypeIt, store: Store, arguments: tuple[str, ...], sentence: str
) -> None:
    status, out, err = type_it("advise", *arguments)
    assert (status, out) == (2, "")
    assert sentence in err
    assert store.jobs() == []


def test_a_dataset_that_is_too_small_is_refused(type_it: TypeIt) -> None:
    status, _, err = type_it(*RACE)
    assert status == 2
    assert "arrows is too small for a race: of its 76 training images" in err
