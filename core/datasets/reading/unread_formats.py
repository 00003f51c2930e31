"""Files of other libraries that are not read: what they are, and two lines of Python that help.

They are known by name and by their first bytes; none of them is opened. Where a source has no image
at all, the message says first what was found.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.datasets.decoding.as_rgb import UnreadableImageError
from core.datasets.reading.image_files import has_image_suffix, looks_like_an_image
from core.datasets.reading.raw_files import Listing, RawFile, bad_source
from core.datasets.reading.reader import EXPECTED, first_reasons
from core.datasets.reading.stored_arrays import is_array_name
from core.text import count_text, some_text

MOST_ENDINGS = 6
LOOKED_INTO_BYTES = 1024**2
_START_BYTES = 16
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
# Names of attributes that Keras writes into its HDF5 files.
_KERAS_MARKS = (b"keras_version", b"layer_names", b"model_weights", b"model_config")
_TORCH_SUFFIXES = (".pt", ".pth")
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib")
_HDF5_START = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class UnreadFormat:
    """What a file is, why it is not read, and Python that makes something readable of it.

    ``python`` may hold ``{name!r}``, the name of the file.
    """

    what: str
    python: str


PICKLE = UnreadFormat(
    "a pickle of Python, which is never opened, because reading it can run code. If you trust it",
    "import pickle, numpy as np; d = pickle.load(open({name!r}, 'rb'), encoding='latin1');"
    " np.savez('train.npz', x=d['data'], y=d['labels'])",
)
TORCH = UnreadFormat(
    "a file of PyTorch, which is never opened, because reading it can run code. Weights are no"
    " images; tensors of images and labels",
    "import torch, numpy as np; x, y = torch.load({name!r}, weights_only=True);"
    " np.savez('train.npz', x=x.numpy(), y=y.numpy())",
)
MATLAB = UnreadFormat(
    "a MATLAB file, which is not read",
    "import scipy.io, numpy as np; m = scipy.io.loadmat({name!r});"
    " np.savez('train.npz', x=np.moveaxis(m['X'], -1, 0), y=m['y'])",
)
HDF5 = UnreadFormat(
    "an HDF5 file, which is not read",
    "import h5py, numpy as np; f = h5py.File({name!r}); print(list(f));"
    " np.savez('train.npz', x=f['images'][:], y=f['labels'][:])",
)
TFRECORD = UnreadFormat(
    "a TFRecord file of TensorFlow, which is not read",
    "for n, r in enumerate(tf.data.TFRecordDataset({name!r})):"
    " f = tf.train.Example.FromString(r.numpy()).features.feature;"
    " d = pathlib.Path('images', str(f['label'].int64_list.value[0]));"
    " d.mkdir(parents=True, exist_ok=True);"
    " (d / f'{{n}}.jpg').write_bytes(f['image'].bytes_list.value[0])",
)
LMDB = UnreadFormat(
    "an LMDB database, which is not read",
    "import lmdb, pathlib; pathlib.Path('images').mkdir();"
    " cursor = lmdb.open('.', readonly=True).begin().cursor();"
    " [pathlib.Path('images', k.decode()).write_bytes(v) for k, v in cursor]",
)
ARROW = UnreadFormat(
    "an Arrow file of the library datasets (save_to_disk), which is not read; Parquet is",
    "from datasets import load_from_disk; load_from_disk('.').to_parquet('train.parquet')",
)
RECORDIO = UnreadFormat(
    "a RecordIO file of MXNet, which is not read",
    "r = mxnet.recordio.MXRecordIO({name!r}, 'r'); header, image = mxnet.recordio.unpack(r.read())",
)
_BY_SUFFIX = {".mat": MATLAB, ".mdb": LMDB, ".arrow": ARROW, ".rec": RECORDIO}
_BY_START = {_HDF5_START: HDF5, b"MATLAB 5.0": MATLAB, b"MATLAB 7.3": MATLAB, b"ARROW1": ARROW}
_TFRECORD_NAME = re.compile(r"\.(?:tfrecords?|tfrec)(?:\b|-|$)")


def unread_format(raw: RawFile) -> UnreadFormat | None:
    """What a file of another library is, or None for any other file."""
    name = raw.name.lower()
    suffix = name[name.rfind(".") :] if "." in name else ""
    if has_image_suffix(name):
        return None
    if _TFRECORD_NAME.search(name):
        return TFRECORD
    if suffix in _TORCH_SUFFIXES:
        return TORCH
    if suffix in _PICKLE_SUFFIXES:
        return PICKLE
    try:
        start = raw.start(_START_BYTES)
    except UnreadableImageError:
        return None
    if _PICKLE.match(start) and suffix != ".npy":
        return PICKLE
    found = next((known for mark, known in _BY_START.items() if start.startswith(mark)), None)
    return found or _BY_SUFFIX.get(suffix)


def is_keras_model(raw: RawFile) -> bool:
    """Whether an HDF5 file holds a network of Keras, or its weights."""
    try:
        start = raw.start(LOOKED_INTO_BYTES)
    except UnreadableImageError:
        return False
    return start.startswith(_HDF5_START) and any(mark in start for mark in _KERAS_MARKS)


def refuse_unread(files: Sequence[RawFile]) -> None:
    """Raise ``BadInput`` where a file of another library is all that was given.

    A model of Keras is not told here.
    """
    found = unread_format(files[0]) if len(files) == 1 else None
    if found is None or (found is HDF5 and is_keras_model(files[0])):
        return
    name = files[0].name
    raise bad_source(f"{name} is {found.what}: {found.python.format(name=name)}")


def check_images(listing: Listing) -> None:
    """Raise ``BadInput`` where no file of the listing is an image, saying what was found."""
    names = [raw.name for raw in listing.files]
    # Arrays have a reader of their own, which asks for their class folders.
    if not names or any(has_image_suffix(name) or is_array_name(name) for name in names):
        return
    if any(looks_like_an_image(raw) for raw in listing.files):
        return
    named = next(((raw, known) for raw in listing.files if (known := unread_format(raw))), None)
    found = found_text(listing.files)
    if named is not None:
        raw, known = named
        raise bad_source(
            f"{found}, but no image. {raw.path} is {known.what}:"
            f" {known.python.format(name=raw.name)}"
        )
    raise bad_source(f"{found}, but no image.{first_reasons(listing.refused)} {EXPECTED}.")


def found_text(files: Sequence[RawFile]) -> str:
    """``Found 12 files: 6 .npy, 3 .csv, 3 without an ending``."""
    endings = Counter(
        raw.name[raw.name.rfind(".") :].lower() if "." in raw.name else "without an ending"
        for raw in files
    )
    listed = [f"{count:,} {ending}" for ending, count in endings.most_common()]
    return f"Found {count_text(len(files), 'file')}: {some_text(listed, MOST_ENDINGS)}"
