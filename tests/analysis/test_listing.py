import pytest

from core.analysis import listing
from core.analysis.listing import list_result, listed_results
from core.analysis.verdicts import Outcome
from core.experiments.store import open_store
from core.experiments.summaries import keep_summary
from tests.pages.compared import EXPERIMENT, store_compared
from tests.stored_home import add_arrows, leave_out_bundled_datasets, majority_spec


@pytest.fixture
def store(home):
    leave_out_bundled_datasets(home)
    store = open_store()
    store_compared(store, add_arrows())
    return store


def test_it_is_made_once_and_kept(store, monkeypatch):
    kept, missing = listed_results(store)
    assert kept == {}
    made = list_result(store, EXPERIMENT, missing[EXPERIMENT])
    assert (made.best, made.cheapest) == ("CNN, three blocks", "CNN, three blocks")
    assert made.outcome is Outcome.TIED
    assert made.low < made.accuracy < made.high
    assert made.gain == pytest.approx(made.accuracy - 1 / 3)
    assert (made.seconds, made.device) == (80.0, "two test cores")  # eight runs of ten seconds
    assert made.size_bytes > 1000
    monkeypatch.setattr(listing, "load_evidence", None)  # not read again
    assert listed_results(store) == ({EXPERIMENT: made}, {})


def test_it_is_made_again_when_a_run_ends_or_its_times_are_measured_again(store):
    _, missing = listed_results(store)
    list_result(store, EXPERIMENT, missing[EXPERIMENT])
    run = store.runs(EXPERIMENT)[0]
    assert store.replace_result(run.id, run.result)
    assert listed_results(store) == ({}, missing)


def test_an_experiment_without_results_is_looked_at_once(store):
    waiting = store.create_experiment(majority_spec())
    _, missing = listed_results(store)
    assert list_result(store, waiting, missing[waiting]) is None
    kept, missing = listed_results(store)
    assert waiting in kept
    assert waiting not in missing
    assert kept[waiting] is None


def test_one_of_another_edition_is_made_again(store):
    _, missing = listed_results(store)
    keep_summary(store.database, EXPERIMENT, missing[EXPERIMENT], {"best": "VGG16"})
    assert listed_results(store) == ({}, missing)
