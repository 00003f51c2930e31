"""Single images in words: confusion matrix, label errors, one image, the map, the game."""

import numpy as np

from core.analysis.confusion import confusion
from core.analysis.consensus import answers_about
from core.analysis.evidence import load_evidence
from core.analysis.feature_map import FeatureMap
from core.analysis.guessing import PlayerScore
from core.analysis.words.images import (
    describe_confusion,
    describe_image,
    describe_label_errors,
    describe_map,
    describe_round,
)
from core.experiments.store import open_store
from tests.analysis.test_mistakes import LABELS, doubted, wrong_at
from tests.hand_made import evidence
from tests.made_evidence import store_experiment


def player(title: str, right: int, p_value: float | None = None) -> PlayerScore:
    return PlayerScore(title, title, right, 10, 0.25, 0.75, 0.5, p_value)


def layout(places: list[float]) -> FeatureMap:
    count = len(places)
    xy = np.stack([np.array(places), np.zeros(count)], axis=1).astype(np.float32)
    return FeatureMap(np.arange(10, 10 + count), xy, "Made for a test.")


def test_the_sentences(held, home):  # noqa: ARG001 - sets the home
    store = open_store()
    stored = load_evidence(store, store_experiment(store))
    cnn, probe = answers_about(stored, 8)
    visitor = PlayerScore(None, "You", 7, 10, 0.397, 0.892)
    others = [
        player("a", 0, 0.01),
        player("b", 1, 0.02),
        player("c, with a comma", 10, 0.03),
        player("d", 6, 1.0),
    ]
    tables = {
        "some": doubted(),
        "none": evidence(
            LABELS, {"cnn": [wrong_at(3, predicted=1), LABELS, LABELS], "probe": [LABELS]}
        ),
        "nobody is good": evidence(LABELS, {"cnn": [[0] * 16]}),
        "one is good": evidence(LABELS, {"cnn": [[0] * 16], "probe": [wrong_at(3)]}),
    }
    classes = [0, 0, 0, 0, 1, 1]
    held(
        {
            "confusion, one seed": describe_confusion(confusion(stored, "cnn", 0)),
            "confusion, mean of two seeds": describe_confusion(confusion(stored, "cnn")),
            "confusion, nothing wrong": describe_confusion(
                confusion(evidence([0, 1], {"cnn": [[0, 1]]}), "cnn", 0)
            ),
            "image, one of two": describe_image(stored, 8, (cnn, probe)),
            "image, none": describe_image(stored, 8, (cnn,)),
            "image, all": describe_image(stored, 8, (probe,)),
            "image, nobody": describe_image(stored, 8, ()),
            "map": describe_map(layout([0.0, 0.1, 0.2, 5.0, 5.1, 5.2]), evidence(classes, {})),
            "map, one class": describe_map(layout([0.0, 1.0]), evidence([0, 0], {})),
            "game, no lead": describe_round([visitor, player("cnn", 3, 0.2)]),
            "game, leads and luck": describe_round([visitor, *others]),
            "game, one lead": describe_round([visitor, others[0], player("e", 7, 1.0)]),
        }
        | {f"label errors, {name}": describe_label_errors(found) for name, found in tables.items()}
    )
