"""An upload never hurts another dataset: whatever it is called, wherever it breaks off."""

import errno
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.datasets import add, storage
from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets, open_dataset, remove_dataset
from core.errors import BadInput, Cancelled, HeadstartError
from tests.datasets.bad_inputs.limited import ROOT, add_under_limits
from tests.datasets.bad_inputs.making import files_below, stored, write_entries, write_folder
from tests.datasets.pictures import noise_png, two_classes, write_zip

LETTERS = st.characters(exclude_categories=["Cs"])
TROUBLE = st.sampled_from("./\\:~\0\n\u202e\u0301\u00e9=<>*?|'\" ")
PARTS = st.text(LETTERS | TROUBLE, max_size=12) | st.sampled_from(["..", "../", "C:", "CON", "nan"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)


@pytest.fixture
def pets(home, tmp_path):  # noqa: ARG001
    """A dataset that is there before anything happens."""
    return add_dataset(write_zip(tmp_path / "pets.zip", two_classes()))


def outside(root, dataset):
    """All files below ``root`` but those of one dataset, with their content."""
    inside = f"home/datasets/{dataset.id[:16]}/" if dataset is not None else "\0"
    return {
        name: data
        for name, data in files_below(root).items()
        if not name.startswith(inside) and not name.startswith("upload")
    }


def added_or_refused(path):
    try:
        return add_dataset(path)
    except BadInput:
        return None


@pytest.mark.usefixtures("pets")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(names=st.lists(PATHS, min_size=1, max_size=5))
@example(names=["../../home/datasets/x/manifest.json", "cats/../../../manifest.json"])
@example(names=["manifest.json/1.png", "source.bin/1.png", "splits/1.png"])
@example(names=["/", "//", ".", "..", "\0", ""])
def test_whatever_members_are_called_nothing_else_is_touched(tmp_path, names):
    before = outside(tmp_path, None)
    entries = [stored(name, noise_png(1000 + number)) for number, name in enumerate(names)]
    path = write_entries(tmp_path / "upload.zip", entries)
    dataset = added_or_refused(path)
    assert outside(tmp_path, dataset) == before
    if dataset is not None:
        assert set(files_below(dataset.folder)) == {"index.npz", "manifest.json", "source.bin"}
        assert open_dataset(dataset.id).file_names == dataset.file_names
        remove_dataset(dataset.id)


@pytest.mark.usefixtures("pets")
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(classes=st.lists(PARTS.filter(str.strip), min_size=2, max_size=4, unique=True))
def test_whatever_classes_are_called_nothing_else_is_touched(tmp_path, classes):
    before = outside(tmp_path, None)
    members = {
        f"{name}/{number}.png": noise_png(100 * position + number)
        for position, name in enumerate(classes, start=20)
        for number in range(2)
    }
    entries = [stored(name, data) for name, data in members.items()]
    path = write_entries(tmp_path / "upload.zip", entries)
    dataset = added_or_refused(path)
    assert outside(tmp_path, dataset) == before
    if dataset is not None:
        assert open_dataset(dataset.id).classes == dataset.classes
        assert sum(dataset.class_counts.values()) == dataset.image_count
        remove_dataset(dataset.id)


@pytest.mark.usefixtures("pets")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=8),
    in_directory=st.booleans(),
)
def test_whatever_bytes_a_zip_has_nothing_else_is_touched(tmp_path, changes, in_directory):
    before = outside(tmp_path, None)
    path = write_zip(tmp_path / "upload.zip", two_classes(2))
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\1\2") if in_directory else 0
    for position, value in changes:
        data[start + position % (len(data) - start)] = value
    path.write_bytes(bytes(data))
    dataset = added_or_refused(path)
    assert outside(tmp_path, dataset) == before
    if dataset is not None:
        remove_dataset(dataset.id)


def random_pictures(folder, count: int = 200):
    """Pictures that do not compress, 12 kB each."""
    members = {f"{'ab'[n % 2]}/{n:03d}.png": noise_png(n, 64) for n in range(count)}
    return write_folder(folder / "many", members)


def test_a_disk_that_becomes_full(pets, home, tmp_path):
    before = files_below(home)
    source = random_pictures(tmp_path)
    report = add_under_limits(source, home, file_bytes=1_000_000)
    assert report["error"] == "HeadstartError"
    assert "became full while the images were stored (File too large)" in report["message"]
    assert "Nothing was added." in report["message"]
    assert files_below(home) == before
    assert [dataset.name for dataset in list_datasets()] == ["pets"]
    assert add_dataset(source).image_count == 200
    assert open_dataset("pets") == pets


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("where", ["index", "manifest"])
def test_a_disk_that_becomes_full_at_the_end(pets, home, tmp_path, monkeypatch, where):
    before = files_below(home)
    replaced = (storage, "write_arrays") if where == "index" else (storage, "write_json")
    monkeypatch.setattr(*replaced, full_disk)
    with pytest.raises(HeadstartError, match=r"became full .* \(No space left on device\)"):
        add_dataset(random_pictures(tmp_path, 10))
    assert files_below(home) == before
    assert list_datasets() == [pets]


def test_another_failure_of_a_disk_is_not_called_full(pets, home, tmp_path, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    before = files_below(home)
    monkeypatch.setattr(add, "raise_if_stopped", fail)
    with pytest.raises(OSError, match="Input/output error"):
        add_dataset(random_pictures(tmp_path, 10))
    assert files_below(home) == before
    assert list_datasets() == [pets]


def test_a_stop_in_the_middle(pets, home, tmp_path):
    before = files_below(home)
    done: list[int] = []
    with pytest.raises(Cancelled, match="nothing was stored"):
        add_dataset(
            random_pictures(tmp_path, 50),
            progress=lambda count, _: done.append(count),
            should_stop=lambda: len(done) == 20,
        )
    assert done == list(range(1, 21))
    assert files_below(home) == before
    assert list_datasets() == [pets]


SLOWLY = """
import sys, time
from pathlib import Path
from core.datasets.add import add_dataset

def progress(done, total):
    print(done, flush=True)
    if done == 20:
        time.sleep(600)

add_dataset(Path(sys.argv[1]), progress=progress)
"""


def test_a_process_that_is_killed_in_the_middle(pets, home, tmp_path):
    before = files_below(home)
    source = random_pictures(tmp_path, 50)
    with subprocess.Popen(
        [sys.executable, "-c", SLOWLY, str(source)],
        cwd=ROOT,
        env=os.environ | {"HEADSTART_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        while child.stdout.readline().strip() != "20":
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    (left,) = (path for path in (home / "datasets").iterdir() if path.name.startswith(".incoming-"))
    assert list_datasets() == [pets]
    again = add_dataset(source)
    assert again.image_count == 50
    assert [dataset.name for dataset in list_datasets()] == ["many", "pets"]
    assert {name: files_below(home)[name] for name in before} == before
    assert not left.exists()  # the next that is added sweeps what a dead process left


def test_a_whole_upload_stays_when_its_copy_is_damaged(pets, tmp_path):
    source = pets.folder / "source.bin"
    whole = source.read_bytes()
    # Sent again, the same pictures mend what is stored.
    source.write_bytes(whole[:-1])
    assert list_datasets() == []
    assert add_dataset(tmp_path / "pets.zip") == pets
    assert source.read_bytes() == whole
    assert np.asarray(pets.image(0)).shape == (12, 12, 3)
