import os

import pytest

from core.errors import BadInput
from core.experiments.store import open_store
from core.operations.disk import cache_entries, disk_use, drop, droppable
from core.settings import current_settings
from tests.stored_home import add_arrows, leave_out_bundled_datasets, majority_spec

DAY = 86_400
NOW = 2_000_000_000.0


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
