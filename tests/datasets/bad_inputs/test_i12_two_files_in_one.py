"""I12: an image that is a zip as well."""

import io
import zipfile

import pytest
from PIL import Image

from core.datasets.add import add_dataset
from core.datasets.export import export_zip
from core.datasets.storage import list_datasets
from core.errors import BadInput
from tests.datasets.bad_inputs.making import add_zip, reasons
from tests.datasets.pictures import encoded, noise_png, two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")
MARK = b"hidden in the zip"
KINDS = ("JPEG", "PNG", "GIF", "BMP", "WEBP")


def both(tmp_path, kind: str) -> bytes:
    picture = encoded(Image.new("RGB", (40, 30), (10, 200, 30)), kind)
    hidden = write_zip(tmp_path / "hidden.zip", two_classes() | {"cats/secret.txt": MARK})
    with zipfile.ZipFile(hidden, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("cats/plain.txt", MARK)
    return picture + hidden.read_bytes()


@pytest.mark.parametrize("kind", KINDS, ids=[f"I12-{kind} and zip" for kind in KINDS])
def test_i12_as_a_member_it_is_a_picture_and_leaves_as_nothing_else(tmp_path, kind):
    data = both(tmp_path, kind)
    assert zipfile.is_zipfile(io.BytesIO(data))
    dataset = add_zip(tmp_path, two_classes() | {"cats/both.jpg": data})
    assert reasons(dataset) == {}
    assert dataset.image_count == 7
    position = dataset.file_names.index("cats/both.jpg")
    assert not zipfile.is_zipfile(io.BytesIO(dataset.thumbnail(position, 64)))
    exported = io.BytesIO()
    export_zip(dataset, exported)
    with zipfile.ZipFile(exported) as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    assert not any(MARK in content or b"PK\3\4" in content for content in contents)


@pytest.mark.parametrize("kind", KINDS, ids=[f"I12-{kind} and zip" for kind in KINDS])
def test_i12_as_an_upload_it_is_no_zip(tmp_path, kind):
    path = tmp_path / "both.zip"
    path.write_bytes(both(tmp_path, kind))
    with pytest.raises(BadInput, match=r"^both\.zip is one image"):
        add_dataset(path)
    assert list_datasets() == []


def test_i12_a_program_that_unpacks_itself_is_no_zip(tmp_path):
    path = write_zip(tmp_path / "setup.exe", {"cats/1.png": noise_png(1)})
    path.write_bytes(b"MZ\x90\0" + bytes(100) + path.read_bytes())
    with pytest.raises(BadInput, match=r"^setup\.exe: not a zip archive; give a folder"):
        add_dataset(path)
