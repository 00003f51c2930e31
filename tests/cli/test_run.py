"""``run DATASET --learning-curve``: real runs of the cheap strategy, and what is refused."""

import json

import pytest

from core.cli import main
from core.experiments.store import open_store

ON_ARROWS = ("run", "arrows", "--strategies", "majority", "--image-size", "8", "--learning-curve")


@pytest.fixture
def type_it(home, capfd):  # noqa: ARG001 - sets the home
    def typed(*arguments):
        status = main(arguments)
        out, err = capfd.readouterr()
        return status, out, err

    return typed


@pytest.mark.slow
def test_every_share_is_an_experiment_and_the_curve_is_printed(type_it):
    status, out, err = type_it(*ON_ARROWS, "--shares", "1, 0.5")
    assert status == 0, err
    half, whole = sorted(
        (entry for entry in open_store().experiments() if not entry.recorded),
        key=lambda entry: entry.spec.train_share,
    )
    assert (half.spec.train_share, whole.spec.train_share) == (0.5, 1.0)
    assert half.spec.series == whole.spec.series
    images = half.spec.images["train"], whole.spec.images["train"]
    assert f"experiment {half.id}: 50 % of the training images ({images[0]}), 1 run\n" in err
    assert f"experiment {whole.id}: 100 % of the training images ({images[1]}), 1 run\n" in err
    assert f"arrows: learning curve {half.spec.series}, 36 test images" in out
    rows = [line.split() for line in out.splitlines() if line.startswith("majority")]
    assert [row[:4] for row in rows] == [
        ["majority", str(images[0]), "50", "%"],
        ["majority", str(images[1]), "100", "%"],
    ]
    assert [row[4:6] for row in rows] == [["33.3", "%"], ["33.3", "%"]]


@pytest.mark.slow
def test_json_has_every_point_and_what_was_dropped(type_it):
    status, out, err = type_it(*ON_ARROWS, "--fractions", "0.99,1,0.02,0.03", "--json")
    assert status == 0, err
    document = json.loads(out)
    assert document["dataset"] == "arrows"
    assert document["test_images"] == 36
    assert [point["share"] for point in document["points"]] == [0.03, 1.0]
    assert [point["values"] for point in document["points"]] == [[1 / 3], [1 / 3]]
    assert [sentence[:46] for sentence in document["dropped"]] == [
        "2 % of the training images was left out: with ",
        "99 % of the training images was left out: with",
    ]
    assert all(sentence in err for sentence in document["dropped"])
    assert len(document["experiments"]) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((*ON_ARROWS[:-1], "--shares", "0.5,1"), "--fractions is for a learning curve"),
        ((*ON_ARROWS, "--train-share", "0.5"), "--train-fraction has no meaning beside it"),
        ((*ON_ARROWS, "--record", "out"), "--record is for one experiment"),
        ((*ON_ARROWS, "--shares", "half"), "--fractions is 'half'; it must be a number."),
        ((*ON_ARROWS, "--fractions", "0.5,2"), "train_share is 2.0; it must be a number from"),
        ((*ON_ARROWS, "--shares", "1"), "A learning curve needs at least two fractions"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_stored(type_it, arguments, sentence):
    status, out, err = type_it(*arguments)
    assert (status, out) == (2, "")
    assert sentence in err
    assert [entry for entry in open_store().experiments() if not entry.recorded] == []
