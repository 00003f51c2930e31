import hashlib
import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.datasets import duplicates
from core.datasets.add import add_dataset
from core.datasets.decoding.examine import grey_thumbnail, perceptual_hash
from core.datasets.duplicates import group_duplicates
from core.datasets.groups import (
    distinct_per_class,
    equal_rows,
    in_multiple_classes,
    members_of,
    renumbered,
)
from core.errors import Cancelled
from tests.datasets.pictures import noise_png, two_classes, write_zip


def drawing(seed: int, size: tuple[int, int] = (96, 96)) -> Image.Image:
    """Random shapes on white, like clip art."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (96, 96), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = (int(v) for v in random.integers(0, 70, 2))
        width, height = (int(v) for v in random.integers(10, 50, 2))
        colour = tuple(int(v) for v in random.integers(0, 200, 3))
        draw.ellipse((x, y, x + width, y + height), fill=colour)
    return image.resize(size)


def groups_of(images: list[Image.Image], labels: list[int] | None = None) -> list[int]:
    groups, _ = group_duplicates(
        digests=[hashlib.sha256(image.tobytes()).digest() for image in images],
        hashes=np.array([perceptual_hash(image) for image in images], np.uint64),
        thumbnails=np.stack([grey_thumbnail(image) for image in images]),
        hashed=np.ones(len(images), bool),
        labels=np.array(labels or [0] * len(images)),
    )
    return groups.tolist()


def test_resized_dimmed_and_recoloured_copies_are_found():
    original = drawing(1)
    smaller = original.resize((60, 60))
    dimmed = original.point(lambda level: int(level * 0.9))
    red, green, blue = original.split()
    recoloured = Image.merge("RGB", (red.point(lambda level: min(255, level + 15)), green, blue))
    assert groups_of([original, drawing(2), smaller, dimmed, drawing(3), recoloured]) == [
        0, 1, 0, 0, 2, 0,
    ]  # fmt: skip


def test_unlike_drawings_stay_apart():
    assert groups_of([drawing(seed) for seed in range(40)]) == list(range(40))


def test_flat_pictures_in_a_common_frame_are_not_twins():
    def flag(colour: tuple[int, int, int]) -> Image.Image:
        image = Image.new("RGB", (96, 64), "white")
        ImageDraw.Draw(image).rectangle((0, 0, 90, 59), fill=colour)
        return image

    assert groups_of([flag((0, 120, 0)), flag((200, 0, 0)), flag((0, 0, 60))]) == [0, 1, 2]


def test_a_chain_that_takes_a_class_is_looked_at_more_strictly():
    first, last = (np.asarray(drawing(seed), np.float32) for seed in (1, 2))
    steps = [
        Image.fromarray(np.uint8(first + (last - first) * part)) for part in np.linspace(0, 1, 40)
    ]
    chained = groups_of(steps, [0] * 40)
    assert len(set(chained)) > 1
    assert max(np.bincount(chained)) < 40
    # The same chain beside a large class is no threat to it and stays whole.
    others = [drawing(seed) for seed in range(10, 150)]
    beside = groups_of(steps + others)
    assert len(set(beside[:40])) == 1
    assert max(np.bincount(beside)) == 40


def dotted(level: int) -> Image.Image:
    """One drawing, with a dot that makes each picture another one."""
    image = drawing(99)
    image.putpixel((5, 5), (level, level, level))
    return image


def test_a_class_that_looks_all_the_same_is_dissolved_and_reported():
    images = [dotted(level) for level in range(20)] + [drawing(seed) for seed in range(20)]
    groups, dissolved = group_duplicates(
        digests=[hashlib.sha256(image.tobytes()).digest() for image in images],
        hashes=np.array([perceptual_hash(image) for image in images], np.uint64),
        thumbnails=np.stack([grey_thumbnail(image) for image in images]),
        hashed=np.ones(40, bool),
        labels=np.repeat([0, 1], 20),
    )
    assert groups.tolist() == list(range(40))
    assert dissolved.tolist() == [True] * 20 + [False] * 20


def test_true_copies_that_are_a_third_of_their_class_stay_together():
    images = [dotted(level) for level in range(10)] + [drawing(seed) for seed in range(20)]
    assert groups_of(images) == [0] * 10 + list(range(1, 21))


def test_equal_pixels_are_one_group_without_hashes():
    digests = [b"a", b"b", b"a", b"c", b"b"]
    groups, dissolved = group_duplicates(
        digests,
        np.zeros(5, np.uint64),
        np.zeros((5, 16, 16), np.uint8),
        np.zeros(5, bool),
        np.zeros(5, int),
    )
    assert groups.tolist() == [0, 1, 0, 2, 1]
    assert groups.dtype == np.int64
    assert not dissolved.any()


def test_many_pictures_with_one_hash_are_compared_as_few_are(monkeypatch):
    random = np.random.default_rng(5)
    families = random.integers(0, 256, (4, 16, 16))
    member_of = random.integers(0, 4, 300)
    noise = random.integers(-9, 10, (300, 16, 16))
    thumbnails = np.clip(families[member_of] + noise, 0, 255).astype(np.uint8)
    digests = [bytes([number // 256, number % 256]) for number in range(300)]
    found = []
    for few in (10**9, 0):
        monkeypatch.setattr(duplicates, "_FEW_PAIRS", few)
        found.append(
            group_duplicates(
                digests,
                np.zeros(300, np.uint64),
                thumbnails,
                np.ones(300, bool),
                np.repeat([0, 1, 2], 100),
            )[0]
        )
    assert (found[0] == found[1]).all()
    assert all(len(set(found[0][member_of == family].tolist())) == 1 for family in range(4))
    assert len(set(found[0].tolist())) == 4


def test_twins_of_themes16_are_together(themes16):
    group = {
        name.split("/")[1]: number
        for name, number in zip(themes16.file_names, themes16.groups.tolist(), strict=True)
    }
    assert group["games_012.png"] == group["games_015.png"] == group["games_049.png"]  # aces
    assert group["desserts_034.png"] != group["flags_025.png"]
    assert len({group[f"flags_{n}.png"] for n in ("025", "054", "073", "011", "015")}) == 5
    assert themes16.health.exact_duplicates == 0
    assert themes16.health.near_duplicate_groups == 70
    assert themes16.health.images_in_groups == 222
    assert themes16.health.largest_group == 14


def families(count: int):
    """Pictures as hashes and thumbnails: families that nearly agree, and many that do not."""
    random = np.random.default_rng(0)
    of_family = random.integers(0, count // 4, count)
    bits = (random.random((count // 4, 64)) < 0.5)[of_family] ^ (random.random((count, 64)) < 0.06)
    hashes = np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)
    looks = random.integers(0, 256, (count // 4, 16, 16))[of_family]
    noise = random.integers(-60, 61, (count, 16, 16)) * (random.random((count, 1, 1)) < 0.5)
    return hashes, np.clip(looks + noise, 0, 255).astype(np.uint8)


def pair_by_pair(hashes, thumbnails, level):
    """Components as the definition says, one pair after another."""
    count = len(hashes)
    component = list(range(count))
    flat = thumbnails.reshape(count, -1).astype(np.float64)
    for left in range(count):
        for right in range(left + 1, count):
            if bin(int(hashes[left]) ^ int(hashes[right])).count("1") > level.distance:
                continue
            same = np.sqrt(((flat[left] - flat[right]) ** 2).mean()) <= duplicates.SAME_LEVEL
            parts = (thumbnails[[left, right]], thumbnails[[left, right], 1:-1, 1:-1])
            if same or all(_correlation(*part) >= level.correlation for part in parts):
                old, new = component[right], component[left]
                component = [new if number == old else number for number in component]
    return component


def _correlation(first, second):
    first, second = (part.astype(np.float64).ravel() for part in (first, second))
    first, second = first - first.mean(), second - second.mean()
    noise = duplicates.FLAT_LEVEL**2 * len(first)
    return first @ second / np.sqrt((first @ first + noise) * (second @ second + noise))


@pytest.mark.parametrize("few", [0, 5, 10**9], ids=["all at once", "mixed", "one by one"])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (7, 13), (64, 8192)])
def test_tiles_of_any_size_find_what_pairs_find(monkeypatch, few, rows, columns):
    hashes, thumbnails = families(90)
    monkeypatch.setattr(duplicates, "_FEW_PAIRS", few)
    monkeypatch.setattr(duplicates, "_TILE_ROWS", rows)
    monkeypatch.setattr(duplicates, "_TILE_COLUMNS", columns)
    digests = [bytes([number]) for number in range(90)]
    found, dissolved = group_duplicates(
        digests, hashes, thumbnails, np.ones(90, bool), np.arange(90) % 2
    )
    expected = renumbered(np.array(pair_by_pair(hashes, thumbnails, duplicates.LEVELS[0])))
    assert found.tolist() == expected.tolist()
    assert 30 < len(set(found.tolist())) < 80
    assert not dissolved.any()


def test_looking_for_duplicates_can_be_stopped(monkeypatch):
    hashes, thumbnails = families(90)
    answers = iter([False, False, True])
    monkeypatch.setattr(duplicates, "_TILE_ROWS", 10)
    with pytest.raises(Cancelled, match="nothing was stored"):
        group_duplicates(
            [bytes([number]) for number in range(90)],
            hashes,
            thumbnails,
            np.ones(90, bool),
            np.zeros(90, int),
            lambda: next(answers),
        )
    assert list(answers) == []


def test_a_cancel_is_heard_after_the_last_picture_was_read(home, tmp_path):
    members = {name: noise_png(seed, side=40) for seed, name in enumerate(two_classes())}
    answers = iter([*[False] * len(members), True])
    path = write_zip(tmp_path / "pets.zip", members)
    with pytest.raises(Cancelled, match="while duplicates were looked for"):
        add_dataset(path, should_stop=lambda: next(answers))
    assert list((home / "datasets").iterdir()) == []


def test_sets_are_numbered_in_order_of_appearance():
    digests = np.zeros((5, 32), np.uint8)
    digests[:, 31] = [7, 3, 7, 0, 3]
    assert equal_rows(digests).tolist() == [0, 1, 0, 2, 1]
    assert equal_rows(np.empty((0, 32), np.uint8)).tolist() == []
    numbers = np.array([0, 1, 0, 2, 1, 3])
    assert in_multiple_classes(numbers, np.array([1, 1, 2, 1, 1, 5])).tolist() == [
        True, False, False, False,
    ]  # fmt: skip
    wanted = np.array([True, True, False, True])
    assert [found.tolist() for found in members_of(numbers, wanted)] == [[0, 2], [1, 4], [5]]
    assert [found.tolist() for found in members_of(numbers, wanted, most=2)] == [[0, 2], [1, 4]]
    assert members_of(numbers, np.zeros(4, bool)) == []
    labels = np.array([0, 0, 0, 0, 1, 1])
    assert distinct_per_class(labels, numbers, 3).tolist() == [3, 2, 0]
    assert distinct_per_class(labels[:0], numbers[:0], 2).tolist() == [0, 0]


def test_three_thousand_images_of_one_look_are_soon_told_apart():
    random = np.random.default_rng(1)
    look = random.integers(0, 256, (16, 16))
    thumbnails = np.clip(look + random.integers(-5, 6, (3_000, 16, 16)), 0, 255).astype(np.uint8)
    started = time.process_time()
    groups, dissolved = group_duplicates(
        [number.to_bytes(2, "big") for number in range(3_000)],
        np.zeros(3_000, np.uint64),
        thumbnails,
        np.ones(3_000, bool),
        np.arange(3_000) % 3,
    )
    assert time.process_time() - started < 5
    assert dissolved.all()
    assert groups.tolist() == list(range(3_000))
