"""NumPy arrays as datasets: what is read, under which names, and what is told instead."""

import io

import numpy as np
import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import array_files, array_roles
from core.datasets.reading.question import ReadingUnclear
from core.datasets.reading.sources import open_source
from core.datasets.reading_choice import Choice
from core.errors import BadInput
from tests.datasets.listings import listing_of, refused, settled, the_reading
from tests.datasets.pictures import noise_png, two_classes, write_zip

random = np.random.default_rng(8)
GREY = random.integers(0, 256, (12, 6, 5), dtype=np.uint8)
COLOUR = random.integers(0, 256, (12, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3
NUMBERS = [str(label) for label in LABELS]
ONE_HOT = np.eye(3)[LABELS]


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(compressed: bool = True, **arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def read(members: dict[str, bytes], choice=Choice()):  # noqa: B008 - frozen
    """Pixels, class names and subsets in order, and the listing, with the notes of the reader."""
    listing = listing_of(members)
    reading = the_reading(array_files, listing, choice)
    assert reading is not None
    found, listing = reading.found, reading.listing
    batches = list(found.batches())
    assert batches[-1][1] == found.total
    assert sum(batch.pixels.nbytes for batch, _ in batches) <= found.expected_bytes
    assert {batch.pixels.dtype for batch, _ in batches} == {np.dtype(np.uint8)}
    pixels = np.concatenate([batch.pixels for batch, _ in batches])
    classes = [name for batch, _ in batches for name in batch.class_names]
    subsets = [batch.subset for batch, _ in batches for _ in batch.names]
    return pixels, classes, subsets, listing


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("x_{}", "y_{}"),
        ("{}_images", "{}_labels"),
        ("X{}", "Y{}"),
        ("{}X", "{}Y"),
        ("{}_data", "{}_target"),
        ("{}/images", "{}/labels"),
    ],
)
def test_names_of_images_labels_and_subsets(images, labels, compressed):
    arrays = {}
    for subset, label_shape in (("train", (12, 1)), ("test", 12)):
        arrays[images.format(subset)] = COLOUR
        arrays[labels.format(subset)] = LABELS.reshape(label_shape)
    pixels, classes, subsets, listing = read({"set.npz": npz(compressed, **arrays)})
    assert (pixels == np.concatenate([COLOUR, COLOUR])).all()
    assert classes == NUMBERS * 2
    assert subsets == ["train"] * 12 + ["test"] * 12
    assert listing.notes == []


@pytest.mark.usefixtures("home")
def test_d1_medmnist_has_three_subsets(tmp_path):
    arrays = {}
    for subset in ("train", "val", "test"):
        arrays[f"{subset}_images"] = random.integers(0, 256, (12, 28, 28, 3), dtype=np.uint8)
        arrays[f"{subset}_labels"] = LABELS[:, None]
    path = tmp_path / "bloodmnist.npz"
    path.write_bytes(npz(**arrays))
    alone = add_dataset(path)
    assert alone.read_as == "NumPy arrays"
    assert alone.class_counts == {"0": 12, "1": 12, "2": 12}
    assert np.bincount(alone.predefined_subsets).tolist() == [12, 12, 12]
    assert add_dataset(tmp_path) == alone
    zipped = write_zip(tmp_path / "zipped.zip", {"data/bloodmnist.npz": path.read_bytes()})
    assert add_dataset(zipped) == alone


LABEL_FORMS = {
    "numbers": (LABELS, NUMBERS),
    "small numbers": (LABELS.astype(np.uint8), NUMBERS),
    "whole floats": (LABELS.astype(np.float32), NUMBERS),
    "one-hot": (ONE_HOT, NUMBERS),
    "one-hot, bool": (ONE_HOT.astype(bool), NUMBERS),
    "words": (np.array(["cat", "dog", "owl"])[LABELS], ["cat", "dog", "owl"] * 4),
    "bytes": (np.array([b"cat", b"dog", b"owl"])[LABELS], ["cat", "dog", "owl"] * 4),
    "yes or no": (LABELS == 1, ["False", "True", "False"] * 4),
}


@pytest.mark.parametrize("form", LABEL_FORMS)
def test_d2_labels_in_every_form(form):
    labels, expected = LABEL_FORMS[form]
    _, classes, subsets, _ = read({"X.npy": npy(GREY), "Y.npy": npy(labels)})
    assert classes == expected
    assert subsets == [None] * 12


FLAT = random.integers(0, 256, (12, 48), dtype=np.uint8)
SHAPES = {
    "grey": (GREY, GREY),
    "grey with a channel": (GREY[..., None], GREY),
    "colour": (COLOUR, COLOUR),
    "channels first": (COLOUR.transpose(0, 3, 1, 2), COLOUR),
    "one channel first": (GREY[:, None], GREY),
    "flat grey": (FLAT[:, :16], FLAT[:, :16].reshape(12, 4, 4)),
    "column order": (np.asfortranarray(COLOUR), COLOUR),
    "opaque": (np.concatenate([COLOUR, np.full((12, 6, 5, 1), 255, np.uint8)], 3), COLOUR),
    "transparent": (np.concatenate([COLOUR, np.zeros((12, 6, 5, 1), np.uint8)], 3), COLOUR | 255),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape):
    images, expected = SHAPES[shape]
    pixels, _, _, _ = read({"X.npy": npy(images), "y.npy": npy(LABELS)})
    assert pixels.shape == expected.shape
    assert (pixels == expected).all()


@pytest.mark.parametrize("planar", [True, False])
def test_flat_colours_are_planar_or_interleaved_by_what_is_smoother(planar):
    slopes = np.add.outer(np.arange(12), np.add.outer(4 * np.arange(8), 3 * np.arange(8)))
    smooth = np.stack([slopes, slopes + 90, slopes + 180], axis=3).astype(np.uint8)
    flat = smooth.transpose(0, 3, 1, 2) if planar else smooth
    pixels, _, _, _ = read({"X.npy": npy(flat.reshape(12, 192)), "y.npy": npy(LABELS)})
    assert (pixels == smooth).all()


RAMP = np.linspace(0, 1, GREY.size).reshape(GREY.shape)
SCALES = {
    "0 to 255": (GREY.astype(np.float64), GREY, None),
    "0 to 255 in 64 bits": (GREY.astype(np.int64), GREY, None),
    "0 to 1": (GREY / 255, GREY, "from 0 to 1; they were multiplied by 255."),
    "0 to 1, rounded": (
        (GREY / 255).astype(np.float32),
        GREY,
        "from 0 to 1; they were multiplied by 255.",
    ),
    "-1 to 1": (GREY / 127.5 - 1, GREY, "from -1 to 1; -1 became 0 and 1 became 255."),
    "bool": (GREY > 99, (GREY > 99) * 255, "from 0 to 1; they were multiplied by 255."),
    "0 and 1": (GREY // 128, GREY // 128 * 255, "from 0 to 1; they were multiplied by 255."),
    "16 levels": (
        GREY // 16,
        np.rint(GREY // 16 * 17.0),
        "from 0 to 15; they were stretched to 0 to 255, all images alike.",
    ),
    "16 bits": (GREY.astype(np.uint16) * 257, GREY, "from 0 to 65,535; they were divided by 257."),
    "12 of 16 bits": (
        np.rint(RAMP * 4000).astype(np.uint16) + 90,
        np.rint(np.clip((RAMP - 0.001) / 0.998, 0, 1) * 255),
        "from 90 to 4,090; 93.9 to 4,086 were stretched to 0 to 255, all images alike.",
    ),
    "decibels": (
        RAMP * 80 - 80,
        np.rint(np.clip((RAMP - 0.001) / 0.998, 0, 1) * 255),
        "from -80 to 0; -79.9 to -0.08 were stretched to 0 to 255, all images alike.",
    ),
}


@pytest.mark.parametrize("scale", SCALES)
def test_one_scale_for_all_images_is_said(scale):
    images, expected, note = SCALES[scale]
    pixels, _, _, listing = read({"X.npy": npy(images), "y.npy": npy(LABELS)})
    assert np.abs(pixels - expected.astype(float)).max() <= (scale in ("12 of 16 bits", "decibels"))
    assert listing.notes == ([] if note is None else [f"The numbers of the images go {note}"])


def test_train_and_test_share_one_scale():
    deep = (GREY.astype(np.uint16) + 1) * 16
    members = npz(x_train=deep, y_train=LABELS, x_test=deep[:6] // 2, y_test=LABELS[:6])
    pixels, _, _, _ = read({"a.npz": members})
    assert pixels[12:].max() == pytest.approx(128, abs=2)


def test_images_with_numbers_that_are_not_finite_are_refused():
    images = GREY / 255
    images[4, 0, 0] = np.nan
    pixels, classes, _, listing = read({"X.npy": npy(images), "y.npy": npy(LABELS)})
    assert len(pixels) == len(classes) == 11
    assert refused(listing) == {"X 5": "it contains numbers that are not finite"}


def test_names_of_classes_stand_beside():
    arrays = {"X.npy": npy(GREY), "y.npy": npy(LABELS)}
    _, classes, _, listing = read(arrays | {"class_names.txt": b"cat\ndog\nowl\n"})
    assert classes == ["cat", "dog", "owl"] * 4
    assert listing.notes == ["The names of the classes were taken from class_names.txt."]
    names = npy(np.array(["cat", "dog", "owl"]))
    assert read(arrays | {"class_names.npy": names})[1] == classes
    assert read(arrays | {"class_indices.json": b'{"cat": 0, "dog": 1, "owl": 2}'})[1] == classes
    _, classes, _, listing = read(arrays | {"classes.txt": b"cat\ndog\n"})
    assert classes == NUMBERS
    assert listing.notes == [
        "classes.txt does not fit the labels and was not used for the names of the classes."
    ]


def test_one_array_for_each_class():
    flat = random.integers(0, 256, (5, 784), dtype=np.uint8)
    members = {f"full_numpy_bitmap_{name}.npy": npy(flat) for name in ("cat", "the sun")}
    pixels, classes, _, listing = read(members)
    assert pixels.shape == (10, 28, 28)
    assert classes == ["cat"] * 5 + ["the sun"] * 5
    assert listing.notes == [
        "Each array was read as the images of one class, named after it:"
        " full_numpy_bitmap_cat.npy is 'cat'."
    ]
    assert read({"a.npz": npz(cat=GREY, dog=GREY)})[1] == ["cat"] * 12 + ["dog"] * 12


def test_class_folders_with_one_array_for_each_image():
    members = {
        f"{subset}/{name}/{at}.npy": npy(COLOUR[at].transpose(2, 0, 1))
        for subset, count in (("train", 4), ("test", 2))
        for name in ("ok", "bad")
        for at in range(count)
    }
    pixels, classes, subsets, listing = read(members)
    assert classes == ["bad"] * 6 + ["ok"] * 6
    assert sorted(subsets) == ["test"] * 4 + ["train"] * 8
    assert (pixels[:2] == COLOUR[:2]).all()
    assert listing.notes[-1] == (
        "Each .npy file was read as one image: test/bad/0.npy has the shape 3 x 6 x 5."
    )


def test_a_class_that_a_float_cannot_hold_is_told_and_nan_is_none():
    labels = LABELS.astype(float)
    labels[3] = np.nan
    _, classes, _, listing = read({"X.npy": npy(GREY), "y.npy": npy(labels)})
    assert classes == NUMBERS[:3] + NUMBERS[4:]
    assert refused(listing) == {"y.npy": "1 image without a label"}
    labels[3] = 1e30
    with pytest.raises(BadInput, match=r"looks like a measured number.* it holds 1e\+30"):
        read({"X.npy": npy(GREY), "y.npy": npy(labels)})


def test_several_arrays_of_labels_are_asked_about():
    arrays = npz(x_train=COLOUR, fine_labels_train=LABELS, coarse_labels_train=LABELS // 2)
    with pytest.raises(ReadingUnclear) as caught:
        read({"c.npz": arrays})
    (sample,) = caught.value.question.tables
    assert sample.columns == ["fine_labels", "coarse_labels"]
    assert sample.rows[2] == ["2", "1"]
    assert read({"c.npz": arrays}, Choice(label_column="coarse_labels"))[1] == ["0", "0", "1"] * 4
    with pytest.raises(BadInput, match=r"no column 'kind'. Its columns: fine_labels, coarse"):
        read({"c.npz": arrays}, Choice(label_column="kind"))


def test_masks_and_flat_copies_are_left_out():
    digits = npz(
        images=GREY, data=GREY.reshape(12, 30), target=LABELS, masks=GREY, DESCR=np.array("about")
    )
    pixels, _, _, listing = read({"digits.npz": digits})
    assert (pixels == GREY).all()
    assert listing.notes == ["These arrays were not used: masks, data, DESCR."]


def test_a_subset_without_labels_is_left_out():
    _, _, subsets, listing = read({"a.npz": npz(x_train=GREY, y_train=LABELS, x_test=GREY[:5])})
    assert subsets == ["train"] * 12
    assert listing.notes == ["a.npz: x_test has no labels and was left out."]


def test_a_few_images_explain_arrays_and_many_are_the_dataset(tmp_path):
    arrays = {"X.npy": npy(GREY), "y.npy": npy(LABELS), "a.png": b"", "b.png": b"", "c.png": b""}
    *_, listing = read(arrays)
    assert listing.notes == ["Left out: 3 files beside the arrays."]
    embeddings = {"embeddings.npy": npy(random.random((6, 16))), "y.npy": npy(LABELS[:6])}
    listing = listing_of(two_classes() | embeddings)
    assert the_reading(array_files, listing) is None
    assert (listing.notes, listing.refused) == ([], [])
    write_zip(tmp_path / "x.zip", two_classes() | {"odd.npy": noise_png(1)})
    with open_source(tmp_path / "x.zip") as source:
        assert settled(source).found.read_as == "class folders"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("X_train", ["x", "train"]),
        ("xtrain", ["x", "train"]),
        ("trainX", ["train", "x"]),
        ("Xtr", ["x", "tr"]),
        ("data_batch_3", ["data", "batch", "3"]),
        ("imagesTest", ["images", "test"]),
        ("ytest2", ["ytest", "2"]),
    ],
)
def test_words_in_the_names_of_arrays(name, expected):
    assert array_roles.tokens(name) == expected
