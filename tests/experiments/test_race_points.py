"""What a race keeps of each training."""

import pytest
from sqlalchemy import update

from core.experiments.race_points import keep_point, race_points, read_points
from core.experiments.store import Store
from tests.made_race import RIGHT, point


def test_it_comes_back_as_it_was_stored(arrows_store: Store):
    kept = [point(), point(id="cnn-60-1", train_images=60, made_at="2026-12-01T02:01")]
    other = point(id="mlp-30-1", strategy="mlp", dataset_id="d" * 64, made_at="2026-12-01T01")
    for one in (kept[1], kept[0], other):
        keep_point(arrows_store.database, one)
    assert read_points(arrows_store.database) == [other, *kept]
    assert read_points(arrows_store.database, "e" * 64) == kept
    assert kept[0].right.tolist() == RIGHT.tolist()
    assert kept[0].accuracy == 6 / 9


def test_it_is_never_changed(arrows_store: Store):
    keep_point(arrows_store.database, point())
    keep_point(arrows_store.database, point(seconds=9.0))
    assert read_points(arrows_store.database) == [point()]


@pytest.mark.parametrize(
    "damage",
    [
        {"correct": "ff"},  # too few for nine images
        {"correct": "no"},
        {"train_images": 0},
        {"seconds": float("inf")},
        {"strategy": None},
        {"more": 1},
    ],
)
def test_one_that_cannot_be_read_hides_no_other(arrows_store: Store, damage: dict, caplog):
    keep_point(arrows_store.database, point())
    keep_point(arrows_store.database, point(id="cnn-60-1", train_images=60))
    with arrows_store.database.writing() as connection:
        row = race_points.c.id == "cnn-60-1"
        stored = vars(point()) | damage
        connection.execute(update(race_points).where(row).values(point=stored))
    assert read_points(arrows_store.database) == [point()]
    assert "the race point cnn-60-1 cannot be read" in caplog.text
