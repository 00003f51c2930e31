import hashlib
import json
import pickle
import shutil
import threading
import zlib
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest

from core import files
from core.backbones import features
from core.backbones.backbone import build_backbone
from core.backbones.feature_cache import features_folder, key_of
from core.backbones.features import FeatureRequest
from core.backbones.vgg16 import VGG16, WEIGHTS
from core.backbones.weights import access as weights
from core.errors import Cancelled, HeadstartError, OutOfMemory

pytestmark = pytest.mark.tensorflow

REQUEST = FeatureRequest(VGG16, False, 32, VGG16.preparation.mean_rgb, "float32", False, 4)


@dataclass(frozen=True)
class Pixels:
    """Prepared images out of memory."""

    pixels: np.ndarray

    @property
    def shape(self):
        return self.pixels.shape

    @property
    def digest(self):
        return hashlib.sha256(self.pixels.tobytes()).hexdigest()

    def take(self, indices):
        return self.pixels[indices]


@pytest.fixture
def images():
    return Pixels(np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8))


class FakeModel:
    """Answers a batch as the extractor would, with numbers that depend on every pixel."""

    def __init__(self, answer):
        self.answer = answer
        self.batches = []

    def predict_on_batch(self, batch):
        self.batches.append(batch)
        return self.answer(batch)


@pytest.fixture
def quick_extractor(weights_home, monkeypatch):  # noqa: ARG001 - where the cache lies
    """A fake extractor, for tests of the cache alone; returns the requests it was built for."""
    built = []

    def build(request, _image_shape):
        built.append(request)
        weighing = np.random.default_rng(5).random((32 * 32 * 3, request.width), np.float32)
        return FakeModel(lambda batch: batch.reshape(len(batch), -1) @ weighing / 1000)

    monkeypatch.setattr(features, "build_extractor", build)
    return built


def extract_features(images, request, *callbacks, only=None, **options):
    """The features of all images, or ``only`` of some."""
    wanted = np.arange(images.shape[0]) if only is None else np.array(only)
    return features.extract_features(images, request, wanted, *callbacks, **options)


def everything(found):
    return found.take(np.arange(found.image_count))


def path_of(found):
    (piece,) = found.pieces
    return piece.path


@pytest.mark.usefixtures("weights_home", "random_weights")
def test_all_images_in_order_the_last_partial_batch_included(images):
    told = []
    found = extract_features(images, REQUEST, lambda done, total: told.append((done, total)))
    assert (found.images, found.width, found.cache) == (10, 512, "miss")
    assert told == [(4, 10), (8, 10), (10, 10)]
    model = features.build_extractor(REQUEST, (32, 32, 3))
    expected = np.asarray(model(images.pixels), np.float32)
    assert expected.max() > 0
    values = everything(found)
    assert values.dtype == np.float16
    np.testing.assert_allclose(values, expected, rtol=2e-3, atol=2e-3)
    np.testing.assert_array_equal(found.take(np.array([7, 2, 7])), values[[7, 2, 7]])


@pytest.mark.usefixtures("weights_home", "random_weights")
def test_layers_that_are_tapped_are_pooled_side_by_side(images):
    """Against the whole network of Keras, layer by layer."""
    taps = tuple(block.name for block in VGG16.blocks)
    assert taps == tuple(f"block{number}_pool" for number in range(1, 6))
    request = replace(REQUEST, pooled=True, taps=taps)
    assert request.width == VGG16.tapped_width(taps) == 64 + 128 + 256 + 512 + 512
    found = everything(extract_features(images, request))
    network = build_backbone(VGG16, 32, weights.load_weights(WEIGHTS))
    pixels = images.pixels[..., ::-1].astype(np.float32) - REQUEST.mean_rgb[::-1]
    start = 0
    for name in taps:
        layer = network.get_layer(name)
        whole = keras.Model(network.inputs[0], layer.output)(pixels)
        expected = np.asarray(whole).mean(axis=(1, 2))
        part = found[:, start : start + expected.shape[1]]
        assert expected.max() > 0
        np.testing.assert_allclose(part, expected, rtol=2e-3, atol=2e-3)
        start += expected.shape[1]
    pooled = everything(extract_features(images, replace(REQUEST, pooled=True)))
    np.testing.assert_array_equal(found[:, -512:], pooled)


def test_tapped_layers_are_pooled_and_below_the_top():
    for changes in ({"pooled": False}, {"include_top": True, "pooled": True}):
        with pytest.raises(ValueError, match="without its top, and pooled"):
            replace(REQUEST, taps=("block1_pool",), **changes)


def test_a_second_time_it_is_a_hit_that_tells_the_first_cost(images, quick_extractor):
    first = extract_features(images, REQUEST)
    second = extract_features(images, REQUEST)
    assert (first.cache, second.cache) == ("miss", "hit")
    assert (first.reused_seconds, second.reused_seconds) == (0, first.seconds)
    assert second.seconds == first.seconds > 0
    assert path_of(second) == path_of(first)
    assert quick_extractor == [REQUEST]


def test_only_the_images_asked_for_are_computed_and_none_twice(images, quick_extractor):
    told = []
    some = extract_features(
        images, REQUEST, lambda done, total: told.append((done, total)), only=[7, 1, 3, 1, 8, 9]
    )
    assert (some.images, some.cache, told) == (5, "miss", [(4, 5), (5, 5)])
    every = extract_features(images, REQUEST, lambda done, total: told.append((done, total)))
    assert (every.images, every.reused, every.cache) == (10, 5, "part")
    assert told[2:] == [(4, 5), (5, 5)]
    assert every.reused_seconds == some.seconds < every.seconds
    fewer = extract_features(images, REQUEST, only=[0, 1, 2])
    assert (fewer.cache, fewer.images) == ("hit", 3)
    assert len(quick_extractor) == 2
    weighing = np.random.default_rng(5).random((32 * 32 * 3, 512), np.float32)
    expected = (images.pixels.reshape(10, -1) @ weighing / 1000).astype(np.float16)
    np.testing.assert_array_equal(everything(every), expected.astype(np.float32))


@pytest.mark.usefixtures("quick_extractor")
def test_batch_size_and_compilation_do_not_change_the_key(images):
    first = extract_features(images, REQUEST)
    assert path_of(extract_features(images, replace(REQUEST, batch_size=3, jit=True))) == path_of(
        first
    )


@pytest.mark.usefixtures("quick_extractor")
def test_one_changed_pixel_misses(images):
    first = extract_features(images, REQUEST)
    images.pixels[3, 5, 5, 0] ^= 1
    second = extract_features(images, REQUEST)
    assert (second.cache, path_of(second) == path_of(first)) == ("miss", False)


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": 64},
        {"mean_rgb": (0.0, 0.0, 0.0)},
        {"precision": "mixed_bfloat16"},
        {"resize": "pad"},
        {"pooled": True},
        {"digest": "other weights"},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.usefixtures("quick_extractor")
def test_everything_that_matters_is_in_the_key(images, change):
    first = extract_features(images, REQUEST)
    change = dict(change)
    if digest := change.pop("digest", None):
        change["backbone"] = replace(VGG16, weights=replace(WEIGHTS, digest=digest))
    second = extract_features(images, replace(REQUEST, **change))
    assert (second.cache, path_of(second) == path_of(first)) == ("miss", False)
    width = 2048 if change.get("image_size") == 64 else 512
    assert everything(second).shape == (10, width)


@pytest.mark.usefixtures("weights_home", "random_weights")
def test_pooled_features_are_the_average_over_places():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    flat = extract_features(Pixels(pixels), replace(REQUEST, image_size=64))
    pooled = extract_features(Pixels(pixels), replace(REQUEST, image_size=64, pooled=True))
    assert (flat.width, pooled.width, pooled.cache) == (2048, 512, "miss")
    expected = everything(flat).reshape(3, 4, 512).mean(axis=1)
    np.testing.assert_allclose(everything(pooled), expected, rtol=2e-3, atol=2e-3)
    assert "pooled" not in flat.pieces[0].manifest
    assert pooled.pieces[0].manifest["pooled"] is True


@pytest.mark.usefixtures("weights_home", "random_weights")
def test_small_grey_images_are_enlarged_inside():
    grey = Pixels(np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8))
    assert everything(extract_features(grey, REQUEST)).shape == (3, 512)


@pytest.mark.usefixtures("weights_home", "random_weights")
def test_bfloat16_gives_about_the_same_features(images):
    exact = everything(extract_features(images, REQUEST)).astype(np.float32)
    mixed = everything(extract_features(images, replace(REQUEST, precision="mixed_bfloat16")))
    difference = np.linalg.norm(mixed.astype(np.float32) - exact) / np.linalg.norm(exact)
    assert 0 < difference < 0.03


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "truncated":
        path.write_bytes(content[:-100])
    elif how == "flipped":
        content[-1] ^= 1
        path.write_bytes(content)
    elif how == "deleted":
        path.unlink()
    elif how == "manifest cut":
        path.with_suffix(".json").write_text('{"shape": [10')
    elif how.endswith("folder"):
        place = path.with_suffix(".json") if how == "manifest a folder" else path
        place.unlink()
        (place / "inside").mkdir(parents=True)
    elif how == "pickled with the right digest":
        path.write_bytes(np.lib.format.magic(1, 0) + pickle.dumps([1]))
        change_manifest(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    elif how.startswith("seconds "):
        change_manifest(path, seconds=json.loads(how.removeprefix("seconds ")))
    else:
        path.with_suffix(".json").write_text("[]")


def change_manifest(path, **changes):
    manifest = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(manifest | changes))


@pytest.mark.parametrize(
    "how",
    [
        *("truncated", "flipped", "deleted", "manifest cut", "manifest of another kind"),
        *("a folder", "manifest a folder", "pickled with the right digest"),
        *(f"seconds {value}" for value in ("NaN", "Infinity", "-1", '"many"', "null", "[]")),
    ],
)
@pytest.mark.usefixtures("quick_extractor")
def test_a_damaged_file_is_made_anew(images, how):
    first = extract_features(images, REQUEST)
    values = everything(first)
    damage(path_of(first), how)
    again = extract_features(images, REQUEST)
    assert again.cache == "miss"
    np.testing.assert_array_equal(everything(again), values)
    assert extract_features(images, REQUEST).cache == "hit"


@pytest.mark.usefixtures("quick_extractor")
def test_cancel_is_heard_before_the_next_batch_and_leaves_nothing(images):
    told = []
    with pytest.raises(Cancelled):
        extract_features(
            images, REQUEST, lambda done, _total: told.append(done), lambda: len(told) == 1
        )
    assert told == [4]
    assert list(features_folder().iterdir()) == []


def test_two_at_once_build_once(images, quick_extractor):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(extract_features(images, REQUEST)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.cache for entry in found) == ["hit", "hit", "miss"]
    assert quick_extractor == [REQUEST]


def test_cancel_is_heard_while_another_builds(images, weights_home):
    identity = features._identity(images, REQUEST)
    lock = weights_home / "locks" / f"features-{key_of(identity)[:16]}.lock"
    with files.lock(lock), pytest.raises(Cancelled, match="while waiting for another process"):
        extract_features(images, REQUEST, should_stop=lambda: True)


@pytest.mark.usefixtures("quick_extractor")
def test_leftovers_of_a_killed_process_are_removed(images):
    first = extract_features(images, REQUEST)
    # Names of temporary files begin with 42 letters of the file's and a checksum of all.
    name = path_of(first).name
    begins = f"{name[:42]}{zlib.crc32(name.encode()):08x}"
    leftover = path_of(first).with_name(f".{begins}.{'0' * 32}.part")
    leftover.write_bytes(b"half")
    path_of(first).unlink()
    extract_features(images, REQUEST)
    assert not leftover.exists()


@pytest.mark.usefixtures("quick_extractor")
def test_the_manifest_says_what_it_is(images):
    found = extract_features(images, REQUEST)
    manifest = json.loads(path_of(found).with_suffix(".json").read_text())
    assert manifest["images"] == images.digest
    assert manifest["weights"] == WEIGHTS.digest
    assert manifest["shape"] == [10, 512]
    assert manifest["seconds"] == found.seconds
    assert manifest["sha256"] == hashlib.sha256(path_of(found).read_bytes()).hexdigest()


@pytest.mark.usefixtures("quick_extractor")
def test_a_full_disk_is_said_before_anything_is_computed(images, monkeypatch):
    usage = shutil._ntuple_diskusage(100, 99, 1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    with pytest.raises(HeadstartError, match="the features of 10 images would take 67 MB"):
        extract_features(images, REQUEST)


def test_numbers_beyond_float16_are_clipped():
    model = FakeModel(lambda batch: np.full((len(batch), 2), [1e9, -1e9], np.float32))
    values = features._features_of(model, np.zeros((1, 2, 2, 1), np.uint8), 1)
    assert values.tolist() == [[65504.0, -65504.0]]


def test_a_short_batch_is_filled_up_for_xla_and_cut_again():
    model = FakeModel(lambda batch: batch.reshape(len(batch), -1).astype(np.float32))
    images = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1)
    values = features._features_of(model, images, 5)
    assert model.batches[0].ravel().tolist() == [0, 1, 2, 0, 0]
    assert values.ravel().tolist() == [0, 1, 2]


def test_memory_running_out_names_the_batch():
    def exhausted(_batch):
        raise MemoryError

    with pytest.raises(OutOfMemory, match="features of 5 images at once; a batch of 3 may fit"):
        features._features_of(FakeModel(exhausted), np.zeros((5, 2, 2, 1), np.uint8), 5)


@pytest.mark.weights
def test_real_weights_give_what_keras_gives(weights_home, real_base_file, images):
    folder = weights_home / "weights"
    folder.mkdir(parents=True)
    (folder / real_base_file.name).symlink_to(real_base_file)
    values = everything(extract_features(images, replace(REQUEST, image_size=64)))
    keras = features.load_keras()
    base = keras.applications.VGG16(
        include_top=False, weights=str(real_base_file), input_shape=(64, 64, 3)
    )
    enlarged = keras.ops.image.resize(images.pixels.astype(np.float32), (64, 64))
    prepared = keras.applications.vgg16.preprocess_input(np.array(enlarged))
    expected = np.asarray(base(prepared)).reshape(10, -1)
    np.testing.assert_allclose(values, expected, rtol=2e-3, atol=0.05)
