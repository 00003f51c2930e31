"""What is stored of a run: the way to JSON and back, and what older versions have written."""

import json

import pytest

from core.experiments.recorded import DOCUMENT_NAME, SHOWCASE_FOLDER
from core.training.events import EpochRecord, KeptWeights, RunConditions, RunResult, TrackedImage
from tests import made_up

LAST = made_up.epoch(2)
TRACKED = made_up.epoch(1, tracked=(TrackedImage(7, 1, 0.9), TrackedImage(40, 0, 0.5312)))
MEASURED = made_up.epoch(1, conditions=made_up.conditions())
RESULTS = [
    made_up.result(notes=("halved",), last_epoch=LAST),
    made_up.result(weights=KeptWeights(100)),
    made_up.result(weights=KeptWeights(None)),
    made_up.result(weights=KeptWeights(7), deployment=made_up.deployment()),
    made_up.result(conditions=made_up.run_conditions(other_load=0.3)),
]


@pytest.mark.parametrize("result", RESULTS)
def test_a_result_comes_back_as_it_went(result: RunResult) -> None:
    assert RunResult.from_dict(json.loads(json.dumps(result.as_dict()))) == result


@pytest.mark.parametrize("record", [LAST, TRACKED, MEASURED])
def test_an_epoch_comes_back_as_it_went(record: EpochRecord) -> None:
    assert EpochRecord.from_dict(json.loads(json.dumps(record.as_dict()))) == record


def test_the_tracked_images_of_the_first_edition_are_read() -> None:
    document = TRACKED.as_dict()
    old = {name: value for name, value in document.items() if name != "tracked"}
    assert EpochRecord.from_dict(old | {"watched": document["tracked"]}) == TRACKED


def test_the_keys_say_what_there_is() -> None:
    assert "weights_bytes" not in RESULTS[0].as_dict()
    assert [result.as_dict()["weights_bytes"] for result in RESULTS[1:4]] == [100, None, 7]
    assert ["deployment" in result.as_dict() for result in RESULTS] == [False] * 3 + [True, False]
    assert ["conditions" in result.as_dict() for result in RESULTS] == [False] * 4 + [True]
    assert not {"tracked", "conditions"} & LAST.as_dict().keys()
    # What a system does not tell is not stored as null.
    assert "gpu" not in MEASURED.as_dict()["conditions"]


def test_what_is_recorded_is_read_and_written_the_same() -> None:
    documents = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(SHOWCASE_FOLDER.glob(f"*/{DOCUMENT_NAME}"))
    ]
    runs = [run for document in documents for run in document["runs"]]
    assert len(runs) >= 48
    for run in runs:
        result = RunResult.from_dict(run["result"])
        assert result.as_dict() == run["result"]
        assert list(result.as_dict()) == list(run["result"])  # in the same order
        assert result.scores.test.accuracy == run["result"]["scores"]["test"]["accuracy"]
        epochs = [EpochRecord.from_dict(epoch).as_dict() for epoch in run["epochs"]]
        assert json.loads(json.dumps(epochs)) == run["epochs"]


def test_keys_of_another_version_are_left_out() -> None:
    later = {"energy_joules": 3.5}
    assert RunResult.from_dict(made_up.result().as_dict() | later) == made_up.result()
    assert EpochRecord.from_dict(LAST.as_dict() | later) == LAST


def test_a_measurement_beside_other_programs_is_disturbed() -> None:
    assert not made_up.deployment(other_load=0.1).is_disturbed
    assert made_up.deployment(other_load=0.11).is_disturbed


def test_a_result_names_its_disturbed_times() -> None:
    busy, quiet = made_up.conditions(0.3), made_up.conditions()
    assert made_up.result(conditions=made_up.run_conditions()).disturbed == frozenset()
    steady = made_up.result(conditions=made_up.run_conditions(steady_epochs=busy))
    assert steady.disturbed == {"steady_epoch_seconds", "validation_seconds"}
    whole = made_up.result(conditions=made_up.run_conditions(whole_run=busy))
    assert whole.disturbed == {"total_seconds", "end_to_end_seconds"}
    # One epoch: validation is that of the first.
    first = made_up.result(conditions=RunConditions(first_epoch=busy, whole_run=quiet))
    assert first.disturbed == {"first_epoch_seconds", "validation_seconds"}
    # An extraction that another run did counts where whole runs are compared.
    for cache, more in (("miss", set()), ("hit", {"end_to_end_seconds"})):
        extracted = made_up.result(
            feature_seconds=9.0,
            feature_cache=cache,
            conditions=made_up.run_conditions(features=busy),
        )
        assert extracted.disturbed == {"feature_seconds"} | more


def test_a_measurement_that_is_no_number_is_damage() -> None:
    document = made_up.result(deployment=made_up.deployment()).as_dict()
    document["deployment"]["image_seconds"] = "fast"
    with pytest.raises(ValueError, match="image_seconds"):
        RunResult.from_dict(document)
