import csv
import io
import json
import zipfile

import pytest

from core.errors import UnknownName
from core.experiments.run_files import write_predictions
from core.experiments.store import Store, open_store
from core.reports.tables import export_tables, export_zip_of_tables
from core.training.events import Predictions
from tests import made_evidence, made_up
from tests.made_evidence import EXPERIMENT, LABELS, TEST_INDICES, probabilities_of

EVERY_TABLE = [
    "results", "seeds", "epochs", "scores", "score-intervals", "ladder", "pairs",
    "against-majority", "label-errors", "confusion-cnn", "classes-cnn", "confusion-vgg16_probe",
    "classes-vgg16_probe", "backbones", "backbone-pairs", "time-breakdown",
    "cost-to-accuracy", "key-pairs", "disagreements",
    "slice-accuracies", "slice-gains",
]  # fmt: skip


@pytest.fixture
def store(home) -> Store:  # noqa: ARG001 - sets the home
    found = open_store()
    made_evidence.store_experiment(found)
    return found


def records(store: Store, name: str, **options) -> list[dict]:
    return json.loads(export_tables(store, EXPERIMENT, **options)[name][1])


def lines(store: Store, name: str) -> list[dict[str, str]]:
    text = export_tables(store, EXPERIMENT)[name][0].decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_table_is_there_and_says_the_same_in_both_forms(store):
    tables = export_tables(store, EXPERIMENT)
    assert list(tables) == EVERY_TABLE
    for in_csv, in_json in tables.values():
        rows = list(csv.DictReader(io.StringIO(in_csv.decode(), newline="")))
        documents = json.loads(in_json)
        assert len(rows) == len(documents)
        assert all(list(row) == list(found) for row, found in zip(rows, documents, strict=True))


def test_the_pairs_that_matter_say_what_they_answer(store):
    (pair,) = records(store, "key-pairs")
    assert (pair["question"], pair["first"], pair["second"]) == ("pretrained", "cnn", "vgg16_probe")


def test_every_score_by_strategy_and_seed(store):
    values = {
        (entry["metric"], entry["strategy"], entry["seed"]): entry["value"]
        for entry in records(store, "scores")
    }
    assert len(values) == 7 * 4
    assert values["accuracy", "cnn", 0] == 5 / 8
    assert values["accuracy", "cnn", 1] == 4 / 8
    assert values["accuracy", "vgg16_probe", 0] == 7 / 8
    first = records(store, "score-intervals")[0]
    assert first["seeds"] == [0, 1]
    assert (first["mean"], first["majority"]) == (9 / 16, 0.375)


def test_the_confusion_of_each_strategy_without_empty_cells(store):
    found = {(e["label"], e["predicted"]): e["images"] for e in records(store, "confusion-cnn")}
    assert found == {
        ("ant", "ant"): 1.5, ("ant", "bee"): 1.5, ("bee", "ant"): 1.5, ("bee", "bee"): 1.5,
        ("cat", "ant"): 0.5, ("cat", "cat"): 1.5,
    }  # fmt: skip


def test_disagreements_between_two_strategies(store):
    write_predictions(
        f"{EXPERIMENT}-vgg16_probe-1",
        Predictions(TEST_INDICES, LABELS, probabilities_of(LABELS.tolist())),
    )
    (disagreement,) = records(store, "disagreements")
    assert disagreement == {
        "image": 8,
        "label": "ant",
        "change": "fixed",
        "first_strategy": "cnn",
        "first_predicted": "bee",
        "first_true_class_probability": 0.375,
        "first_confidence": 0.5,
        "second_strategy": "vgg16_probe",
        "second_predicted": "ant",
        "second_true_class_probability": 0.5,
        "second_confidence": 0.5,
    }
    (turned,) = records(store, "disagreements", pair=("vgg16_probe", "cnn"))
    assert (turned["image"], turned["change"], turned["second_predicted"]) == (
        8,
        "regressed",
        "bee",
    )
    with pytest.raises(UnknownName, match=r"no strategy named 'mlp'\. Known: cnn, vgg16_probe"):
        export_tables(store, EXPERIMENT, pair=("mlp", "cnn"))


def test_names_stay_text_in_a_spreadsheet_and_verbatim_in_json(store, monkeypatch):
    monkeypatch.setattr(made_evidence, "CLASSES", ("=cmd()", "@bee", "-cat"))
    monkeypatch.setattr(made_evidence, "EXPERIMENT", "hostile1")
    made_evidence.store_experiment(store)
    in_csv, in_json = export_tables(store, "hostile1")["classes-cnn"]
    rows = list(csv.DictReader(io.StringIO(in_csv.decode(), newline="")))
    assert [row["name"] for row in rows] == ["'=cmd()", "'@bee", "'-cat"]
    assert [entry["name"] for entry in json.loads(in_json)] == ["=cmd()", "@bee", "-cat"]


def test_a_loss_that_became_nan_is_unknown(store):
    run = store.create_experiment(made_up.spec(strategies=(("cnn", {}),), seeds=(0,)))
    claimed = store.claim_next("worker")
    assert claimed is not None
    store.add_epoch(claimed.id, made_up.epoch(1, train_loss=float("nan")))
    (epoch,) = json.loads(export_tables(store, run)["epochs"][1])
    assert epoch["train_loss"] is None


def test_nothing_has_finished(store):
    waiting = store.create_experiment(made_up.spec())
    tables = export_tables(store, waiting)
    assert json.loads(tables["scores"][1]) == []
    assert tables["scores"][0] == b"metric,unit,better,strategy,seed,value\r\n"
    assert len(json.loads(tables["seeds"][1])) == 6


def test_all_in_one_zip_with_the_same_bytes_each_time(store):
    made = export_zip_of_tables(store, EXPERIMENT)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        names = archive.namelist()
        assert archive.read("results.csv") == export_tables(store, EXPERIMENT)["results"][0]
    assert names == [f"{name}.{suffix}" for name in EVERY_TABLE for suffix in ("csv", "json")]
    assert export_zip_of_tables(store, EXPERIMENT) == made
