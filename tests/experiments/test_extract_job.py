"""A run asks idle workers to help with its features: who is asked, and what a helper does."""

from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from core.backbones import backend, feature_cache, feature_set, features
from core.backbones.features import extract_features
from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset
from core.experiments.extract_job import KIND, RunSharing, sharing_of
from core.experiments.store import Store
from core.jobs.child import execute
from core.jobs.context import JobContext
from core.jobs.kinds import POOLS
from core.jobs.records import JobRecord, jobs
from core.settings import current_settings
from core.strategies.registry import find_strategy
from core.training import policy
from core.training.engine import feature_request, images_with_features
from core.training.policy import DevicePolicy
from tests.postgres import BOTH_DATABASES
from tests.stored_home import majority_spec

pytestmark = BOTH_DATABASES

POLICY = DevicePolicy("a processor", "cpu", "none", "float32", False)


@pytest.fixture(autouse=True)
def _several_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a machine with SQLite has nobody to share with."""
    monkeypatch.setenv("HEADSTART_DEVICE", "first")


@pytest.fixture
def extracted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Shards of ten images, and an extraction without a network that writes its images down."""
    seen: list[int] = []

    def rows(images: np.ndarray) -> np.ndarray:
        seen.append(len(images))
        return np.ones((len(images), 512), np.float32)

    for module in (feature_set, feature_cache):
        monkeypatch.setattr(module, "SHARD_IMAGES", 10)
    feature_set.shard_of_image.cache_clear()
    model = SimpleNamespace(predict_on_batch=rows)
    monkeypatch.setattr(features, "build_extractor", lambda *_: model)
    for module in (features, backend):
        monkeypatch.setattr(module, "load_keras", lambda: None)
    monkeypatch.setattr(backend, "dtype_policy", lambda _name: nullcontext())
    monkeypatch.setattr(policy, "choose_policy", lambda _precision: POLICY)
    yield seen
    feature_set.shard_of_image.cache_clear()


def running(store: Store, **changes: Any) -> JobRecord:
    """A run on features of VGG16, taken by the worker ``owner``."""
    settings = find_strategy("vgg16_probe").resolve("quick")
    update = {"strategies": (("vgg16_probe", settings),), "image_size": 32} | changes
    store.create_experiment(majority_spec().model_copy(update=update))
    store.register_worker("owner", 1)
    job = store.claim_next("owner", pools=POOLS)
    assert job is not None
    return job


def elsewhere(store: Store, host: str = "there", kind: str = "", device: str = "") -> Store:
    found = Store(store.url, host=host, device=device)
    found.device_kind = kind
    found.register_worker(f"{host} {kind} {device}", 1)
    return found


def extract(store: Store, job: JobRecord, sharing: RunSharing) -> features.FeatureSet:
    """What the run's training does with its features."""
    run = store.run(job.id)
    spec = store.experiment(run.experiment_id).training_spec(run)
    dataset = open_dataset(spec.dataset_id)
    mean = find_strategy(run.strategy).backbone.preparation.mean_rgb  # type: ignore[union-attr]
    return extract_features(
        prepare_images(dataset, spec.image_size),
        feature_request(spec, 7, mean, POLICY),
        images_with_features(spec, spec.subsets_of(dataset)),
        sharing=sharing,
    )


def test_an_idle_worker_helps_and_what_it_made_is_used(
    arrows_store: Store, extracted: list[int]
) -> None:
    job = running(arrows_store)
    other = elsewhere(arrows_store)
    sharing = RunSharing(arrows_store, JobContext(arrows_store, job))
    helped: list[JobRecord] = []
    ask = sharing.ask_for_help

    def ask_and_be_helped(*arguments: Any) -> None:
        ask(*arguments)
        claimed = other.claim_next("there  ", pools=POOLS)
        assert claimed is not None
        assert (claimed.kind, claimed.group_id) == (KIND, job.group_id)
        assert execute(other, claimed.id) == 0
        helped.append(other.job(claimed.id))

    sharing.ask_for_help = ask_and_be_helped  # type: ignore[method-assign]
    found = extract(arrows_store, job, sharing)
    assert [(one.state, one.result) for one in helped] == [("finished", {"images": found.images})]
    assert sum(extracted) == found.images == found.together == found.reused
    # Nothing of it stays in the queue.
    assert [one.kind for one in arrows_store.jobs()] == ["train"]


def test_whoever_can_take_the_time_on_the_same_kind_of_device_is_asked(
    arrows_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrows_store.device_kind = "fast"
    job = running(arrows_store)
    elsewhere(arrows_store, "there", "fast")
    elsewhere(arrows_store, "far", "slow")
    elsewhere(arrows_store, "far", "fast", "second")
    elsewhere(arrows_store, arrows_store.host, "fast", "second")
    elsewhere(arrows_store, arrows_store.host, "fast")  # it waits for all devices of this machine
    alone = Store(arrows_store.url, host="lonely")
    alone.device_kind = "fast"
    alone.register_worker("of another experiment", 1, "another")
    sharing = RunSharing(arrows_store, JobContext(arrows_store, job))
    sharing.ask_for_help("0" * 64, 7, 2)
    assert [one.state for one in arrows_store.jobs(KIND)] == ["queued"] * 2
    sharing.ask_for_help("0" * 64, 7, 9)
    assert len(arrows_store.jobs(KIND)) == 3
    sharing.end()
    assert arrows_store.jobs(KIND) == []
    monkeypatch.delenv("HEADSTART_DEVICE")
    one = Store(current_settings().database_url)
    shares = sharing_of(one, JobContext(one, job)) is not None
    assert shares == (one.database.file is None)


@pytest.mark.parametrize("why", ["the run is over", "it is gone", "another run waits"])
def test_a_helper_that_is_not_needed_ends_at_once(
    arrows_store: Store, extracted: list[int], why: str
) -> None:
    job = running(arrows_store, seeds=(0, 1) if why == "another run waits" else (0,))
    other = elsewhere(arrows_store)
    sharing = RunSharing(arrows_store, JobContext(arrows_store, job))
    sharing.ask_for_help("0" * 64, 7, 1)
    (asked,) = arrows_store.jobs(KIND)
    if why == "the run is over":
        arrows_store.fail(job.id, "broke")
    changes = {
        "the run is over": {},
        "it is gone": {"arguments": {**asked.arguments, "run": "gone"}},
        "another run waits": {"queue_number": 0},
    }[why]
    if changes:
        with arrows_store.database.writing() as connection:
            connection.execute(update(jobs).where(jobs.c.id == asked.id).values(**changes))
    claimed = other.claim_next("there  ", pools=POOLS)
    assert claimed is not None
    assert claimed.id == asked.id
    assert execute(other, claimed.id) == 0
    assert (other.job(claimed.id).state, other.job(claimed.id).result) == ("finished", None)
    assert extracted == []
