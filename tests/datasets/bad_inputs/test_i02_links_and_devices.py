"""I2: what is no plain file."""

import io
import os
import socket
import stat
import tarfile
import zipfile

import pytest

from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets
from core.errors import BadInput
from tests.datasets.bad_inputs.making import reasons, write_folder
from tests.datasets.pictures import two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")
NO_FILE = "a link or device, not a file"
KINDS = {
    "symlink": stat.S_IFLNK,
    "character device": stat.S_IFCHR,
    "block device": stat.S_IFBLK,
    "pipe": stat.S_IFIFO,
    "socket": stat.S_IFSOCK,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=[f"I2-{name}" for name in KINDS])
def test_i2_a_member_that_is_no_file_is_refused(tmp_path, kind):
    path = write_zip(tmp_path / "links.zip", two_classes())
    with zipfile.ZipFile(path, "a") as archive:
        member = zipfile.ZipInfo("cats/link.png")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    dataset = add_dataset(path)
    assert reasons(dataset) == {"cats/link.png": NO_FILE}
    assert dataset.image_count == 6


def test_i2_links_in_a_folder_are_refused(tmp_path, tiny_folder):
    root = write_folder(tmp_path / "pets", two_classes())
    (root / "cats/link.png").symlink_to(tiny_folder / "red" / "00.png")
    (root / "cats/nowhere.png").symlink_to(tmp_path / "absent.png")
    (root / "cats/round").symlink_to(root)
    (root / "birds").symlink_to(tiny_folder / "red")
    os.mkfifo(root / "dogs/pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "dogs/socket.png"))
        dataset = add_dataset(root)
    assert dataset.file_names == tuple(sorted(two_classes()))
    refused = ("birds", "cats/link.png", "cats/nowhere.png", "cats/round")
    assert reasons(dataset) == dict.fromkeys(
        (*refused, "dogs/pipe.png", "dogs/socket.png"), NO_FILE
    )


def test_i2_a_tar_of_hard_links_is_refused_whole(tmp_path):
    path = tmp_path / "pets.zip"
    with tarfile.open(path, "w") as archive:
        for name, data in two_classes().items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("cats/passwd.png")
        link.type, link.linkname = tarfile.LNKTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(BadInput, match=r"^pets\.zip is a tar archive\."):
        add_dataset(path)
    assert list_datasets() == []
