"""The map of the test images: sampling, layout, where the vectors come from, the real process."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from core.analysis import feature_map as module
from core.analysis.feature_map import (
    FEWEST_FOR_TSNE,
    METHODS,
    feature_map,
    kept_features,
    laid_out_flat,
    layout_of,
    read_map,
    root_normalised,
    stratified_sample,
    wanted_features,
)
from core.backbones.feature_cache import features_folder, stored_pieces, write_piece
from core.conditions import Meter
from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset
from core.errors import HeadstartError, StoreError
from core.experiments.planning import plan_experiment
from core.experiments.records import RecordedRun, run_id_of
from core.experiments.run_files import predictions_path, write_predictions
from core.experiments.store import Store
from core.jobs import cached
from core.training.events import Predictions
from tests.jobs.stand_in import QuietContext
from tests.made_up import origin, result

pytestmark = pytest.mark.slow

EXPERIMENT = "abcd1234"
MOMENT = "2026-11-20T10:00:00.000000+00:00"
PIXELS_SENTENCE = "No features of these pictures are kept on this machine"


@pytest.fixture
def work() -> QuietContext:
    return QuietContext()


@pytest.fixture
def finished(arrows_store: Store) -> Store:
    """A finished experiment on the arrows at 32 x 32, the smallest that VGG16 takes."""
    spec = plan_experiment("arrows", ["majority"], image_size=32)
    dataset = open_dataset("arrows")
    test = spec.split.of(dataset).test
    run = RecordedRun("majority", 0, {}, result(), (), MOMENT, MOMENT, MOMENT)
    arrows_store.add_recorded(EXPERIMENT, spec, MOMENT, origin(), [run])
    fractions = np.full((len(test), 3), 1 / 3, np.float32)
    write_predictions(
        run_id_of(EXPERIMENT, "majority", 0), Predictions(test, dataset.labels[test], fractions)
    )
    return arrows_store


def keep_features(
    store: Store, only: np.ndarray | None = None, backbone: str = "vgg16", **changes: object
) -> np.ndarray:
    """Features of the arrows (of all, or ``only`` some): the label, as often as they are wide."""
    dataset = open_dataset("arrows")
    spec = store.experiment(EXPERIMENT).spec
    prepared = prepare_images(dataset, spec.image_size, spec.resize)
    known = wanted_features(spec, dataset.image_count)
    wanted = next(wanted for one, wanted in known if one.name == backbone)
    identity = wanted.entries | {"images": prepared.digest} | changes
    kept = np.arange(dataset.image_count) if only is None else only
    rows = np.repeat(dataset.labels[kept, None], wanted.shape[1], axis=1).astype(np.float16)
    write_piece(identity, kept, wanted.shape, [rows], Meter())
    return dataset.labels


# Sample -------------------------------------------------------------------------------------------


def test_all_images_where_there_are_few():
    assert stratified_sample(np.array([5, 3, 9]), np.array([0, 1, 0]), 3).tolist() == [3, 5, 9]


def test_a_sample_keeps_every_class_in_proportion_and_is_always_the_same():
    labels = np.repeat([0, 1, 2], [600, 300, 2])
    indices = np.arange(902) * 2
    chosen = stratified_sample(indices, labels, 90)
    counts = np.bincount(labels[chosen // 2])
    assert (np.abs(counts - [60, 30, 1]) <= 1).all()
    assert counts.sum() == len(set(chosen.tolist())) == 90
    assert chosen.tolist() == sorted(chosen.tolist())
    assert chosen.tolist() == stratified_sample(indices, labels, 90).tolist()


def test_a_class_of_one_image_is_in_the_sample():
    labels = np.array([0] * 999 + [1])
    assert 999 in stratified_sample(np.arange(1000), labels, 10)


# Layout -------------------------------------------------------------------------------------------


def test_vectors_get_square_roots_and_unit_length():
    vectors = np.array([[9, 16], [0, 0], [4, 0]], np.float32)
    wanted = np.array([[0.6, 0.8], [0, 0], [1, 0]], np.float32)
    assert root_normalised(vectors).tolist() == wanted.tolist()


@pytest.mark.parametrize("method", METHODS)
def test_two_groups_lie_apart_and_stay_where_they_are(method):
    random = np.random.default_rng(0)
    group = np.repeat([0, 1], 20)
    vectors = (random.random((40, 60)) + 5 * group[:, None]).astype(np.float32)
    first = laid_out_flat(vectors.copy(), method)
    assert first.shape == (40, 2)
    assert first.dtype == np.float32
    assert first.tolist() == laid_out_flat(vectors.copy(), method).tolist()
    middles = [first[group == place].mean(axis=0) for place in (0, 1)]
    spread = max(first[group == place].std(axis=0).max() for place in (0, 1))
    assert np.linalg.norm(middles[0] - middles[1]) > 2 * spread


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [1, 2, FEWEST_FOR_TSNE - 1, FEWEST_FOR_TSNE])
@pytest.mark.parametrize("width", [1, 2, 70])
def test_few_images_and_few_numbers(method, count, width):
    vectors = np.random.default_rng(0).random((count, width)).astype(np.float32)
    found = laid_out_flat(vectors, method)
    assert found.shape == (count, 2)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("method", METHODS)
def test_images_that_are_all_alike_lie_on_one_point(method):
    assert laid_out_flat(np.full((12, 3), 0.5, np.float32), method).tolist() == [[0.0, 0.0]] * 12


# Where the vectors come from ----------------------------------------------------------------------


def test_without_features_pixels_are_compared(finished, work):
    layout = layout_of(finished, EXPERIMENT, "tsne", work)
    test = finished.experiment(EXPERIMENT).spec.split.of(open_dataset("arrows")).test
    assert layout.positions.tolist() == test.tolist()
    assert layout.xy.shape == (36, 2)
    assert layout.how == (
        "Each point is one of the 36 test images. No features of these pictures are kept on "
        "this machine, so they are compared by their pixels: pictures with similar colours in the "
        "same places lie near each other. Run a strategy with frozen features on this dataset "
        "here to compare them by what they show. Laid out by t-SNE: only nearness means something, "
        "the axes have no unit."
    )


def test_features_are_taken_from_the_cache_as_they_are(finished, work):
    labels = keep_features(finished)
    layout = layout_of(finished, EXPERIMENT, "pca", work)
    assert layout.how == (
        "Each point is one of the 36 test images. Pictures in which VGG16, trained on ImageNet, "
        "sees similar things lie near each other. Laid out by PCA: only nearness means something, "
        "the axes have no unit."
    )
    # Label 0 has no length, the others the same direction: two places on the map.
    nothing = layout.xy[labels[layout.positions] == 0]
    assert np.ptp(nothing, axis=0).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert len(np.unique(layout.xy[:, 0].round(3))) == 2


def test_the_map_is_laid_out_by_the_backbone_that_is_chosen(finished, work):
    keep_features(finished)
    keep_features(finished, backbone="efficientnet_lite0")
    spec = finished.experiment(EXPERIMENT).spec
    kept = kept_features(spec)
    assert list(kept) == ["vgg16", "efficientnet_lite0"]
    for backbone, title in (("efficientnet_lite0", "EfficientNet-Lite0"), ("vgg16", "VGG16")):
        how = layout_of(finished, EXPERIMENT, "pca", work, backbone).how
        assert f"Pictures in which {title}, trained on ImageNet" in how
    # Backbones that the experiment itself has come first.
    own = spec.model_copy(update={"strategies": (("efficientnet_lite0_probe", {}),)})
    assert list(kept_features(own)) == ["efficientnet_lite0", "vgg16"]


def test_the_cache_is_read_once_however_many_backbones_there_are(finished, monkeypatch):
    keep_features(finished)
    looks = []
    monkeypatch.setattr(cached, "ensure_worker", lambda _queue: False)
    monkeypatch.setattr(module, "stored_pieces", lambda: looks.append(1) or stored_pieces())
    kept = kept_features(finished.experiment(EXPERIMENT).spec)
    assert feature_map(finished, EXPERIMENT, "pca", kept=kept).state == "working"
    assert looks == [1]


@pytest.mark.parametrize(
    "changes", [{"images": "0" * 64}, {"layer": "fc2"}, {"image_size": 64}, {"weights": "other"}]
)
def test_features_of_something_else_are_left_alone(finished, work, changes):
    keep_features(finished, **changes)
    assert PIXELS_SENTENCE in layout_of(finished, EXPERIMENT, "pca", work).how


def test_damaged_features_are_passed_over_for_older_whole_ones(finished, work):
    keep_features(finished, precision="float32")
    (_, wanted), *_ = wanted_features(finished.experiment(EXPERIMENT).spec, 120)
    everything = np.arange(120)
    (whole,) = wanted.keys_with(everything, stored_pieces())
    manifest = features_folder() / f"{whole}.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"created_at": "2020"}))
    keep_features(finished, precision="mixed_bfloat16")
    newest = wanted.keys_with(everything, stored_pieces())[0]
    assert newest != whole
    (features_folder() / f"{newest}.npy").write_bytes(b"cut short")
    (features_folder() / "broken.json").write_text("[1, 2")
    assert PIXELS_SENTENCE not in layout_of(finished, EXPERIMENT, "pca", work).how


def test_features_of_the_test_images_are_enough_in_several_pieces(finished, work):
    test = finished.experiment(EXPERIMENT).spec.split.of(open_dataset("arrows")).test
    others = np.setdiff1d(np.arange(120), test)
    (_, wanted), *_ = wanted_features(finished.experiment(EXPERIMENT).spec, 120)
    keep_features(finished, np.union1d(others, test[:5]))
    assert wanted.keys_with(test, stored_pieces()) == []
    assert PIXELS_SENTENCE in layout_of(finished, EXPERIMENT, "pca", work).how
    keep_features(finished, test[5:])
    assert len(wanted.keys_with(test, stored_pieces())) == 1
    assert PIXELS_SENTENCE not in layout_of(finished, EXPERIMENT, "pca", work).how


def test_of_very_many_images_a_sample_is_shown(finished, work, monkeypatch):
    monkeypatch.setattr(module, "MOST_IMAGES", 12)
    layout = layout_of(finished, EXPERIMENT, "pca", work)
    labels = open_dataset("arrows").labels[layout.positions]
    assert np.bincount(labels).tolist() == [4, 4, 4]
    assert layout.how.startswith(
        "Each point is a test image: 12 of 36, drawn so that every class keeps its share."
    )


def test_without_predictions_there_is_no_map(finished, work):
    predictions_path(run_id_of(EXPERIMENT, "majority", 0)).unlink()
    with pytest.raises(StoreError, match="The predictions of run abcd1234-majority-0"):
        layout_of(finished, EXPERIMENT, "pca", work)


def test_without_a_finished_run_there_is_no_map(arrows_store, work):
    spec = plan_experiment("arrows", ["majority"], image_size=32)
    with pytest.raises(HeadstartError, match="No run of this experiment is finished yet"):
        layout_of(arrows_store, arrows_store.create_experiment(spec), "pca", work)


# The process --------------------------------------------------------------------------------------


def made(store: Store) -> Path:
    deadline = time.monotonic() + 100
    while (work := feature_map(store, EXPERIMENT, "pca")).state == "working":
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)
    assert (work.state, work.error) == ("ready", "")
    return work.result


@pytest.mark.slow
def test_the_map_is_made_beside_the_web_process_and_anew_with_features(finished):
    by_pixels = made(finished)
    assert PIXELS_SENTENCE in read_map(by_pixels).how
    keep_features(finished)
    by_features = made(finished)
    assert by_features != by_pixels
    assert PIXELS_SENTENCE not in read_map(by_features).how


def test_a_failure_has_a_message(finished):
    predictions_path(run_id_of(EXPERIMENT, "majority", 0)).unlink()
    deadline = time.monotonic() + 100
    while (work := feature_map(finished, EXPERIMENT, "pca")).state == "working":
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.1)
    assert work.state == "failed"
    assert work.error.startswith("The predictions of run abcd1234-majority-0 cannot be read")
