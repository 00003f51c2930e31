"""The command that records a series: what it trains, which labels it reads, how it goes on."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.series import making
from benchmarks.series.__main__ import main
from benchmarks.series.datasets import RECIPES
from benchmarks.series.packages import TWITTER, Downloads, Package
from benchmarks.series.trainings import missing_steps, steps_of, trained
from core.analysis.advice import facts as facts_module
from core.analysis.advice.series import read_series, unpacked
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.errors import BadInput
from core.experiments.store import Store
from tests import made_facts, made_series
from tests.analysis.advice.test_measure import CountedLabels

SHAPES = Package("Debian", "shapes", "1.0", "shapes_1.0_all.deb")


@pytest.fixture
def arrows(arrows_store: Store) -> Dataset:  # noqa: ARG001 - in that home
    return open_dataset("arrows")


# What is trained ----------------------------------------------------------------------------------


def test_ever_more_images_each_part_inside_the_next_and_the_test_images_last(arrows):
    steps = steps_of(arrows, ["majority", "cnn"])
    split = facts_module.default_split().of(arrows)
    assert [step.strategy for step in steps] == ["majority", "cnn"] * (len(steps) // 2)
    sizes = [len(step.split.train) for step in steps[::2]]
    # Of 76 in three classes: a sixteenth to a quarter are ten of each class.
    assert sizes == [30, 39, 76]
    assert [step.is_final for step in steps[::2]] == [False, False, True]
    for before, after in zip(steps[::2], steps[2::2], strict=False):
        assert set(before.split.train) < set(after.split.train)
    for step in steps[:-2]:
        assert not set(step.split.test) & set(split.test)
    assert set(split.test) < set(steps[-1].split.test)


def test_no_test_label_is_read_before_the_training_on_all_images(arrows):
    split = facts_module.default_split().of(arrows)
    steps = steps_of(arrows, ["majority"])
    counted = CountedLabels(arrows.labels)
    watched = replace(arrows, labels=counted)
    for step in steps[:-1]:
        training, _ = trained(step, watched, 64, "quick")
        assert training.test is None
    assert not counted.read & set(split.test.tolist())
    final, result = trained(steps[-1], watched, 64, "quick")
    assert counted.read >= set(split.test.tolist())
    commonest = np.bincount(arrows.labels[split.train]).argmax()
    for bits, images in ((final.validation, split.validation), (final.test, split.test)):
        expected = arrows.labels[images] == commonest
        assert unpacked(bits, len(images)).tolist() == expected.tolist()
    assert final.seconds == round(result.end_to_end_seconds, 2)


def test_what_is_there_is_not_made_again(arrows):
    steps = steps_of(arrows, ["majority", "cnn"])
    training, _ = trained(steps[0], arrows, 64, "quick")
    made = replace(made_series.dataset(0), trainings=(training,))
    assert len(missing_steps(arrows, ["majority", "cnn"], made)) == len(steps) - 1


def test_the_file_grows_training_by_training_and_goes_on_where_it_was(
    arrows, tmp_path, monkeypatch, capsys
):
    output = tmp_path / "series.json"
    recipe = replace(RECIPES[0], make=lambda *_: arrows)
    monkeypatch.setattr(making, "RECIPES", (recipe,))
    measured = []
    monkeypatch.setattr(
        making, "measure_facts", lambda *_: measured.append(1) or made_facts.facts(arrows)
    )
    over = 0.0
    making.work(recipe.name, Downloads(tmp_path), ["majority"], output, over)
    assert not output.exists()
    making.work(recipe.name, Downloads(tmp_path), ["majority"], output, None)
    (made,) = read_series(output).datasets
    assert (made.dataset_id, made.licence) == (arrows.id, "public domain")
    assert [one.train_images for one in made.trainings] == [30, 39, 76]
    assert made.final("majority").test is not None
    written = output.read_bytes()
    making.work(recipe.name, Downloads(tmp_path), ["majority"], output, None)
    assert output.read_bytes() == written
    assert len(measured) == 2  # not again once something is in the file
    assert "majority on 30 images" in capsys.readouterr().out


# The packages -------------------------------------------------------------------------------------


def test_there_are_twelve_datasets_with_a_licence_and_words():
    assert len(RECIPES) >= 12
    assert len({one.name for one in RECIPES}) == len(RECIPES)
    assert all(one.licence and one.made.endswith(".") for one in RECIPES)


def packed_deb(folder: Path, files: dict[str, bytes]) -> Path:
    """A Debian package: an ``ar`` file with a member of odd length before the files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:xz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        link = tarfile.TarInfo("./usr/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "a.png"
        archive.addfile(link)
    path = folder / "shapes_1.0_all.deb"
    with path.open("wb") as file:
        file.write(b"!<arch>\n")
        for name, data in (("debian-binary", b"2.0"), ("data.tar.xz", content.getvalue())):
            file.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode())
            file.write(data + b"\n" * (len(data) % 2))
    return path


def test_the_files_of_a_debian_package_are_read_without_its_tools(tmp_path):
    packed_deb(tmp_path, {"usr/a.png": b"one", "usr/b.txt": b"two", "etc/c.png": b"three"})
    found = list(Downloads(tmp_path).files(SHAPES, "usr/", ".png"))
    assert found == [("usr/a.png", b"one")]


def test_the_files_of_an_npm_package_are_read(tmp_path):
    with tarfile.open(tmp_path / "emoji-datasource-twitter-16.0.0.tgz", "w:gz") as archive:
        entry = tarfile.TarInfo("package/emoji.json")
        entry.size = 2
        archive.addfile(entry, io.BytesIO(b"[]"))
    found = list(Downloads(tmp_path).files(TWITTER, "package/", ".json"))
    assert found == [("package/emoji.json", b"[]")]


def test_what_is_no_package_is_said(tmp_path):
    (tmp_path / "shapes_1.0_all.deb").write_bytes(b"no archive")
    with pytest.raises(BadInput, match="is not a Debian package"):
        list(Downloads(tmp_path).files(SHAPES, "usr/", ".png"))


def test_a_missing_package_is_named_with_the_way_to_get_it(tmp_path, monkeypatch, capsys):
    arguments = ["series", "--packages", str(tmp_path), "--datasets", "flags,emoji"]
    monkeypatch.setattr("sys.argv", arguments)
    assert main() == 2
    assert "npm pack emoji-datasource-twitter@16.0.0" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["series", "--datasets", "nothing"])
    assert main() == 2
    assert "There is no dataset nothing" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["series", "--list"])
    assert main() == 0
    assert "apt-get download tuxpaint-stamps-default=2022.06.04-1" in capsys.readouterr().out
