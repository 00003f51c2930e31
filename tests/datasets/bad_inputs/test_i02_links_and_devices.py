"""I2: what is no plain file."""

import io
import os
import socket
import stat
import tarfile
import zipfile

import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import folder
from tests.datasets.bad_inputs.making import reasons, write_folder
from tests.datasets.pictures import two_classes, write_zip

pytestmark = pytest.mark.usefixtures("home")
NO_FILE = "a link or device, not a file"
OUTWARD = [
    ("cats/hard.png", tarfile.LNKTYPE, "/etc/passwd"),
    ("cats/soft.png", tarfile.SYMTYPE, "../../passwd"),
    ("cats/itself.png", tarfile.SYMTYPE, "itself.png"),
    ("dogs/device.png", tarfile.CHRTYPE, ""),
    ("dogs/pipe.png", tarfile.FIFOTYPE, ""),
]
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


def test_i2_links_out_of_what_pages_may_add_are_refused_in_one_sentence(home, tiny_folder):
    root = write_folder(home / "inbox/pets", two_classes())
    (root / "cats/link.png").symlink_to(tiny_folder / "red" / "00.png")
    (root / "cats/nowhere.png").symlink_to(root / "absent.png")
    (root / "cats/round").symlink_to(root)
    (root / "birds").symlink_to(tiny_folder / "red")
    os.mkfifo(root / "dogs/pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "dogs/socket.png"))
        dataset = add_dataset(root)
    assert dataset.file_names == tuple(sorted(two_classes()))
    assert reasons(dataset) == {
        "birds and 1 more": folder.LEADS_AWAY,
        "cats/nowhere.png and 1 more": folder.LEADS_NOWHERE,
        "dogs/pipe.png": folder.NO_FILE,
        "dogs/socket.png": folder.NO_FILE,
    }


def test_i2_links_out_of_a_tar_are_refused(tmp_path):
    path = tmp_path / "pets.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in two_classes().items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, kind, target in OUTWARD:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    dataset = add_dataset(path)
    assert reasons(dataset) == {name: NO_FILE for name, _, _ in OUTWARD}
    assert dataset.file_names == tuple(sorted(two_classes()))
