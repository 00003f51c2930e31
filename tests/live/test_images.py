"""A picture that somebody shows, as the networks of an experiment see it."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.datasets.copies import index_for_copy_lookup
from core.datasets.dataset import Dataset
from core.datasets.prepare import prepare_images
from core.errors import BadInput
from core.experiments.planning import plan_experiment
from core.experiments.records import ExperimentRecord
from core.live.images import Likeness, prepare_upload, prepared_of
from core.settings import current_settings
from tests import made_up


def experiment_of(dataset: Dataset, image_size: int = 40, **options) -> ExperimentRecord:
    spec = plan_experiment(dataset.name, ["majority"], image_size=image_size, **options)
    return made_up.experiment(spec=spec)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def another_image() -> Image.Image:
    noise = np.random.default_rng(99).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((90, 60), Image.Resampling.BILINEAR)


@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_an_image_is_prepared_as_those_of_the_run(tiny_dataset: Dataset, resize: str) -> None:
    experiment = experiment_of(tiny_dataset, 24, resize=resize)
    prepared = prepare_images(tiny_dataset, 24, resize)
    for position in (0, 17, 59):
        expected = prepared.take(np.array([position]))[0]
        np.testing.assert_array_equal(prepared_of(experiment, position), expected)
        uploaded = prepare_upload(experiment, tiny_dataset.stored_bytes(position))
        np.testing.assert_array_equal(uploaded.prepared, expected)
        assert (uploaded.height, uploaded.width) == (32, 40)


def test_grey_sets_get_grey_pictures(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_HOME", str(digits.folder.parent.parent))
    experiment = experiment_of(digits, 32)
    uploaded = prepare_upload(experiment, encoded(another_image()))
    assert (uploaded.prepared.shape, uploaded.prepared.dtype) == ((8, 8, 1), np.uint8)
    assert (uploaded.like, uploaded.near_copies_known) == (None, True)
    own = encoded(digits.image(12))
    split = experiment.spec.split.of(digits)
    side = next(name for name in ("train", "validation", "test") if 12 in getattr(split, name))
    assert prepare_upload(experiment, own).like == Likeness(12, side, True)


def test_photographs_are_turned_upright_and_shown_small(tiny_dataset: Dataset) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = another_image().resize((1500, 1000)).convert("CMYK")
    uploaded = prepare_upload(
        experiment_of(tiny_dataset), encoded(picture, "JPEG", exif=exif, quality=95)
    )
    assert (uploaded.height, uploaded.width) == (1500, 1000)
    with Image.open(io.BytesIO(uploaded.shown)) as shown:
        assert (shown.format, shown.mode, shown.size) == ("PNG", "RGB", (427, 640))
    assert uploaded.prepared.shape == (40, 40, 3)


@pytest.mark.parametrize("side", ["train", "validation", "test"])
def test_the_datasets_own_picture_is_known_with_its_side(tiny_dataset: Dataset, side: str) -> None:
    experiment = experiment_of(tiny_dataset)
    position = int(getattr(experiment.spec.split.of(tiny_dataset), side)[1])
    uploaded = prepare_upload(experiment, encoded(tiny_dataset.image(position), "BMP"))
    assert uploaded.like == Likeness(position, side, True)
    assert not uploaded.near_copies_known


def test_a_training_picture_that_was_left_out_was_not_trained_on(tiny_dataset: Dataset) -> None:
    whole = experiment_of(tiny_dataset)
    few = replace(whole, spec=whole.spec.model_copy(update={"train_share": 0.2}))
    train = whole.spec.split.of(tiny_dataset).train
    sides = {
        prepare_upload(few, tiny_dataset.stored_bytes(int(position))).like.subset
        for position in train
    }
    assert sides == {"train", None}


def test_a_near_copy_is_known_once_the_dataset_was_looked_at(tiny_dataset: Dataset) -> None:
    experiment = experiment_of(tiny_dataset)
    position = int(experiment.spec.split.of(tiny_dataset).train[4])
    copy = encoded(tiny_dataset.image(position).resize((80, 64)), "JPEG", quality=70)
    before = prepare_upload(experiment, copy)
    assert (before.like, before.near_copies_known) == (None, False)
    told: list[tuple[int, int]] = []
    index_for_copy_lookup(tiny_dataset, 40, "stretch", lambda *counts: told.append(counts))
    assert told[-1] == (60, 60)
    count = len(told)
    index_for_copy_lookup(tiny_dataset, 40, "stretch", lambda *counts: told.append(counts))
    assert len(told) == count
    after = prepare_upload(experiment, copy)
    assert (after.like, after.near_copies_known) == (Likeness(position, "train", False), True)
    assert prepare_upload(experiment, encoded(another_image())).like is None
    # A file that was cut short is made again, and does not stop anybody meanwhile.
    (path,) = (current_settings().cache_folder / "copies").iterdir()
    path.write_bytes(path.read_bytes()[:300])
    assert not prepare_upload(experiment, copy).near_copies_known
    index_for_copy_lookup(tiny_dataset, 40, "stretch")
    assert prepare_upload(experiment, copy).like == after.like


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "This picture cannot be used: the file is empty."),
        (b"%PDF-1.7", "This picture cannot be used: a PDF document, not an image."),
        (encoded(another_image())[:300], "This picture cannot be used: damaged or cut short"),
        (encoded(Image.new("RGB", (1, 9))), "1 x 9 pixels: each side must be at least 2."),
    ],
)
def test_what_is_no_picture_is_said_in_plain_words(
    tiny_dataset: Dataset, content: bytes, says: str
) -> None:
    with pytest.raises(BadInput) as refused:
        prepare_upload(experiment_of(tiny_dataset), content)
    assert says in str(refused.value)
    assert refused.value.field == "image"


def test_a_file_over_the_limit_is_not_even_decoded(
    tiny_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMLIT_SERVER_MAX_UPLOAD_SIZE", "1")
    with pytest.raises(BadInput, match=r"This file has 2\.1 MB; at most 1\.0 MB are read"):
        prepare_upload(experiment_of(tiny_dataset), bytes(2 * 1024**2))


@pytest.mark.parametrize("position", [-1, 60])
def test_positions_that_are_not_there_are_refused(tiny_dataset: Dataset, position: int) -> None:
    with pytest.raises(BadInput, match=f"There is no image {position} in tiny; its 60 are"):
        prepared_of(experiment_of(tiny_dataset), position)
