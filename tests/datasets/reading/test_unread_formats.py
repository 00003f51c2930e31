"""Files of other libraries, alone and in folders: named, with Python that helps; never opened."""

import pickle

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.reading.unread_formats import found_text
from core.errors import BadInput
from tests.datasets.listings import listing_of
from tests.datasets.pictures import two_classes, write_zip

PICKLE = pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": [0, 1, 0, 1]}, 2)
HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(600)
FILES = {
    "data_batch_1": (PICKLE, "a pickle of Python, which is never opened"),
    "train.p": (PICKLE, "a pickle of Python"),
    "faces.pkl": (b"(dp0\n.", "a pickle of Python"),
    "training.pt": (b"PK\3\4", "a file of PyTorch, which is never opened"),
    "train_32x32.mat": (b"MATLAB 5.0 MAT-file" + bytes(99), "a MATLAB file"),
    "train_catvnoncat.h5": (HDF5, "an HDF5 file"),
    "pets.hdf5": (HDF5, "an HDF5 file"),
    "flowers.tfrecord": (b"\x10" + bytes(99), "a TFRecord file of TensorFlow"),
    "mnist-train.tfrecord-00000-of-00010": (b"\x10" + bytes(99), "a TFRecord file"),
    "data.mdb": (bytes(16) + b"\xde\xc0\xef\xbe", "an LMDB database"),
    "data-00000-of-00001.arrow": (b"\xff\xff\xff\xff\x10" + bytes(99), "an Arrow file"),
    "train.rec": (b"\x0a\x23\xd7\xce" + bytes(99), "a RecordIO file of MXNet"),
}


def message_of(path) -> str:
    with pytest.raises(BadInput) as caught:
        add_dataset(path)
    assert caught.value.field == "path"
    return str(caught.value)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", FILES)
def test_each_has_its_sentence_alone_in_a_folder_and_in_a_zip(tmp_path, name):
    data, what = FILES[name]
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / name).write_bytes(data)
    zipped = write_zip(tmp_path / "given.zip", {name: data, "README.md": b"# About"})
    for path in (folder / name, folder, zipped):
        message = message_of(path)
        assert f"{name} is {what}" in message
        assert "import " in message or "for n, r in" in message or "mxnet.recordio" in message
        assert "class folder" not in message
    assert message.startswith("Found 2 files: 1 ")
    assert ", but no image. " in message


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("mark", [b"model_weights", b"layer_names", b"keras_version"])
def test_an_hdf5_file_of_keras_is_told_to_be_a_model(tmp_path, mark):
    (tmp_path / "weights.h5").write_bytes(HDF5 + mark)
    assert "weights.h5 is a model file, not images" in message_of(tmp_path / "weights.h5")


@pytest.mark.usefixtures("home")
def test_beside_images_such_files_are_left_alone(tmp_path):
    path = write_zip(tmp_path / "x.zip", two_classes() | {"features.h5": HDF5, "list.pkl": PICKLE})
    dataset = add_dataset(path)
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert dataset.health.notes == ("Left out: 2 files outside the class folders.",)


def test_what_was_found_is_listed_by_ending():
    names = ["a.NPY", "b.npy", "c.csv", "Makefile", "d.npy"]
    files = listing_of(dict.fromkeys(names, b"")).files
    assert found_text(files) == "Found 5 files: 3 .npy, 1 .csv, 1 without an ending"
    assert found_text(files[:1]) == "Found 1 file: 1 .npy"
