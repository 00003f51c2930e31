"""The file of the facts: its name, its place, and what is refused before anything is measured."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from core.analysis.advice import facts as module
from core.analysis.advice.facts import (
    FORMAT,
    IMAGE_SIZE,
    backbones_here,
    facts_path,
    facts_work,
    known_facts,
    latest_facts,
    read_facts,
    request_facts,
    write_facts,
)
from core.backbones.registry import BACKBONES, find_backbone
from core.datasets.add import add_pixels
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset, remove_dataset
from core.errors import BadInput, StoreError
from core.experiments.store import Store
from core.jobs import cached
from tests.made_facts import facts

VGG16, LITE0 = find_backbone("vgg16"), find_backbone("efficientnet_lite0")


@pytest.fixture
def arrows(arrows_store: Store) -> Dataset:  # noqa: ARG001 - in that home
    return open_dataset("arrows")


@pytest.fixture
def with_vgg16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_available", lambda weights: weights is VGG16.weights)
    monkeypatch.setattr(cached, "ensure_worker", lambda _queue: False)


def test_the_name_changes_with_all_that_the_facts_depend_on(arrows, monkeypatch):
    path = facts_path(arrows, 96, {"vgg16": VGG16})
    assert path.parent == arrows.folder / "advice"
    assert path.name.startswith("96-")
    assert facts_path(arrows, 96, {"vgg16": VGG16}) == path
    others = {
        facts_path(arrows, 128, {"vgg16": VGG16}),
        facts_path(arrows, 96, {"vgg16": VGG16, "efficientnet_lite0": LITE0}),
        facts_path(arrows, 96, {"vgg16": replace(VGG16, weights=LITE0.weights)}),
        facts_path(replace(arrows, id="f" * 64), 96, {"vgg16": VGG16}),
    }
    monkeypatch.setattr(module, "FORMAT", FORMAT + 1)
    others.add(facts_path(arrows, 96, {"vgg16": VGG16}))
    assert len(others) == 5
    assert path not in others


def test_facts_leave_the_file_as_they_went_in(arrows):
    kept = facts(arrows)
    path = facts_path(arrows, IMAGE_SIZE, {})
    write_facts(kept, path)
    assert read_facts(path) == kept == latest_facts(arrows)
    assert json.loads(path.read_text())["blocks"]["gain"]["difference"] == 0.05
    bare = facts(arrows, backbones=(), blocks=None)
    write_facts(bare, path)
    assert read_facts(path) == bare


def test_newer_ones_take_the_place_of_older_ones_of_that_size(arrows):
    first = facts_path(arrows, IMAGE_SIZE, {})
    second = facts_path(arrows, IMAGE_SIZE, {"vgg16": VGG16})
    other_size = facts_path(arrows, 128, {})
    write_facts(facts(arrows, image_size=128), other_size)
    write_facts(facts(arrows), first)
    write_facts(facts(arrows, seconds=3.0), second)
    assert sorted(path.name for path in first.parent.iterdir()) == sorted(
        [second.name, other_size.name]
    )
    assert latest_facts(arrows).seconds == 3.0


@pytest.mark.parametrize(
    "change", [{"majority_accuracy": float("nan")}, {"train_images": "many"}, {"surplus": 1}]
)
def test_a_damaged_file_says_what_to_do_and_ends_no_list(arrows, change, caplog):
    path = facts_path(arrows, IMAGE_SIZE, {})
    path.parent.mkdir()
    path.write_text(json.dumps(asdict(facts(arrows)) | change))
    with pytest.raises(StoreError, match=r"cannot be read\. Have it measured again"):
        read_facts(path)
    assert latest_facts(arrows) is None
    assert known_facts([arrows]) == {}
    assert str(path) in caplog.text


def test_a_dataset_that_is_gone_stays_gone(arrows):
    remove_dataset("arrows")
    with pytest.raises(FileNotFoundError):
        write_facts(facts(arrows), facts_path(arrows, IMAGE_SIZE, {}))
    assert not arrows.folder.exists()
    assert latest_facts(arrows) is None


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("with_vgg16")
def test_a_class_with_two_images_is_refused_before_anything_waits(arrows_store):
    pixels = np.random.default_rng(0).integers(0, 255, (22, 8, 8)).astype(np.uint8)
    labels = np.array([0] * 20 + [1] * 2)
    small = add_pixels(pixels, labels, ["cat", "dog"], "small", "a test")
    with pytest.raises(BadInput, match="Class 'dog' has 2 images") as refused:
        request_facts(arrows_store, small)
    assert refused.value.field == "split"
    assert arrows_store.jobs() == []


def test_without_any_weights_the_command_that_fetches_some_is_named(
    arrows, arrows_store, monkeypatch
):
    monkeypatch.setattr(module, "is_available", lambda _weights: False)
    assert backbones_here() == {}
    with pytest.raises(BadInput, match="python -m core backbones fetch vgg16") as refused:
        request_facts(arrows_store, arrows)
    assert refused.value.field == "backbones"
    assert facts_work(arrows_store, arrows) is None


@pytest.mark.usefixtures("with_vgg16")
def test_facts_that_cannot_be_read_are_measured_again(arrows, arrows_store):
    path = facts_path(arrows, IMAGE_SIZE, backbones_here())
    write_facts(facts(arrows), path)
    assert facts_work(arrows_store, arrows).state == "ready"
    path.write_text("{")
    assert facts_work(arrows_store, arrows) is None
    assert request_facts(arrows_store, arrows).state == "working"
    assert not path.exists()


@pytest.mark.usefixtures("with_vgg16")
@pytest.mark.parametrize("size", [7, 513])
def test_a_size_that_no_experiment_can_have_is_refused(arrows, arrows_store, size):
    with pytest.raises(BadInput, match=f"image_size is {size}; it must be .* 8 to 512 pixels"):
        request_facts(arrows_store, arrows, size)


@pytest.mark.usefixtures("with_vgg16")
def test_the_job_knows_what_to_measure_and_where_to_leave_it(arrows, arrows_store):
    assert list(backbones_here()) == ["vgg16"]
    work = request_facts(arrows_store, arrows)
    job = arrows_store.job(work.job_id)
    assert (job.kind, job.pool) == ("advice", "device")
    assert job.arguments == {
        "dataset": arrows.id,
        "image_size": 96,
        "backbones": ["vgg16"],
        "name": work.result.name,
    }
    assert work.result == facts_path(arrows, IMAGE_SIZE, {"vgg16": BACKBONES["vgg16"]})
