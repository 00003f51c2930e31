import pytest

from core.analysis.scores import StrategyScore
from core.analysis.several import MOST_EXPERIMENTS, FactRow, Obstacle, compare_several
from core.analysis.words.several import cell_texts, several_frame
from core.errors import BadInput, UnknownName
from core.experiments.records import RecordedRun
from core.experiments.store import Store, open_store
from tests import made_evidence, made_up
from tests.made_evidence import EXPERIMENT

MOMENT = "2026-11-20T10:00:00.000000+00:00"
SPLIT = "f" * 64


@pytest.fixture
def store(home) -> Store:  # noqa: ARG001 - sets the home
    return open_store()


def stored(store, name, accuracies, seconds=10.0, device="two test cores", **changes) -> str:
    """An experiment of one seed with the test accuracy of each strategy."""
    settings = changes.pop("settings", {"epochs": 2})
    spec = made_up.spec(
        **{
            "strategies": tuple((strategy, settings) for strategy in accuracies),
            "seeds": (0,),
            "split_fingerprint": SPLIT,
        }
        | changes
    )
    runs = [
        RecordedRun(
            strategy,
            0,
            settings,
            made_up.result(accuracy, total_seconds=seconds, device=device),
            (),
            MOMENT,
            MOMENT,
            MOMENT,
        )
        for strategy, accuracy in accuracies.items()
    ]
    store.add_recorded(name, spec, MOMENT, made_up.origin(device), runs)
    return name


def row(several, title):
    (found,) = [entry for entry in several.rows if entry.title == title]
    return found


ACCURACY = "CNN, three blocks: test accuracy"
SECONDS = "CNN, three blocks: whole run"


def test_a_column_each_and_deltas_to_the_baseline(store):
    stored(store, "one", {"cnn": 0.5, "mlp": 0.375}, 10.0)
    stored(store, "two", {"cnn": 0.75}, 25.0, image_size=96)
    several = compare_several(store, ["two", "one"], baseline="one")
    assert [column.experiment for column in several.columns] == ["two", "one"]
    assert [column.is_baseline for column in several.columns] == [False, True]
    accuracy = row(several, ACCURACY)
    assert accuracy.values == (0.75, 0.5)
    assert accuracy.deltas == (0.25, None)
    assert row(several, SECONDS).deltas == (2.5, None)
    missing = row(several, "MLP: test accuracy")
    assert missing.values == (None, 0.375)
    assert missing.deltas == (None, None)
    assert [column.obstacle for column in several.columns] == [None, None]
    assert several.other_devices is False
    frame = several_frame(several).set_index("fact")
    assert frame.columns.tolist() == ["shapes (two)", "shapes (one)"]
    assert frame.loc[ACCURACY].tolist() == ["75.0 % (+25.0 points)", "50.0 %"]
    assert frame.loc[SECONDS].tolist() == ["25.0 s (2.5 times as long)", "10.0 s"]
    assert frame.loc["MLP: test accuracy"].tolist() == ["—", "37.5 %"]


def test_differences_only(store):
    stored(store, "one", {"cnn": 0.5}, settings={"epochs": 2, "dropout": 0.5})
    stored(store, "two", {"cnn": 0.5}, settings={"epochs": 9, "dropout": 0.5}, image_size=96)
    several = compare_several(store, ["one", "two"])
    assert [entry.title for entry in several.rows if entry.differs] == [
        "image size",
        "CNN, three blocks: setting epochs",
    ]
    frame = several_frame(several, differences_only=True)
    assert frame.to_dict("list") == {
        "fact": ["image size", "CNN, three blocks: setting epochs"],
        "shapes (one)": ["64 × 64 pixels", "2"],
        "shapes (two)": ["96 × 96 pixels", "9"],
    }
    assert len(several_frame(several)) == len(several.rows)


def test_without_a_baseline_there_are_no_deltas(store):
    stored(store, "one", {"cnn": 0.5})
    stored(store, "two", {"cnn": 0.75})
    several = compare_several(store, ["one", "two"])
    assert all(entry.deltas == (None, None) for entry in several.rows)
    assert [column.obstacle for column in several.columns] == [None, None]


def test_another_metric_comes_from_the_predictions(store):
    made_evidence.store_experiment(store)
    stored(store, "unread", {"cnn": 0.5})
    several = compare_several(store, [EXPERIMENT, "unread"], metric="roc_auc")
    assert row(several, "CNN, three blocks: ROC AUC").values == (
        pytest.approx((29 / 36 + 32 / 45) / 2),
        None,
    )
    assert row(several, "always the commonest class").values == (0.5, None)
    assert "CNN, three blocks: test accuracy" not in [entry.title for entry in several.rows]
    losses = compare_several(
        store, [EXPERIMENT, "unread"], EXPERIMENT, "log_loss", lambda name: scores_of(name)
    )
    shown = several_frame(losses).set_index("fact").loc["CNN, three blocks: log loss"]
    assert shown.tolist() == ["0.80 nats", "0.90 nats (+0.10 nats)"]
    assert "always the commonest class" not in [entry.title for entry in losses.rows]
    same = FactRow("loss", "metric", (0.8, 0.9, 0.8), (None, 0.1, 0.001), "log_loss")
    assert cell_texts(same) == ["0.80 nats", "0.90 nats (+0.10 nats)", "0.80 nats (same)"]
    with pytest.raises(UnknownName, match="no metric named 'auc'"):
        compare_several(store, [EXPERIMENT], metric="auc")


def scores_of(experiment: str):
    """The log loss of one strategy, made up."""
    mean = 0.8 if experiment == EXPERIMENT else 0.9
    score = StrategyScore("log_loss", "cnn", "CNN", (0,), (mean,), mean, None, None, None, None)
    return (score,)


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({"dataset_id": "e" * 64}, Obstacle.OTHER_DATASET),
        ({"split_fingerprint": "0" * 64}, Obstacle.OTHER_SPLIT),
        (
            {"split_fingerprint": "", "split": {"seed": 1, "test": 0.3, "validation": 0.07}},
            Obstacle.OTHER_SPLIT,
        ),
    ],
    ids=["dataset", "split", "split of an old experiment"],
)
def test_what_may_not_be_compared_has_an_obstacle_and_no_delta(store, changes, obstacle):
    stored(store, "one", {"cnn": 0.5})
    stored(store, "two", {"cnn": 0.75}, **changes)
    several = compare_several(store, ["one", "two"], baseline="one")
    assert [column.obstacle for column in several.columns] == [None, obstacle]
    assert all(entry.deltas == (None, None) for entry in several.rows)
    assert row(several, ACCURACY).values == (0.5, 0.75)


def test_an_old_experiment_of_the_same_rule_is_compared(store):
    stored(store, "one", {"cnn": 0.5})
    stored(store, "two", {"cnn": 0.75}, split_fingerprint="")
    several = compare_several(store, ["one", "two"], baseline="one")
    assert row(several, ACCURACY).deltas == (None, 0.25)


def test_times_of_another_device_are_shown_and_not_compared(store):
    stored(store, "one", {"cnn": 0.5}, 30.0)
    stored(store, "two", {"cnn": 0.5}, 10.0, device="a graphics card")
    several = compare_several(store, ["one", "two"], baseline="one")
    assert (row(several, SECONDS).values, row(several, SECONDS).deltas) == ((30, 10), (None, None))
    assert row(several, ACCURACY).deltas == (None, 0)
    assert several.other_devices is True


def test_an_experiment_without_results_has_dashes(store):
    stored(store, "one", {"cnn": 0.5})
    waiting = store.create_experiment(made_up.spec(split_fingerprint=SPLIT))
    several = compare_several(store, [waiting, "one"], baseline=waiting)
    assert row(several, ACCURACY).values == (None, 0.5)
    assert row(several, ACCURACY).deltas == (None, None)
    assert row(several, "device").values == (None, "two test cores")


@pytest.mark.parametrize(
    ("ids", "baseline", "message"),
    [
        ([], None, "0 experiments are chosen; choose one to 6"),
        ([str(number) for number in range(MOST_EXPERIMENTS + 1)], None, "7 experiments are chosen"),
        (["one", "one"], None, "chosen twice"),
        (["one"], "two", "The baseline 'two' is not among the chosen experiments: one"),
    ],
)
def test_refusals(store, ids, baseline, message):
    with pytest.raises(BadInput, match=message):
        compare_several(store, ids, baseline)


def test_an_experiment_that_is_gone_is_named(store):
    stored(store, "one", {"cnn": 0.5})
    with pytest.raises(UnknownName, match=r"no experiment named 'gone'\. Known: one"):
        compare_several(store, ["one", "gone"])
