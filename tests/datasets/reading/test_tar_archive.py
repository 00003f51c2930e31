"""Tar archives, as they are and in gzip, bzip2 and xz: read, under the limits of zips."""

import bz2
import errno
import gzip
import io
import lzma
import tarfile
import threading
from unittest.mock import Mock

import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import byte_ranges, decompress, members, raw_files
from core.datasets.reading.sources import open_source
from core.datasets.reading.tar_archive import NO_END
from core.datasets.storage import list_datasets
from core.errors import BadInput, Cancelled, HeadstartError
from tests.datasets.bad_inputs.limited import add_under_limits
from tests.datasets.bad_inputs.making import files_below, reasons
from tests.datasets.pictures import noise_png, two_classes

pytestmark = pytest.mark.usefixtures("home")
MODES = {"pets.tar": "w", "pets.tgz": "w:gz", "pets.tar.bz2": "w:bz2", "pets.tar.xz": "w:xz"}
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "GNU": tarfile.GNU_FORMAT, "PAX": tarfile.PAX_FORMAT}
LIMIT_BYTES = 400_000_000


def add_file(archive, name, data, **values):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for key, value in values.items():
        setattr(member, key, value)
    archive.addfile(member, io.BytesIO(data))


def add_link(archive, name, target, kind=tarfile.LNKTYPE):
    link = tarfile.TarInfo(name)
    link.type, link.linkname = kind, target
    archive.addfile(link)


def write_tar(path, files, mode="w", **options):
    with tarfile.open(path, mode, **options) as archive:
        for name, data in files.items():
            add_file(archive, name, data)
    return path


@pytest.mark.parametrize("name", [*MODES, "pets.zip", "pets"])
def test_a_tar_is_known_by_its_content(tmp_path, name):
    mode = MODES.get(name, "w:gz")
    dataset = add_dataset(write_tar(tmp_path / name, two_classes(), mode))
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert dataset.health.quarantined == ()
    assert dataset.health.notes == ()


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
def test_long_names_and_other_letters(tmp_path, format):
    folder = "pets/" + "/".join(["a folder with quite a long name"] * 4)
    files = {f"{folder}/{name}": data for name, data in two_classes(prefix="Tür/").items()}
    with tarfile.open(tmp_path / "pets.tar", "w", format=format) as archive:
        add_file(archive, "pets", b"", type=tarfile.DIRTYPE)
        for name, data in files.items():
            add_file(archive, name, data)
    with open_source(tmp_path / "pets.tar") as listing:
        assert {raw.path: raw.read() for raw in listing.files} == files


def test_names_in_an_old_encoding(tmp_path):
    with tarfile.open(
        tmp_path / "x.tar", "w", format=tarfile.GNU_FORMAT, encoding="gbk"
    ) as archive:
        for number, name in enumerate(["楷书"] * 3 + ["行书"] * 3):
            add_file(archive, f"{name}/{number}.png", noise_png(number))
    dataset = add_dataset(tmp_path / "x.tar")
    assert dataset.class_counts == {"楷书": 3, "行书": 3}
    assert "Chinese (GBK): 楷书, 行书" in dataset.health.notes[0]


def test_links_to_members_are_files(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for number in range(4):
            add_file(archive, f"all/{number}.png", noise_png(number))
        add_link(archive, "cats/0.png", "all/0.png")
        add_link(archive, "cats/1.png", "../all/1.png", tarfile.SYMTYPE)
    with open_source(tmp_path / "x.tar") as listing:
        found = {raw.path: raw.read() for raw in listing.files}
    assert found["cats/0.png"] == noise_png(0)
    assert found["cats/1.png"] == noise_png(1)


def test_hostile_names_are_refused(tmp_path):
    hostile = {"../x.png": noise_png(8), "/abs.png": noise_png(9), "cats/a\nb.png": noise_png(10)}
    dataset = add_dataset(write_tar(tmp_path / "x.tar", two_classes() | hostile))
    assert reasons(dataset) == {
        "../x.png": "the name leads out of its folder (..)",
        "/abs.png": "the name is an absolute path",
        "cats/a\\nb.png": "the name contains control characters",
    }
    assert dataset.image_count == 6


def test_a_sparse_file_is_refused_and_what_follows_is_read(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        add_file(archive, "cats/holes.png", bytes(512), type=tarfile.GNUTYPE_SPARSE)
        for name, data in two_classes().items():
            add_file(archive, name, data)
    dataset = add_dataset(path)
    assert list(reasons(dataset)) == ["cats/holes.png"]
    assert "sparse" in reasons(dataset)["cats/holes.png"]
    assert dataset.image_count == 6


def header_at(data: bytes, name: bytes) -> int:
    return data.index(name) // 512 * 512


DAMAGE = {
    "cut in a member": lambda data: data[: header_at(data, b"dogs/1.png") + 600],
    "cut in a header": lambda data: data[: header_at(data, b"dogs/1.png") + 100],
    "a header of noise": lambda data: data.replace(b"dogs/1.png", b"dogs/!.png"),
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_tar_is_refused_whole(home, tmp_path, change):
    path = write_tar(tmp_path / "x.tar", two_classes())
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadInput, match=r"^x\.tar: the tar is damaged or cut short"):
        add_dataset(path)
    assert files_below(home) == {}


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_packed_tar_that_was_cut_short(tmp_path, mode):
    path = write_tar(tmp_path / "x.tar.packed", two_classes(), mode)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadInput, match=r"^x\.tar\.packed: the \w+ file is damaged or cut short"):
        add_dataset(path)


def test_a_tar_without_an_end_is_read_with_a_note(tmp_path):
    path = write_tar(tmp_path / "x.tar", two_classes())
    data = path.read_bytes().rstrip(b"\0")
    path.write_bytes(data + bytes(-len(data) % 512))
    dataset = add_dataset(path)
    assert dataset.image_count == 6
    assert dataset.health.notes == (NO_END,)


def test_an_empty_tar_and_a_gzip_of_something_else(tmp_path):
    write_tar(tmp_path / "x.tar.gz", {}, "w:gz")
    with pytest.raises(BadInput, match=r"^x\.tar\.gz: "):
        add_dataset(tmp_path / "x.tar.gz")
    (tmp_path / "x.tar.xz").write_bytes(lzma.compress(b"\0\1\2\3" * 999))
    with pytest.raises(BadInput, match=r"^x\.tar\.xz: this is a xz file without a tar inside"):
        add_dataset(tmp_path / "x.tar.xz")


def test_a_header_that_tells_a_size_that_is_not_there(tmp_path):
    path = write_tar(tmp_path / "x.tar", two_classes())
    member = tarfile.TarInfo("cats/liar.png")
    member.size = 8 * 1024**3
    data = path.read_bytes().rstrip(b"\0")
    path.write_bytes(
        data + bytes(-len(data) % 512) + member.tobuf(tarfile.GNU_FORMAT) + bytes(2048)
    )
    with pytest.raises(BadInput, match="damaged or cut short"):
        add_dataset(path)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_name_of_megabytes_is_not_read_into_memory(tmp_path, kind):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        add_file(archive, "cats/0.png", bytes(2 * 1024**2), type=kind)
    with pytest.raises(BadInput, match="damaged"):
        add_dataset(path)


BOMBS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("suffix", BOMBS)
def test_a_bomb_stops_before_it_is_unpacked(home, tmp_path, suffix):
    """60 megabytes of zeros that are a hundredth of that on the disk, and a limit of ten."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        add_file(archive, "cats/0.bmp", bytes(60_000_000))
    (tmp_path / f"x.tar.{suffix}").write_bytes(BOMBS[suffix](plain.getvalue()))
    report = add_under_limits(tmp_path / f"x.tar.{suffix}", home, LIMIT_BYTES, 20_000_000)
    assert report["error"] == "BadInput"
    assert "times its size; the limit is 200 times" in report["message"]
    assert report["peak_bytes"] < LIMIT_BYTES / 2


def test_xz_that_asks_for_more_memory_than_it_may(tmp_path, monkeypatch):
    monkeypatch.setattr(decompress, "MOST_XZ_MEMORY_BYTES", 1024**2)
    path = write_tar(tmp_path / "x.tar.xz", two_classes(), "w:xz")
    with pytest.raises(BadInput, match="the xz file"):
        add_dataset(path)


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "MOST_FILES", 5)
    with pytest.raises(BadInput, match=r"^x\.tar: 6 members; the limit is 5\.$"):
        add_dataset(write_tar(tmp_path / "x.tar", two_classes()))


@pytest.mark.slow
def test_a_million_members_are_not_even_counted(home, tmp_path):
    header = tarfile.TarInfo("cats/0123456789.png").tobuf()
    with open(tmp_path / "x.tar", "wb") as file:
        for _ in range(100):
            file.write(header * 10_000)
    report = add_under_limits(tmp_path / "x.tar", home, 1000**3)
    (tmp_path / "x.tar").unlink()  # half a gigabyte
    assert report["message"] == "x.tar: more than 200,000 members; the limit is 200,000."
    assert report["peak_bytes"] < 1000**3 / 2


def test_more_in_all_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "LARGEST_TOTAL_BYTES", 1000)
    for name, mode in MODES.items():
        with pytest.raises(BadInput, match=r"unpacked it would take .* the limit is 0 GiB"):
            add_dataset(write_tar(tmp_path / name, two_classes(), mode))


def test_members_are_read_in_any_order_by_several_threads(tmp_path):
    files = {f"{number % 7}/{number}.bin": bytes([number]) * 9000 for number in range(200)}
    path = write_tar(tmp_path / "x.tgz", files, "w:gz")
    wrong: list[str] = []
    with open_source(path) as listing:

        def read(step: int) -> None:
            for raw in listing.files[::step]:
                if raw.read() != files[raw.path]:
                    wrong.append(raw.path)

        threads = [threading.Thread(target=read, args=(step,)) for step in (1, -1, 3, -3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_nothing_stays_of_what_was_unpacked(home, tmp_path):
    with open_source(write_tar(tmp_path / "x.tgz", two_classes(), "w:gz")):
        assert files_below(home) == {}
    assert files_below(home) == {}


def test_a_cancel_is_heard_while_it_is_unpacked(tmp_path):
    path = write_tar(tmp_path / "x.tgz", two_classes(), "w:gz")
    with pytest.raises(Cancelled, match="nothing was stored"):
        add_dataset(path, should_stop=lambda: True)
    assert list_datasets() == []


def test_a_disk_without_room_is_said(home, tmp_path, monkeypatch):
    monkeypatch.setattr(byte_ranges, "ROOM_CHECKED_EVERY_BYTES", 1000)
    monkeypatch.setattr(byte_ranges, "ROOM_LEFT_BYTES", 2**62)
    with pytest.raises(HeadstartError, match="too little to unpack this archive"):
        add_dataset(write_tar(tmp_path / "x.tgz", two_classes(), "w:gz"))
    assert members.STOPPED.endswith("nothing was stored.")
    assert files_below(home) == {}


def test_a_home_that_takes_no_file_is_not_a_damaged_archive(tmp_path, monkeypatch):
    write_tar(tmp_path / "pets.tgz", two_classes(), "w:gz")
    refusal = OSError(errno.EMFILE, "Too many open files")
    monkeypatch.setattr(byte_ranges, "open_temporary", Mock(side_effect=refusal))
    with pytest.raises(HeadstartError, match=r"does not take .* \(Too many open files\)"):
        add_dataset(tmp_path / "pets.tgz")
