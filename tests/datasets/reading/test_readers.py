"""What every reader of a layout keeps: one sample each, and no claim on what belongs to another."""

import copy

import pytest

from core.datasets.bundled import SAMPLES
from core.datasets.reading.raw_files import Listing
from core.datasets.reading.reader import LabelledFiles
from core.datasets.reading.recognise import READERS
from core.datasets.reading.sources import open_source
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import settled, the_reading

NAMES = [reader.READ_AS for reader in READERS]


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """The path of each sample, by its name."""
    folder = tmp_path_factory.mktemp("samples")
    paths = {}
    for sample in SAMPLES:
        paths[sample.name] = folder / sample.file_name
        paths[sample.name].write_bytes(sample.build())
    return paths


def labels_of(found):
    """The class and the subset of each image, in order."""
    if isinstance(found, LabelledFiles):
        return [(file.class_name, file.subset) for file in found.files]
    return [(name, batch.subset) for batch, _ in found.batches() for name in batch.class_names]


def test_each_layout_has_its_name_and_its_sample(samples):
    assert len(set(NAMES)) == len(NAMES)
    read_as = []
    for path in samples.values():
        with open_source(path) as listing:
            read_as.append(settled(listing).found.read_as)
    assert sorted(read_as) == sorted(NAMES)


@pytest.mark.parametrize("name", [sample.name for sample in SAMPLES])
def test_only_its_own_reader_takes_a_sample(samples, name):
    """Readers before it decline, and leave no trace in the listing."""
    with open_source(samples[name]) as listing:
        before = copy.copy(listing.files)
        for reader in READERS:
            reading = the_reading(reader, listing)
            if reading is not None:
                break
            assert listing.files == before
            assert (listing.refused, listing.ignored, listing.notes) == ([], 0, [])
        assert reading.found.read_as == reader.READ_AS
        labels = labels_of(reading.found)
    assert len({class_name for class_name, _ in labels}) >= 2
    assert reading.found.expected_bytes > 0


@pytest.mark.parametrize("name", [sample.name for sample in SAMPLES])
def test_a_layout_is_read_the_same_twice(samples, name):
    answers = []
    for _ in range(2):
        with open_source(samples[name]) as listing:
            taken = settled(listing)
            answers.append((taken.title, labels_of(taken.found), taken.listing.notes, taken.choice))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("reader", READERS[:-1], ids=NAMES[:-1])
def test_an_empty_listing_is_declined(reader):
    assert the_reading(reader, Listing()) is None


def test_the_last_reader_says_what_was_expected():
    with pytest.raises(BadInput, match=r"There is no image in it\. Expected one folder") as caught:
        READERS[-1].readings(Listing(), Choice())
    assert caught.value.field == "path"
