"""What is measured of the test images, against other ways to compute it; the job that does it."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import laplace

from core.analysis import image_properties as module
from core.analysis.evidence import load_evidence
from core.analysis.image_properties import (
    MEASURED,
    ImageProperty,
    image_properties,
    kept_measurements,
    measure,
    property_values,
    training_images,
)
from core.datasets.add import add_pixels
from core.datasets.duplicates import FLAT_LEVEL
from core.datasets.storage import open_dataset
from core.errors import Cancelled, StoreError
from core.experiments.planning import plan_experiment
from core.jobs import cached
from tests.pages.compared import EXPERIMENT, store_compared
from tests.stored_home import do_next


def nobody(_step, _done, _total):
    """No progress is wanted."""


@pytest.fixture
def spec(arrows_store):  # noqa: ARG001 - has the dataset
    return plan_experiment("arrows", ["majority"], image_size=8)


@pytest.fixture
def compared(arrows_store):
    store_compared(arrows_store, open_dataset("arrows"))
    return arrows_store


def grey_levels(dataset, images):
    return np.array([np.asarray(dataset.image(int(at)).convert("L"), float) for at in images])


def test_brightness_contrast_and_sharpness_of_grey_images(spec):
    dataset = open_dataset("arrows")
    test = spec.split.of(dataset).test
    levels = grey_levels(dataset, test)
    found = measure(spec, dataset, nobody)
    assert found.positions.tolist() == test.tolist()
    assert found.brightness == pytest.approx(levels.mean(axis=(1, 2)), rel=1e-5)
    assert found.contrast == pytest.approx(levels.std(axis=(1, 2)), rel=1e-5)
    edges = [laplace(one)[1:-1, 1:-1].var() for one in levels]
    assert found.sharpness == pytest.approx(edges, rel=1e-4)


def test_the_nearest_training_image_by_correlation(spec):
    dataset = open_dataset("arrows")
    split = spec.split.of(dataset)

    def damped(levels):
        """Each pixel is four of the thumbnail, so sums of squares are four times as large."""
        flat = levels.reshape(len(levels), -1)
        flat = flat - flat.mean(axis=1, keepdims=True)
        return flat / np.sqrt((flat**2).sum(axis=1, keepdims=True) + FLAT_LEVEL**2 * 64)

    alike = damped(grey_levels(dataset, split.test)) @ damped(grey_levels(dataset, split.train)).T
    found = measure(spec, dataset, nobody).distance
    assert found == pytest.approx(1 - alike.max(axis=1), abs=1e-4)
    assert found.min() > 0.0


def test_blocks_of_any_size_give_the_same(spec, monkeypatch):
    dataset = open_dataset("arrows")
    once = measure(spec, dataset, nobody)
    monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr(module, "COMPARED", 11)
    again = measure(spec, dataset, nobody)
    for kind in MEASURED:
        assert getattr(again, kind.value) == pytest.approx(getattr(once, kind.value), abs=1e-4)


def test_colour_is_weighed_as_in_pillow(arrows_store):  # noqa: ARG001 - sets the home
    random = np.random.default_rng(3)
    pixels = random.integers(0, 256, (60, 12, 12, 3), dtype=np.uint8)
    dataset = add_pixels(pixels, np.repeat([0, 1], 30), ["a", "b"], "colours", "a test")
    spec = plan_experiment("colours", ["majority"], image_size=12)
    found = measure(spec, dataset, nobody)
    levels = [
        np.asarray(Image.fromarray(pixels[at]).convert("L"), float).mean() for at in found.positions
    ]
    assert found.brightness == pytest.approx(levels, abs=0.6)  # Pillow rounds each pixel


def test_images_too_small_for_a_laplacian_have_none(arrows_store):  # noqa: ARG001 - sets the home
    pixels = np.random.default_rng(0).integers(0, 256, (60, 2, 2), dtype=np.uint8)
    dataset = add_pixels(pixels, np.repeat([0, 1], 30), ["a", "b"], "dots", "a test")
    found = measure(plan_experiment("dots", ["majority"], image_size=8), dataset, nobody)
    assert set(found.sharpness.tolist()) == {0.0}


def test_it_stops_when_it_is_told_to(spec):
    def stop(step, _done, _total):
        if step.startswith("Comparing"):
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        measure(spec, open_dataset("arrows"), stop)


def test_what_is_known_without_measuring(compared):
    dataset = open_dataset("arrows")
    spec, evidence = compared.experiment(EXPERIMENT).spec, load_evidence(compared, EXPERIMENT)
    alone = property_values(evidence, spec, None)
    assert list(alone) == [ImageProperty.CLASS]
    values = property_values(evidence, spec, dataset)
    assert set(values) == set(ImageProperty) - {
        *MEASURED,
        ImageProperty.METADATA,
        ImageProperty.OWN,
    }
    trained = training_images(spec, dataset)
    counts = [int((dataset.labels[trained] == label).sum()) for label in evidence.labels]
    assert values[ImageProperty.CLASS_SIZE].tolist() == counts
    assert set(values[ImageProperty.IMAGE_SIZE].tolist()) == {8}
    assert set(values[ImageProperty.COLOUR].tolist()) == {0}
    part = spec.model_copy(update={"train_share": 0.5})
    assert 0 < len(training_images(part, dataset)) <= len(trained) / 2 + len(dataset.classes)


def test_the_job_measures_once_and_its_file_is_read(compared, monkeypatch):
    monkeypatch.setattr(cached, "ensure_worker", do_next)
    assert kept_measurements(EXPERIMENT) is None
    work = image_properties(compared, EXPERIMENT)
    assert (work.state, work.error) == ("ready", "")
    monkeypatch.setattr(cached, "ensure_worker", None)  # nobody is asked again
    assert image_properties(compared, EXPERIMENT).state == "ready"
    kept = kept_measurements(EXPERIMENT)
    spec, evidence = compared.experiment(EXPERIMENT).spec, load_evidence(compared, EXPERIMENT)
    direct = measure(spec, open_dataset("arrows"), nobody)
    values = property_values(evidence, spec, open_dataset("arrows"), kept)
    assert set(values) == set(ImageProperty) - {ImageProperty.METADATA, ImageProperty.OWN}
    for kind in MEASURED:
        assert values[kind].tolist() == getattr(direct, kind.value).tolist()


def test_a_damaged_file_is_removed_and_other_images_are_refused(compared, monkeypatch):
    monkeypatch.setattr(cached, "ensure_worker", do_next)
    work = image_properties(compared, EXPERIMENT)
    kept = kept_measurements(EXPERIMENT)
    spec, evidence = compared.experiment(EXPERIMENT).spec, load_evidence(compared, EXPERIMENT)
    others = replace(kept, positions=kept.positions + 1)
    with pytest.raises(StoreError, match="measured on other images"):
        property_values(evidence, spec, open_dataset("arrows"), others)
    work.result.write_bytes(b"cut short")
    assert kept_measurements(EXPERIMENT) is None
    assert not work.result.exists()
    assert image_properties(compared, EXPERIMENT).state == "ready"
    assert kept_measurements(EXPERIMENT) is not None
