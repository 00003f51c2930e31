"""The rule of a race, on curves that are known: whoever can win stays, whoever cannot leaves."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from core.analysis.advice.race.rule import (
    Kept,
    RaceStatus,
    Scored,
    most_gained,
    optimistic_end,
    scored,
    status_of,
)
from core.experiments.race_points import packed
from tests.made_race import SIZES, at, point, share
from tests.made_race import TRAIN_IMAGES as ALL_IMAGES

# None of these is kept by its role.
OTHERS = (
    "vgg16_features",
    "vgg16_freeze",
    "vgg16_finetune",
    "squeezenet_dense",
    "squeezenet_freeze",
    "squeezenet_finetune",
    "efficientnet_lite0_dense",
    "efficientnet_lite0_finetune",
)
Curve = Callable[[float], float]
"""From training images to accuracy."""


def raced(
    curves: Mapping[str, Curve], images: int, random: np.random.Generator | None = None
) -> RaceStatus:
    """Size after size. Without ``random`` a larger accuracy is right wherever a smaller is; with it
    each network draws one image in five anew, so that two on one curve differ as networks do."""
    hardness = {name: random.random(images) if random else None for name in curves}
    points = []
    for size in SIZES:
        for name, curve in curves.items():
            hard = hardness[name]
            if random is None or hard is None:
                right = share(round(images * curve(size)), images)
            else:
                anew = random.random(images) < 0.2
                right = np.where(anew, random.random(images), hard) < curve(size)
            points.append(at(name, size, right))
    return status_of(points, list(curves), ALL_IMAGES)


def concave(random: np.random.Generator) -> Curve:
    """A power law, an exponential approach, a logarithm, or a straight line that ends: none ever
    gains more by the same number of images."""
    top, depth = random.uniform(0.4, 0.98), random.uniform(0.05, 0.9)
    start = top * (1 - depth)
    rate = random.uniform(0.1, 1.5)
    knee = random.uniform(100, ALL_IMAGES)
    kind = random.integers(4)
    if kind == 0:
        return lambda n: top - (top - start) * (n / 50) ** -rate
    if kind == 1:
        return lambda n: top - (top - start) * math.exp(-n / knee)
    if kind == 2:
        return lambda n: start + (top - start) * math.log1p(n / knee) / math.log1p(1600 / knee)
    return lambda n: start + (top - start) * min(1.0, n / knee)


def winner(curves: Mapping[str, Curve]) -> str:
    return max(curves, key=lambda name: curves[name](ALL_IMAGES))


def dropped(status: RaceStatus) -> set[str]:
    return {one.strategy for one in status.racers if one.dropped is not None}


# It never drops a winner whose curve is concave --------------------------------------------------


def test_on_exact_curves_the_winner_always_stays_and_most_others_leave():
    random, left, entered = np.random.default_rng(0), 0, 0
    for _ in range(60):
        curves = {name: concave(random) for name in OTHERS}
        status = raced(curves, images=1000)
        assert winner(curves) not in dropped(status)
        left, entered = left + len(dropped(status)), entered + len(OTHERS) - 1
    assert left / entered > 0.3


@pytest.mark.parametrize("images", [30, 300])
def test_within_the_noise_of_few_images_the_winner_stays(images: int):
    random = np.random.default_rng(images)
    lost = 0
    for _ in range(150):
        curves = {name: concave(random) for name in OTHERS}
        lost += winner(curves) in dropped(raced(curves, images, random))
    assert lost == 0


def test_the_hardest_case_is_lost_less_often_than_one_time_in_twenty():
    """A straight line to the very end, which ends where the leader has been all the time."""
    random, lost = np.random.default_rng(2), 0
    curves: dict[str, Curve] = {
        "vgg16_finetune": lambda n: 0.2 + 0.6 * n / ALL_IMAGES,
        "vgg16_features": lambda _n: 0.8,
    }
    for _ in range(300):
        lost += "vgg16_finetune" in dropped(raced(curves, 400, random))
    assert lost / 300 < 0.05


# It drops what cannot win -------------------------------------------------------------------------


def test_a_flat_curve_far_below_leaves_with_its_second_point():
    curves: dict[str, Curve] = {"vgg16_features": lambda _n: 0.85, "vgg16_finetune": lambda _n: 0.3}
    status = raced(curves, images=500)
    assert status.remaining == ("vgg16_features",)
    assert status.leader is not None
    assert status.leader.strategy == "vgg16_features"
    drop = status.racers[1].dropped
    assert drop is not None
    assert (drop.images, drop.leader) == (200, "vgg16_features")
    assert drop.line < drop.leader_low < 0.85
    # What it was judged by stays, also where the leader got further.
    assert len(status.racers[1].points) == 3


def test_one_that_still_rises_steeply_stays():
    curves: dict[str, Curve] = {
        "vgg16_features": lambda _n: 0.95,
        "vgg16_finetune": lambda n: 0.2 + 0.4 * n / 400,
    }
    status = raced(curves, images=2000)
    assert status.remaining == tuple(curves)
    assert status.racers[1].line == 1.0


def test_few_images_drop_nobody_who_is_not_far_behind():
    curves: dict[str, Curve] = {"vgg16_features": lambda _n: 0.85, "vgg16_finetune": lambda _n: 0.6}
    assert dropped(raced(curves, images=40)) == set()
    assert dropped(raced(curves, images=1000)) == {"vgg16_finetune"}


def test_two_points_are_needed():
    points = [at("vgg16_features", 100, share(95, 100)), at("vgg16_finetune", 100, share(5, 100))]
    status = status_of(points, ["vgg16_features", "vgg16_finetune"], ALL_IMAGES)
    assert (dropped(status), status.racers[1].line) == (set(), None)


# Who is never dropped -----------------------------------------------------------------------------


def test_majority_the_best_probe_and_one_from_scratch_stay_however_bad_they_are():
    levels = {
        "majority": 0.1,
        "mlp": 0.2,
        "cnn": 0.3,
        "vgg16_scratch": 0.35,
        "squeezenet_probe": 0.4,
        "vgg16_probe": 0.5,
        "vgg16_finetune": 0.95,
    }
    curves: dict[str, Curve] = {name: (lambda _n, a=a: a) for name, a in levels.items()}
    status = raced(curves, images=1000)
    assert {one.strategy: one.kept for one in status.racers if one.kept} == {
        "majority": Kept.BASELINE,
        "cnn": Kept.FROM_SCRATCH,
        "vgg16_probe": Kept.BEST_PROBE,
    }
    assert status.remaining == ("majority", "cnn", "vgg16_probe", "vgg16_finetune")


def test_the_network_of_a_backbone_from_random_weights_stays_where_it_is_the_only_one():
    curves: dict[str, Curve] = {"vgg16_scratch": lambda _n: 0.1, "vgg16_features": lambda _n: 0.9}
    status = raced(curves, images=1000)
    assert status.racers[0].kept is Kept.FROM_SCRATCH
    assert dropped(status) == set()


def test_who_was_the_best_probe_can_leave_once_another_is_better():
    points = [
        at("squeezenet_probe", 100, share(300, 1000)),
        at("squeezenet_probe", 200, share(300, 1000)),
        at("vgg16_features", 100, share(900, 1000)),
    ]
    names = ["squeezenet_probe", "vgg16_probe", "vgg16_features"]
    assert dropped(status_of(points, names, ALL_IMAGES)) == set()
    points.append(at("vgg16_probe", 100, share(500, 1000)))
    assert dropped(status_of(points, names, ALL_IMAGES)) == {"squeezenet_probe"}


# The numbers --------------------------------------------------------------------------------------


def test_the_optimistic_line_by_hand():
    """60 of 100, then 70: twelve images fixed, two regressed."""
    before = np.arange(100) < 60
    last = before.copy()
    last[:2], last[60:72] = False, True
    first, second = at("cnn", 100, before), at("cnn", 200, last)
    up, down = 13 / 102, 3 / 102
    gained = up - down + 1.959964 * math.sqrt((up + down - (up - down) ** 2) / 102)
    assert most_gained(first, second) == pytest.approx(gained, abs=1e-6)
    # Wilson's interval of 70 in 100 is 60.4 to 78.1; 300 images further is three steps.
    assert scored(second) == Scored(
        200, 0.7, pytest.approx(0.6042, abs=1e-4), pytest.approx(0.7811, abs=1e-4), 4.5
    )
    assert optimistic_end(first, second, 500) == pytest.approx(
        min(1.0, 0.7811 + 3 * gained), abs=1e-4
    )
    assert optimistic_end(first, second, 210) == pytest.approx(0.7811 + 0.1 * gained, abs=1e-4)


def test_a_curve_that_fell_is_taken_to_be_flat():
    first, second = at("cnn", 100, share(900, 1000)), at("cnn", 200, share(100, 1000))
    assert most_gained(first, second) < 0
    assert optimistic_end(first, second, ALL_IMAGES) == scored(second).high


def test_near_duplicates_count_once():
    right = share(70, 100)
    alone = scored(at("cnn", 100, right))
    doubled = scored(
        point(
            validation_images=200, distinct_images=100, correct=packed(np.repeat(right, 2)),
            train_images=100, strategy="cnn",
        )
    )  # fmt: skip
    assert doubled == alone


def test_one_that_failed_leads_nobody_out():
    """It got far on few images, and ran out of memory on more."""
    points = [
        at("vgg16_finetune", 100, share(950, 1000)),
        at("vgg16_freeze", 100, share(300, 1000)),
        at("vgg16_freeze", 200, share(300, 1000)),
    ]
    names = ["vgg16_freeze", "vgg16_finetune"]
    assert dropped(status_of(points, names, ALL_IMAGES)) == {"vgg16_freeze"}
    status = status_of(points, names, ALL_IMAGES, failed={"vgg16_finetune": "Out of memory."})
    assert (dropped(status), status.leader) == (set(), status.racers[0])


def test_strategies_that_are_not_in_the_race_are_left_out():
    points = [at("cnn", 100, share(9, 10)), at("gone", 100, share(10, 10))]
    status = status_of(points, ["cnn", "removed_probe"], ALL_IMAGES)
    assert [one.strategy for one in status.racers] == ["cnn", "removed_probe"]
    assert status.leader is status.racers[0]
    assert status.validation_images == 10
    nothing = status_of([], ["cnn"], ALL_IMAGES)
    assert (nothing.leader, nothing.validation_images) == (None, 0)
