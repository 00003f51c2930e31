"""The job that measures a dataset: what it reads, what it keeps, and how it ends."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from core.analysis.advice import facts as facts_module
from core.analysis.advice import measure
from core.analysis.advice.facts import Facts, facts_folder, facts_work, read_facts, request_facts
from core.analysis.advice.forecasts import newest_forecasts
from core.analysis.advice.measure import REMOVED, measured, measured_images, run
from core.backbones.feature_cache import stored_pieces, write_piece
from core.backbones.features import feature_identity
from core.backbones.registry import find_backbone
from core.conditions import Meter
from core.datasets.dataset import Dataset
from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset, remove_dataset
from core.errors import Cancelled, HeadstartError
from core.experiments.store import Store
from core.jobs import cached
from core.jobs.child import execute
from tests import made_facts
from tests.jobs.stand_in import QuietContext
from tests.stored_home import do_next

SIZE = 32
NAMES = ("vgg16", "efficientnet_lite0")


@pytest.fixture
def arrows(arrows_store: Store) -> Dataset:  # noqa: ARG001 - in that home
    return open_dataset("arrows")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two backbones have their weights here, and no worker is started."""
    monkeypatch.setattr(facts_module, "is_available", lambda weights: weights.backbone in NAMES)
    monkeypatch.setattr(cached, "ensure_worker", lambda _queue: False)


def train_of(dataset: Dataset) -> np.ndarray:
    return facts_module.default_split().of(dataset).train


def keep_features(dataset: Dataset, names: Sequence[str] = NAMES) -> None:
    """Features of the training images alone: the first three numbers of each say the class, those
    of VGG16's fifth block at random, the others are noise."""
    random = np.random.default_rng(1)
    prepared = prepare_images(dataset, SIZE)
    train = train_of(dataset)
    for name in names:
        backbone = find_backbone(name)
        taps = tuple(block.name for block in backbone.blocks) if name == "vgg16" else ()
        widths = [block.output[-1] for block in backbone.blocks] if taps else [1280]
        parts = []
        for number, width in enumerate(widths, start=1):
            rows = random.random((len(train), width))
            if number < 5:
                rows[np.arange(len(train)), dataset.labels[train]] += 10
            parts.append(rows)
        identity = feature_identity(backbone, False, SIZE, "stretch", True, taps) | {
            "images": prepared.digest,
            "mean_rgb": [float(value) for value in backbone.preparation.mean_rgb],
        }
        rows = np.concatenate(parts, axis=1).astype(np.float16)
        write_piece(identity, train, (dataset.image_count, rows.shape[1]), [rows], Meter())


class CountedLabels:
    """Labels that know which of them were read; all that is not reading by position fails."""

    def __init__(self, labels: np.ndarray) -> None:
        self.labels, self.read = labels, set()

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: np.ndarray) -> np.ndarray:
        self.read.update(np.arange(len(self.labels))[key].tolist())
        return self.labels[key]


def test_the_facts_follow_from_the_features(arrows):
    keep_features(arrows)
    found = measured(arrows, SIZE, NAMES, QuietContext())
    assert (found.train_images, found.images, found.folds) == (76, 76, 5)
    assert found.class_counts == tuple(np.bincount(arrows.labels[train_of(arrows)]).tolist())
    assert found.majority_accuracy == max(found.class_counts) / 76
    best, last = found.backbones
    assert (best.name, last.name) == ("efficientnet_lite0", "vgg16")
    assert best.probe.accuracy == best.neighbours.accuracy == 1
    assert best.behind is None
    assert last.probe.accuracy < 0.6
    assert last.behind.difference == pytest.approx(1 - last.probe.accuracy)
    blocks = found.blocks
    assert [block.frozen_layers for block in blocks.blocks] == [4, 7, 11, 15, 19]
    assert [block.probe.accuracy for block in blocks.blocks[:4]] == [1, 1, 1, 1]
    # The last block's features are those of the backbone: the same probe.
    assert blocks.blocks[4].probe == last.probe
    assert blocks.gain.difference == pytest.approx(last.probe.accuracy - 1)
    assert found.extraction_seconds == 0
    assert "ResNet50" in found.not_here
    assert found.too_small == found.seen == ()


def test_the_curve_grows_and_ends_with_all_images(arrows):
    keep_features(arrows)
    best = measured(arrows, SIZE, NAMES, QuietContext()).backbones[0]
    counts = [point.images for point in best.curve]
    # Of 61 in each fold: a sixteenth, an eighth and a quarter are ten of each class.
    assert counts == [30, 31, 61]
    assert best.curve[-1].probe == best.probe


@pytest.mark.parametrize("most", [measure.MOST_IMAGES, 40])
def test_no_label_and_no_feature_of_another_subset_is_read(arrows, monkeypatch, most):
    """The cache has features of training images alone: any other would end the test."""
    monkeypatch.setattr(measure, "MOST_IMAGES", most)
    keep_features(arrows)
    train = train_of(arrows)
    counted = CountedLabels(arrows.labels)
    found = measured(replace(arrows, labels=counted), SIZE, NAMES, QuietContext())
    assert counted.read == set(train.tolist())
    assert found.images == len(measured_images(train, arrows.labels))
    held_out = np.setdiff1d(np.arange(arrows.image_count), train)
    poisoned = arrows.labels.copy()
    poisoned[held_out] = 2 - poisoned[held_out]
    again = measured(replace(arrows, labels=poisoned), SIZE, NAMES, QuietContext())
    without_times = {"seconds": 0.0, "made_at": ""}
    assert replace(again, **without_times) == replace(found, **without_times)


def test_of_many_images_a_stratified_sample_is_measured(arrows, monkeypatch):
    monkeypatch.setattr(measure, "MOST_IMAGES", 40)
    train = train_of(arrows)
    some = measured_images(train, arrows.labels)
    assert 40 <= len(some) <= 42
    assert set(some) < set(train)
    assert np.ptp(np.bincount(arrows.labels[some])) <= 1


def test_backbones_for_larger_images_are_left_out(arrows):
    found = measured(arrows, SIZE - 1, NAMES, QuietContext())
    assert found.too_small == ("VGG16", "EfficientNet-Lite0")
    assert (found.backbones, found.blocks, found.images) == ((), None, 76)


def test_one_that_was_trained_on_these_images_is_left_out(arrows, monkeypatch):
    origin = object()
    own = replace(find_backbone("efficientnet_lite0"), name="own", title="Mine", origin=origin)
    monkeypatch.setattr(measure, "find_backbone", lambda _name: own)
    monkeypatch.setattr(measure, "seen_test_images", lambda *_arguments: 3)
    found = measured(arrows, SIZE, ["own"], QuietContext())
    assert (found.backbones, found.seen) == ((), ("Mine",))


# The job ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("here")
def test_who_asks_first_has_it_measured_and_all_read_the_file(arrows, arrows_store):
    keep_features(arrows)
    assert facts_work(arrows_store, arrows, SIZE) is None
    assert request_facts(arrows_store, arrows, SIZE).state == "working"
    assert facts_work(arrows_store, arrows, SIZE).text == "Next in the queue"
    do_next(arrows_store)
    work = request_facts(arrows_store, arrows, SIZE)
    assert (work.state, work.error) == ("ready", "")
    assert work.result.parent == facts_folder(arrows)
    found = read_facts(work.result)
    assert isinstance(found, Facts)
    assert [one.name for one in found.backbones] == ["efficientnet_lite0", "vgg16"]
    assert arrows_store.jobs() == [arrows_store.job(work.job_id)]
    made = newest_forecasts(arrows_store, arrows.id, SIZE)
    assert [one.strategy for one in made] == ["efficientnet_lite0_probe", "vgg16_probe"]
    split = facts_module.default_split().of(arrows)
    assert {one.split_fingerprint for one in made} == {split.fingerprint}
    assert {one.id for one in made} == {f"{made[0].batch}-{one.strategy}" for one in made}


@pytest.mark.usefixtures("here")
def test_one_that_is_cancelled_leaves_nothing_and_can_be_asked_again(arrows, arrows_store):
    keep_features(arrows)
    work = request_facts(arrows_store, arrows, SIZE)
    arrows_store.claim_next("worker")
    arrows_store.cancel_job(work.job_id)
    assert execute(arrows_store, work.job_id) == 0
    assert facts_work(arrows_store, arrows, SIZE).state == "cancelled"
    assert not facts_folder(arrows).exists()
    cached.make_again(arrows_store, work)
    do_next(arrows_store)
    assert facts_work(arrows_store, arrows, SIZE).state == "ready"


def test_between_two_fits_it_hears_a_cancel(arrows):
    keep_features(arrows)

    class Impatient(QuietContext):
        fits = 0

        def check(self) -> None:
            self.fits += 1
            if self.fits == 3:
                raise Cancelled("The measurement was stopped.")

    context = Impatient()
    with pytest.raises(Cancelled):
        measured(arrows, SIZE, NAMES, context)
    assert context.fits == 3


def test_a_dataset_that_was_removed_is_no_error_of_the_program(arrows, monkeypatch):
    arguments = {"dataset": arrows.id, "image_size": SIZE, "backbones": [], "name": "32-a.json"}

    def meanwhile(*_arguments: object) -> Facts:
        remove_dataset("arrows")
        return made_facts.facts(arrows)

    monkeypatch.setattr(measure, "measured", meanwhile)
    for _ in range(2):
        with pytest.raises(HeadstartError, match=REMOVED):
            run(arguments, QuietContext())
        assert not arrows.folder.exists()


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.usefixtures("random_weights")
def test_features_that_are_not_kept_are_extracted_of_training_images_once(arrows, monkeypatch):
    found = measured(arrows, SIZE, ["vgg16"], QuietContext())
    assert found.extraction_seconds > 0
    assert len(found.blocks.blocks) == 5
    (piece,) = stored_pieces()
    assert piece.images.tolist() == train_of(arrows).tolist()
    assert piece.width == 64 + 128 + 256 + 512 + 512
    monkeypatch.setattr(measure._Source, "_extracted", None)  # not called again
    again = measured(arrows, SIZE, ["vgg16"], QuietContext())
    assert again.blocks == found.blocks
    assert again.extraction_seconds == 0
