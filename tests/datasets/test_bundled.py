"""The bundled datasets, and the samples: each is read as the layout that it is a sample of."""

import pytest

from core.datasets import bundled
from core.datasets.add import add_dataset
from core.datasets.bundled import DIGIT_NAMES, SAMPLES, Sample, ensure_bundled_datasets
from core.datasets.storage import list_datasets, remove_dataset

LARGEST_SAMPLE_BYTES = 300_000
EXPECTED = {
    "folders": ("class folders", {"birds": 6, "mammals": 6, "music": 6}),
    "table": ("images with a table of labels", {"birds": 6, "mammals": 6, "music": 6}),
    "pixels": (
        "table of pixels",
        {str(digit): count for digit, count in enumerate((8, 6, 7, 5, 4, 7, 5, 6, 6, 6))},
    ),
    "idx": (
        "IDX files",
        {str(digit): count for digit, count in enumerate((12, 13, 13, 13, 11, 12, 13, 13, 9, 11))},
    ),
}
EXPECTED["arrays"] = ("NumPy arrays", EXPECTED["idx"][1])
EXPECTED["parquet"] = ("images in Parquet files", EXPECTED["folders"][1])
EXPECTED["cifar"] = (
    "CIFAR binary files",
    dict(zip(DIGIT_NAMES, (5, 3, 3, 3, 3, 6, 4, 3, 4, 6), strict=True)),
)


def test_the_bundled_datasets(themes16, digits):
    assert (themes16.name, themes16.image_count, len(themes16.classes)) == ("themes16", 1347, 16)
    assert themes16.channels == 3
    assert (themes16.majority_class, themes16.class_counts["people"]) == ("people", 250)
    assert themes16.majority_fraction == 250 / 1347
    assert themes16.health.quarantined == ()
    assert "public domain" in themes16.provenance
    assert themes16.id.startswith("256c1572")
    assert (digits.name, digits.image_count, digits.channels) == ("digits", 1797, 1)
    assert digits.classes == tuple("0123456789")
    assert set(digits.heights.tolist()) == set(digits.widths.tolist()) == {8}
    assert digits.id.startswith("8005cb25")
    assert digits.image(0).getpixel((3, 0)) == (207, 207, 207)  # 13 of 16
    assert digits.labels[:5].tolist() == [0, 1, 2, 3, 4]


def test_bundled_again_does_nothing_and_a_removed_one_stays_away(bundled_home, monkeypatch):
    monkeypatch.setattr(bundled, "add_dataset", None)
    ensure_bundled_datasets()
    remove_dataset("digits")
    ensure_bundled_datasets()
    assert [dataset.name for dataset in list_datasets()] == ["themes16"]
    assert not any(path.name.startswith(".") for path in (bundled_home / "datasets").iterdir())


def test_a_damaged_record_of_bundled_datasets_is_made_anew(bundled_home):
    (bundled_home / "datasets" / "bundled.json").write_text("{")
    ensure_bundled_datasets()
    assert [dataset.name for dataset in list_datasets()] == ["digits", "themes16"]
    assert (bundled_home / "datasets" / "bundled.json").read_text().count('"') == 8


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.usefixtures("home")
def test_a_sample_is_accepted(sample: Sample, tmp_path) -> None:
    data = sample.build()
    assert len(data) < LARGEST_SAMPLE_BYTES
    path = tmp_path / sample.file_name
    path.write_bytes(data)
    dataset = add_dataset(path)
    assert (dataset.read_as, dataset.class_counts) == EXPECTED[sample.name]
    assert dataset.health.quarantined == ()
    assert (dataset.predefined_subsets is not None) == (sample.name in ("idx", "arrays", "cifar"))


def test_a_sample_is_the_same_each_time() -> None:
    assert [sample.build() for sample in SAMPLES] == [sample.build() for sample in SAMPLES]


def test_texts_and_names_of_the_samples() -> None:
    assert [sample.name for sample in SAMPLES] == list(EXPECTED)
    assert len({sample.file_name for sample in SAMPLES}) == len(SAMPLES)
    for sample in SAMPLES:
        assert sample.explanation.endswith(".")
        assert sample.tree.count("\n") >= 2
