"""Each sample that the page offers is taken as the format that it is a sample of."""

import pytest

from core.datasets.add import add_dataset
from core.datasets.samples import SAMPLES, Sample

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
    assert (dataset.predefined_subsets is not None) == (sample.name == "idx")


def test_a_sample_is_the_same_each_time() -> None:
    assert [sample.build() for sample in SAMPLES] == [sample.build() for sample in SAMPLES]


def test_texts_and_names_of_the_samples() -> None:
    assert [sample.name for sample in SAMPLES] == list(EXPECTED)
    assert len({sample.file_name for sample in SAMPLES}) == len(SAMPLES)
    for sample in SAMPLES:
        assert sample.says.endswith(".")
        assert sample.tree.count("\n") >= 2
