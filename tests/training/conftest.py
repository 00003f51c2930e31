"""Random stand-ins for the ImageNet weights, so that the contract needs no download."""

import json

import numpy as np
import pytest

from core.pretrained import weights
from core.settings import BUNDLED_DATA


@pytest.fixture(scope="session")
def random_base():
    """Arrays with the names and shapes of the VGG16 base, He-scaled normal."""
    published = json.loads((BUNDLED_DATA / "vgg16_notop_digests.json").read_text())["arrays"]
    generator = np.random.default_rng(3)
    arrays = {}
    for name, entry in published.items():
        shape = tuple(entry["shape"])
        scale = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) == 4 else 0.0
        arrays[name] = generator.normal(0, 1, shape).astype(np.float32) * np.float32(scale)
    return arrays


@pytest.fixture
def random_weights(random_base, monkeypatch):
    """``load_base`` and ``load_full`` give random arrays; fc1 and fc2 let a few units through."""

    def load_full():
        full = dict(random_base)
        for name, rows in (("fc1", 25_088), ("fc2", 4_096)):
            full[f"{name}/kernel"] = np.zeros((rows, 4_096), np.float32)
            full[f"{name}/kernel"][:64, :64] = np.eye(64, dtype=np.float32)
            full[f"{name}/bias"] = np.zeros(4_096, np.float32)
        return full

    monkeypatch.setattr(weights, "load_base", lambda: random_base)
    monkeypatch.setattr(weights, "load_full", load_full)
