import os

import pytest

from core.errors import BadInput
from core.experiments.labels import change_labels
from core.experiments.store import open_store
from core.operations.disk import cache_entries, daily_tidying, disk_use, drop, droppable, tidy_up
from core.settings import CACHE_DAYS_VARIABLE, CACHE_GB_VARIABLE, current_settings
from tests.killed import an_hour_later
from tests.stored_home import add_arrows, leave_out_bundled_datasets, majority_spec

DAY = 86_400
NOW = 2_000_000_000.0
LONG_AGO = 10**9


@pytest.fixture
def cached(home):
    """Three entries of one megabyte and a bit, used 50, 20 and 1 days ago."""
    leave_out_bundled_datasets(home)
    cache = current_settings().cache_folder
    for kind, key, days in (
        ("features", "old", 50),
        ("prepared", "middle", 20),
        ("copies", "new", 1),
    ):
        (cache / kind).mkdir(parents=True)
        for suffix, size in ((".npy", 10**6), (".json", 100)):
            file = cache / kind / f"{key}{suffix}"
            file.write_bytes(b"x" * size)
            os.utime(file, (NOW - days * DAY, NOW - days * DAY))
    return cache_entries()


def test_the_parts_of_the_home_have_their_sizes(cached):
    sizes = {part.name: part.size_bytes for part in disk_use()}
    assert (sizes["features"], sizes["prepared"], sizes["runs"]) == (1_000_100, 1_000_100, 0)
    assert next(iter(disk_use())).size_bytes == max(sizes.values())
    assert [entry.key for entry in cached] == ["old", "middle", "new"]


def test_rules_choose_by_age_and_by_size(cached):
    def chosen(**rule):
        return [entry.key for entry in droppable(cached, now=NOW, **rule)]

    assert chosen() == []
    assert chosen(unused_days=30) == ["old"]
    assert chosen(unused_days=0.5) == ["old", "middle", "new"]
    assert chosen(keep_bytes=2_500_000) == ["old"]
    assert chosen(unused_days=30, keep_bytes=1_500_000) == ["old", "middle"]
    assert chosen(keep_bytes=10**9) == []


def test_what_is_dropped_is_gone_unless_a_job_may_need_it(cached):
    add_arrows()
    store = open_store()
    waiting = store.create_experiment(majority_spec())
    with pytest.raises(BadInput, match="waits or works"):
        drop(store, cached)
    assert len(cache_entries()) == 3
    store.cancel_job(f"{waiting}-majority-0")
    assert drop(store, cached[:2]) == 2_000_200
    assert [entry.key for entry in cache_entries()] == ["new"]


def test_half_an_entry_goes_first_and_what_is_being_written_stays(cached):
    folder = current_settings().cache_folder / "features"
    (folder / "old.json").unlink()
    (folder / ".new.npy.0123.part").write_bytes(b"x")
    found = cache_entries()
    assert [(entry.key, entry.used_at > 0) for entry in found] == [
        ("old", False),
        ("middle", True),
        ("new", True),
    ]
    assert [one.key for one in droppable(found, unused_days=10**4, now=NOW)] == ["old"]
    assert len(cached) == 3


@pytest.fixture
def unused(cached):
    """The same, used when the century began."""
    for entry in cached:
        for file in entry.files:
            os.utime(file, (LONG_AGO, LONG_AGO))
    return cache_entries()


def test_nothing_is_dropped_by_itself_unless_the_settings_say_so(unused, monkeypatch):
    said = []
    assert tidy_up(open_store(), said.append)
    assert (cache_entries(), said) == (unused, [])
    monkeypatch.setenv(CACHE_GB_VARIABLE, "1")
    assert tidy_up(open_store(), said.append)
    assert (cache_entries(), said) == (unused, [])  # they fit
    monkeypatch.setenv(CACHE_DAYS_VARIABLE, "3")
    os.utime(next(entry.files[0] for entry in unused if entry.key == "new"))
    assert tidy_up(open_store(), said.append)
    assert [entry.key for entry in cache_entries()] == ["new"]
    names = f"{CACHE_DAYS_VARIABLE} and {CACHE_GB_VARIABLE}"
    assert said == [f"dropped 2 cache entries, 2.0 MB, by {names}"]


@pytest.mark.usefixtures("unused")
def test_a_worker_tidies_up_once_a_day_when_nothing_is_at_work(monkeypatch):
    monkeypatch.setenv(CACHE_DAYS_VARIABLE, "3")
    now, said = [100.0], []
    add_arrows()
    store = open_store()
    waiting = store.create_experiment(majority_spec())
    tidy = daily_tidying(store, said.append, lambda: now[0])
    tidy()
    assert (len(cache_entries()), said) == (3, [])  # a run waits, and may need them
    store.cancel_job(f"{waiting}-majority-0")
    tidy()
    assert len(cache_entries()) == 3  # looked at a moment ago
    now[0] += 10
    tidy()
    assert cache_entries() == []
    folder = current_settings().cache_folder / "prepared"
    for suffix in (".npy", ".json"):
        (folder / f"again{suffix}").write_bytes(b"x")
        os.utime(folder / f"again{suffix}", (LONG_AGO, LONG_AGO))
    now[0] += DAY - 1
    tidy()
    assert len(cache_entries()) == 1
    now[0] += 1
    tidy()
    assert (cache_entries(), len(said)) == ([], 2)


def test_tidying_deletes_what_was_removed(cached):
    add_arrows()
    store = an_hour_later()
    gone = store.create_experiment(majority_spec())
    store.cancel_job(f"{gone}-majority-0")
    change_labels(open_store(), gone, "ada", removed=True)
    said = []
    assert tidy_up(store, said.append)
    assert said == [f"experiment {gone}: deleted, it was removed more than an hour ago"]
    assert store.experiment_ids() == []
    assert cache_entries() == cached
