"""I16 of the bad inputs: a model file offered as a dataset."""

import zipfile

import pytest

from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets
from core.errors import BadInput


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.onnx", "model.TFLITE"])
def test_a_model_file_is_refused_by_name(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"anything")
    with pytest.raises(
        BadInput, match=r"is a model file, not images\. Expected a folder"
    ) as caught:
        add_dataset(path)
    assert caught.value.field == "path"
    assert list_datasets() == []


@pytest.mark.usefixtures("home")
def test_a_keras_model_renamed_to_zip_is_refused_by_content(tmp_path):
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", b"\x89HDF")
    with pytest.raises(BadInput, match=r"pictures\.zip is a model file"):
        add_dataset(path)
    assert list_datasets() == []
