import hashlib

import numpy as np
from PIL import Image, ImageDraw

from core.datasets import duplicates
from core.datasets.duplicates import grey_thumbnail, group_duplicates, perceptual_hash


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


def test_a_class_that_looks_all_the_same_is_dissolved_and_said():
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
    assert themes16.health["exact_duplicates"] == 0
    assert themes16.health["near_duplicate_groups"] == 70
    assert themes16.health["images_in_groups"] == 222
    assert themes16.health["largest_group"] == 14
