"""Cases D: arrays, tables of pixels and files of other libraries."""

import io
import json
import pickle
import struct
from pathlib import Path

import numpy as np

from tests.datasets.field.building import Tree, folder, image, images, tar_file, text
from tests.datasets.field.expecting import Case, Read, Told, case

NEVER = ("no class folder", "neither a zip", "not a zip archive", "not a readable", "is no image")
_SUBSETS = {"train": 32, "validation": 8, "test": 16}


def medmnist() -> bytes:
    random = np.random.default_rng(1)
    arrays = {}
    for part, count in (("train", 32), ("val", 8), ("test", 16)):
        arrays[f"{part}_images"] = random.integers(0, 256, (count, 28, 28, 3), dtype=np.uint8)
        arrays[f"{part}_labels"] = (np.arange(count, dtype=np.uint8) % 8)[:, None]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npz_file(root: Path) -> Path:
    (root / "bloodmnist.npz").write_bytes(medmnist())
    return root / "bloodmnist.npz"


def saved_arrays(root: Path) -> Path:
    random = np.random.default_rng(2)
    tree: Tree = {}
    for name, array in {
        "X.npy": random.random((30, 16, 16), np.float32),
        "Y.npy": np.eye(3, dtype=np.float64)[np.arange(30) % 3],
    }.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        tree[f"Sign-language-digits-dataset/{name}"] = buffer.getvalue()
    return folder(root, tree)


def cifar_pickles() -> Tree:
    random = np.random.default_rng(4)

    def batch(count: int) -> bytes:
        pixels = random.integers(0, 256, (count, 3072), dtype=np.uint8)
        labels = [at % 10 for at in range(count)]
        names = [f"frog_s_{at:06}.png".encode() for at in range(count)]
        return pickle.dumps({b"data": pixels, b"labels": labels, b"filenames": names}, 2)

    return {
        "cifar-10-batches-py/data_batch_1": batch(20),
        "cifar-10-batches-py/test_batch": batch(10),
        "cifar-10-batches-py/batches.meta": pickle.dumps({b"label_names": [b"airplane"] * 10}, 2),
    }


def one_pickle(root: Path) -> Path:
    return folder(root, cifar_pickles()) / "cifar-10-batches-py" / "data_batch_1"


def parquet() -> bytes:
    import pyarrow
    from pyarrow import parquet as files

    rows = [{"bytes": image(f"hf{n}.png"), "path": f"{n}.png"} for n in range(12)]
    features = {
        "image": {"_type": "Image"},
        "label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
    }
    table = pyarrow.table({"image": rows, "label": [n % 2 for n in range(12)]})
    table = table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    buffer = io.BytesIO()
    files.write_table(table, buffer)
    return buffer.getvalue()


def hugging_face(root: Path) -> Path:
    card = text("---", "license: mit", "---", "# Pets")
    return folder(root, {"README.md": card, "data/train-00000-of-00001.parquet": parquet()})


def sign_tables() -> Tree:
    random = np.random.default_rng(5)
    header = ",".join(["label", *(f"pixel{n}" for n in range(1, 785))])
    tree: Tree = {}
    for part, count in (("train", 24), ("test", 16)):
        rows = random.integers(0, 256, (count, 784))
        lines = (f"{at % 4}," + ",".join(map(str, row)) for at, row in enumerate(rows))
        tree[f"sign_mnist_{part}.csv"] = text(header, *lines)
    return tree


def sign_tables_with_images(root: Path) -> Path:
    return folder(
        root,
        sign_tables(),
        images("american_sign_language.PNG", "amer_sign2.png", "amer_sign3.png"),
    )


def sign_tables_twice(root: Path) -> Path:
    again = {f"{name[:-4]}/{name}": data for name, data in sign_tables().items()}
    return folder(root, sign_tables(), again)


def hdf5(root: Path) -> Path:
    import h5py

    (root / "given").mkdir()
    random = np.random.default_rng(6)
    with h5py.File(root / "given" / "train_catvnoncat.h5", "w") as file:
        file["train_set_x"] = random.integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)
        file["train_set_y"] = np.arange(20) % 2
    return root / "given"


def tfrecord() -> bytes:
    records = b""
    for n in range(4):
        data = b"\n\x10\n\x0e\n\x05label\x12\x05\x1a\x03\n\x01" + bytes([n % 2])
        length = struct.pack("<Q", len(data))
        records += length + _masked_crc(length) + data + _masked_crc(data)
    return records


def _masked_crc(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def tfrecord_file(root: Path) -> Path:
    (root / "flowers-train.tfrecord").write_bytes(tfrecord())
    return root / "flowers-train.tfrecord"


_BLOOD = Read({str(n): 7 for n in range(8)}, _SUBSETS)
_PICKLE = Told(("pickle",), NEVER)
_PARQUET = Read({"cat": 6, "dog": 6})
_SIGNS = Read({str(n): 10 for n in range(4)}, {"train": 24, "test": 16})
_RECORDS = Told(("TFRecord",), NEVER)

CASES: dict[str, Case] = {
    "D1a": case(npz_file, _BLOOD),
    "D1b": case(lambda root: folder(root, {"bloodmnist.npz": medmnist()}), _BLOOD),
    "D2a": case(saved_arrays, Read({"0": 10, "1": 10, "2": 10}), Told(("NumPy", r"X\.npy"), NEVER)),
    "D3a": case(lambda root: folder(root, cifar_pickles()), _PICKLE),
    "D3b": case(one_pickle, _PICKLE),
    "D3c": case(lambda root: tar_file(root, cifar_pickles(), "cifar-10-python.tar.gz"), _PICKLE),
    "D4a": case(hugging_face, _PARQUET),
    "D4b": case(
        lambda root: folder(root, {"train.parquet": parquet()}) / "train.parquet",
        _PARQUET,
        Told(("Parquet",), (*NEVER, "Save it as CSV")),
    ),
    "D5b": case(sign_tables_with_images, _SIGNS),
    "D5c": case(sign_tables_twice, _SIGNS),
    "D9b": case(hdf5, Told(("HDF5",), NEVER)),
    "D9e": case(tfrecord_file, _RECORDS),
    "D9e-folder": case(lambda root: folder(root, {"flowers-train.tfrecord": tfrecord()}), _RECORDS),
}
