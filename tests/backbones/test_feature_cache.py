"""Features of some images now and of others later: nothing is computed twice, nothing mixed up."""

import hashlib
import json
import pickle

import numpy as np
import pytest

from core.backbones.feature_cache import (
    feature_set,
    features_folder,
    find_stored,
    key_of,
    usable_pieces,
    write_piece,
)
from core.conditions import Meter, Reading
from core.errors import CacheLost

IDENTITY = {"images": "abc", "layer": "block5_pool"}
KEY = key_of(IDENTITY)
COUNT = 10
FIRST, SECOND = np.array([1, 4, 5, 8]), np.array([0, 2, 9])


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path))


def row_of(images):
    """Two numbers by which an image is known again."""
    return np.stack([images, 100 + np.asarray(images)], axis=1).astype(np.float16)


class Ticking:
    """A machine with two processors that moves by ``seconds`` between two looks."""

    def __init__(self, seconds, other):
        own = 1.5 * seconds
        end = Reading(seconds, own, own + other, 2 * seconds - own - other)
        self.looks = [Reading(0.0, 0.0, 0.0, 0.0), end]

    def meter(self):
        return Meter(lambda: self.looks.pop(0))


def kept(images, meter=None):
    """A piece as an extraction would keep it, in batches of two."""
    rows = row_of(images)
    batches = [rows[start : start + 2] for start in range(0, len(rows), 2)]
    return write_piece(IDENTITY, images, (COUNT, 2), batches, meter or Meter())


def test_every_image_is_found_in_its_piece_in_the_order_asked_for():
    kept(FIRST)
    kept(SECOND)
    both = find_stored(KEY, np.union1d(FIRST, SECOND))
    order = np.array([9, 1, 0, 1, 8])
    assert both.take(order).tolist() == row_of(order).tolist()
    assert both.take(order).dtype == np.float16
    assert (both.images, both.image_count, both.width) == (7, COUNT, 2)
    assert find_stored(KEY, np.array([4, 8])).take(np.array([8])).tolist() == [[8, 108]]


def test_only_what_is_missing_is_named():
    kept(FIRST)
    pieces, missing = usable_pieces(KEY, np.array([0, 1, 2, 4]))
    assert [piece.images.tolist() for piece in pieces] == [FIRST.tolist()]
    assert missing.tolist() == [0, 2]
    assert find_stored(KEY, np.array([0, 1])) is None


def test_another_image_than_asked_for_is_never_handed_out():
    kept(FIRST)
    found = find_stored(KEY, FIRST)
    for strange in (0, 6, 9):
        with pytest.raises(ValueError, match="not in this piece"):
            found.take(np.array([strange]))


def test_the_conditions_are_those_of_the_images_used():
    old = kept(FIRST, Ticking(seconds=4.0, other=1.0).meter())
    new = kept(SECOND, Ticking(seconds=1.0, other=0.5).meter())
    assert (old.seconds, old.conditions.other_processor_seconds) == (4.0, 1.0)
    found = feature_set(np.array([0, 1, 2, 4, 9]), [old], [new])  # half of the old piece
    assert (found.seconds, found.conditions.wall_seconds) == (3.0, 3.0)
    assert found.conditions.other_processor_seconds == 1.0


def test_the_conditions_of_an_older_piece_are_not_recorded():
    manifest = kept(FIRST).path.with_suffix(".json")
    document = json.loads(manifest.read_text())
    del document["conditions"]
    manifest.write_text(json.dumps(document))
    old = find_stored(KEY, FIRST)
    assert old.conditions is None
    assert feature_set(np.array([0, 1]), old.pieces, [kept(SECOND)]).conditions is None


def test_the_cost_is_that_of_the_images_used():
    old, new = kept(FIRST), kept(SECOND)
    found = feature_set(np.array([0, 1, 2, 4, 9]), [old], [new])
    assert found.cache == "part"
    assert (found.images, found.reused) == (5, 2)
    assert found.reused_seconds == old.seconds * 0.5
    assert found.seconds == pytest.approx(old.seconds * 0.5 + new.seconds)
    assert feature_set(SECOND, [], [new]).cache == "miss"
    assert feature_set(SECOND, [new], []).cache == "hit"


def test_a_set_of_all_images_has_the_name_and_manifest_of_older_homes():
    whole = kept(np.arange(COUNT))
    assert whole.path.name == f"{KEY}.npy"
    manifest = json.loads(whole.path.with_suffix(".json").read_text())
    assert manifest["shape"] == [COUNT, 2]
    assert "bitmap" not in manifest
    assert find_stored(KEY, FIRST).take(FIRST).tolist() == row_of(FIRST).tolist()


def test_a_damaged_piece_is_deleted_and_the_others_stay():
    damaged, whole = kept(FIRST), kept(SECOND)
    damaged.path.write_bytes(damaged.path.read_bytes()[:-1])
    pieces, missing = usable_pieces(KEY, np.union1d(FIRST, SECOND))
    assert [piece.path for piece in pieces] == [whole.path]
    assert missing.tolist() == FIRST.tolist()
    assert sorted(path.name for path in features_folder().iterdir()) == sorted(
        [whole.path.name, whole.path.with_suffix(".json").name]
    )


def test_a_folder_in_place_of_a_file_is_moved_aside():
    strange = kept(FIRST)
    strange.path.unlink()
    strange.path.mkdir()
    assert usable_pieces(KEY, FIRST)[0] == []
    assert kept(FIRST).is_whole()
    assert [path.name for path in features_folder().glob("strange-*")] != []


@pytest.mark.parametrize("seconds", ["NaN", "Infinity", "-1", '"soon"'])
def test_a_manifest_with_a_cost_that_is_no_number_does_not_count(seconds):
    manifest = kept(FIRST).path.with_suffix(".json")
    document = json.loads(manifest.read_text())
    shown = json.dumps(document["seconds"])
    manifest.write_text(manifest.read_text().replace(shown, seconds))
    assert find_stored(KEY, FIRST) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"shape": [float("inf"), 2]},
        {"shape": [10**13, 2]},
        {"shape": "42"},
        {"image_count": 10**13},
        {"image_count": -1},
        {"image_count": None},
        {"bitmap": "no hex"},
        {"bitmap": 7},
        {"sha256": None},
        {"created_at": []},
    ],
)
def test_a_manifest_with_anything_else_does_not_count_and_the_others_do(damage):
    manifest = kept(FIRST).path.with_suffix(".json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | damage))
    for name, text in (("1", "[]"), ("2", "[" * 100_000), ("3", "")):
        manifest.with_name(f"{KEY}-{name}.json").write_text(text)
    kept(SECOND)
    assert find_stored(KEY, FIRST) is None
    assert find_stored(KEY, SECOND).images == 3


def test_a_pickle_with_the_right_digest_is_not_opened():
    piece = kept(FIRST)
    piece.path.write_bytes(pickle.dumps([1, 2]))
    manifest = piece.path.with_suffix(".json")
    digest = hashlib.sha256(piece.path.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"sha256": digest}))
    assert find_stored(KEY, FIRST) is None


@pytest.mark.parametrize("how", ["deleted", "cut short"])
def test_a_file_that_is_lost_while_it_is_used_is_told(how):
    found = find_stored(KEY, kept(FIRST).images)
    path = found.pieces[0].path
    path.unlink() if how == "deleted" else path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CacheLost, match="deleted or damaged while they were used"):
        found.take(FIRST)
