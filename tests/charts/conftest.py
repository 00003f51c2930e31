import pytest

from core.analysis.comparison import Comparison, compare
from core.analysis.evidence import ExperimentPredictions, load_evidence
from core.analysis.time_breakdown import TimeBreakdown, load_time_breakdown
from core.experiments.store import Store, open_store
from tests import made_up
from tests.made_evidence import EXPERIMENT, store_experiment


@pytest.fixture
def store(home) -> Store:  # noqa: ARG001 - sets the home
    found = open_store()
    # The probe is slower than the cnn, and better.
    slow = made_up.result(feature_seconds=5.0, feature_cache="hit", total_seconds=20.0)
    store_experiment(found, {"vgg16_probe": slow})
    return found


@pytest.fixture
def evidence(store) -> ExperimentPredictions:
    return load_evidence(store, EXPERIMENT)


@pytest.fixture
def ledger(store) -> TimeBreakdown:
    return load_time_breakdown(store, EXPERIMENT)


@pytest.fixture
def comparison() -> Comparison:
    """Results alone: three strategies, one of them with a run that failed."""
    runs = [
        made_up.run(
            "majority",
            result=made_up.result(
                0.6, first_epoch_seconds=None, steady_epoch_seconds=None, total_seconds=0.0
            ),
        ),
        made_up.run("cnn", 0, result=made_up.result(0.70)),
        made_up.run("cnn", 1, result=made_up.result(0.76)),
        made_up.run(
            "vgg16_probe",
            result=made_up.result(
                0.9, steady_epoch_seconds=0.05, feature_seconds=30.0, feature_cache="hit"
            ),
        ),
        made_up.run("vgg16_probe", 1, state="failed", result=None),
    ]
    return compare(made_up.experiment(), runs)
