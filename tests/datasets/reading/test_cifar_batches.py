"""CIFAR's binary files: records, names of classes, the split, and which of two labels."""

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import cifar_batches
from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import listing_of, the_reading
from tests.datasets.pictures import write_zip

random = np.random.default_rng(6)
IMAGES = random.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(20, dtype=np.uint8) % 10
NAMES = [f"class {number}" for number in range(10)]


def records(*labels: np.ndarray, images=IMAGES) -> bytes:
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([np.stack(labels, axis=1), planes], axis=1).tobytes()


CIFAR10 = {
    "cifar-10-batches-bin/data_batch_1.bin": records(LABELS),
    "cifar-10-batches-bin/data_batch_2.bin": records(LABELS[::-1], images=IMAGES[::-1]),
    "cifar-10-batches-bin/test_batch.bin": records(LABELS[:10], images=255 - IMAGES[:10]),
    "cifar-10-batches-bin/batches.meta.txt": "\n".join([*NAMES, ""]).encode(),
    "cifar-10-batches-bin/readme.html": b"<html>",
}
COARSE = LABELS % 4
CIFAR100 = {"train.bin": records(COARSE, LABELS), "test.bin": records(COARSE, LABELS)}


def read(members, choice=Choice()):  # noqa: B008 - frozen
    reading = the_reading(cifar_batches, listing_of(members), choice)
    batches = [batch for batch, _ in reading.found.batches()]
    pixels = np.concatenate([batch.pixels for batch in batches])
    assert pixels.nbytes == reading.found.expected_bytes
    return pixels, [name for batch in batches for name in batch.class_names], batches, reading


def test_cifar_10_with_its_names_and_its_split():
    pixels, classes, batches, reading = read(CIFAR10)
    assert (pixels[:20] == IMAGES).all()
    assert (pixels[20:40] == IMAGES[::-1]).all()
    assert (pixels[40:] == 255 - IMAGES[:10]).all()
    assert classes == [*NAMES * 2, *NAMES[::-1] * 2, *NAMES]
    assert [batch.subset for batch in batches] == ["train", "train", "test"]
    assert batches[1].names[:2] == ["data_batch_2 1", "data_batch_2 2"]
    assert reading.listing.notes == [
        "The names of the classes were taken from cifar-10-batches-bin/batches.meta.txt.",
        "Left out: 1 file beside the CIFAR binary files.",
    ]


@pytest.mark.usefixtures("home")
def test_as_a_dataset_alone_and_in_a_zip(tmp_path):
    (tmp_path / "data_batch_1.bin").write_bytes(CIFAR10["cifar-10-batches-bin/data_batch_1.bin"])
    alone = add_dataset(tmp_path / "data_batch_1.bin")
    assert alone.class_counts == {str(number): 2 for number in range(10)}
    zipped = add_dataset(write_zip(tmp_path / "x.zip", CIFAR10))
    assert zipped.read_as == "CIFAR binary files"
    assert np.bincount(zipped.predefined_subsets).tolist() == [40, 0, 10]


def test_which_label_of_cifar_100_is_asked():
    with pytest.raises(ReadingUnclear, match=r"two labels for each image.*coarse_label or fine_la"):
        read(CIFAR100)
    assert read(CIFAR100, Choice(label_column="fine_label"))[1][:3] == ["0", "1", "2"]
    names = {"fine_label_names.txt": "\n".join(f"fine {at}" for at in range(100)).encode()}
    _, classes, _, reading = read(CIFAR100 | names, Choice(label_column="fine_label"))
    assert classes[:3] == ["fine 0", "fine 1", "fine 2"]
    assert reading.choice == Choice(label_column="fine_label")
    assert read(CIFAR100 | names, Choice(label_column="coarse_label"))[1][4:6] == ["0", "1"]


OTHERS = {
    "another name": {"weights.bin": records(LABELS)},
    "another size": {"data_batch_1.bin": records(LABELS)[:-1]},
    "labels too large": {"data_batch_1.bin": records(LABELS + 10)},
    "empty": {"data_batch_1.bin": b""},
    "beside images": CIFAR10 | {"a/1.png": b""},
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_files_are_not_taken(case):
    assert the_reading(cifar_batches, listing_of(OTHERS[case])) is None


def test_damage_mixtures_and_limits_are_told(monkeypatch):
    monkeypatch.setattr(cifar_batches, "LOOKED_AT_RECORDS", 5)
    late = records(np.where(np.arange(20) == 15, 77, LABELS).astype(np.uint8))
    with pytest.raises(BadInput, match=r"data_batch_1\.bin has the label 77; CIFAR's are 0 to 9"):
        read({"data_batch_1.bin": late})
    with pytest.raises(BadInput, match="files of CIFAR-10 and of CIFAR-100 in it"):
        read({"data_batch_1.bin": records(LABELS), "train.bin": records(COARSE, LABELS)})
    monkeypatch.setattr(cifar_batches, "MOST_FILES", 19)
    with pytest.raises(
        BadInput, match=r"20 images in all; the limit is 19\. Give some of the files"
    ):
        read({"data_batch_1.bin": records(LABELS)})
